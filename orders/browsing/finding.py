"""From what is asked for to rows, in a way that is quick however many there are and whatever the database guesses.

A list is found in one of two ways. *Walking* goes along an index that is in the order of the list, and stops after a
page: quick when much fits. *Gathering* takes a few keys first and sorts them then: quick when little fits. Planners
choose between the two by guesses, and a wrong guess reads a million rows. So it is decided here, by looking: what is
found by a search is gathered up to `FEW` keys. Whatever could lead a planner away again is fenced: a column inside
`COALESCE` has no index.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from orders.browsing.asked import SORTS, Asked
from orders.browsing.stepping import steps
from orders.destination import current_destination
from orders.lifecycle import Status
from orders.models import USUAL_CURRENCY, USUAL_STATUS, Characters, Order, Partner, Record, beginning_with

FEW = 1_000
"""So many keys are gathered, at most."""

NUMBERS = (
    "order_no",
    "transaction_no",
    "instance_id",
    "invoice_no",
    "product_no",
    "custom_reference_no",
    "reference",
)
"""The columns that are searched by their beginning."""

USUAL = {"status": USUAL_STATUS, "currency": USUAL_CURRENCY}


@dataclass(frozen=True)
class Found:
    """The rows, unsorted; whether they are few, so that no index must be followed when they are sorted."""

    rows: QuerySet[Record]
    few: bool
    notes: tuple[str, ...] = ()


def find(asked: Asked, now: datetime) -> Found:
    """The records that are asked for."""
    conditions = _conditions(asked, now)
    sets: list[set[int] | Q] = []
    notes: tuple[str, ...] = ()
    if asked.q:
        keys, notes = by_number(asked.q)
        sets.append(_set_of_customers(_customers(asked.q), keys))
    if asked.customer and "partner_id" not in conditions:
        sets.append(_set_of_customers(_customers(asked.customer), set()))
    if asked.ours:
        sets.append(_set_of_ours(asked.ours))
    few = [each for each in sets if isinstance(each, set)]
    many = [each for each in sets if not isinstance(each, set)]
    if few:
        return Found(_gathered(set.intersection(*few), conditions, many), few=True, notes=notes)
    rows = _fenced(_here().filter(_plain(conditions)), {}).filter(*many)
    if SORTS[asked.sort][0] == "at":
        return Found(rows, few=False, notes=notes)
    if conditions or many:  # an index by number leads through all that is filtered out
        some = set(rows.values_list("pk", flat=True)[: FEW + 1])
        if len(some) <= FEW:
            return Found(_gathered(some, {}, []), few=True, notes=notes)
    return Found(_fenced(_here(), conditions).filter(*many), few=False, notes=notes)


def by_number(text: str) -> tuple[set[int], tuple[str, ...]]:
    """The keys of records one of whose numbers is `text` or begins with it; and a word if those are too many."""
    found: set[int] = set()
    full = False
    for prefix in {text, text.upper()}:
        for column in NUMBERS:
            begins = {f"whole__{lookup}": value for lookup, value in beginning_with(prefix).items()}
            rows = Record.objects.alias(whole=Characters(column)).filter(**begins).exclude(**{column: ""})
            keys = rows.order_by("-whole").values_list("pk", flat=True)[: FEW + 1]
            found.update(keys)
            full = full or len(keys) > FEW
        found.update(Record.objects.filter(ours__reference=prefix).values_list("pk", flat=True))
    if len(found) <= FEW and not full:
        return found, ()
    word = f"More than {FEW:,} numbers begin with “{text}”: only the highest are shown. Type more of it."
    return set(sorted(found)[-2 * FEW :]), (word,)


def _conditions(asked: Asked, now: datetime) -> dict[str, Any]:
    """Lookups of single columns."""
    begin, end = asked.span(now)
    found: dict[str, Any] = {
        "status": asked.status or None,
        "product_id": asked.product or None,
        "currency": asked.currency or None,
        "at__gte": begin,
        "at__lt": end,
        "ours_id__isnull": {"here": False, "elsewhere": True}.get(asked.made),
    }
    if asked.who:
        found["owner_id"] = User.objects.filter(username=asked.who).values_list("pk", flat=True).first() or 0
    if asked.customer and Partner.objects.filter(remote_id=asked.customer).exists():
        found["partner_id"] = asked.customer
    elif asked.customer and Record.objects.filter(partner_id=asked.customer).exclude(partner_id="").exists():
        found["partner_id"] = asked.customer  # of a customer whom the mirror does not know
    return {lookup: value for lookup, value in found.items() if value is not None}


def _plain(conditions: dict[str, Any]) -> Q:
    """As they are, and so that the database sees that an index which leaves out the usual or the unknown will do."""
    where = Q(**conditions)
    for column, usual in USUAL.items():
        if conditions.get(column, usual) != usual:
            where &= ~Q(**{column: usual})
    for column in ("product_id", "partner_id"):
        if column in conditions:
            where &= ~Q(**{column: ""})
    return where


def _fenced(rows: QuerySet[Record], conditions: dict[str, Any]) -> QuerySet[Record]:
    """The same conditions, for which no index is followed."""
    columns = {lookup.partition("__")[0] for lookup in conditions} | {"partner_id"}
    fences = {f"{column}_fenced": Coalesce(column, column) for column in columns}
    return rows.alias(**fences).filter(**{_behind(lookup): value for lookup, value in conditions.items()})


def _behind(lookup: str) -> str:
    column, *rest = lookup.split("__")
    return "__".join([f"{column}_fenced", *rest])


def _gathered(keys: set[int], conditions: dict[str, Any], many: Iterable[Q]) -> QuerySet[Record]:
    return _fenced(_here().filter(pk__in=keys), conditions).filter(*many)


def _customers(words: str) -> list[str]:
    """The ids of customers in whose company, name, email or id each of these words occurs."""
    return list(Partner.objects.matching(words).order_by().values_list("remote_id", flat=True))


def _set_of_customers(partners: list[str], keys: set[int]) -> set[int] | Q:
    """The records of some customers, and some more: gathered if few, else to be met when walking."""
    if len(partners) <= FEW:
        rows = Record.objects.filter(partner_id__in=partners).exclude(partner_id="")
        found = set(rows.values_list("pk", flat=True)[: FEW + 1])
        if len(found) <= FEW:
            return found | keys
    return Q(partner_id_fenced__in=partners) | Q(pk__in=keys)


def _set_of_ours(status: str) -> set[int] | Q:
    """Nearly all of our orders that stand in the history were bought; whatever else became of them is rare."""
    if status != Status.PLACED:
        others = Order.objects.filter(status=status).values("pk")
        found = set(Record.objects.filter(ours__in=others).values_list("pk", flat=True)[: FEW + 1])
        if len(found) <= FEW:
            return found
    return Q(ours__status=status)


def _here() -> QuerySet[Record]:
    """The records of the account that orders go to. Where there are no others, nothing has to be compared."""
    others = [each for each in steps("destination") if each != current_destination()]
    return Record.objects.exclude(destination__in=others) if others else Record.objects.all()
