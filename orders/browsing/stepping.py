"""The few different values of a column, however many rows: one step in its index for each."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from orders.models import USUAL_CURRENCY, USUAL_STATUS, Record, Tally

MOST = 40
"""Values of one column, at most: more make no list to choose from."""

LEFT_OUT = {"status": USUAL_STATUS, "currency": USUAL_CURRENCY, "product_id": ""}
"""The columns that have an index to step through, and what is not in it."""


def steps(column: str) -> list[str]:
    """The values that stand in `column`, without the one that its index leaves out."""
    return _steps(column, Record.objects.exclude(**{column: LEFT_OUT[column]}))


def destinations() -> list[str]:
    """Those of all records. Each counts in a tally; these have an index that begins with the destination."""
    return _steps("destination", Tally.objects.all())


def _steps(column: str, among: QuerySet[Any]) -> list[str]:
    rows = among.order_by(column).values_list(column, flat=True)
    found: list[str] = []
    after = rows
    while len(found) < MOST and (value := after.first()) is not None:
        found.append(value)
        after = rows.filter(**{f"{column}__gt": value})
    return found
