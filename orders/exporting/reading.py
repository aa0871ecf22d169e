"""From what is asked for to all of its rows, a thousand at a time and column by column.

Each batch is a query of its own that begins behind the last row of the one before. So nothing is open between two
batches, however slow a line or a disk is: no row that PostgreSQL would have to keep an old version of, no reader that
SQLite's log would have to wait for. Each record is told as it was when its turn came. Its place in the order does not
change, and none is ever deleted: none comes twice, none is left out.

Values are taken as the database gives them. To make models, moments and decimals of a million rows that become text at
once would take four times as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from django.db import connection
from django.db.models import BigIntegerField, Expression, F, Field, QuerySet, TextField
from django.db.models.functions import Cast

from orders.browsing import paging
from orders.browsing.asked import SORTS, Asked
from orders.browsing.finding import Found
from orders.browsing.kept import TITLES
from orders.exporting.columns import COLUMNS, MORE, Kind
from orders.exporting.moments import moment
from orders.models import Partner, Record
from orders.recipes import RECIPES

BATCH = 1_000
"""Rows of one query. More would be slower: they would no longer lie in the processor's cache."""

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


_TABLE = _PLAIN | _RENAMED | _texts(*(each.name for each in COLUMNS if each.kind is Kind.MOMENT))
_ALL = _TABLE | _texts(*(each.name for each in MORE)) | {"raw": F("raw"), "detail": F("detail")}


def batches(found: Found, asked: Asked, *, more: bool = False) -> Iterator[Batch]:
    """All rows that were found, in the order that is asked for; with `more` also what only programs want to know."""
    selected = _ALL if more else _TABLE
    column = SORTS[asked.sort][0]
    value, key = (
        _Later("value", cast("Field[Any, Any]", Record._meta.get_field(column))),
        _Later("key", BigIntegerField()),
    )
    # Queries are made from what is asked for twice, not a thousand times: that would take a tenth of all the time.
    sql, values = _compiled(paging.behind(found, asked), selected)
    further, later_values = _compiled(paging.behind(found, asked, (value, key)), selected)
    customers: dict[str, str] = {"": ""}
    while rows := _fetch(sql, values):
        batch: Batch = dict(zip(selected, zip(*rows, strict=True), strict=True))
        last, full = batch[column][-1], len(rows) == BATCH
        if column == "at":
            last = connection.ops.adapt_datetimefield_value(moment(last))
        place = {"value": last, "key": batch["key"][-1]}
        yield _told(batch, customers)
        if not full:
            return
        sql, values = further, [place[each.name] if isinstance(each, _Later) else each for each in later_values]


class _Later(Expression):
    """Stands in a query for a value that is not known before it is asked."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(field)
        self.name = name

    def as_sql(self, *_: Any, **__: Any) -> tuple[str, Any]:
        """Itself as the value: to be found among the values, and replaced."""
        return "%s", (self,)


def _compiled(rows: QuerySet[Record], selected: dict[str, Any]) -> tuple[str, Sequence[Any]]:
    # All by names of their own: an annotation may not be called as a column is.
    named = {f"told_{name}": what for name, what in selected.items()}
    return rows.annotate(**named).values_list(*named)[:BATCH].query.sql_with_params()


def _fetch(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


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
