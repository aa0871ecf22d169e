"""Mirroring 100,000 orders beside a bare loop: httpx, json and sqlite3, and nothing else.

Both run in this process, one after the other, against the same sandbox, and write with the same durability. The bare
loop does what no mirror can do without: typed columns, the payload and a fingerprint, upserted page by page. Its table
has no index but that of its key; ours has ten that each row stands in. The second peer only compares fingerprints.

    python -m bench.mirror [--records 100000] [--postgres]
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from bench.figure import Row, hand_over, note
from bench.stage import Stage

RECORDS = 100_000
NEW = 50
PAGE_SIZE = 100
MEGABYTES = 150

COLUMNS = ("orderNo", "id", "orderStatus", "currencyCode", "customReferenceNo", "invoiceNo", "createTime", "productId")


def options() -> argparse.Namespace:
    """What the measurement is told; `make bench` tells it nothing."""
    parser = argparse.ArgumentParser(prog="python -m bench.mirror", description="Measure the mirror.")
    parser.add_argument("--records", type=int, default=RECORDS, help=f"instead of {RECORDS:,}")
    parser.add_argument(
        "--postgres", action="store_true", help="on a PostgreSQL of its own; the bare loop keeps SQLite"
    )
    return parser.parse_args()


def measure() -> Iterator[Row]:
    """First mirror, a pass over what is unchanged, and what is new; each beside its peer."""
    asked = options()
    with ExitStack() as stack:
        stage = stack.enter_context(Stage())
        if asked.postgres:
            from tests.services.servers import postgres

            stage.variables["DATABASE_URL"] = stack.enter_context(postgres(Path(stage.data)))
        stage.variables["HISTORY_DETAILS"] = "0"  # they follow at a pace of their own
        stage.prepare()
        stage.become_django()
        from orders import gateway
        from orders.history.following import follow
        from orders.models import Reading, Record

        portal = gateway.portal()
        portal.check_token()
        stage.control("POST", "orders/generate", {"count": asked.records})
        with Bare(stage) as bare:
            gc.collect()
            gc.freeze()  # as the worker does
            upserted = timed("bare loop that upserts", bare.upsert_all)
            first = timed("first mirror", lambda: follow(portal, whole=True))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1_000_000
            # Ours goes between two of them, for the machine is not the same from one second to the next.
            with Bare(stage, "bare_again") as other:
                upserted = (upserted + timed("bare loop that upserts", other.upsert_all)) / 2
            compared = timed("bare loop that compares", bare.compare_all)
            again = timed("nothing changed", lambda: follow(portal, whole=True))
            # Once more, in the other order: what runs later must not be what runs better.
            again = min(again, timed("nothing changed", lambda: follow(portal, whole=True)))
            compared = min(compared, timed("bare loop that compares", bare.compare_all))
        known = Record.objects.count()
        whole = Reading.objects.filter(kind=Reading.Kind.WHOLE, complete=True, seen=known)
        if known < asked.records or whole.count() != 3:
            raise RuntimeError(f"{known} records, {[each.words for each in Reading.objects.all()]}")
        before = stage.control("GET", "calls").get("order_page", 0)
        stage.control("POST", "orders/generate", {"count": NEW})
        follow(portal)
        calls = stage.control("GET", "calls")["order_page"] - before
        if Record.objects.count() != known + NEW:
            raise RuntimeError("what is new was not found")
    on = "PostgreSQL" if asked.postgres else "SQLite"
    speed: dict[str, Any] = {"unit": "rows/s", "limit_is": "bare loop"}
    yield Row(
        figure=f"first mirror of {asked.records:,} orders, {on}",
        measured=known / first,
        limit=known / upserted,
        at_least=0.5,
        **speed,
    )
    yield Row(figure="  peak memory of the process", measured=peak, unit="MB", limit=MEGABYTES, at_most=1.0)
    yield Row(
        figure="  a pass with nothing changed", measured=known / again, limit=known / compared, at_least=0.8, **speed
    )
    yield Row(figure=f"  {NEW} new ones: calls for pages", measured=calls, unit="", limit=10, at_most=1.0)


def timed(what: str, run: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    run()
    took = time.perf_counter() - began
    note(f"{what}: {took:.1f} s")
    return took


class Bare:
    """The loop that anybody would write first."""

    def __init__(self, stage: Stage, name: str = "bare") -> None:
        self._client = httpx.Client(base_url=stage.variables["YEASTAR_BASE_URL"])
        asked = {"grant_type": "pp_credentials", "client_id": "sandbox-client", "client_secret": "sandbox-secret"}
        answer = self._client.post("/auth/openapi/v1/oauth/token", data=asked).raise_for_status()
        self._client.headers["Authorization"] = f"Bearer {answer.json()['result']['token']}"
        self._database = sqlite3.connect(stage.data / f"{name}.sqlite3", isolation_level=None)
        self._database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
        self._database.execute(
            f"CREATE TABLE record ({', '.join(COLUMNS)}, raw TEXT, digest TEXT, PRIMARY KEY (orderNo))"
        )

    def __enter__(self) -> Bare:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._database.close()

    def upsert_all(self) -> None:
        """Read every page, and write every row."""
        marks = ", ".join("?" * (len(COLUMNS) + 2))
        changes = ", ".join(f"{name} = excluded.{name}" for name in (*COLUMNS[1:], "raw", "digest"))
        upsert = f"INSERT INTO record VALUES ({marks}) ON CONFLICT (orderNo) DO UPDATE SET {changes}"  # noqa: S608
        for rows in self._pages():
            told = [(*(row.get(name) for name in COLUMNS), json.dumps(row), fingerprint(row)) for row in rows]
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(upsert, told)
            self._database.execute("COMMIT")

    def compare_all(self) -> None:
        """Read every page, and find that nothing has changed."""
        for rows in self._pages():
            asked = ", ".join("?" * len(rows))
            select = f"SELECT orderNo, digest FROM record WHERE orderNo IN ({asked})"  # noqa: S608
            known = dict(self._database.execute(select, [row["orderNo"] for row in rows]).fetchall())
            if any(known[row["orderNo"]] != fingerprint(row) for row in rows):
                raise RuntimeError("something has changed")

    def _pages(self) -> Iterator[Sequence[dict[str, Any]]]:
        page_no = 0
        while True:
            page_no += 1
            asked = f"pageNo={page_no}&pageSize={PAGE_SIZE}&sort=-id"
            answer = self._client.get(f"/order/openapi/order/v1/page?{asked}")
            rows = json.loads(answer.raise_for_status().content)["result"]["results"]
            if not rows:
                return
            yield rows


def fingerprint(row: dict[str, Any]) -> str:
    """The same while nothing in it changes."""
    return hashlib.sha1(json.dumps(row, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


if __name__ == "__main__":
    hand_over(measure)
