"""Managers: where our orders and Yeastar's history do not agree, and what to do about each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.db.models import Case, Count, Value, When
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from orders import auditing, tasks
from orders.browsing import asked as asking
from orders.browsing import paging, shown
from orders.browsing.finding import find
from orders.destination import current_destination
from orders.history import details, differing, drift, runs
from orders.models import SEE_ALL_ORDERS, Drift, Order, Record
from orders.prepared import Prepared
from orders.rendering import HtmxHttpRequest, page

managers_only = permission_required(SEE_ALL_ORDERS, raise_exception=True)

FEW, MANY = 5, 25
"""Rows of each kind on the page of all, and rows of a page of one kind."""

ELSEWHERE = "elsewhere"
"""The one kind that is not noted but read: records that are no order of ours."""

WORDS: dict[str, tuple[str, str]] = {
    Drift.Kind.CONFLICT: (
        "What was settled here and what Yeastar told later do not agree.",
        "Open the order: both answers stand on its page. Write there how it is, and it is seen to.",
    ),
    Drift.Kind.MISSING: (
        "Bought here, with a receipt, and yet not in Yeastar's history, although that was read long enough after it.",
        "Read everything once more. If it is still missing then, open the order and send its evidence to Yeastar's "
        "support.",
    ),
    Drift.Kind.GONE: (
        "Yeastar's list held these orders of ours once, and no longer does.",
        "Ask for its details again: perhaps only the list leaves it out. If not, ask Yeastar's support, with the "
        "evidence of the order.",
    ),
    Drift.Kind.STATUS: (
        "Bought here; Yeastar calls it something else by now.",
        "Ask for its details again. If the status stays, find out who changed it before you rely on the order; to "
        "replace it, order again from its page.",
    ),
    Drift.Kind.NUMBER: (
        "The receipt told another number than the history does.",
        "Ask for its details again. If the numbers stay different, send the evidence of the order to Yeastar's "
        "support.",
    ),
    Drift.Kind.BOUGHT: (
        "Settled here as not bought, and yet Yeastar has it.",
        "Do not order it again. If it is not wanted, ask Yeastar to cancel it.",
    ),
    ELSEWHERE: (
        "In Yeastar's history, but not made in this portal, since orders are placed here.",
        "Mostly somebody ordered in Yeastar's own portal. Where an order of ours may be it, open that one and settle "
        "it.",
    ),
}

TITLES = {**dict(Drift.Kind.choices), ELSEWHERE: "Only at Yeastar"}

WITH_DETAILS = (Drift.Kind.GONE, Drift.Kind.STATUS, Drift.Kind.NUMBER)
"""Where asking for the details again may clear it up."""


@dataclass(frozen=True)
class Line:
    """An order of ours beside its record, and what differs, each as name, ours, theirs."""

    noted: differing.Noted
    order: differing.Ours
    record: differing.Theirs | None
    facts: list[tuple[str, str, str]]


@dataclass(frozen=True)
class Section:
    """One kind: what it means, what to do, and its rows."""

    kind: str
    title: str
    meaning: str
    advice: str
    count: str
    lines: list[Any]
    after: int | None = None
    links: tuple[tuple[str, str], ...] = ()
    more: str = ""
    asks_details: bool = False


@require_safe
@managers_only
def drift_page(request: HtmxHttpRequest) -> HttpResponse:
    """All differences with the newest of each kind, or one kind page by page. Asks nobody but our own database.

    What was made elsewhere is no difference: it has a tab of its own.
    """
    here = current_destination()
    kind = request.GET.get("kind", "")
    kind = kind if kind in TITLES else ""
    seen = bool(request.GET.get("seen")) and kind != ELSEWHERE
    tally = _counts(here)
    counts = {each: sum(of_it[seen].values()) for each, of_it in tally.items() if of_it[seen]}
    freshness = runs.freshness()
    since, begun = drift.horizon(freshness), drift.begun(here)
    theirs = None if seen else _elsewhere(here, begun, listed=kind == ELSEWHERE)
    wanted = [kind] if kind else [each for each in Drift.Kind if counts.get(each)]
    most, after = (MANY, _number(request.GET.get("after", ""))) if kind else (FEW, 0)
    listed = {each: differing.newest(here, each, most, seen=seen, after=after) for each in wanted if each != ELSEWHERE}
    unlinked = [pair.order for pairs, _ in listed.values() for pair in pairs if not pair.record]
    named = differing.numbered(here, unlinked)
    sections = [
        _section(each, pairs, named, tally.get(each, {}).get(seen, {}), since, more=more)
        for each, (pairs, more) in listed.items()
    ]
    if kind == ELSEWHERE and theirs:
        sections = [theirs]
    context = {
        "freshness": freshness,
        "sections": sections,
        "tabs": _tabs(kind, counts, theirs, seen=seen),
        "kind": kind,
        "seen": seen,
        "seen_count": sum(sum(of_it[True].values()) for of_it in tally.values()),
        "noted": sum(counts.values()),
        "waiting": _counted(drift.waiting(here, since)),
        "lag": since,
    }
    return page(request, "history/drift.html", "history/drift.html", context)


def _counts(here: str) -> dict[str, dict[bool, dict[str, int]]]:
    """How many differences there are: by kind, whether they were seen to, and their status where that differs."""
    found: dict[str, dict[bool, dict[str, int]]] = {}
    for kind, status, seen, count in _COUNTS.rows(here):
        found.setdefault(kind, {False: {}, True: {}})[bool(seen)][status] = count
    return found


_COUNTS = Prepared(
    lambda destination: (
        Drift.objects.filter(destination=destination)
        .order_by()
        .annotate(
            what_differs=Case(When(kind=Drift.Kind.STATUS, then="what"), default=Value("")),
            seen=Case(When(seen_at=None, then=Value(False)), default=Value(True)),
        )
        .values_list("kind", "what_differs", "seen")
        .annotate(Count("pk"))
    ),
    str,
)


def _tabs(now: str, counts: dict[str, int], theirs: Section | None, *, seen: bool) -> list[dict[str, Any]]:
    """All differences, each kind of them that there is, and what is only at Yeastar; each with its number."""
    shown = {"": ("Differences", _counted(sum(counts.values())))}
    for kind in Drift.Kind:
        if counts.get(kind) or kind == now:
            shown[kind] = (TITLES[kind], _counted(counts.get(kind, 0)))
    if theirs:
        shown[ELSEWHERE] = (theirs.title, theirs.count)
    return [
        {"label": label, "count": count, "query": _query(kind, seen=seen), "now": kind == now}
        for kind, (label, count) in shown.items()
    ]


def _query(kind: str, *, seen: bool) -> str:
    return urlencode({name: value for name, value in (("kind", kind), ("seen", "1" if seen else "")) if value})


def _counted(number: int) -> str:
    return f"{drift.MOST:,}+" if number >= drift.MOST else f"{number:,}"


def _section(
    kind: str,
    pairs: list[differing.Pair],
    named: dict[UUID, differing.Theirs],
    counts: dict[str, int],
    since: datetime | None,
    *,
    more: bool,
) -> Section:
    """The newest of a kind, or a page of it. `counts` by their status, where that differs."""
    return Section(
        kind=kind,
        title=TITLES[kind],
        meaning=WORDS[kind][0],
        advice=WORDS[kind][1],
        count=_counted(sum(counts.values())),
        lines=[line for line in (_line(each, named, since) for each in pairs) if line],
        after=pairs[-1].noted.pk if more else None,
        links=_links(kind, counts),
        asks_details=kind in WITH_DETAILS,
    )


def _line(each: differing.Pair, named: dict[UUID, differing.Theirs], since: datetime | None) -> Line | None:
    """The row as it is now; None if ours and theirs agree by now."""
    order, kind = each.order, Drift.Kind(each.noted.kind)
    record = each.record or named.get(order.pk)
    now = drift.differences(order, record, since)
    if kind not in now:
        return None
    names = now[kind].split(",") if kind == Drift.Kind.NUMBER else []
    facts = [(drift.NUMBERS[name], getattr(order, name), getattr(record, name)) for name in names]
    return Line(each.noted, order, record, facts)


def _links(kind: str, counts: dict[str, int]) -> tuple[tuple[str, str], ...]:
    """The lists of the history that show these, too."""
    url = reverse("orders:history")
    if kind == Drift.Kind.STATUS:
        return tuple(
            (f"{what} {_counted(count)}", f"{url}?{urlencode({'status': what, 'ours': 'PLACED'})}")
            for what, count in sorted(counts.items())
        )
    if kind == Drift.Kind.BOUGHT:
        return (("In the history", f"{url}?{urlencode({'ours': 'FAILED'})}"),)
    return ()


def _elsewhere(destination: str, begun: datetime | None, *, listed: bool) -> Section:
    """Records that are no order of ours, as the history's list finds them. If `listed`, with ours that may be them."""
    query = {"made": ELSEWHERE}
    if begun:
        query["from"] = timezone.localtime(begun).date().isoformat()
    asked = asking.parse(query)
    found = find(asked, timezone.now())
    rows = paging.page(found, asked).rows if begun and listed else []
    lines: list[tuple[shown.Row, list[Order]]] = []
    if rows:
        ours = drift.is_ours(rows)
        records = [each for each in rows if each.pk not in ours and not each.gone_at][:MANY]
        likely = drift.likely(destination, Record.objects.filter(pk__in=[each.pk for each in records]))
        lines = [(row, likely.get(row.record.pk, [])) for row in shown.rows(records)]
    return Section(
        kind=ELSEWHERE,
        title=TITLES[ELSEWHERE],
        meaning=WORDS[ELSEWHERE][0],
        advice=WORDS[ELSEWHERE][1],
        count=paging.count(found) if begun else "0",
        lines=lines,
        more=f"{reverse('orders:history')}?{asked.query}" if begun else "",
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


@require_POST
@managers_only
def see_to_drift(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """Take a difference that a manager knows of off the page, or put it back. It comes back by itself if it changes."""
    noted = get_object_or_404(Drift, pk=pk)
    seen = not request.POST.get("back")
    who = request.user if seen else None
    with transaction.atomic():
        Drift.objects.filter(pk=pk).update(seen_at=timezone.now() if seen else None, seen_by=who)
        auditing.note("drift.seen" if seen else "drift.put_back", target=noted.order, words=noted.get_kind_display())
    words = 'Seen to. It stands under "seen to", and comes back if it changes.' if seen else "It is back on the page."
    messages.success(request, words)
    return redirect(f"{reverse('orders:drift')}?{urlencode({'kind': noted.kind})}")


@require_POST
@managers_only
def ask_details(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """Let a worker ask Yeastar for one order in full, at once."""
    record = get_object_or_404(Record, pk=pk)
    there = f"{reverse('orders:record', args=[pk])}{asking.with_back(asking.came_from(request.GET))}"
    if record.destination != current_destination():
        messages.error(request, "This order is another account's. Yeastar would not tell of it.")
        return redirect(there)
    asked_at = timezone.now()  # before the worker is called: it may be quicker than we are
    try:
        tasks.read_detail.delay(record.pk)
    except (OperationalError, RedisError, OSError):
        messages.error(request, "No worker could be called: the queue did not answer. Try again in a moment.")
    else:
        auditing.note("record.asked", target=record, words="Yeastar is asked for it in full.")
        details.wait_for(record, asked_at)
        messages.info(request, "Yeastar is asked for this order now. What it tells appears here by itself.")
    return redirect(there)
