"""The only writer of records: rows and details of the vendor's history, kept as they were told."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction

from orders.history import tallies
from orders.history.reading import encode, key_of
from orders.history.telling import FACTS, references_in, told_in
from orders.models import NUMBER_LENGTH, Order, Record
from orders.text import storable
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError, Refused, Unanswered
from yeastar_api.messages import OrderRow

__all__ = ["Kept", "keep", "mark_gone", "read_detail", "references_in", "writing"]

BATCH = 500
"""Rows in one transaction: others wait for it."""

_LOCK = 0x5EC0_12D5
"""Any number: that of the lock by which PostgreSQL lets one writer of records in at a time."""

_PERHAPS_NOT_STORABLE = re.compile(r"\\u(?:0000|d[89a-f])")


@dataclass
class Kept:
    """What a page brought: how much is new or changed, and in which rows our references stand."""

    new: int = 0
    changed: int = 0
    references: set[tuple[str, str]] = field(default_factory=set)  # each with the key of its row


@contextmanager
def writing() -> Iterator[None]:
    """A transaction that no other writer of records is in, so that the tallies move by what has really changed."""
    with transaction.atomic():
        if connection.vendor == "postgresql":  # SQLite has one writer anyway
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        yield


def keep(destination: str, rows: Sequence[OrderRow], now: datetime) -> Kept:
    """Write what is new or has changed of a page's rows."""
    kept = Kept()
    for start in range(0, len(rows), BATCH):
        _keep(destination, rows[start : start + BATCH], now, kept)
    return kept


def _keep(destination: str, rows: Sequence[OrderRow], now: datetime, kept: Kept) -> None:
    told: dict[str, OrderRow] = {}
    marks: dict[str, str] = {}
    for row in rows:
        text = encode(row.raw)
        if _PERHAPS_NOT_STORABLE.search(text):
            row = OrderRow(storable(row.raw))
        key = key_of(row)
        # To look into each row for references would cost as much as all the rest.
        references = references_in(row.raw) if "YP-" in text else {}
        kept.references.update((reference, key) for reference in references)
        if key not in told or references:  # of two rows of one order, the one that tells our reference
            if _PERHAPS_NOT_STORABLE.search(text):
                row = OrderRow(storable(row.raw))
            told[key] = row
            marks[key] = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    known = _marks(destination, list(told))
    news = {key: row for key, row in told.items() if known.get(key) != marks[key]}
    if news:
        with writing():
            _write(destination, news, marks, now, kept)


def _marks(destination: str, keys: Sequence[str]) -> dict[str, str]:
    """The fingerprints of the records that are here; that of one that was gone is empty."""
    asked = ", ".join(["%s"] * len(keys))
    select = f"SELECT key, digest, gone_at FROM orders_record WHERE destination = %s AND key IN ({asked})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(select, [destination, *keys])
        return {key: "" if gone_at else mark for key, mark, gone_at in cursor.fetchall()}


def _write(destination: str, news: Mapping[str, OrderRow], marks: Mapping[str, str], now: datetime, kept: Kept) -> None:
    known = _marks(destination, list(news))  # once more: now nobody else writes
    here = Record.objects.filter(destination=destination, key__in=known)
    old = {record.key: record for record in here} if known else {}
    before = [tallies.counted(record) for record in old.values()]
    ours = _ours(destination, [row.order_no for row in news.values() if row.order_no])
    written = []
    for key, row in news.items():
        record = old.get(key) or Record(destination=destination, key=key, first_seen_at=now)
        _tell(record, row, marks[key], now)
        if record.ours_id is None and record.order_no in ours:
            record.ours_id, record.owner_id = ours[record.order_no]
        written.append(record)
    _upsert(written)
    tallies.apply(destination, tallies.delta(before, map(tallies.counted, written)))
    kept.new += len(news) - len(old)
    kept.changed += len(old)


def _ours(destination: str, numbers: Sequence[str]) -> dict[str, tuple[Any, int]]:
    """Our orders with these numbers that are not linked yet: each with who asked for it."""
    # The second term is that of the index, without which SQLite would not take it.
    orders = Order.objects.filter(order_no__in=numbers, destination=destination, record=None).exclude(order_no="")
    return {number: (pk, owner) for number, pk, owner in orders.values_list("order_no", "pk", "owner_id")}


def _tell(record: Record, row: OrderRow, mark: str, now: datetime) -> None:
    record.raw, record.digest, record.changed_at, record.gone_at = row.raw, mark, now, None
    record.order_no = row.order_no[:NUMBER_LENGTH]
    record.order_id = row.id[:NUMBER_LENGTH]
    record.invoice_no = row.invoice_no[:NUMBER_LENGTH]
    record.status = row.order_status[:NUMBER_LENGTH]
    record.currency = row.currency_code[:20]
    record.custom_reference_no = row.custom_reference_no[:NUMBER_LENGTH]
    record.created_at = row.create_time
    record.at = record.created_at or record.first_seen_at
    _draw(record)


def _draw(record: Record) -> None:
    """Columns that are read by key, from the row and the detail. What is told in two ways is not known."""
    told = told_in(record.raw, record.detail)
    for key, column in FACTS.items():
        setattr(record, column, told.one(key)[:NUMBER_LENGTH])
    record.amount = told.amount
    # What once stood there stays: another row of the same order may be silent about it.
    ours = {*told.references, *filter(None, [record.reference])}
    record.reference = next(iter(ours)) if len(ours) == 1 else ""


_COLUMNS = [each for each in Record._meta.concrete_fields if not each.primary_key]
_KEPT = frozenset({"destination", "key", "first_seen_at"})
_UPSERT = (
    f"INSERT INTO orders_record ({', '.join(str(each.column) for each in _COLUMNS)}) "  # noqa: S608
    f"VALUES ({', '.join(['%s'] * len(_COLUMNS))}) ON CONFLICT (destination, key) DO UPDATE SET "
    + ", ".join(f"{each.column} = excluded.{each.column}" for each in _COLUMNS if each.name not in _KEPT)
)


def _upsert(written: Sequence[Record]) -> None:
    """Three times as fast as `bulk_create` with `update_conflicts`."""
    rows = [vars(record) for record in written]
    columns = [_adapted(each, [row[each.attname] for row in rows]) for each in _COLUMNS]
    with connection.cursor() as cursor:
        cursor.executemany(_UPSERT, list(zip(*columns, strict=True)))


def _adapted(column: models.Field[Any, Any], values: list[Any]) -> list[Any]:
    """A column's values as the database takes them. Django asks each value what it is; here few differ."""
    if isinstance(column, models.CharField):
        return values
    if isinstance(column, models.JSONField):
        return [connection.ops.adapt_json_value(value, None) for value in values]
    adapted = {None: None}
    for value in values:
        if value not in adapted:
            adapted[value] = column.get_db_prep_save(value, connection)
    return [adapted[value] for value in values]


def mark_gone(destination: str, keys: Set[str], now: datetime) -> int:
    """Mark what a complete reading, which held `keys`, no longer tells. Nothing is deleted. How many."""
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
        record.refresh_from_db()
        before = tallies.counted(record)
        if record.detail != (detail := storable(told.raw)):
            record.detail, record.changed_at = detail, now
        record.detail_at = now
        # The detail was told later than the row: a payment that came meanwhile is news.
        record.status = told_in(detail).one("orderStatus")[:NUMBER_LENGTH] or record.status
        _draw(record)
        _upsert([record])
        tallies.apply(record.destination, tallies.delta([before], [tallies.counted(record)]))
