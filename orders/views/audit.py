"""Admins: who did what to whom, and when."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from orders import auditing
from orders.audit_trail import asked as asking
from orders.audit_trail import finding, taking
from orders.audit_trail.acts import ACTS, TITLES, title
from orders.browsing.asked import PERIODS
from orders.models import SEE_AUDIT, AuditEntry, Export
from orders.rendering import HtmxHttpRequest, page
from orders.views.exporting import TYPES
from orders.views.history import Choice

admins_only = permission_required(SEE_AUDIT, raise_exception=True)

BOTH = {"before", "after"}

PAGES = {
    "user": "people:person",
    "invitation": "people:invitation",
    "partner": "orders:partners_account",
    "contact": "orders:contacts_account",
    "partnerchange": "orders:partner_change",
    "order": "orders:order",
    "record": "orders:record",
}
"""Where the page of a target is, by its type."""


@require_safe
@admins_only
def audit_page(request: HtmxHttpRequest) -> HttpResponse:
    """All entries, or those that fit, newest first."""
    asked = asking.parse(request.GET)
    found = finding.find(asked, timezone.now())
    listed = finding.page(found, asked)
    context = {
        "asked": asked,
        "shared": asked.shared,
        "notes": _notes(asked, listed),
        "rows": [(each, title(each.action), _place(each), _gist(each)) for each in listed.rows],
        "counted": finding.count(found),
        "older": asked.page(after=listed.after) if listed.after else "",
        "newer": asked.page(before=listed.before) if listed.before else "",
        "first": asked.page() if asked.shared.after or asked.shared.before else "",
        "fields": [("who", "Who", _people(asked.shared.who)), ("what", "What", _acts(asked.what))],
        "chips": _chips(asked),
        "periods": PERIODS,
        "goes_on": bool(listed.seen),
    }
    response = page(request, "audit/list.html", "audit/_list.html", context)
    if request.htmx:
        response["HX-Push-Url"] = f"{reverse('orders:audit')}{asked.page()}"
    return response


@require_safe
@admins_only
def entry_page(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """One entry in full, with what was before and after."""
    entry = get_object_or_404(AuditEntry.objects.select_related("actor"), pk=pk)
    changed, rest = _changes(entry)
    context = {
        "entry": entry,
        "title": title(entry.action),
        "topic": TITLES.get(entry.topic, entry.topic),
        "place": _place(entry),
        "changed": [(name, _told(before), _told(after)) for name, before, after in changed],
        "rest": json.dumps(rest, indent=2, ensure_ascii=False) if rest else "",
    }
    return page(request, "audit/entry.html", "audit/entry.html", context)


@require_POST
@admins_only
def export(request: HtmxHttpRequest) -> HttpResponseBase:
    """What is filtered, as a file. That it was taken is an entry itself."""
    asked = asking.parse(QueryDict(request.POST.get("query", "")[:2000]))
    kind = request.POST.get("format", "")
    if kind not in Export.Format.values:
        messages.error(request, "Choose CSV, Excel or JSON lines.")
        return redirect(f"{reverse('orders:audit')}?{asked.query}")
    now = timezone.now()
    try:
        chunks = taking.chunks(finding.everything(finding.find(asked, now)), Export.Format(kind))
    except taking.TooManyRows as error:
        messages.error(request, str(error))
        return redirect(f"{reverse('orders:audit')}?{asked.query}")
    told = "; ".join(f"{chip['name']}: {chip['label']}" for chip in _chips(asked))
    auditing.note("export.audit", words=told or "Everything", data={"format": kind, "query": asked.query})
    response = StreamingHttpResponse(chunks, content_type=TYPES[Export.Format(kind)])
    response["Content-Disposition"] = f'attachment; filename="audit-{timezone.localtime(now):%Y-%m-%d-%H%M}.{kind}"'
    response["Cache-Control"] = "no-store, private"
    return response


def _notes(asked: asking.Asked, listed: finding.Page) -> list[str]:
    notes = list(asked.notes)
    if listed.lost:
        notes.append("There is no such page; this is the first one.")
    if listed.seen:
        where = "Previous" if asked.shared.before else "Next"
        day = timezone.localtime(listed.seen)
        notes.append(
            f"Entries that fit are far apart: this page was looked for up to {day.day} {day:%b %Y %H:%M}. "
            f"{where} looks further."
        )
    return notes


def _people(chosen: str) -> list[Choice]:
    names = list(get_user_model().objects.order_by("username").values_list("username", flat=True))
    entries = [("", "Everybody"), (asking.NOBODY, "Nobody signed in"), *((name, name) for name in names)]
    if chosen and chosen not in (asking.NOBODY, *names):
        entries.append((chosen, chosen))
    return [Choice(value, label, value == chosen) for value, label in entries]


def _acts(chosen: str) -> list[Choice]:
    """The parts of the log, each followed by what belongs to it."""
    entries = [("", "Everything")]
    for topic, name in TITLES.items():
        acts = [(action, f"\u2003{words}") for action, words in ACTS.items() if auditing.topic_of(action) == topic]
        entries += [(topic, name), *acts]
    if chosen and chosen not in dict(entries):
        entries.append((chosen, title(chosen)))
    return [Choice(value, label, value == chosen) for value, label in entries]


def _chips(asked: asking.Asked) -> list[dict[str, str]]:
    """What narrows the list now, each with the address of the list without it."""
    return [_chip(asked, name, value) for name, value in asked.filters.items() if name not in ("from", "to")]


def _chip(asked: asking.Asked, name: str, value: str) -> dict[str, str]:
    label = value
    if name == "what":
        label = TITLES.get(value) or title(value)
    elif name == "who" and value == asking.NOBODY:
        label = "nobody signed in"
    elif name == "on":
        label = _called(value)
    elif name == "period" and value == "custom":
        told = asked.filters
        label = " ".join(f"{word} {told[word]}" for word in ("from", "to") if word in told)
    elif name == "period":
        label = PERIODS[value]
    return {"name": asking.NAMES[name], "label": label, "url": asked.without(name)}


def _called(on: str) -> str:
    """What a target was called last; its type and id if nothing was ever noted of it."""
    kind, _, key = on.partition(":")
    of_it = AuditEntry.objects.filter(target_type=kind, target_id=key).order_by("-at", "-pk")
    return of_it.values_list("target_label", flat=True).first() or on


def _place(entry: AuditEntry) -> str:
    """The address of the target's page; empty if it has none."""
    if entry.target_type not in PAGES:
        return ""
    try:
        return reverse(PAGES[entry.target_type], args=[entry.target_id])
    except NoReverseMatch:
        return ""


def _gist(entry: AuditEntry) -> str:
    """A line of what changed, where nobody has said it in words."""
    if entry.words:
        return entry.words[:300]
    changed, _ = _changes(entry)
    told = [f"{name}: {_told(before) or 'nothing'} → {_told(after) or 'nothing'}" for name, before, after in changed]
    return "; ".join(told)[:300]


def _changes(entry: AuditEntry) -> tuple[list[tuple[str, Any, Any]], dict[str, Any]]:
    """What was before and after, by name, and what else was noted."""
    data = entry.data
    if data.keys() == BOTH and all(isinstance(each, dict) for each in data.values()):
        data = auditing.changes(data["before"], data["after"])
    pairs = {name: value for name, value in data.items() if isinstance(value, dict) and value.keys() == BOTH}
    if entry.topic == "accounts":  # told of accounts as in the history of their own changes
        pairs |= {
            name: dict(zip(("before", "after"), value, strict=True))
            for name, value in data.items()
            if isinstance(value, list) and len(value) == len(BOTH)
        }
    changed = [(name, value["before"], value["after"]) for name, value in pairs.items()]
    return changed, {name: value for name, value in data.items() if name not in pairs}


def _told(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
