"""Requests per second of the history's list with gunicorn on two cores, beside a bare page of the same rows.

The web process is that of `make run` with two workers; its URLs hold the bare page too, behind the same login, and once
more within the portal's frame. Clients ask without a pause, each request on a connection of its own, for the pages in
turns.

    python -m bench.load [--records 100000]
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from bench.figure import Row, hand_over, note
from bench.stage import ROOT, Stage

RECORDS = 100_000
WORKERS, CLIENTS = 2, 8
ROUNDS, SECONDS = 5, 2.0
TIMES_BARE = 0.8


def measure() -> Iterator[Row]:
    """Median of some rounds."""
    told = options()
    with Stage() as stage:
        stage.variables |= {"DJANGO_SETTINGS_MODULE": "bench.settings", "WEB_CONCURRENCY": str(WORKERS)}
        stage.prepare()
        stage.become_django()
        from django.core.management import call_command

        from bench import shelf
        from bench.history import browser

        call_command("migrate", interactive=False, verbosity=0)
        shelf.fill(told.records)
        stage.start_web()
        cookie = browser("manager").cookies["sessionid"].value
        rates: dict[str, list[float]] = {"/history/": [], "/bare/": [], "/framed/": []}
        for round_ in range(ROUNDS + 1):
            for path, found in rates.items():
                command = [sys.executable, "-m", "bench.load", "--ask", f"{stage.web_port}", path, cookie]
                rate = float(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout)
                note(f"{path} {rate:.0f}/s")
                if round_:  # the first only warms
                    found.append(rate)
    ours, bare, framed = (statistics.median(found) for found in rates.values())
    name = f"history's list under load, {WORKERS} workers, {told.records:,} records"
    yield Row(figure=name, measured=ours, unit="/s", limit=bare, limit_is="bare page", at_least=TIMES_BARE)
    yield Row(
        figure="  beside a bare page in the portal's frame", measured=ours, unit="/s", limit=framed, limit_is="framed"
    )


def ask(port: int, path: str, cookie: str) -> float:
    """So many answers per second to all clients together."""
    end = time.perf_counter() + SECONDS
    answered: list[int] = []

    def client() -> None:
        count = 0
        while time.perf_counter() < end:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", path, headers={"Host": "localhost", "Cookie": f"sessionid={cookie}"})
            response = connection.getresponse()
            body = response.read()
            connection.close()
            if response.status != 200 or b"<table" not in body:
                raise RuntimeError(f"{path}: {response.status}")
            count += 1
        answered.append(count)

    began = time.perf_counter()
    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(answered) != CLIENTS:
        raise RuntimeError("a client broke")
    return sum(answered) / (time.perf_counter() - began)


def options() -> argparse.Namespace:
    """What the measurement is told; `make bench` tells it nothing."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description="Measure the history's list under load.")
    parser.add_argument("--records", type=int, default=RECORDS, help=f"instead of {RECORDS:,}")
    parser.add_argument("--ask", nargs=3, metavar=("PORT", "PATH", "COOKIE"), help="be the clients of one round")
    return parser.parse_args()


if __name__ == "__main__":
    if asked := options().ask:
        print(ask(int(asked[0]), asked[1], asked[2]))
    else:
        hand_over(measure)
