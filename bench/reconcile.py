"""Reconciling 100 uncertain orders against 100,000 records: the history is read once, not once for each order.

The peer walks through the same pages and only counts what it sees.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from bench.figure import Row, hand_over, note
from bench.stage import Stage

RECORDS = 100_000
UNCERTAIN = 100
PAGE_SIZE = 100


def measure() -> Iterator[Row]:
    """Half of the orders were bought; all answers were lost."""
    with Stage() as stage:
        stage.prepare()
        stage.become_django()
        from bench import buying
        from orders import gateway, submitting
        from orders.history.reconciling import reconcile
        from orders.lifecycle import Status
        from orders.models import Order

        portal = gateway.portal()
        for number, pk in enumerate(buying.queued(UNCERTAIN)):
            stage.control("POST", "faults", {"call": "save", "kind": "reset", "processed": number % 2 == 0})
            submitting.submit(pk, portal)
        stage.control("POST", "orders/generate", {"count": RECORDS})

        pages, seconds = bare_walk()
        note(f"bare walk: {pages} calls in {seconds:.1f} s")
        before = calls(stage)
        began = time.perf_counter()
        reading = reconcile(portal)
        took = time.perf_counter() - began
        asked = {call: count - before.get(call, 0) for call, count in calls(stage).items()}
        found = Order.objects.filter(status=Status.PLACED).count()
        if reading is None or not reading.complete or found != UNCERTAIN / 2:
            raise RuntimeError(f"{found} orders were found, {reading and reading.words}")
        note(f"reconciled: {asked}, {took:.1f} s, {found} found")
    what = f"{UNCERTAIN} uncertain orders, {RECORDS:,} records"
    # One page more than the bare walk reads: the first once again, for the total as it is at the end.
    yield Row(figure=f"{what}: calls for pages", measured=asked["order_page"], unit="", limit=pages, at_most=1.01)
    yield Row(figure="  seconds, all records kept", measured=took, unit="s", limit=seconds, limit_is="bare walk")


def bare_walk() -> tuple[int, float]:
    """Read every page once, and do nothing with it: calls and seconds."""
    from orders import gateway

    portal = gateway.portal()
    portal.check_token()
    began, page_no = time.perf_counter(), 0
    while True:
        page_no += 1
        page = portal.order_page(page_no, PAGE_SIZE, "-id")
        if not page.results:
            return page_no, time.perf_counter() - began


def calls(stage: Stage) -> dict[str, Any]:
    """How often the sandbox was asked for what."""
    told = stage.control("GET", "calls")
    return dict(told)


if __name__ == "__main__":
    hand_over(measure)
