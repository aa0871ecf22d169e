"""The few different values of a column, however many rows: one step in its index for each."""

from __future__ import annotations

from orders.models import USUAL_CURRENCY, USUAL_STATUS, Record

MOST = 40
"""Values of one column, at most: more make no list to choose from."""

LEFT_OUT = {"status": USUAL_STATUS, "currency": USUAL_CURRENCY, "product_id": "", "destination": None}
"""The columns that have an index to step through, and what is not in it."""


def steps(column: str) -> list[str]:
    """The values that stand in `column`, without the one that its index leaves out."""
    left_out = LEFT_OUT[column]
    rows = Record.objects.order_by(column).values_list(column, flat=True)
    if left_out is not None:
        rows = rows.exclude(**{column: left_out})
    found: list[str] = []
    after = rows
    while len(found) < MOST and (value := after.first()) is not None:
        found.append(value)
        after = rows.filter(**{f"{column}__gt": value})
    return found
