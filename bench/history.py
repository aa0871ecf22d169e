"""Server time of the history's list with 1,000,000 records, beside the same with 10,000, and beside a bare page.

In one process, through Django's handler with the middleware and settings of production. The bare page is an ORM query
and a template of the same 50 rows, and nothing else: no login, no filters, no names of customers.

    python -m bench.history [--records 1000000] [--postgres]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from bench.figure import Row, hand_over, note, p95
from bench.stage import Stage

RECORDS, FEW_RECORDS = 1_000_000, 10_000
SAMPLES, WARM_UP = 60, 6
LIMIT = 25.0
GROWTH = 1.3
TIMES_BARE = 2.5


def options() -> argparse.Namespace:
    """What the measurement is told; `make bench` tells it nothing."""
    parser = argparse.ArgumentParser(prog="python -m bench.history", description="Measure the history's list.")
    parser.add_argument("--records", type=int, default=RECORDS, help=f"instead of {RECORDS:,}")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own instead of SQLite")
    return parser.parse_args()


def measure() -> Iterator[Row]:
    """First with few records, then with many; every figure is of the same pages."""
    told = options()
    with ExitStack() as stack:
        stage = stack.enter_context(Stage())
        if told.postgres:
            from tests.services.servers import postgres

            stage.variables["DATABASE_URL"] = stack.enter_context(postgres(Path(stage.data)))
        stage.prepare()
        stage.become_django()
        base, _ = pages(FEW_RECORDS)
        found, bare = pages(told.records)
    on = "PostgreSQL" if told.postgres else "SQLite"
    for name, took in found.items():
        figure = f"history, {told.records:,} on {on}: {name}, p95"
        yield Row(figure=figure, measured=took, unit="ms", limit=LIMIT, at_most=1.0)
        than = f"with {FEW_RECORDS:,}"
        yield Row(figure="  growth", measured=took, unit="ms", limit=base[name], limit_is=than, at_most=GROWTH)
        yield Row(figure="  over bare", measured=took, unit="ms", limit=bare, limit_is="bare page", at_most=TIMES_BARE)


def pages(records: int) -> tuple[dict[str, float], float]:
    """p95 of each page with so many records, and of the bare page."""
    from django.core.cache import cache

    from bench import shelf

    began = time.perf_counter()
    shelf.fill(records)
    cache.clear()
    note(f"{records:,} records written in {time.perf_counter() - began:.0f} s")
    bare = timed("bare page", bare_page)
    return {name: timed(name, ask) for name, ask in visits().items()}, bare


def timed(name: str, ask: Callable[[], object]) -> float:
    """p95 in milliseconds."""
    samples = []
    for _ in range(WARM_UP + SAMPLES):
        began = time.perf_counter()
        ask()
        samples.append((time.perf_counter() - began) * 1000)
    samples = samples[WARM_UP:]
    note(f"{name}: median {statistics.median(samples):.1f} ms, p95 {p95(samples):.1f} ms")
    return p95(samples)


def bare_page() -> None:
    """The plainest list: a query and a template."""
    from orders.models import Record

    rows = Record.objects.order_by("-at", "-pk").select_related("ours", "owner").defer("raw", "detail")[:50]
    bare_template().render({"rows": rows})


@cache
def bare_template() -> Any:
    """Compiled once, as the portal's own are."""
    from django.template import engines

    return engines["django"].from_string(BARE)


BARE_ROW = (
    "<tr><td>{{ row.at }}</td><td>{{ row.order_no }}</td><td>{{ row.status }}</td><td>{{ row.product_name }}</td>"
    "<td>{{ row.partner_id }}</td><td>{{ row.product_no }}</td><td>{{ row.owner }}</td>"
    "<td>{{ row.reference }} {{ row.custom_reference_no }}</td><td>{{ row.amount }} {{ row.currency }}</td></tr>"
)
BARE = "<table>{% for row in rows %}" + BARE_ROW + "{% endfor %}</table>"


def visits() -> dict[str, Callable[[], object]]:
    """What a manager looks at, by name."""
    from django.contrib.auth.models import User
    from django.test import Client

    from bench import shelf
    from orders.models import Partner, Record

    browser = Client(headers={"host": "localhost"})
    browser.force_login(User.objects.get(username="manager"))
    deep = Record.objects.order_by("at", "pk")[Record.objects.count() // 3]
    known = Record.objects.exclude(transaction_no="").exclude(reference="").exclude(product_no="").first()
    assert known
    customer = Partner.objects.get(remote_id=deep.partner_id)

    def page(**query: Any) -> Callable[[], object]:
        def ask() -> None:
            answer = browser.get("/history/", query)
            assert answer.status_code == 200, answer.status_code

        return ask

    return {
        "first page": page(),
        "deep page": page(after=deep.pk),
        "deep page, back": page(before=deep.pk),
        "oldest first": page(sort="at"),
        "by order number": page(sort="order"),
        "by order number, downwards, deep": page(sort="-order", after=deep.pk),
        "status, usual": page(status="succeed"),
        "status, rare": page(status="con"),
        "status of ours, usual": page(ours="PLACED"),
        "status of ours, rare": page(ours="UNCERTAIN"),
        "product": page(product="15"),
        "product, rare": page(product="40"),
        "customer": page(customer=customer.remote_id),
        "asked by": page(who="manager"),
        "made here": page(made="here"),
        "made elsewhere": page(made="elsewhere"),
        "currency, usual": page(currency="USD"),
        "currency, rare": page(currency="EUR"),
        "today": page(period="today"),
        "last month": page(period="last-month"),
        "this year, by number": page(period="this-year", sort="order"),
        "rare status, by number": page(status="con", sort="order"),
        "status, product and period": page(status="pending", product="9", period="this-year"),
        "number, whole": page(q=known.order_no),
        "number, beginning": page(q=deep.order_no[:-2]),
        "number, beginning of very many": page(q="LR"),
        "serial number, beginning": page(q=known.product_no[:7]),
        "reference of ours": page(q=known.reference),
        "part of a word, rare": page(q=shelf.RARE[1:]),
        "part of a word, common": page(q=shelf.COMMON[:-1]),
        "no match": page(q="nobody at all"),
    }


if __name__ == "__main__":
    if sys.argv[1:]:
        options()
    hand_over(measure)
