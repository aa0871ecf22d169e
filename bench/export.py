"""Taking 1,000,000 records away as CSV, beside bare sqlite3 (or psycopg) and csv, which write the same twenty columns.

The bare loop joins the names of customers and people in its query, and writes what comes: it knows no formulas, no
time zone, and lets a spreadsheet round every number. Each export is a process of its own, so that its memory is seen;
it goes through Django's handler with the settings of production, as a download does.

    python -m bench.export [--records 1000000] [--postgres] [--keep DIR]
"""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.figure import Row, hand_over, note
from bench.history import VENDOR, options
from bench.stage import ROOT, Stage
from tests.services.servers import postgres

ROUNDS = 3
MEGABYTES = 120
FIRST_BYTE = 1_000.0
ENOUGH = "100000000"

BARE = """
SELECT r.at, r.order_no, r.status, r.product_name, p.company, r.product_no, u.username, r.ours_id IS NOT NULL, o.status,
    r.reference, r.custom_reference_no, r.amount, r.currency, r.transaction_no, r.instance_id, r.invoice_no, r.order_id,
    r.product_id, r.partner_id, r.gone_at
FROM orders_record r LEFT JOIN orders_partner p ON p.remote_id = r.partner_id LEFT JOIN auth_user u ON u.id = r.owner_id
    LEFT JOIN orders_order o ON o.id = r.ours_id
ORDER BY r.at DESC, r.id DESC
"""


def measure() -> Iterator[Row]:
    """CSV beside the bare loop; then what the other formats cost, and how soon a click is answered."""
    told = options()
    with ExitStack() as stack:
        stage = stack.enter_context(Stage())
        stage.variables |= {
            "DJANGO_SETTINGS_MODULE": "bench.settings",
            "EXPORT_STREAM_ROWS": ENOUGH,
            "LOG_LEVEL": "WARNING",
        }
        server = stack.enter_context(postgres(Path(stage.data), kept=told.keep)) if told.postgres else ""
        stage.variables |= {"DATABASE_URL": server} if server else {}
        stage.prepare()
        stage.variables["YEASTAR_BASE_URL"] = VENDOR
        stage.become_django()
        from bench.shelves import shelves

        [shelf] = stack.enter_context(shelves(told.keep or Path(stage.data), (told.records,)))
        url = f"{server.rpartition('/')[0]}/{shelf.name}" if server else f"sqlite:///{shelf.name}"
        stage.variables["DATABASE_URL"] = url
        on = f"{told.records:,} on {'PostgreSQL' if told.postgres else 'SQLite'}"
        rounds = [(run(stage, "bare", url), run(stage, "take", "csv")) for _ in range(ROUNDS)]
        bare = max(each["rows"] / each["seconds"] for each, _ in rounds)
        ours = max(each["rows"] / each["seconds"] for _, each in rounds)
        assert {each["rows"] for pair in rounds for each in pair} == {told.records}
        first, peak = max(each["first"] for _, each in rounds), max(each["peak"] for _, each in rounds)
        lines, book = run(stage, "take", "jsonl"), run(stage, "write", "xlsx", "status=pending")
        click = run(stage, "click", "csv", "q=LR&currency=EUR")
    loop: dict[str, Any] = {"unit": "rows/s", "limit": bare, "limit_is": "bare loop"}
    yield Row(figure=f"export, {on}: CSV", measured=ours, at_least=0.5, **loop)
    yield Row(figure="  first byte", measured=first, unit="ms", limit=FIRST_BYTE, at_most=1.0)
    yield Row(figure="  peak memory of the process", measured=peak, unit="MB", limit=MEGABYTES, at_most=1.0)
    yield Row(figure="  JSON lines, with all that was told", measured=lines["rows"] / lines["seconds"], **loop)
    yield Row(figure="    peak memory", measured=lines["peak"], unit="MB", limit=MEGABYTES, at_most=1.0)
    yield Row(figure=f"  Excel, {book['rows']:,} rows", measured=book["rows"] / book["seconds"], **loop)
    yield Row(figure="    peak memory", measured=book["peak"], unit="MB", limit=MEGABYTES, at_most=1.0)
    yield Row(
        figure="  a click, of a search that very much fits",
        measured=click["first"],
        unit="ms",
        limit=FIRST_BYTE,
        at_most=1.0,
    )


def run(stage: Stage, *words: str) -> dict[str, Any]:
    """One measurement in a process of its own."""
    command = [sys.executable, "-m", "bench.export", *words]
    done = subprocess.run(command, cwd=ROOT, env=stage.variables, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    note(f"{' '.join(words[:2])}: {found['rows']:,} rows, {found['seconds']:.1f} s, {found['peak']:.0f} MB")
    return found


def tell(rows: int, began: float, first: float = 0.0) -> None:
    """What the process that measures hands over."""
    seconds = time.perf_counter() - began
    # Not getrusage: that also counts what the process was before it became this one.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) * 1024 / 1_000_000
    print(json.dumps({"rows": rows, "seconds": seconds, "first": first * 1000, "peak": peak}))


def bare(url: str) -> None:
    """The loop that anybody would write first."""
    began, out = time.perf_counter(), Path(os.environ["DATA_DIR"]) / "bare.csv"
    if url.startswith("sqlite"):
        rows = written(out, sqlite3.connect(url.removeprefix("sqlite:///")).execute(BARE))
    else:
        import psycopg

        with psycopg.connect(url) as database, database.cursor("bare") as cursor:
            cursor.itersize = 5_000
            rows = written(out, cursor.execute(BARE))
    tell(rows, began)


def written(out: Path, rows: Iterable[Any]) -> int:
    with out.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows(rows)
    with out.open("rb") as file:
        return sum(1 for _ in file)


def browser() -> Any:
    """A manager's, in this process."""
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.test import Client

    found = Client(headers={"host": "localhost"})
    found.force_login(User.objects.get(username="manager"))
    found.get("/history/")
    return found


def take(kind: str, query: str = "") -> None:
    """Download it."""
    manager = browser()
    began = time.perf_counter()
    answer = manager.post("/history/exports/ask/", {"format": kind, "query": query})
    first = 0.0
    with (Path(os.environ["DATA_DIR"]) / f"taken.{kind}").open("wb") as file:
        for chunk in answer.streaming_content:
            first = first or time.perf_counter() - began
            file.write(chunk)
    from orders.models import Export

    export = Export.objects.latest("asked_at")
    assert export.state == Export.State.SENT, export.words
    tell(export.rows, began, first)


def write(kind: str, query: str) -> None:
    """Have a worker write it."""
    browser()
    from django.contrib.auth.models import User
    from django.utils import timezone

    from orders.exporting import making
    from orders.models import Export

    began = time.perf_counter()
    owner = User.objects.get(username="manager")
    export = Export.objects.create(owner=owner, format=kind, query=query, name="bench", asked_at=timezone.now())
    making.make(export.pk, stopping=lambda: False)
    export.refresh_from_db()
    assert export.state == Export.State.READY, export.words
    tell(export.rows, began)


def click(kind: str, query: str) -> None:
    """How long the button takes to answer."""
    manager = browser()
    began = time.perf_counter()
    answer = manager.post("/history/exports/ask/", {"format": kind, "query": query})
    first = time.perf_counter() - began
    answer.close()
    tell(0, began, first)


if __name__ == "__main__":
    DO = {"bare": bare, "take": take, "write": write, "click": click}
    if sys.argv[1:2] and sys.argv[1] in DO:
        DO[sys.argv[1]](*sys.argv[2:])
    else:
        options()
        hand_over(measure)
