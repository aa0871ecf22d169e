"""The only writer of records: rows and details of the vendor's history, kept as they were told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from orders.history.reading import digest, key_of
from orders.models import NUMBER_LENGTH, Record
from orders.reference import PATTERN
from orders.text import storable
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError, Refused, Unanswered
from yeastar_api.messages import OrderRow

FACTS = {
    "productId": "product_id",
    "productName": "product_name",
    "productNo": "product_no",
    "partnerId": "partner_id",
    "transactionNo": "transaction_no",
    "instanceId": "instance_id",
}
"""Read by key wherever they stand, for the reference shows only the heads of these answers."""

BATCH = 500
"""Rows in one statement."""

ROW_COLUMNS = ("order_no", "order_id", "invoice_no", "status", "currency", "custom_reference_no", "created_at", "at")


@dataclass
class Kept:
    """What a page brought: how much is new or changed, and in which rows our references stand."""

    new: int = 0
    changed: int = 0
    references: set[tuple[str, str]] = field(default_factory=set)  # each with the key of its row


def references_in(payload: Any) -> dict[str, str]:
    """Our references in a payload, each with the place where it stands."""
    return {found: place for place, value in _texts(payload, "") if "YP-" in value for found in PATTERN.findall(value)}


def keep(destination: str, rows: Sequence[OrderRow], now: datetime) -> Kept:
    """Write what is new or has changed of a page's rows."""
    told: dict[str, OrderRow] = {}
    for row in rows:  # of two rows of one order, the one that tells our reference
        if key_of(row) not in told or references_in(row.raw):
            told[key_of(row)] = row
    marks = {key: digest(row.raw) for key, row in told.items()}
    here = Record.objects.filter(destination=destination, key__in=told)
    known = {key: "" if gone_at else mark for key, mark, gone_at in here.values_list("key", "digest", "gone_at")}
    new = [key for key in told if key not in known]
    changed = [key for key in told if key in known and known[key] != marks[key]]
    kept = Kept(new=len(new), changed=len(changed))
    for key, row in told.items():
        kept.references |= {(reference, key) for reference in references_in(row.raw)}
    if not new and not changed:
        return kept
    made = [Record(destination=destination, key=key, first_seen_at=now, changed_at=now) for key in new]
    altered = list(here.filter(key__in=changed))
    for record in (*made, *altered):
        _tell(record, told[record.key], marks[record.key], now)
    with transaction.atomic():
        Record.objects.bulk_create(made, ignore_conflicts=True)
        if altered:
            Record.objects.bulk_update(altered, [*ROW_COLUMNS, *FACTS.values(), *_ALWAYS])
    return kept


_ALWAYS = ("raw", "digest", "reference", "changed_at", "gone_at")


def _tell(record: Record, row: OrderRow, mark: str, now: datetime) -> None:
    record.raw, record.digest, record.changed_at, record.gone_at = storable(row.raw), mark, now, None
    record.order_no = storable(row.order_no)[:NUMBER_LENGTH]
    record.order_id = storable(row.id)[:NUMBER_LENGTH]
    record.invoice_no = storable(row.invoice_no)[:NUMBER_LENGTH]
    record.status = storable(row.order_status)[:NUMBER_LENGTH]
    record.currency = storable(row.currency_code)[:20]
    record.custom_reference_no = storable(row.custom_reference_no)[:NUMBER_LENGTH]
    record.created_at = row.create_time
    record.at = row.create_time or record.first_seen_at
    _draw(record)


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
        named = {value for place, value in _texts(told.raw, "") if place.rpartition(".")[2] == "orderNo"}
        if named and record.order_no and record.order_no not in named:
            raise Unanswered(call="order_detail", detail=f"asked for {number}, Yeastar told of another order")
    except (ApiError, ValueError) as error:
        Record.objects.filter(pk=record.pk).update(detail_tried_at=now)
        if isinstance(error, ApiError):
            raise
        raise Refused(call="order_detail", detail=f"{number} is no number that could be asked for") from error
    record.detail, record.detail_at, record.changed_at = storable(told.raw), now, now
    _draw(record)
    record.save(update_fields=["detail", "detail_at", "reference", "changed_at", *FACTS.values()])


def _draw(record: Record) -> None:
    """Columns that are read by key, from the row and the detail. What is told in two ways is not known."""
    found = facts([record.raw, record.detail])
    for key, column in FACTS.items():
        values = found.get(key, set())
        setattr(record, column, values.pop()[:NUMBER_LENGTH] if len(values) == 1 else "")
    # What once stood there stays: another row of the same order may be silent about it.
    ours = {*references_in([record.raw, record.detail]), *filter(None, [record.reference])}
    record.reference = next(iter(ours)) if len(ours) == 1 else ""


def facts(payload: Any) -> dict[str, set[str]]:
    """The values, as text, of the keys of `FACTS` anywhere in a payload; empty ones are left out."""
    found: dict[str, set[str]] = defaultdict(set)
    for place, value in _texts(payload, ""):
        key = place.rpartition(".")[2]
        if key in FACTS and value:
            found[key].add(value)
    return found


def _texts(payload: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every text and number in a payload, as text, with its place."""
    if isinstance(payload, dict):
        for key, value in payload.items():
            yield from _texts(value, f"{place}.{key}" if place else str(key))
    elif isinstance(payload, list):
        for value in payload:
            yield from _texts(value, place)
    elif isinstance(payload, str):
        yield place, payload
    elif isinstance(payload, int) and not isinstance(payload, bool):
        yield place, str(payload)
