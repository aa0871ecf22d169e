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
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from orders.browsing.asked import NOT_TOLD, SORTS, Asked
from orders.browsing.kept import kept
from orders.lifecycle import Status
from orders.models import LAST, USUAL_CURRENCY, USUAL_STATUS, Characters, Order, Partner, Record

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
    everything: bool = False  # nothing was left out
    notes: tuple[str, ...] = ()


def find(asked: Asked, now: datetime, *, whole: bool = False) -> Found:
    """The records that are asked for. `whole` if all of them are wanted, however long it takes, and not a list."""
    conditions = _conditions(asked, now)
    sets: list[set[int] | Q] = []
    notes: tuple[str, ...] = ()
    if asked.q:
        keys, notes = by_number(asked.q)
        sets.append(_set_of_customers(asked.q, keys))
        if notes and whole:
            sets[-1], notes = _all_by_number(asked.q, sets[-1]), ()
    if asked.customer and "partner_id" not in conditions:
        sets.append(_set_of_customers(asked.customer, set()))
    if asked.ours:  # then it was made here, and there is an index of all that was
        sets.append(_set_of_ours(asked.ours) if asked.made != "elsewhere" else set())
        conditions["owner_id__isnull"] = False
    few = [each for each in sets if isinstance(each, set)]
    many = [each for each in sets if not isinstance(each, set)]
    if few:
        return Found(_gathered(set.intersection(*few), conditions, many), few=True, notes=notes)
    rows = _fenced(_here().filter(_plain(conditions)), {}).filter(*many)
    if SORTS[asked.sort][0] == "at":
        return Found(rows, few=False, everything=not (conditions or many), notes=notes)
    if conditions or many:  # an index by number leads through all that is filtered out
        some = set(rows.values_list("pk", flat=True)[: FEW + 1])
        if len(some) <= FEW:
            return Found(_gathered(some, {}, []), few=True, notes=notes)
    return Found(
        _fenced(_here(), conditions).filter(*many), few=False, everything=not (conditions or many), notes=notes
    )


def by_number(text: str) -> tuple[set[int], tuple[str, ...]]:
    """The keys of records one of whose numbers begins with `text`; and a word if those are too many."""
    parts, values = [], []
    for prefix in {text, text.upper()}:
        for column in NUMBERS:
            parts.append(_beginning(column))
            values += [prefix, prefix + LAST]
        # The reference stands with the order, too, where their row does not tell it.
        parts.append("SELECT r.id FROM orders_record r JOIN orders_order o ON r.ours_id = o.id WHERE o.reference = %s")
        values.append(prefix)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        rows = [key for (key,) in cursor.fetchall()]
    found = set(rows)
    if len(found) <= FEW:
        return found, ()
    word = f"More than {FEW:,} numbers begin with “{text}”: only the highest are shown. Type more of it."
    return set(sorted(found)[-FEW:]), (word,)


def _beginning(column: str) -> str:
    """One range of a column's index, from its end. As querysets all of them together would take ten times as long."""
    what = f'({column}) COLLATE "C"' if connection.vendor == "postgresql" else column
    where = f"{what} >= %s AND {what} < %s AND NOT ({column} = '')"
    rows = f"SELECT id FROM orders_record WHERE {where} ORDER BY {what} DESC LIMIT {FEW + 1}"  # noqa: S608
    return f"SELECT id FROM ({rows}) AS one"  # noqa: S608


def _all_by_number(text: str, others: set[int] | Q) -> Q:
    """All with a number that begins with `text`, however many, to be met when walking; and some more."""
    found = Q(pk__in=others) if isinstance(others, set) else others
    for prefix in {text, text.upper()}:
        found |= Q(ours__reference=prefix)
        for column in NUMBERS:
            characters = Characters(Coalesce(column, column))
            found |= Q(GreaterThanOrEqual(characters, prefix)) & Q(LessThan(characters, prefix + LAST))
    return found


def _conditions(asked: Asked, now: datetime) -> dict[str, Any]:
    """Lookups of single columns."""
    begin, end = asked.span(now)
    found: dict[str, Any] = {
        "status": asked.status or None,
        "product_id": asked.product or None,
        "currency": asked.currency or None,
        "at__gte": begin,
        "at__lt": end,
        # Asked of the owner, for the column of our order has an index that would lead SQLite through all without one.
        "owner_id__isnull": {"here": False, "elsewhere": True}.get(asked.made),
    }
    if asked.who:
        found["owner_id"] = User.objects.filter(username=asked.who).values_list("pk", flat=True).first() or 0
    if asked.customer == NOT_TOLD:
        found["partner_id"] = ""
    elif asked.customer and Partner.objects.filter(remote_id=asked.customer).exists():
        found["partner_id"] = asked.customer
    elif asked.customer and Record.objects.filter(partner_id=asked.customer).exclude(partner_id="").exists():
        found["partner_id"] = asked.customer  # of a customer whom the mirror does not know
    told = {lookup: value for lookup, value in found.items() if value is not None}
    return {lookup: "" if value == NOT_TOLD else value for lookup, value in told.items()}


def _plain(conditions: dict[str, Any]) -> Q:
    """As they are, and so that the database sees that an index which leaves out the usual or the unknown will do."""
    where = Q(**conditions)
    for column, usual in USUAL.items():
        if conditions.get(column, usual) != usual:
            where &= ~Q(**{column: usual})
    for column in ("product_id", "partner_id"):
        if conditions.get(column):
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


def _set_of_customers(words: str, keys: set[int]) -> set[int] | Q:
    """The records of customers in whose company, name, email or id each of these words occurs, and some more.

    Gathered if few, else to be met when walking.
    """
    matching = Partner.objects.matching(words).order_by().values_list("remote_id", flat=True)
    partners = list(matching[: FEW + 1])
    if len(partners) <= FEW:
        rows = Record.objects.filter(partner_id__in=partners).exclude(partner_id="")
        found = set(rows.values_list("pk", flat=True)[: FEW + 1]) if partners else set()
        if len(found) <= FEW:
            return found | keys
    return Q(partner_id_fenced__in=matching) | Q(pk__in=keys)


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
    others = kept().destinations
    return Record.objects.exclude(destination__in=others) if others else Record.objects.all()
