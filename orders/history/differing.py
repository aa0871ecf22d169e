"""Noted differences as a page lists them: each with our order and their record, only by the columns that it shows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from orders.models import Drift, Record
from orders.prepared import Prepared
from orders.recipes import RECIPES, retired


class Ours(NamedTuple):
    """Our order."""

    pk: UUID
    slug: str
    reference: str
    status: str
    target_label: str
    placed_at: datetime | None
    settled_at: datetime | None
    order_no: str
    transaction_no: str
    instance_id: str
    product_no: str
    found_as: str
    conflict: str
    owner__username: str

    @property
    def title(self) -> str:
        """What was ordered."""
        return (RECIPES.get(self.slug) or retired(self.slug)).title


class Theirs(NamedTuple):
    """Its record."""

    pk: int
    key: str
    order_no: str
    status: str
    gone_at: datetime | None
    transaction_no: str
    instance_id: str
    product_no: str

    def __str__(self) -> str:
        return self.order_no or self.key


class Noted(NamedTuple):
    """What was noted, and by whom it was seen to."""

    pk: int
    kind: str
    seen_at: datetime | None
    seen_by__username: str | None


class Pair(NamedTuple):
    """A difference with both sides; theirs only if it is linked."""

    noted: Noted
    order: Ours
    record: Theirs | None


_ENDS = (len(Noted._fields), len(Noted._fields) + len(Ours._fields))

_COLUMNS = (
    *Noted._fields,
    *(f"order__{name}" for name in Ours._fields),
    *(f"order__record__{name}" for name in Theirs._fields),
)


def newest(destination: str, kind: str, most: int, *, seen: bool, after: int = 0) -> tuple[list[Pair], bool]:
    """The newest of a kind, at most so many, or those that come after one; and whether there are more."""
    last = Drift.objects.filter(pk=after, destination=destination).first() if after else None
    if last:
        older = Q(at__lte=last.at) & (Q(at__lt=last.at) | Q(pk__lt=last.pk))
        rows = list(_noted(destination, kind, seen).filter(older).values_list(*_COLUMNS)[: most + 1])
    else:
        rows = _question(most, seen).rows(destination, kind)
    return [_pair(row) for row in rows[:most]], len(rows) > most


def _noted(destination: str, kind: str, seen: bool) -> QuerySet[Drift]:
    rows = Drift.objects.filter(destination=destination, kind=kind, seen_at__isnull=not seen)
    return rows.order_by("-at", "-pk")


@cache
def _question(most: int, seen: bool) -> Prepared:
    return Prepared(lambda here, kind: _noted(here, kind, seen).values_list(*_COLUMNS)[: most + 1], str, str)


def _pair(row: tuple[Any, ...]) -> Pair:
    noted, order, record = row[: _ENDS[0]], row[_ENDS[0] : _ENDS[1]], row[_ENDS[1] :]
    return Pair(Noted(*noted), Ours(*order), Theirs(*record) if record[0] else None)


def numbered(destination: str, orders: Iterable[Ours]) -> dict[UUID, Theirs]:
    """The records of orders that are linked to none, by their numbers; by the order's key."""
    numbers = {order.pk: order.order_no or order.found_as for order in orders}
    wanted = set(numbers.values()) - {""}
    if not wanted:
        return {}
    rows = Record.objects.filter(order_no__in=wanted, destination=destination).order_by("-pk")
    found = {each.order_no: each for each in map(Theirs._make, rows.values_list(*Theirs._fields))}
    return {key: found[number] for key, number in numbers.items() if number in found}
