"""What our own orders tell: which failed, which are in doubt, and how long it took until a receipt was here."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import datetime

from django.db.models import FilteredRelation, Q, QuerySet
from django.db.models.functions import Coalesce

from orders.lifecycle import Status
from orders.models import Order, Outcome

SHOWN = 8
"""So many orders are listed."""

TIMED = 300
"""Of so many orders, the latest, it is looked how long they took."""


@dataclass(frozen=True)
class Some:
    """Some orders, and how many there are in all."""

    count: int
    orders: list[Order]

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


def uncertain() -> Some:
    """Of which nobody knows whether they were bought, the oldest first, whenever they were placed."""
    waiting = Order.objects.filter(status=Status.UNCERTAIN).order_by("placed_at", "pk")
    return _some(waiting)


def failed(span: tuple[datetime, datetime]) -> Some:
    """Placed in that time and certainly not bought, the latest first."""
    # Few fail. A column inside COALESCE has no index: that of the times would lead through all orders that were bought.
    rows = Order.objects.filter(status=Status.FAILED).alias(placed=Coalesce("placed_at", "placed_at"))
    return _some(rows.filter(placed__gte=span[0], placed__lt=span[1]).order_by("-placed", "pk"))


def _some(rows: QuerySet[Order]) -> Some:
    columns = ("slug", "target_label", "owner__username", "placed_at", "problem", "status", "reference", "found_as")
    orders = list(rows.select_related("owner").only(*columns)[: SHOWN + 1])
    count = len(orders) if len(orders) <= SHOWN else rows.count()
    return Some(count, orders[:SHOWN])


def pace(span: tuple[datetime, datetime]) -> Pace | None:
    """Of the latest orders of that time that were bought; None if none has a receipt.

    An order that was found in the history has none: how long that took tells nothing of Yeastar.
    """
    bought = Order.objects.filter(status=Status.PLACED, placed_at__gte=span[0], placed_at__lt=span[1])
    receipt = FilteredRelation("tries", condition=Q(tries__outcome=Outcome.RECEIPT))  # an order has one at most
    times = bought.annotate(receipt=receipt).order_by("-placed_at").values_list("placed_at", "receipt__finished_at")
    latest = list(times[: TIMED + 1])
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
