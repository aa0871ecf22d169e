"""Records as plain columns, by the names of the model's attributes.

To make a model object of each row of a long history would cost more than to write it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any

import msgspec
from django.db import connection, models
from django.db.models import QuerySet

from orders.history.telling import FACTS, told_in
from orders.likeness import wanted_by
from orders.models import NUMBER_LENGTH, Record
from yeastar_api.messages import OrderRow

Columns = dict[str, Any]

Known = dict[type, dict[Any, Any]]
"""By kind of column, values and what the database takes for them."""

_FIELDS = [each for each in Record._meta.concrete_fields if not each.primary_key]
_NAMES = [each.attname for each in _FIELDS]
_values = itemgetter(*_NAMES)
_BLANK: Columns = {each.attname: each.get_default() for each in _FIELDS}
_KEPT = frozenset({"destination", "key", "first_seen_at"})

_INSERT = (
    f"INSERT INTO orders_record ({', '.join(str(each.column) for each in _FIELDS)}) "  # noqa: S608
    f"VALUES ({', '.join(['%s'] * len(_FIELDS))})"
)
_UPSERT = f"{_INSERT} ON CONFLICT (destination, key) DO UPDATE SET " + ", ".join(
    f"{each.column} = excluded.{each.column}" for each in _FIELDS if each.name not in _KEPT
)

_COPY = f"COPY orders_record ({', '.join(str(each.column) for each in _FIELDS)}) FROM STDIN"

_json = msgspec.json.Encoder().encode


KNOWN_HERE = ("product_id", "partner_id")
"""Columns that our own order fills for as long as theirs is silent."""


def blank(destination: str, key: str, now: datetime) -> Columns:
    """Of an order that was never heard of before."""
    return _BLANK | {"destination": destination, "key": key, "first_seen_at": now}


def columns_of(records: QuerySet[Record]) -> list[Columns]:
    """As they are in the database."""
    return list(records.values(*_NAMES))


def tell(columns: Columns, row: OrderRow, mark: str, now: datetime) -> Columns:
    """What a row tells."""
    columns["raw"], columns["digest"], columns["changed_at"], columns["gone_at"] = row.raw, mark, now, None
    columns["order_no"] = row.order_no[:NUMBER_LENGTH]
    columns["order_id"] = row.id[:NUMBER_LENGTH]
    columns["invoice_no"] = row.invoice_no[:NUMBER_LENGTH]
    columns["status"] = row.order_status[:NUMBER_LENGTH]
    columns["currency"] = row.currency_code[:20]
    # What once stood there stays, too, should they stop telling it.
    columns["custom_reference_no"] = row.custom_reference_no[:NUMBER_LENGTH] or columns["custom_reference_no"]
    columns["created_at"] = created_at = row.create_time
    columns["at"] = created_at or columns["first_seen_at"]
    return draw(columns)


def draw(columns: Columns) -> Columns:
    """What is read by key, from the row and the detail. What is told in two ways is not known."""
    told = told_in(columns["raw"], columns["detail"])
    for key, column in FACTS.items():
        ours = columns[column] if columns["ours_id"] and column in KNOWN_HERE else ""
        columns[column] = told.one(key)[:NUMBER_LENGTH] or ours
    columns["amount"] = told.amount
    # What once stood there stays: another row of the same order may be silent about it.
    ours = {*told.references, *filter(None, [columns["reference"]])}
    columns["reference"] = next(iter(ours)) if len(ours) == 1 else ""
    return columns


def fill(columns: Columns, request_body: str) -> None:
    """What our own order, which this is, knows and they do not tell yet."""
    if request_body:
        wanted = wanted_by(request_body)
        for column in KNOWN_HERE:
            columns[column] = columns[column] or str(getattr(wanted, column))[:NUMBER_LENGTH]


def insert(new: Sequence[Columns]) -> None:
    """Four times as fast as `bulk_create`. Raises IntegrityError if one of them is there already."""
    if connection.vendor == "postgresql" and new:
        with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(_COPY) as copy:
            for row in _rows(new):  # as a statement each one would be parsed and planned for itself
                copy.write_row(row)
    else:
        _write(_INSERT, new)


def upsert(changed: Sequence[Columns]) -> None:
    """Write over what is there."""
    _write(_UPSERT, changed)


def _write(statement: str, records: Sequence[Columns]) -> None:
    if records:
        with connection.cursor() as cursor:
            cursor.executemany(statement, list(_rows(records)))


def _rows(records: Sequence[Columns]) -> Iterable[tuple[Any, ...]]:
    """The records as the database takes them."""
    known: Known = {}
    told = zip(*map(_values, records), strict=True)
    return zip(*(_adapted(field, values, known) for field, values in zip(_FIELDS, told, strict=True)), strict=True)


def _adapted(field: models.Field[Any, Any], values: Sequence[Any], known: Known) -> Sequence[Any]:
    """A column's values as the database takes them. Django asks each value what it is; here few differ."""
    if isinstance(field, models.JSONField):
        return [_json(value).decode() for value in values]
    # PostgreSQL's driver takes moments, sums and keys as they are.
    if isinstance(field, models.CharField) or connection.vendor == "postgresql" or values.count(None) == len(values):
        return values
    adapt: Callable[[Any], Any] = connection.ops.adapt_datetimefield_value
    if not isinstance(field, models.DateTimeField):
        adapt = partial(field.get_db_prep_save, connection=connection)
    adapted = known.setdefault(type(field), {None: None})
    for value in values:
        if value not in adapted:
            adapted[value] = adapt(value)
    return [adapted[value] for value in values]
