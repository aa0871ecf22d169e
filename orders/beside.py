"""An uncertain order beside the records that may be it, as the page shows them to whoever decides."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode

from orders.destination import current_destination
from orders.history.candidates import WINDOW, Candidate, sent_between, unclaimed
from orders.history.reconciling import LOOKED
from orders.likeness import OWN_ACCOUNT, Trait, Verdict, alike, compare, fits, values_of, wanted_by
from orders.models import Contact, Order, Partner, Record
from orders.text import counted
from orders.verdict import astray

MOST = 3
"""So many are laid side by side; more do not help an eye to decide."""

COMPARED = 300
"""So many records are read and compared, the nearest in time; beyond them no eye decides by likeness anyway."""

VERDICTS = {"same": "Same", "different": "Different", "unknown": "Not told"}


@dataclass(frozen=True)
class Cell:
    """One thing about one order: in words, with what tells it apart, and whether it is the same as ours."""

    label: str
    words: str
    detail: str = ""
    verdict: str = ""  # same · different · unknown; empty for what is ours, or not to be compared


@dataclass(frozen=True)
class Column:
    """One order from head to foot. `key` is what a form says to choose it; empty if it cannot be chosen."""

    number: str
    key: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Beside:
    """Ours, the most alike of theirs that fit, how many more fit, and of how many it cannot be told."""

    ours: Column
    theirs: tuple[Column, ...]
    more: int
    untold: int
    untold_url: str  # the history of that time; empty if it is not shown here
    search: str


def beside(order: Order) -> Beside:
    """The order and its candidates, trait by trait."""
    found, untold = nearest(order) if order.request_body else ([], 0)
    names = _Names(order, found)
    return Beside(
        ours=Column(order.reference, "", tuple(_ours(order, found, names))),
        theirs=tuple(_theirs(each, names) for each in found[:MOST]),
        more=max(0, len(found) - MOST),
        untold=untold,
        untold_url=_history(order),
        search=search(order),
    )


def nearest(order: Order) -> tuple[list[Candidate], int]:
    """The records of its time that fit, the most alike first, and how many tell too little or were not compared.

    It asks as many questions of the database for ten records as for thousands.
    """
    wanted, sent_at = wanted_by(order.request_body), sent_between(order)[0]

    def apart(created_at: datetime | None) -> float:
        return abs((created_at - sent_at).total_seconds()) if created_at else float("inf")

    times = list(alike(unclaimed(order), wanted).values_list("pk", "created_at"))
    pks = [pk for pk, _ in sorted(times, key=lambda row: (apart(row[1]), row[0]))[:COMPARED]]
    found, untold = [], len(times) - len(pks)
    for record in Record.objects.filter(pk__in=pks) if pks else ():
        traits = compare(wanted, record)
        if fits(traits):
            found.append(Candidate(record, traits, apart(record.created_at) if record.created_at else None))
        elif all(trait.verdict != "different" for trait in traits):
            untold += 1
    found.sort(key=lambda each: (-each.alike, apart(each.record.created_at), each.record.pk))
    return found, untold


def _history(order: Order) -> str:
    """The address of what was made elsewhere at that time; of its product, if all of that time tell theirs."""
    if order.destination != current_destination():
        return ""
    begin, end = (timezone.localdate(at) for at in sent_between(order))
    days = {"from": (begin - WINDOW).isoformat(), "to": (end + WINDOW).isoformat()}
    product = wanted_by(order.request_body).product_id
    only = {} if unclaimed(order).filter(product_id="").exists() else {"product": product}
    return f"{reverse('orders:history')}?{urlencode({'made': 'elsewhere', **only, **days})}"


def search(order: Order) -> str:
    """How the search in Yeastar's history stands, in one sentence; empty if it is not looked for."""
    if astray(order):
        return ""  # why, stands at the head of the page
    next_time = f"next {_next(order.look_at)}" if order.look_at else "it is not looked for again"
    last = order.events.filter(title=LOOKED).order_by("-number").first() if order.looks else None
    if last is None:
        return f"Not looked for in the history at Yeastar yet; {next_time}." if order.look_at else ""
    times = "once" if order.looks == 1 else f"{order.looks} times"
    pages = last.data.get("pages")
    told = f", {counted(pages, 'page')}" if isinstance(pages, int) else ""
    cut = "" if last.data.get("complete", True) else ", not to the end"
    return f"Looked for in the history at Yeastar {times}, last {_clock(last.at)}{told}{cut}; {next_time}."


def _next(look_at: datetime) -> str:
    return _clock(look_at) if look_at > timezone.now() else "any moment now"


def besides(order: Order, record: Record | None = None) -> list[Trait]:
    """What no candidate is chosen or refused by, but an eye may decide by where it is told: the term, and who pays."""
    sent = _sent(order)
    told = [record.raw, record.detail] if record else []
    terms = values_of(sent, "multiCycle") - {"0"}
    found = [_trait("Term in years", terms, values_of(told, "multiCycle") - {"0"})] if terms else []
    contacts = values_of(told, "billingContactId") | values_of(told, "billingId")
    return [*found, _trait("Billing contact", values_of(sent, "billingId"), contacts)]


def _sent(order: Order) -> dict[str, Any]:
    return dict(json.loads(order.request_body)) if order.request_body else {}


def _trait(label: str, ours: set[str], theirs: set[str]) -> Trait:
    verdict: Verdict = "unknown" if not theirs else "same" if ours & theirs else "different"
    return Trait(label, ", ".join(sorted(ours)), ", ".join(sorted(theirs)), verdict)


class _Names:
    """What ids are called, as far as we know: as they were when chosen, and in the mirrors."""

    def __init__(self, order: Order, found: list[Candidate]) -> None:
        self.order = order
        self._choices = order.picked
        partners = {trait.theirs for each in found for trait in each.traits if trait.label == "For"}
        self._partners = {
            each.remote_id: str(each) for each in Partner.objects.filter(remote_id__in=partners - {"", OWN_ACCOUNT})
        }

    def cell(self, trait: Trait, value: str, *, product: str = "", verdict: str = "") -> Cell:
        """A value in words, its id beneath."""
        if not value:
            return Cell(trait.label, VERDICTS["unknown"], verdict=verdict)
        if trait.label == "Product":
            return Cell(trait.label, product or value, value if product else "", verdict)
        if trait.label == "For":
            name = self.order.target_label if value == trait.ours else self._partners.get(value, "")
            return Cell(trait.label, name or value, value if name and value != OWN_ACCOUNT else "", verdict)
        if trait.label in ("PBX", "Quantity", "Term in years"):
            return Cell(trait.label, value, verdict=verdict)
        if trait.label == "Billing contact":
            contact = Contact.objects.filter(remote_id=value).first()
            return Cell(trait.label, str(contact or value), value if contact else "", verdict)
        ids = value.split(", ")
        named = ", ".join(self._choices.label(each) for each in ids)
        return Cell(trait.label, named, "" if named == value else value, verdict)


def _ours(order: Order, found: list[Candidate], names: _Names) -> list[Cell]:
    sent_at = sent_between(order)[0]
    traits = found[0].traits if found else ()
    return [
        Cell("Sent", _clock(sent_at), timezone.localtime(sent_at).strftime("%Z")),
        *(names.cell(trait, trait.ours, product=order.recipe.title) for trait in traits),
        *(names.cell(trait, trait.ours) for trait in besides(order)),
        Cell("PO number", _sent(order).get("poNumber") or "None"),
        Cell("Status", "Not known yet"),
    ]


def _theirs(candidate: Candidate, names: _Names) -> Column:
    record = candidate.record
    return Column(
        number=record.order_no or record.order_id,
        key=record.key if record.order_no else "",
        cells=(
            Cell("Sent", _clock(record.created_at) or VERDICTS["unknown"], _apart(candidate.seconds_apart)),
            *(
                names.cell(trait, trait.theirs, product=record.product_name, verdict=trait.verdict)
                for trait in candidate.traits
            ),
            *(names.cell(trait, trait.theirs, verdict=trait.verdict) for trait in besides(names.order, record)),
            Cell("PO number", record.custom_reference_no or VERDICTS["unknown"]),
            Cell("Status", record.status or VERDICTS["unknown"]),
        ),
    )


def _clock(at: datetime | None) -> str:
    """A moment to compare by: to the second, with its day unless that is today."""
    if at is None:
        return ""
    try:
        local = timezone.localtime(at)
    except OverflowError:  # the last hours of the year 9999, or the first of the year 1
        local = at
    return date_format(local, "H:i:s" if local.date() == timezone.localdate() else "j M, H:i:s")


def _apart(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 120:
        return f"{seconds:.0f} s apart"
    return f"{seconds / 60:.0f} min apart" if seconds < 7200 else f"{seconds / 3600:.0f} h apart"
