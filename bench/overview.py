"""Server time of the overview, of statements and of drift with 1,000,000 records, beside grouping those in raw SQL.

In one process, through Django's handler with the middleware and settings of production. Who the top customers are is
remembered, and kept fresh by the worker; the figure "ranking anew" is a period that nobody asked for of late.

    python -m bench.overview [--records 1000000] [--postgres] [--keep DIR]

A kept database is used as it is: remove it when `shelf.py`, the tallies or what drift is have changed.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.figure import Row, hand_over, note, p95
from bench.stage import Stage
from tests.services.servers import postgres

RECORDS = 1_000_000
SAMPLES, WARM_UP, GROUPINGS = 80, 4, 5
LIMIT = 40.0
VENDOR = "http://vendor.test"  # whose history it is: the same in each run, for kept databases


def options() -> argparse.Namespace:
    """What the measurement is told; `make bench` tells it nothing."""
    parser = argparse.ArgumentParser(prog="python -m bench.overview", description="Measure overview and statements.")
    parser.add_argument("--records", type=int, default=RECORDS, help=f"instead of {RECORDS:,}")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own instead of SQLite")
    parser.add_argument("--keep", type=Path, help="keep the filled database here, and use it if it is there")
    return parser.parse_args()


def measure() -> Iterator[Row]:
    """Each page beside the limit; then the grouping that the overview does without."""
    told = options()
    with ExitStack() as stack:
        stage = stack.enter_context(Stage())
        if told.keep:
            told.keep.mkdir(parents=True, exist_ok=True)
            stage.variables["DATABASE_URL"] = f"sqlite:///{told.keep.resolve() / 'overview.sqlite3'}"
        if told.postgres:
            stage.variables["DATABASE_URL"] = stack.enter_context(postgres(Path(stage.data), kept=told.keep))
        stage.prepare()
        stage.variables["YEASTAR_BASE_URL"] = VENDOR
        stage.become_django()
        fill(told.records)
        gc.collect()
        gc.freeze()  # as the web process does
        took = {name: timed(name, ask) for name, ask in visits().items()}
        grouped = statistics.median(times(group, GROUPINGS))
        noted = {what: statistics.median(times(note_drift, GROUPINGS)) for what, note_drift in noting().items()}
    on = f"{told.records:,} on {'PostgreSQL' if told.postgres else 'SQLite'}"
    for name, milliseconds in took.items():
        goal = 1.0 if name in GOALS else None
        yield Row(figure=f"{name}, {on}, p95", measured=milliseconds, unit="ms", limit=LIMIT, at_most=goal)
    yield Row(
        figure="  overview beside grouping the records",
        measured=took["overview"],
        unit="ms",
        limit=grouped,
        limit_is="raw SQL",
    )
    yield Row(
        figure="  a worker notes drift after a run",
        measured=noted["touched"],
        unit="ms",
        limit=noted["all"],
        limit_is="all of it",
    )


GOALS = ("overview", "overview, this year", "drift", "drift, one kind", "drift, made elsewhere")


def fill(records: int) -> None:
    """The shelf, its tallies, a receipt for each order that was bought here, and what drift there is."""
    from django.db import connection

    from bench import shelf
    from orders.destination import current_destination
    from orders.history import drift, tallies
    from orders.models import Attempt, Order, Record, Tally

    if Record.objects.count() == records:
        note(f"{records:,} records are there")
        return
    began = time.perf_counter()
    shelf.fill(records)
    tallies.rebuild(current_destination())
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_order SET (placed_at, order_no, transaction_no) = "
            "(SELECT at, order_no, transaction_no FROM orders_record WHERE ours_id = orders_order.id) "
            "WHERE id IN (SELECT ours_id FROM orders_record)"
        )
        # Drift of two sorts that the shelf's statuses do not make: ten lack, of a hundred a number differs.
        newest = "(SELECT id FROM orders_order WHERE status = 'PLACED' ORDER BY placed_at DESC LIMIT {})"
        cursor.execute(f"UPDATE orders_order SET transaction_no = 'ANOTHER' WHERE id IN {newest.format(100)}")  # noqa: S608
        lost = f"ours_id IN {newest.format(10)}"
        cursor.execute(f"UPDATE orders_record SET ours_id = NULL, owner_id = NULL, order_no = '' WHERE {lost}")  # noqa: S608
        cursor.execute("UPDATE orders_order SET destination = %s, settled_at = placed_at", [current_destination()])
    bought = Order.objects.filter(status="PLACED").values_list("pk", "placed_at")
    Attempt.objects.bulk_create(
        (
            Attempt(order_id=key, number=1, outcome="RECEIPT", started_at=at, finished_at=at + timedelta(seconds=2))
            for key, at in bought.iterator()
        ),
        batch_size=500,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    drift.note(current_destination())
    note(f"{records:,} records, {Tally.objects.count():,} tallies written in {time.perf_counter() - began:.0f} s")


def timed(name: str, ask: Callable[[], object]) -> float:
    """p95 in milliseconds."""
    samples = times(ask, WARM_UP + SAMPLES)[WARM_UP:]
    note(f"{name}: median {statistics.median(samples):.1f} ms, p95 {p95(samples):.1f} ms")
    return p95(samples)


def times(ask: Callable[[], object], count: int) -> list[float]:
    """In milliseconds."""
    found = []
    for _ in range(count):
        began = time.perf_counter()
        ask()
        found.append((time.perf_counter() - began) * 1000)
    return found


def visits() -> dict[str, Callable[[], object]]:
    """What a manager looks at, by name."""
    from django.contrib.auth.models import User
    from django.core.cache import cache
    from django.test import Client
    from django.utils import timezone

    from bench import shelf
    from orders.overview import figures
    from orders.overview.period import PERIODS, parse

    browser = Client(headers={"host": "localhost"})
    browser.force_login(User.objects.get(username="manager"))
    today = timezone.localtime()
    month = f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"

    def page(url: str, forgetting: bool = False, **query: Any) -> Callable[[], object]:
        def ask() -> None:
            if forgetting:
                cache.delete_many(figures._ranking_name(parse({"period": name})) for name in PERIODS)
            answer = browser.get(url, query)
            assert answer.status_code == 200, answer.status_code

        return ask

    greatest, small = (str(shelf.FIRST_CUSTOMER + number) for number in (shelf.GREATEST, 1))
    return {
        "overview": page("/overview/"),
        "overview, this year": page("/overview/", period="this-year"),
        "overview, ranking anew": page("/overview/", forgetting=True),
        "overview, 60 months": page("/overview/", **{"from": f"{today.year - 5}-{today.month:02}"}),
        "statement, a small customer": page("/statement/", customer=small, month=month),
        "statement, the greatest customer": page("/statement/", customer=greatest, month=month),
        "statement, nobody told": page("/statement/", customer="-", month=month),
        "drift": page("/history/drift/"),
        "drift, one kind": page("/history/drift/", kind="status"),
        "drift, made elsewhere": page("/history/drift/", kind="elsewhere"),
        "statement, customers to choose from": page("/statement/", month=month),
    }


def noting() -> dict[str, Callable[[], object]]:
    """How drift is noted after a run that wrote nothing of ours, and after one that read everything."""
    from orders.destination import current_destination
    from orders.history import drift

    here = current_destination()
    return {"touched": lambda: drift.note(here, ()), "all": lambda: drift.note(here)}


def group() -> None:
    """Two of the overview's many figures, from the records themselves."""
    from django.db import connection

    month = "strftime('%Y-%m', at)" if connection.vendor == "sqlite" else "date_trunc('month', at)"
    with connection.cursor() as cursor:
        for column in ("status", "product_id"):
            cursor.execute(f"SELECT {month}, {column}, COUNT(*), SUM(amount) FROM orders_record GROUP BY 1, 2")  # noqa: S608
            cursor.fetchall()


if __name__ == "__main__":
    if sys.argv[1:]:
        options()
    hand_over(measure)
