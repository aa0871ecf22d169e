"""The breaker in several real processes with several threads each, on a database in a file, all at the same moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROCESSES, THREADS = 3, 4

WORKER = f"""
import json, sys, threading
import django
django.setup()
from django.db import connection
from django.utils import timezone
from orders import breaking
from orders.models import Breaker
from yeastar_api.errors import NotDelivered

def fail():
    return breaking.failed(NotDelivered(call="save", detail="no connection (ConnectError)"))

def probe():
    return breaking.take_probe(timezone.now()) is not None

def shut():
    return breaking.close(breaking.state(fresh=True))

def due():
    return Breaker.objects.update(probe_at=timezone.now())

def row():
    return Breaker.objects.values("failures", "trips", "probes", "reason").get()

def together(verb):
    start, answers = threading.Barrier({THREADS}), []
    def run():
        start.wait(10)
        answers.append(verb())
        connection.close()
    threads = [threading.Thread(target=run) for _ in range({THREADS})]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return answers

print("ready", flush=True)
for line in sys.stdin:
    how, verb = line.split()
    done = together(globals()[verb]) if how == "all" else globals()[verb]()
    print(json.dumps(done), flush=True)
"""


class Crew:
    """The processes, asked one or all at once."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self.processes = processes

    def all(self, verb: str) -> list[Any]:
        """What every thread of every process answers, all at the same moment."""
        for process in self.processes:
            self._say(process, f"all {verb}")
        return [answer for process in self.processes for answer in self._hear(process)]

    def one(self, verb: str) -> Any:
        self._say(self.processes[0], f"one {verb}")
        return self._hear(self.processes[0])

    def _say(self, process: subprocess.Popen[str], line: str) -> None:
        assert process.stdin
        process.stdin.write(f"{line}\n")
        process.stdin.flush()

    def _hear(self, process: subprocess.Popen[str]) -> Any:
        assert process.stdout
        return json.loads(process.stdout.readline())


@pytest.fixture
def crew(tmp_path: Path, migrated: Callable[[Path], Path]) -> Iterator[Crew]:
    migrated(tmp_path)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    env = kept | {
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": "only-for-tests-" + "x" * 40,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "YEASTAR_BASE_URL": "http://sandbox.test",
        "BREAKER_FAILURES": "8",
        "LOG_LEVEL": "CRITICAL",
    }
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WORKER],
                    cwd=ROOT,
                    env=env,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(PROCESSES)
        ]
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        yield Crew(processes)


def test_it_opens_once_one_asks_and_it_closes_once_and_opens_again_at_a_single_failure(crew: Crew) -> None:
    assert len(crew.all("fail")) == PROCESSES * THREADS
    row = crew.one("row")
    assert row["reason"] == "Yeastar cannot be reached: no connection (ConnectError)."
    assert (row["trips"], row["probes"]) == (1, 0)
    assert 8 <= row["failures"] <= PROCESSES * THREADS, "who fails while it is open is not counted"
    assert sum(crew.all("probe")) == 0, "it is not time"
    crew.one("due")
    assert sum(crew.all("probe")) == 1
    assert crew.one("row")["probes"] == 1
    assert sum(crew.all("shut")) == 1
    assert crew.one("row") == {"failures": 7, "trips": 1, "probes": 0, "reason": ""}
    crew.one("fail")
    assert crew.one("row")["trips"] == 2
