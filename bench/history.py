"""Server time of the history's list with 1,000,000 records, beside the same with 10,000, and beside a bare page.

In one process, through Django's handler with the middleware and settings of production. Both histories are open at
once and asked in turns, the bare page too, so that whatever else the machine does slows all of them.

    python -m bench.history [--records 1000000] [--postgres] [--keep DIR] [--only WORDS]

A kept database is used as it is: remove it when `shelf.py` has changed.
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

RECORDS, FEW_RECORDS = 1_000_000, 10_000
SAMPLES, WARM_UP = 60, 4
ADMIN_SAMPLES = 5
LIMIT = 25.0
VENDOR = "http://vendor.test"  # whose history it is: the same in each run, for kept databases
GROWTH = 1.3
TIMES_BARE = 2.5


def options() -> argparse.Namespace:
    """What the measurement is told; `make bench` tells it nothing."""
    parser = argparse.ArgumentParser(prog="python -m bench.history", description="Measure the history's list.")
    parser.add_argument("--records", type=int, default=RECORDS, help=f"instead of {RECORDS:,}")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own instead of SQLite")
    parser.add_argument("--keep", type=Path, help="keep the filled databases here, and use them if they are there")
    parser.add_argument("--only", default="", help="only pages whose name holds these words")
    return parser.parse_args()


def measure() -> Iterator[Row]:
    """Every figure with both sizes."""
    told = options()
    with ExitStack() as stack:
        stage = stack.enter_context(Stage())
        stage.variables["DJANGO_SETTINGS_MODULE"] = "bench.settings"
        if told.postgres:
            server = stack.enter_context(postgres(Path(stage.data), kept=told.keep))
            stage.variables["DATABASE_URL"] = server
        stage.prepare()
        stage.variables["YEASTAR_BASE_URL"] = VENDOR
        stage.become_django()
        from bench.shelves import shelves

        few, many = stack.enter_context(shelves(told.keep or Path(stage.data), (FEW_RECORDS, told.records)))
        yield from compared(few, many, told)


def compared(few: Any, many: Any, told: argparse.Namespace) -> Iterator[Row]:
    """A few rows for each page."""
    from bench.beside import bare_list

    visits = {}
    for shelf in (few, many):
        with shelf:
            visits[shelf] = {name: ask for name, ask in pages().items() if told.only in name}
    gc.collect()
    gc.freeze()  # as the web process does
    on = f"{told.records:,} on {'PostgreSQL' if told.postgres else 'SQLite'}"
    for name in visits[few]:
        base, took, bare = in_turns((few, visits[few][name]), (many, visits[many][name]), (many, bare_list))
        full = rows_of(few, visits[few][name]) == rows_of(many, visits[many][name])
        note(f"{name}: {took:.1f} ms, with {FEW_RECORDS:,} {base:.1f} ms, bare {bare:.1f} ms")
        yield Row(figure=f"history, {on}: {name}, p95", measured=took, unit="ms", limit=LIMIT, at_most=1.0)
        than = f"with {FEW_RECORDS:,}"
        growth = "  growth" if full else "  growth, and more rows on the page"
        goal = GROWTH if full else None
        yield Row(figure=growth, measured=took, unit="ms", limit=base, limit_is=than, at_most=goal)
        yield Row(figure="  over bare", measured=took, unit="ms", limit=bare, limit_is="bare page", at_most=TIMES_BARE)
    with many:
        for name, ask in admins().items():
            if told.only in name:
                took = statistics.median(times(ask) for _ in range(ADMIN_SAMPLES))
                yield Row(figure=f"  {name}, median", measured=took, unit="ms", limit=LIMIT)


def in_turns(*asked: tuple[Any, Callable[[], object]]) -> list[float]:
    """p95 of each in milliseconds."""
    samples: list[list[float]] = [[] for _ in asked]
    for _ in range(WARM_UP + SAMPLES):
        for (shelf, ask), taken in zip(asked, samples, strict=True):
            with shelf:
                taken.append(times(ask))
    note(", ".join(f"{min(taken):.1f}" for taken in samples) + " ms at best")
    return [p95(taken[WARM_UP:]) for taken in samples]


def rows_of(shelf: Any, ask: Callable[[], Any]) -> int:
    """How many rows a page shows: with few records it may hold less than a page."""
    with shelf:
        return int(ask().count(b"<tr"))


def times(ask: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


def browser(name: str) -> Any:
    """Somebody who is logged in."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(username=name))
    return client


def asking(client: Any, path: str, **query: Any) -> Callable[[], bytes]:
    """A page to be asked for."""

    def ask() -> bytes:
        answer = client.get(path, query)
        assert answer.status_code == 200, (path, query, answer.status_code)
        return bytes(answer.content)

    return ask


def pages() -> dict[str, Callable[[], bytes]]:
    """What a manager looks at, by name; the last ones hold what seldom meets."""
    from bench import shelf
    from orders.models import Partner, Record

    client = browser("manager")
    rows = Record.objects.order_by("at", "pk").defer("raw", "detail")
    count = rows.count()
    deep = rows[count // 3]
    known = rows.exclude(transaction_no="").exclude(reference="").exclude(product_no="").first()
    greatest = Partner.objects.get(remote_id=str(shelf.FIRST_CUSTOMER + shelf.GREATEST)).remote_id
    assert known
    latest = rows.last()
    assert latest
    day = {"from": (latest.at - timedelta(days=400)).date().isoformat(), "to": (latest.at - timedelta(days=395)).date()}

    def page(**query: Any) -> Callable[[], bytes]:
        return asking(client, "/history/", **query)

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
        "customer": page(customer=deep.partner_id),
        "customer, the greatest": page(customer=greatest),
        "asked by": page(who="manager"),
        "made here": page(made="here"),
        "made elsewhere": page(made="elsewhere"),
        "currency, usual": page(currency="USD"),
        "currency, only long ago": page(currency="EUR"),
        "today": page(period="today"),
        "last month": page(period="last-month"),
        "five days a year ago": page(**day),
        "this year, by number": page(period="this-year", sort="order"),
        "rare status, by number": page(status="con", sort="order"),
        "number, whole": page(q=known.order_no),
        "number, beginning": page(q=deep.order_no[:-2]),
        "number, beginning of very many": page(q="LR"),
        "serial number, beginning": page(q=known.product_no[:7]),
        "reference of ours": page(q=known.reference),
        "part of a word, rare": page(q=shelf.RARE[1:]),
        "part of a word, common": page(q=shelf.COMMON[:-1]),
        "part of a word, common long ago": page(q=shelf.PAST),
        "part of a word, in every name": page(q="gmbh"),
        "no match": page(q="nobody at all"),
        "status, product and period": page(status="pending", product="9", period="this-year"),
        "status and product, deep": page(status="pending", product="9", after=deep.pk),
        "product and currency": page(product="15", currency="RMB", sort="at"),
        "product never made here": page(product=shelf.NEVER_HERE, made="here"),
        "product never refunded": page(product=shelf.NEVER_REFUNDED, status="refunded"),
        "currency of long ago, this year": page(currency="EUR", period="this-year"),
        "made here, status, period": page(made="here", status="failed", period="last-month"),
        "made elsewhere, product, by number": page(made="elsewhere", product="40", sort="order"),
        "bought here, their status": page(ours="PLACED", status="pending"),
        "asked by, status and product": page(who="manager", status="failed", product="21"),
        "asked by, in another period": page(who="manager", **day),
        "customer and status, never": page(customer=greatest, status="pending"),
        "customer and product, deep": page(customer=greatest, product="40", after=deep.pk),
        "customer, made here": page(customer=greatest, made="here", status="invalid"),
        "word and status": page(q=shelf.COMMON, status="refunded"),
        "word and status and product, deep": page(q=shelf.COMMON, status="failed", product="21", after=deep.pk),
        "word of long ago and status": page(q=shelf.PAST, status="pending"),
        "word of long ago, this year": page(q=shelf.PAST, period="this-year"),
        "words of two kinds": page(q=shelf.COMMON, customer="nova"),
        "not told": page(customer="-", status="failed"),
    }


def admins() -> dict[str, Callable[[], bytes]]:
    """The same list by Django's admin."""
    client = browser("bench")
    return {
        "Django's admin, first page": asking(client, "/plain/orders/record/"),
        "Django's admin, part of a number": asking(client, "/plain/orders/record/", q="20260"),
        "Django's admin with date_hierarchy": asking(client, "/dated/orders/record/"),
    }


if __name__ == "__main__":
    if sys.argv[1:]:
        options()
    hand_over(measure)
