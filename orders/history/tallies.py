"""Counts and money by month, kept beside the records by their one writer, in the transaction that writes them.

Every record counts, also one that the vendor no longer tells of: nothing that was once bought is forgotten.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from orders.models import Record, Tally, money, whole_and_fraction

BATCH = 500


class Counted(NamedTuple):
    """What of a record is counted, and where."""

    at: datetime
    product_id: str
    partner_id: str
    owner_id: int | None
    status: str
    currency: str
    amount: Decimal | None


Cell = tuple[date, str, str, str, str]
"""Month, kind, key, status, currency."""

Delta = dict[Cell, list[Decimal]]
"""How many more (or fewer) in a cell, how much more money, and of how many more that is told."""


def counted(columns: Mapping[str, Any]) -> Counted:
    """Of a record's columns, as they are now."""
    return Counted._make(_counted(columns))


_counted = itemgetter(*Counted._fields)


def delta(old: Iterable[Counted], new: Iterable[Counted]) -> Delta:
    """What changes when the old ones go and the new ones come."""
    # Many are alike: each sort of them is looked at once.
    sorts: dict[tuple[Any, ...], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0), Decimal(0)])
    zone = timezone.get_current_timezone()
    for sign, all_of_them in ((-1, old), (1, new)):
        for at, *sort, amount in all_of_them:
            there = at.astimezone(zone)
            sums = sorts[there.year, there.month, *sort]
            sums[0] += sign
            if amount is not None:
                sums[1] += sign * amount
                sums[2] += sign
    cells: Delta = defaultdict(lambda: [Decimal(0), Decimal(0), Decimal(0)])
    for (year, month, product, partner, owner, *rest), sums in sorts.items():
        who = "" if owner is None else str(owner)
        for kind, key in ((Tally.Kind.PRODUCT, product), (Tally.Kind.PARTNER, partner), (Tally.Kind.OWNER, who)):
            cell = cells[date(year, month, 1), kind.value, key, *rest]
            for place, more in enumerate(sums):
                cell[place] += more
    return {cell: sums for cell, sums in cells.items() if any(sums)}


def apply(destination: str, changes: Delta) -> None:
    """Add to the tallies. Call it in the transaction that writes the records."""
    if not changes:
        return
    month = connection.ops.adapt_datefield_value
    rows = [
        (destination, month(cell[0]), *cell[1:], int(count), *whole_and_fraction(amount), int(priced))
        for cell, (count, amount, priced) in sorted(changes.items())
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_ADD, rows)
    if any(count < 0 for count, *_ in changes.values()):
        Tally.objects.filter(destination=destination, count=0).delete()


_ADD = """
INSERT INTO orders_tally (destination, month, kind, key, status, currency, count, whole, fraction, priced)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (destination, kind, month, key, status, currency)
DO UPDATE SET count = orders_tally.count + excluded.count, whole = orders_tally.whole + excluded.whole,
    fraction = orders_tally.fraction + excluded.fraction, priced = orders_tally.priced + excluded.priced
"""


def recount(destination: str) -> Delta:
    """What the tallies must say, counted anew from all records."""
    return delta((), _all(destination))


def told(destination: str) -> Delta:
    """What the tallies say."""
    columns = ("month", "kind", "key", "status", "currency", "count", "whole", "fraction", "priced")
    rows = Tally.objects.filter(destination=destination).values_list(*columns)
    return {
        tuple(cell): [Decimal(count), money(whole, fraction), Decimal(priced)]
        for *cell, count, whole, fraction, priced in rows
    }


def rebuild(destination: str) -> bool:
    """Count anew and write that down. Whether the tallies were right before."""
    with transaction.atomic():
        right = told(destination) == (cells := recount(destination))
        if not right:
            Tally.objects.filter(destination=destination).delete()
            apply(destination, cells)
    return right


def _all(destination: str) -> Iterator[Counted]:
    rows = Record.objects.filter(destination=destination).values_list(*Counted._fields)
    return (Counted._make(row) for row in rows.iterator(chunk_size=BATCH))
