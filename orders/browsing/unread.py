"""Of how many orders the details are not read yet: for whom they are, and what was bought, nobody here knows so far."""

from __future__ import annotations

from datetime import datetime

from orders import prepared
from orders.browsing.sql import moment
from orders.destination import current_destination
from orders.text import counted

MOST = 1_000
"""So far they are counted: on the first days of a long history they are nearly all."""

# Two indexes hold just these. Of the few that were tried in vain the index does not know the date: inside `COALESCE`
# it leads nobody away. Of what was ordered here the customer is known.
PARTS = (
    ("detail_tried_at IS NULL", "at"),
    ("detail_tried_at IS NOT NULL", "COALESCE(at, at)"),
)


def words(span: tuple[datetime | None, datetime | None], others: list[str]) -> str:
    """503 orders; empty if there are none. `others` are the destinations that are of another account."""
    where, values = "", []
    for compared, at in zip((">=", "<"), span, strict=True):
        if at:
            where += f" AND {{at}} {compared} %s"
            values.append(moment(at))
    if others:
        where += " AND destination = %s"
        values.append(current_destination())
    parts = [
        f"SELECT * FROM (SELECT id FROM orders_record WHERE detail_at IS NULL AND {which} AND gone_at IS NULL"  # noqa: S608
        f" AND owner_id IS NULL{where.format(at=at)} LIMIT {MOST + 1}) AS one"
        for which, at in PARTS
    ]
    text = f"SELECT COUNT(*) FROM ({' UNION ALL '.join(parts)}) AS found"  # noqa: S608 - conditions of ours
    # How much lies in a span only its moments tell a planner.
    ask = prepared.rows_by_values if values else prepared.rows
    [(number,)] = ask((text, (*values, *values)))
    if number > MOST:
        return f"more than {MOST:,} orders"
    return counted(number, "order") if number else ""
