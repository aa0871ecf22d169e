"""20,000 customers: server time of their list, their search and the wizard's picker; and a run in which 100 changed.

Pages in one process, through Django's handler with the middleware and settings of production. The run is one of
`manage.py mirror_accounts` in a process of its own, against the sandbox over HTTP: its time, peak memory and queries.

    python -m bench.accounts [--partners 20000] [--postgres]
"""

from __future__ import annotations

import argparse
import gc
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.figure import Row, hand_over, note, p95
from bench.stage import ROOT, Stage

PARTNERS, CHANGED, GONE = 20_000, 90, 10
SAMPLES, WARM_UP = 60, 4
MILLISECONDS, SECONDS, MEGABYTES, QUERIES = 50.0, 3.0, 150.0, 60.0


def options() -> argparse.Namespace:
    """What the measurement is told; `make bench` tells it nothing."""
    parser = argparse.ArgumentParser(prog="python -m bench.accounts", description="Measure lists of accounts.")
    parser.add_argument("--partners", type=int, default=PARTNERS, help=f"instead of {PARTNERS:,}")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own instead of SQLite")
    parser.add_argument("--run", action="store_true", help="mirror once and say what it took; the bench asks itself so")
    return parser.parse_args()


def measure() -> Iterator[Row]:
    """Each page, then the run, beside their limits."""
    told = options()
    with ExitStack() as stack:
        stage = stack.enter_context(Stage())
        if told.postgres:
            from tests.services.servers import postgres

            stage.variables["DATABASE_URL"] = stack.enter_context(postgres(Path(stage.data)))
        stage.control("POST", "partners/generate", {"count": told.partners})
        stage.prepare()
        stage.become_django()
        records = change_some(stage)
        gc.collect()
        gc.freeze()  # as the web process does
        took = {name: timed(name, ask) for name, ask in visits().items()}
        run = a_run(stage)
        found = (run["listed"], run["changed"], run["added"], run["gone"])
        if found != (len(records), CHANGED, 0, GONE):
            raise RuntimeError(f"listed, changed, added, gone: {found}")
    on = f"{told.partners:,} customers on {'PostgreSQL' if told.postgres else 'SQLite'}"
    for name, milliseconds in took.items():
        yield Row(figure=f"{name}, {on}, p95", measured=milliseconds, unit="ms", limit=MILLISECONDS, at_most=1.0)
    changes = f"  mirroring them, {CHANGED + GONE} changed"
    yield Row(figure=changes, measured=run["seconds"], unit="s", limit=SECONDS, at_most=1.0)
    yield Row(figure="  peak memory of its process", measured=run["megabytes"], unit="MB", limit=MEGABYTES, at_most=1.0)
    yield Row(figure="  its queries", measured=run["queries"], unit="", limit=QUERIES, at_most=1.0)


def change_some(stage: Stage) -> list[dict[str, Any]]:
    """From now on the vendor lists some otherwise, and some no more. Also tags and notes, as people would keep them."""
    from django.db import connection

    from orders.models import Partner

    rows = list(Partner.objects.order_by("pk").values_list("pk", "raw"))
    for every, column, value in ((7, "tags", ",vip,"), (11, "note", "Pays late"), (13, "hidden", True)):
        keys = [pk for pk, _ in rows[::every]]
        for start in range(0, len(keys), 500):
            Partner.objects.filter(pk__in=keys[start : start + 500]).update(**{column: value})
    told = [raw for _, raw in rows]
    step = len(told) // CHANGED
    for number in range(CHANGED):
        told[number * step] = told[number * step] | {"company": f"Renamed {number}", "city": "Elsewhere"}
    for number in range(GONE):
        del told[number * step + 1]
    stage.control("PUT", "partners", told)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return told


def visits() -> dict[str, Callable[[], object]]:
    """What an admin and somebody who orders ask for, by name."""
    from django.contrib.auth.models import User
    from django.test import Client

    from orders.models import Order, Partner

    adam, alice = Client(headers={"host": "localhost"}), Client(headers={"host": "localhost"})
    adam.force_login(User.objects.get(username="admin"))
    alice.force_login(User.objects.get(username="staff"))
    rows = list(Partner.objects.order_by("search", "pk").values_list("pk", "remote_id", "email"))
    middle, last = rows[len(rows) // 2], rows[-1]

    def page(browser: Client, url: str, **query: Any) -> Callable[[], object]:
        def ask() -> None:
            answer = browser.get(url, query)
            if answer.status_code != 200:
                raise RuntimeError(f"{url}: {answer.status_code}")

        return ask

    draft = alice.post("/orders/start/turnkey-capacity/").url
    if Order.objects.drafts().count() != 1:
        raise RuntimeError("no draft was started")
    options = f"{draft}options/"
    return {
        "list": page(adam, "/partners/"),
        "list, a page in the middle": page(adam, "/partners/", after=middle[0]),
        "list, by e-mail": page(adam, "/partners/", sort="email"),
        "list, the latest changes": page(adam, "/partners/", sort="-changed"),
        "search, one that is rare": page(adam, "/partners/", q=last[2]),
        "search, by a part of the id": page(adam, "/partners/", q=middle[1][3:]),
        "search, a common word": page(adam, "/partners/", q="generated"),
        "search, nobody": page(adam, "/partners/", q="nobody is called so"),
        "filters: country, tag, not hidden": page(adam, "/partners/", country="France", tag="vip", hidden="offered"),
        "picker": page(alice, options, name="partner_id"),
        "picker, one that is rare": page(alice, options, name="partner_id", q_partner_id=last[2]),
        "picker, a common word": page(alice, options, name="partner_id", q_partner_id="generated"),
    }


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


def a_run(stage: Stage) -> dict[str, Any]:
    """What a run in a process of its own took."""
    command = [sys.executable, "-m", "bench.accounts", "--run"]
    done = subprocess.run(command, cwd=ROOT, env=stage.variables, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found = dict(json.loads(done.stdout))
    note(f"a run: {found}")
    return found


def run_here() -> None:
    """Mirror the customers once, in this process, and print what it took."""
    import django

    django.setup()
    from django.db import connection

    from orders import gateway
    from orders.accounts import syncing
    from orders.models import Listed

    queries = 0

    def counted(execute: Any, *given: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*given)

    connection.ensure_connection()
    began = time.perf_counter()
    with connection.execute_wrapper(counted):
        run = syncing.sync(gateway.portal(), Listed.PARTNERS)
    took = time.perf_counter() - began
    # Not getrusage: its peak begins with that of the process by which this one was started.
    told = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    peak = int(told.group(1)) * 1024 / 1_000_000 if told else 0.0
    if run is None:
        raise RuntimeError("another run is open")
    counts = {name: getattr(run, name) for name in ("listed", "added", "changed", "gone")}
    print(json.dumps({"seconds": took, "megabytes": peak, "queries": queries, **counts}))


if __name__ == "__main__":
    if options().run:
        run_here()
    else:
        hand_over(measure)
