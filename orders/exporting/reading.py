"""From what is asked for to all of its rows, a thousand at a time and column by column.

First the keys of all rows are taken, in their order, by one query: so it is settled at one moment which rows come, each
once, and in which order, whatever the mirror writes meanwhile; eight bytes each. Then the rows are read by their keys,
and each is told as it is when its turn comes. Nothing is open between two batches, however slow a line or a disk is: no
row that PostgreSQL would have to keep an old version of, no reader that SQLite's log would have to wait for.

Values are taken as the database gives them. To make models, moments and decimals of a million rows that become text at
once would take four times as long.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import F, TextField
from django.db.models.functions import Cast

from orders import prepared
from orders.browsing import paging
from orders.browsing.asked import Asked
from orders.browsing.finding import Found
from orders.browsing.kept import TITLES
from orders.browsing.sql import is_record_of, listed
from orders.exporting.columns import COLUMNS, MORE, Kind
from orders.models import Partner, Record
from orders.recipes import RECIPES

BATCH = 1_000
"""Rows of one query. More would be slower: they would no longer lie in the processor's cache."""

KEYS_AT_ONCE = 10_000

NAMES_AT_ONCE = 500

Batch = dict[str, Sequence[Any]]
"""Columns by name, all of the same length. Moments and JSON are text as the database writes it."""

_PLAIN = {
    name: F(name)
    for name in (
        *("order_no", "status", "product_no", "reference", "amount", "currency", "transaction_no", "instance_id"),
        *("invoice_no", "order_id", "product_id", "partner_id", "product_name"),
    )
}
_RENAMED = {
    "key": F("pk"),
    "po_number": F("custom_reference_no"),
    "asked_by": F("owner__username"),
    "our_status": F("ours__status"),
    "our_reference": F("ours__reference"),
    "slug": F("ours__slug"),
}


def _texts(*names: str) -> dict[str, Cast]:
    return {name: Cast(name, TextField()) for name in names}


_TABLE = _RENAMED | _PLAIN | _texts(*(each.name for each in COLUMNS if each.kind is Kind.MOMENT))
_ALL = _TABLE | _texts(*(each.name for each in MORE)) | {"raw": F("raw"), "detail": F("detail")}


def keys(found: Found, asked: Asked) -> array[int]:
    """Of all rows that are found now, in the order that is asked for."""
    rows = paging.in_order(found, asked).values_list("pk", flat=True)
    return array("q", rows.iterator(chunk_size=KEYS_AT_ONCE))


def batches(keys: Sequence[int], *, more: bool = False) -> Iterator[Batch]:
    """The rows with these keys, in their order; with `more` also what only programs want to know."""
    selected = _ALL if more else _TABLE
    asked = _asked(selected)
    customers: dict[str, str] = {"": ""}
    for start in range(0, len(keys), BATCH):
        some = keys[start : start + BATCH]
        rows = {row[0]: row for row in prepared.rows((asked, (listed(some),)))}
        in_turn = [rows[key] for key in some if key in rows]
        if in_turn:
            yield _told(dict(zip(selected, zip(*in_turn, strict=True), strict=True)), customers)


def _asked(selected: dict[str, Any]) -> str:
    """The same SQL for each batch, planned once; nothing but the keys is a value."""
    # All by names of their own: an annotation may not be called as a column is.
    named = {f"told_{name}": what for name, what in selected.items()}
    return Record.objects.filter(is_record_of("")).annotate(**named).values_list(*named).query.sql_with_params()[0]


def _told(batch: Batch, customers: dict[str, str]) -> Batch:
    """With the names that belong to ids, and what stands in two places taken from where it is told."""
    _learn(set(batch["partner_id"]) - customers.keys(), customers)
    batch["customer"] = [customers[number] for number in batch["partner_id"]]
    batch["product"] = [
        name or TITLES.get(number, number) or _title(slug)
        for name, number, slug in zip(batch["product_name"], batch["product_id"], batch["slug"], strict=True)
    ]
    batch["made"] = ["here" if slug else "elsewhere" for slug in batch["slug"]]
    batch["reference"] = [
        theirs or ours for theirs, ours in zip(batch["reference"], batch["our_reference"], strict=True)
    ]
    return batch


def _title(slug: str | None) -> str:
    return RECIPES[slug].title if slug in RECIPES else slug or ""


def _learn(numbers: set[str], customers: dict[str, str]) -> None:
    """The names of customers; of one that the mirror does not know, the number."""
    customers.update((number, number) for number in numbers)
    asked = sorted(numbers)
    for start in range(0, len(asked), NAMES_AT_ONCE):
        known = Partner.objects.filter(remote_id__in=asked[start : start + NAMES_AT_ONCE]).defer("raw", "search")
        customers.update((each.remote_id, str(each)) for each in known)
