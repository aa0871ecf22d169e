"""Taking 1,000,000 records away as CSV, beside bare sqlite3 (or psycopg) and csv, which write the same twenty columns.

The bare loop joins the names of customers and people in its query, and writes what comes: it knows no formulas, no
time zone, and lets a spreadsheet round every number. A large export is written by `manage.py write_export`, a process
of its own; a smaller one is streamed to the browser through Django's handler. Both have the settings of production.

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
from orders.exporting import apart
from tests.services.servers import postgres

ROUNDS = 3
MEGABYTES = 120
GROWN = 20
FIRST_BYTE = 1_000.0
FEWER = "status=pending"
"""Of 1,000,000 records some 40,000: they are streamed."""

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
        rounds = [(run(stage, "bare", url), run(stage, "write", "csv")) for _ in range(ROUNDS)]
        bare = max(each["rows"] / each["seconds"] for each, _ in rounds)
        ours = max(each["rows"] / each["seconds"] for _, each in rounds)
        assert {each["rows"] for pair in rounds for each in pair} == {told.records}
        peak = max(each["peak"] for _, each in rounds)
        lines, book = run(stage, "write", "jsonl"), run(stage, "write", "xlsx", FEWER)
        streamed = [run(stage, "take", "csv", FEWER) for _ in range(ROUNDS)]
        click = run(stage, "click", "csv", "q=LR&currency=EUR")
    loop: dict[str, Any] = {"unit": "rows/s", "limit": bare, "limit_is": "bare loop"}
    yield Row(figure=f"export, {on}: CSV", measured=ours, at_least=0.5, **loop)
    yield Row(figure="  peak memory of the process", measured=peak, unit="MB", limit=MEGABYTES, at_most=1.0)
    yield Row(figure="  JSON lines, with all that was told", measured=lines["rows"] / lines["seconds"], **loop)
    yield Row(figure="    peak memory", measured=lines["peak"], unit="MB", limit=MEGABYTES, at_most=1.0)
    yield Row(figure=f"  Excel, {book['rows']:,} rows", measured=book["rows"] / book["seconds"], **loop)
    yield Row(figure="    peak memory", measured=book["peak"], unit="MB", limit=MEGABYTES, at_most=1.0)
    first, grown = (max(each[name] for each in streamed) for name in ("first", "peak"))
    soon: dict[str, Any] = {"unit": "ms", "limit": FIRST_BYTE, "at_most": 1.0}
    yield Row(figure=f"  CSV of {streamed[0]['rows']:,} rows as a download: first byte", measured=first, **soon)
    yield Row(
        figure="    what it adds to the memory of a web process", measured=grown, unit="MB", limit=GROWN, at_most=1.0
    )
    yield Row(figure="  a click, of a search that very much fits", measured=click["first"], **soon)


def run(stage: Stage, *words: str) -> dict[str, Any]:
    """One measurement in a process of its own."""
    command = [sys.executable, "-m", "bench.export", *words]
    done = subprocess.run(command, cwd=ROOT, env=stage.variables, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    note(f"{' '.join(words[:2])}: {found['rows']:,} rows, {found['seconds']:.1f} s, {found['peak']:.0f} MB")
    return found


def tell(rows: int, began: float, first: float = 0.0, peak: float | None = None) -> None:
    """What the process that measures hands over; its own memory unless it had something done by another."""
    seconds = time.perf_counter() - began
    print(json.dumps({"rows": rows, "seconds": seconds, "first": first * 1000, "peak": peak or peak_of(os.getpid())}))


def peak_of(process: int) -> float:
    """Megabytes. Not by getrusage: that also counts what the process was before it became this one."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return int(status.get("VmHWM", "0").split()[0]) * 1024 / 1_000_000  # none when it has just ended


def bare(url: str) -> None:
    """The loop that anybody would write first."""
    os.nice(apart.NICE)  # as the process that writes an export: who else works then slows both
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
    began, before = time.perf_counter(), peak_of(os.getpid())
    answer = manager.post("/history/exports/ask/", {"format": kind, "query": query})
    first = 0.0
    with (Path(os.environ["DATA_DIR"]) / f"taken.{kind}").open("wb") as file:
        for chunk in answer.streaming_content:
            first = first or time.perf_counter() - began
            file.write(chunk)
    from orders.models import Export

    export = Export.objects.latest("asked_at")
    assert export.state == Export.State.SENT, export.words
    tell(export.rows, began, first, peak=peak_of(os.getpid()) - before)


def write(kind: str, query: str = "") -> None:
    """Have it written as a worker has: by `manage.py write_export`, whose memory is looked at as long as it runs."""
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.utils import timezone

    from orders.models import Export

    began, peak = time.perf_counter(), 0.0
    owner = User.objects.get(username="manager")
    export = Export.objects.create(owner=owner, format=kind, query=query, name="bench", asked_at=timezone.now())
    writer = subprocess.Popen([sys.executable, "manage.py", "write_export", str(export.pk)], cwd=ROOT)
    while writer.poll() is None:
        peak = max(peak, peak_of(writer.pid))
        time.sleep(0.02)
    export.refresh_from_db()
    assert export.state == Export.State.READY, export.words
    tell(export.rows, began, peak=peak)


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
