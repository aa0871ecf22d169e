"""The only writer of records: rows and details of the vendor's history, kept as they were told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec
from django.db import IntegrityError, connection, transaction

from orders.history import tallies
from orders.history.columns import Columns, blank, columns_of, draw, fill, insert, tell, upsert
from orders.history.reading import encode, key_of, key_of_id, mark
from orders.history.telling import references_in, told_in
from orders.models import NUMBER_LENGTH, Order, Record
from orders.text import storable
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError, Refused, Unanswered
from yeastar_api.messages import OrderRow

BATCH = 500
"""Keys in one question."""

TOGETHER = 2_000
"""Rows in one transaction: others wait for it, but each one costs a commit."""

_TOLD = {"sqlite": "json_each(%s)", "postgresql": "json_each_text(%s)"}
"""Keys with a text each, handed over as one value: each mark of a statement costs the driver and the planner time."""

_LOCK = 0x5EC0_12D5
"""Any number: that of the lock by which PostgreSQL lets one writer of records in at a time."""


@dataclass
class Kept:
    """What rows brought: how much is new or changed, and in which of them our references stand."""

    new: int = 0
    changed: int = 0
    references: set[tuple[str, str]] = field(default_factory=set)  # each with the key of its row
    ours: set[UUID] = field(default_factory=set)  # orders of ours whose records were written


@dataclass
class Gathered:
    """Rows that were read and are not kept yet: each order once, by its key."""

    rows: list[OrderRow] = field(default_factory=list)  # as they came
    told: dict[str, OrderRow] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    references: set[tuple[str, str]] = field(default_factory=set)

    def agrees(self, later: Gathered) -> bool:
        """Whether what was gathered later tells nothing else of the same orders."""
        return all(later.marks[key] == self.marks[key] for key in self.marks.keys() & later.marks.keys())

    def add(self, later: Gathered) -> None:
        """Put what was gathered later behind it."""
        self.rows += later.rows
        self.told |= later.told
        self.marks |= later.marks
        self.references |= later.references


@contextmanager
def writing() -> Iterator[None]:
    """A transaction that no other writer of records is in, so that the tallies move by what has really changed."""
    with transaction.atomic():
        if connection.vendor == "postgresql":  # SQLite has one writer anyway
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        yield


def gather(rows: Sequence[OrderRow]) -> Gathered:
    """A page's rows; of two of one order the first, or the one that tells our reference."""
    page = Gathered(rows=list(rows))
    usable, texts = _storable(rows)
    # To look into each row for references would cost as much as all the rest.
    mentioned = b"YP-" in b"".join(texts)
    for row, text in zip(usable, texts, strict=True):
        key = key_of(row)
        references = references_in(row.raw) if mentioned and b"YP-" in text else None
        if references:
            page.references.update((reference, key) for reference in references)
        if references or key not in page.told:
            page.told[key] = row
            page.marks[key] = mark(text)
    return page


def _storable(rows: Sequence[OrderRow]) -> tuple[Sequence[OrderRow], list[bytes]]:
    """Rows that any database can hold, and their texts; nearly every page can be held as it came."""
    with suppress(UnicodeEncodeError):
        texts = [encode(row.raw) for row in rows]
        if b"\\u0000" not in b"".join(texts):
            return rows, texts
    clean = [OrderRow(storable(row.raw)) for row in rows]
    return clean, [encode(row.raw) for row in clean]


def keep(destination: str, rows: Sequence[OrderRow], now: datetime) -> Kept:
    """Write what is new or has changed of a page's rows."""
    return keep_gathered(destination, gather(rows), now)


def keep_gathered(destination: str, found: Gathered, now: datetime) -> Kept:
    """Write what is new or has changed of what was gathered."""
    kept = Kept(references=found.references)
    # Those without a number first: one that has got its number since is the same order, and has only one record.
    unnumbered = [key for key, row in found.told.items() if not row.order_no]
    numbered = [key for key, row in found.told.items() if row.order_no]
    for some in (*_batches(unnumbered, TOGETHER), *_batches(numbered, TOGETHER)):
        try:
            _keep(destination, found, some, now, kept)
        except IntegrityError:  # somebody else has written one of them, or linked our order, a moment ago
            _keep(destination, found, some, now, kept)
    return kept


def _keep(destination: str, found: Gathered, keys: Sequence[str], now: datetime, kept: Kept) -> None:
    news = _news(destination, {key: found.marks[key] for key in keys})
    if not news:
        return
    renamed = _numbered_since(destination, [found.told[key] for key, known in news.items() if not known])
    news |= dict.fromkeys(renamed, True)
    # What is new is made ready before anybody has to wait for it.
    new = [
        tell(blank(destination, key, now), found.told[key], found.marks[key], now)
        for key in keys
        if news.get(key) is False
    ]
    changed = [key for key in keys if news.get(key)]
    with writing():
        _rename(destination, renamed)
        old: list[Columns] = []
        for some in _batches(changed, BATCH):
            old += columns_of(Record.objects.filter(destination=destination, key__in=some))
        before = [tallies.counted(columns) for columns in old]
        for columns in old:
            key = columns["key"]
            tell(columns, found.told[key], found.marks[key], now)
        _link(destination, [*new, *old])
        insert(new)
        upsert(old)
        tallies.apply(destination, tallies.delta(before, map(tallies.counted, [*new, *old])))
    kept.new += len(new)
    kept.changed += len(old)
    kept.ours.update(columns["ours_id"] for columns in (*new, *old) if columns["ours_id"])


def _batches(keys: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))


def _news(destination: str, marks: Mapping[str, str]) -> dict[str, bool]:
    """The keys of what is not kept as it is told now, or is gone there; and whether there is a record of it.

    All that was gathered is one question, and of what has not changed, which is most, nothing has to come back.
    """
    query = f"""
        SELECT told.key, r.id IS NOT NULL FROM {_TOLD[connection.vendor]} AS told
        LEFT JOIN orders_record r ON r.key = told.key AND r.destination = %s
        WHERE r.id IS NULL OR r.digest <> told.value OR r.gone_at IS NOT NULL
    """  # noqa: S608 - nothing of anybody's stands in it
    with connection.cursor() as cursor:
        cursor.execute(query, [_encode(marks), destination])
        return {key: bool(known) for key, known in cursor.fetchall()}


def _numbered_since(destination: str, rows: Sequence[OrderRow]) -> dict[str, str]:
    """Which of these were kept when they had an id only: the key of their record now, by the key that it is to get."""
    unnumbered = Record.objects.filter(destination=destination, order_no="")
    if not rows or not unnumbered.exists():
        return {}
    numbers = {key_of_id(row.id): key_of(row) for row in rows if row.order_no and row.id}
    keys = [
        key
        for some in _batches(list(numbers), BATCH)
        for key in unnumbered.filter(key__in=some).values_list("key", flat=True)
    ]
    return {numbers[key]: key for key in keys}


def _rename(destination: str, renamed: Mapping[str, str]) -> None:
    """Give records the keys of their numbers, and our orders that were found by the old ones, too."""
    for key, before in renamed.items():
        Record.objects.filter(destination=destination, key=before).update(key=key)
        Order.objects.filter(destination=destination, found_as=before).update(found_as=key)


def _link(destination: str, records: Sequence[Columns]) -> None:
    """Link records to our orders with these numbers that are not linked yet."""
    numbers = [columns["order_no"] for columns in records if columns["order_no"] and not columns["ours_id"]]
    if not (known := _recorded(numbers)):
        return
    orders = Order.objects.filter(order_no__in=known, destination=destination, record=None)
    told = orders.values_list("order_no", "pk", "owner_id", "request_body")
    ours = {number: (pk, owner, request_body) for number, pk, owner, request_body in told}
    for columns in records:
        if columns["ours_id"] is None and columns["order_no"] in ours:
            columns["ours_id"], columns["owner_id"], request_body = ours[columns["order_no"]]
            fill(columns, request_body)


def _recorded(numbers: Iterable[str]) -> list[str]:
    """Those that orders of ours have: few, of many that are asked for."""
    # The first term is that of the index, word for word, without which SQLite would not take it.
    query = f"""
        SELECT order_no FROM orders_order
        WHERE NOT (order_no = '') AND order_no IN (SELECT told.key FROM {_TOLD[connection.vendor]} AS told)
    """  # noqa: S608 - nothing of anybody's stands in it
    with connection.cursor() as cursor:
        cursor.execute(query, [_encode(dict.fromkeys(numbers))])
        return [number for (number,) in cursor.fetchall()]


def _encode(told: Mapping[str, str | None]) -> str:
    return msgspec.json.encode(told).decode()


def how_many(destination: str) -> int:
    """How many records there are, without those that are gone. Two questions that are answered by their indexes."""
    here = Record.objects.filter(destination=destination)
    return here.count() - here.filter(gone_at__isnull=False).count()


def mark_gone(destination: str, keys: Set[str], now: datetime) -> int:
    """Mark what a complete reading, which held `keys`, no longer tells. Nothing is deleted. How many."""
    if how_many(destination) == len(keys):  # all that was read is kept, so there are no others
        return 0
    here = Record.objects.filter(destination=destination, gone_at=None)
    gone = [pk for pk, key in here.filter(first_seen_at__lt=now).values_list("pk", "key").iterator() if key not in keys]
    for start in range(0, len(gone), BATCH):
        here.filter(pk__in=gone[start : start + BATCH]).update(gone_at=now, changed_at=now)
    return len(gone)


def read_detail(portal: PartnerPortal, record: Record, now: datetime) -> None:
    """Read an order in full, and keep it. Raises ApiError if it cannot be read, or is the detail of another order."""
    number = record.order_no or record.order_id
    try:
        told = portal.order_detail(number)
        named = told_in(told.raw).values.get("orderNo")
        if named and record.order_no and record.order_no not in named:
            raise Unanswered(call="order_detail", detail=f"asked for {number}, Yeastar told of another order")
    except (ApiError, ValueError) as error:
        Record.objects.filter(pk=record.pk).update(detail_tried_at=now)
        if isinstance(error, ApiError):
            raise
        raise Refused(call="order_detail", detail=f"{number} is no number that could be asked for") from error
    with writing():
        [columns] = columns_of(Record.objects.filter(pk=record.pk))
        before = tallies.counted(columns)
        if columns["detail"] != (detail := storable(told.raw)):
            columns["detail"], columns["changed_at"] = detail, now
        columns["detail_at"] = now
        # The detail was told later than the row: a payment that came meanwhile is news.
        columns["status"] = told_in(detail).one("orderStatus")[:NUMBER_LENGTH] or columns["status"]
        upsert([draw(columns)])
        tallies.apply(record.destination, tallies.delta([before], [tallies.counted(columns)]))
    record.refresh_from_db()
