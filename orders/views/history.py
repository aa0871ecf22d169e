"""Managers: the vendor's history as we mirror it. The list with its filters, a record, and views kept by name."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from orders import verdict
from orders.browsing import asked as asking
from orders.browsing import own, paging, shown, unread
from orders.browsing.finding import find
from orders.browsing.kept import Kept, product_name
from orders.destination import current_destination
from orders.history import details, drift, runs
from orders.likeness import OWN_ACCOUNT
from orders.models import NAME_LENGTH, SEE_ALL_ORDERS, VIEWS, Drift, Order, Partner, Record, SavedView
from orders.prepared import Prepared
from orders.rendering import HtmxHttpRequest, page

managers_only = permission_required(SEE_ALL_ORDERS, raise_exception=True)

OTHERS = 10
"""Of a customer's other orders the record's page shows so many."""


class Choice(NamedTuple):
    """An entry of a list to choose from."""

    value: str
    label: str
    selected: bool


class _View(NamedTuple):
    """A view kept by name."""

    pk: int
    name: str
    query: str


_VIEWS = Prepared(lambda owner: SavedView.objects.filter(owner_id=owner).values_list(*_View._fields), int)


@require_safe
@managers_only
def history(request: HtmxHttpRequest) -> HttpResponse:
    """All orders at Yeastar as far as we have read them, newest first."""
    asked, now = _asked(request.GET), timezone.now()
    found = find(asked, now)
    narrowed = chips(asked)
    listed = paging.page(found, asked)
    views = [_View(*row) for row in _VIEWS.rows(request.user.pk)]
    context = {
        "asked": asked,
        "notes": [
            *asked.notes,
            *found.notes,
            *([_exact(listed.exact, asked)] if listed.exact else []),
            *(["There is no such page; this is the first one."] if listed.lost else []),
            *([_how_far(listed.seen, asked)] if listed.seen else []),
        ],
        "rows": shown.rows(listed.rows, found.known.people),
        "back": asking.with_back(asked.here),
        "counted": paging.count(found, listed),
        "older": asked.page(after=listed.after) if listed.after else "",
        "newer": asked.page(before=listed.before) if listed.before else "",
        "first": asked.page() if listed.before else "",
        "fields": _fields(asked, found.known),
        "chips": narrowed,
        "customer": _shown(next((each["label"] for each in narrowed if each["name"] == asking.NAMES["customer"]), "")),
        "sorts": _sorts(asked, found.sort),
        "periods": asking.PERIODS,
        "views": [(view, view.query == asked.query) for view in views],
        "view": next((view for view in views if view.query == asked.query), None),
        "called": own.called(asked.q) if asked.q and not (listed.rows or asked.after or asked.before) else None,
        # What is not known yet of all orders may miss some.
        "unread": unread.words(asked.span(now), found.known.destinations)
        if asked.q or asked.customer or asked.product
        else "",
        "empty": not asked.filters and not listed.rows,
        "goes_on": bool(listed.seen),
        "jump": {"at": listed.further[0], "url": asked.page(after=listed.further[1])} if listed.further else None,
        "freshness": runs.freshness(),
        "drifting": drift.count(current_destination()),
    }
    response = page(request, "history/list.html", "history/_list.html", context)
    if request.htmx:
        response["HX-Push-Url"] = f"{reverse('orders:history')}{asked.page()}"
    return response


@require_safe
@managers_only
def record_page(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """Everything known about one order of theirs."""
    record = get_object_or_404(Record, pk=pk)
    [row] = shown.rows([record])
    alike = Record.objects.filter(partner_id=record.partner_id).exclude(partner_id="").order_by("-at", "-pk")
    others = alike.exclude(pk=pk).defer("raw", "detail")[:OTHERS] if record.partner_id else []
    ours = Order.objects.filter(record=record).first()
    came_from = asking.came_from(request.GET)
    context = {
        "row": row,
        "came_from": came_from,
        "back": asking.with_back(came_from),
        "record": record,
        "partner": Partner.objects.filter(remote_id=record.partner_id).first() if record.partner_id else None,
        "ours": ours,
        "own": ours is not None and ours.target_label == OWN_ACCOUNT,
        "events": verdict.timeline(ours) if ours else [],
        "others": shown.rows(others),
        "freshness": runs.freshness(),
        "drifts": Drift.objects.filter(order=ours, seen_at=None) if ours else (),
        "awaited": details.awaited(record),
        "asks_details": record.destination == current_destination(),
        "payloads": [
            ("As Yeastar lists it", _pretty(record.raw)),
            ("As it is told in full", _pretty(record.detail) if record.detail_at else ""),
        ],
    }
    return page(request, "history/record.html", "history/_record.html", context)


@require_POST
@managers_only
def save_view(request: HtmxHttpRequest) -> HttpResponse:
    """Keep what is asked for under a name; one that is there already is given to this only if that is meant."""
    query = asking.parse(QueryDict(request.POST.get("query", "")[:2000])).query
    name = asking.cleaned(request.POST.get("name", ""))
    mine = SavedView.objects.filter(owner=request.user)
    if not name:
        messages.error(request, "Give the view a name.")
    elif len(name) > NAME_LENGTH:
        messages.error(request, f"This name is too long: {NAME_LENGTH} characters at most.")
    elif "replace" not in request.POST and mine.filter(name=name).exclude(query=query).exists():
        messages.error(
            request, f"You have a view “{name}” already. Give another name, or tick “Replace mine of that name”."
        )
    elif mine.exclude(name=name).count() >= VIEWS:
        messages.error(request, f"You keep {VIEWS} views already. Delete one first.")
    else:
        _, new = SavedView.objects.update_or_create(owner=request.user, name=name, defaults={"query": query})
        messages.success(request, f"The view “{name}” is {'saved' if new else 'replaced'}.")
    return redirect(f"{reverse('orders:history')}?{query}")


@require_POST
@managers_only
def delete_view(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """Forget a view of one's own; another's does not exist."""
    view = get_object_or_404(SavedView, pk=pk, owner=request.user)
    view.delete()
    messages.success(request, f"The view “{view.name}” is deleted.")
    return redirect(f"{reverse('orders:history')}?{view.query}")


def _asked(given: QueryDict) -> asking.Asked:
    """What the address asks for. The form shows the name of a customer, and tells along who that was: as long as
    nobody has typed another, it still is.
    """
    asked, was = asking.parse(given), _shown(given.get("was", ""))
    return replace(asked, customer=was) if was and asked.customer == _shown(_customer(was)) else asked


def _shown(text: str) -> str:
    """As the field shows it."""
    return asking.cleaned(text)[: asking.LONGEST].strip()


def _customer(told: str) -> str:
    """What the customer of a filter is called; of words they themselves."""
    return asking.NONE_TOLD["customer"] if told == asking.NOT_TOLD else shown.customers([told]).get(told, told)


def _fields(asked: asking.Asked, known: Kept) -> list[dict[str, Any]]:
    """The lists to choose from; what is chosen stands in its list even if nobody else knows it."""
    none = {name: [(asking.NOT_TOLD, words.capitalize())] for name, words in asking.NONE_TOLD.items()}
    told = {name: [*values, *none.get(name, [])] for name, values in known.choices.items()}
    offered = told | {"ours": list(asking.OURS.items()), "made": list(asking.MADE.items())}
    return [
        {
            "name": name,
            "label": asking.NAMES[name],
            "options": _with(offered[name], getattr(asked, name)),
        }
        for name in ("status", "ours", "product", "currency", "who", "made")
    ]


def _with(offered: list[tuple[str, str]], chosen: str) -> list[Choice]:
    known = not chosen or any(value == chosen for value, _ in offered)
    entries = offered if known else [*offered, (chosen, chosen)]
    return [Choice(value, label, value == chosen) for value, label in [("", "All"), *entries]]


def chips(asked: asking.Asked) -> list[dict[str, str]]:
    """What narrows the list now, each with the address of the list without it."""
    labels = dict(asked.filters)
    if asked.product:
        labels["product"] = product_name(asked.product)
    if asked.customer:
        labels["customer"] = _customer(asked.customer)
    labels |= {name: words for name, words in asking.NONE_TOLD.items() if labels.get(name) == asking.NOT_TOLD}
    for name, words in (("ours", asking.OURS), ("made", asking.MADE), ("period", asking.PERIODS)):
        labels |= {name: words[labels[name]]} if name in labels else {}
    begin, end = labels.pop("from", ""), labels.pop("to", "")
    if asked.period == "custom":
        labels["period"] = " ".join(part for part in (begin and f"from {begin}", end and f"to {end}") if part)
    return [
        {"name": asking.NAMES[name], "label": label, "url": asked.but(**{name: ""})} for name, label in labels.items()
    ]


def _exact(number: int, asked: asking.Asked) -> str:
    which = "The first order has" if number == 1 else f"The first {number} orders have"
    return f"{which} exactly the number “{asked.q}”. The others follow."


def _how_far(seen: datetime, asked: asking.Asked) -> str:
    where = "Previous" if asked.before else "Next"
    day = timezone.localtime(seen)
    return f"Rows that fit are far apart: this page was looked for up to {day.day} {day:%b %Y}. {where} looks further."


def _sorts(asked: asking.Asked, sort: str) -> dict[str, dict[str, str]]:
    """For the heads of the columns: where a click leads, and how they are sorted now."""
    found = {}
    for column, first, second in (("at", "-at", "at"), ("order", "order", "-order")):
        there = {first: second, second: first}.get(sort, first)
        now = {column: "ascending", f"-{column}": "descending"}.get(sort, "")
        found[column] = {"url": asked.but(sort=there), "now": now}
    return found


def _pretty(payload: Any) -> str:
    return json.dumps(payload, indent=2, ensure_ascii=False)
