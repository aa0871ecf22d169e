"""What our own orders tell: which failed, which are in doubt, and how long it took until a receipt was here."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from orders.lifecycle import Status
from orders.models import Order, Outcome
from orders.prepared import Prepared, rows_by_values

SHOWN = 8
"""So many orders are listed."""

TIMED = 300
"""Of so many orders, the latest, it is looked how long they took."""


class Look(NamedTuple):
    """An order as far as the list shows it, by the columns of the database."""

    pk: UUID
    slug: str
    target_label: str
    owner__username: str
    placed_at: datetime | None
    problem: str
    status: str
    found_as: str


@dataclass(frozen=True)
class Some:
    """Some orders, and how many there are in all."""

    count: int
    orders: list[Look]

    @property
    def more(self) -> int:
        """How many are not listed."""
        return self.count - len(self.orders)


@dataclass(frozen=True)
class Pace:
    """From placing to the receipt, in seconds."""

    receipts: int
    placed: int  # so many orders were looked at
    all_of_them: bool  # there were no more in that time
    average: float
    median: float
    slow: float  # 19 of 20 were at least as quick

    @property
    def words(self) -> list[tuple[str, str]]:
        """As a table tells it."""
        told = {"Median": self.median, "Average": self.average, "19 of 20 within": self.slow}
        return [(name, lasting(seconds)) for name, seconds in told.items()]


def _some(made: Callable[..., QuerySet[Order]], *kinds: type) -> tuple[Prepared, Prepared]:
    """The first of these orders, and all of them, to be counted."""
    return (
        Prepared(lambda *values: made(*values).values_list(*Look._fields)[: SHOWN + 1], *kinds),
        Prepared(lambda *values: made(*values).order_by().values_list("pk"), *kinds),
    )


# Few fail or are in doubt. A column inside COALESCE has no index: that of the times would lead through all orders that
# were bought.
_UNCERTAIN = _some(
    lambda: Order.objects.filter(status=Status.UNCERTAIN).order_by(Coalesce("placed_at", "placed_at"), "pk")
)

_FAILED = _some(
    lambda begin, end: (
        Order.objects.filter(status=Status.FAILED)
        .alias(placed=Coalesce("placed_at", "placed_at"))
        .filter(placed__gte=begin, placed__lt=end)
        .order_by("-placed", "pk")
    ),
    *(datetime, datetime),
)


def uncertain() -> Some:
    """Of which nobody knows whether they were bought, the oldest first, whenever they were placed."""
    return _found(*_UNCERTAIN)


def failed(span: tuple[datetime, datetime]) -> Some:
    """Placed in that time and certainly not bought, the latest first."""
    return _found(*_FAILED, *span)


def _found(first: Prepared, every: Prepared, *values: datetime) -> Some:
    orders = [Look._make(row) for row in first.rows(*values)]
    return Some(len(orders) if len(orders) <= SHOWN else every.count(*values), orders[:SHOWN])


def pace(span: tuple[datetime, datetime]) -> Pace | None:
    """Of the latest orders of that time that were bought; None if none has a receipt.

    An order that was found in the history has none: how long that took tells nothing of Yeastar.
    """
    moments = [connection.ops.adapt_datetimefield_value(moment) for moment in span]
    latest = rows_by_values((_TIMES, tuple(moments)))
    took = sorted(max(0.0, (end - begin).total_seconds()) for begin, end in latest[:TIMED] if begin and end)
    if not took:
        return None
    return Pace(
        receipts=len(took),
        placed=min(len(latest), TIMED),
        all_of_them=len(latest) <= TIMED,
        average=statistics.fmean(took),
        median=statistics.median(took),
        slow=took[-(-19 * len(took) // 20) - 1],
    )


# An order has one receipt at most. Not as a queryset, which would give six hundred moments a time zone.
_TIMES = f"""
SELECT ours.placed_at, receipt.finished_at FROM orders_order AS ours
LEFT JOIN orders_attempt AS receipt ON receipt.order_id = ours.id AND receipt.outcome = '{Outcome.RECEIPT.value}'
WHERE ours.status = '{Status.PLACED.value}' AND ours.placed_at >= %s AND ours.placed_at < %s
ORDER BY ours.placed_at DESC LIMIT {TIMED + 1}
"""  # noqa: S608 - words of ours


def lasting(seconds: float) -> str:
    """8.2 s; 3 min 20 s; 2 h 5 min; 3 days 4 h."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for large, name, small, small_name in ((86400, "days", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= large:
            rest = whole % large // small
            return f"{whole // large} {name}" + (f" {rest} {small_name}" if rest else "")
    return f"{whole} s"
