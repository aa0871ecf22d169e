"""Memory of everything that `make run` starts, at rest: the sum of the processes' proportional shares (PSS)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil

from bench.figure import Row, hand_over, note
from bench.stage import ROOT, free_port, new_directory, plain_environment, wait_until

LIMIT = 350.0
REST = 20.0
NAMES = ("valkey-server", "yeastar_api.sandbox", "gunicorn", "queue worker", "queue beat", "portal-guardian")


def measure() -> Iterator[Row]:
    """Start everything, let it rest, add up."""
    data = new_directory()
    variables = plain_environment() | {"DATA_DIR": str(data), "PORT": str(free_port()), "SANDBOX_PORT": ""}
    with (data / "said").open("wb") as file:
        run = subprocess.Popen(
            [sys.executable, "-m", "portal.run"], cwd=ROOT, env=variables, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: "Ctrl-C stops everything." in (data / "said").read_text(), 120, "make run")
        time.sleep(REST)
        shares = [(name(process), megabytes(process)) for process in family(run.pid)]
    finally:
        run.terminate()
        run.wait(120)
        shutil.rmtree(data, ignore_errors=True)
    for who, share in shares:
        note(f"{who}: {share:.1f} MB")
    total = sum(share for _, share in shares)
    yield Row(figure="make run at rest, all processes", measured=total, unit="MB", limit=LIMIT, at_most=1.0)
    for who, share in sorted(shares, key=lambda each: -each[1]):
        yield Row(figure=f"  {who}", measured=share, unit="MB", limit=total, limit_is="all")


def family(pid: int) -> list[psutil.Process]:
    """The supervisor and all that came of it."""
    supervisor = psutil.Process(pid)
    return [supervisor, *supervisor.children(recursive=True)]


def name(process: psutil.Process) -> str:
    """What it is, in a word."""
    words = " ".join(process.cmdline())
    return next((each for each in NAMES if each in words), "supervisor")


def megabytes(process: psutil.Process) -> float:
    """Its share of memory: what it has alone, and its part of what it shares."""
    return process.memory_full_info().pss / 1_000_000


if __name__ == "__main__":
    hand_over(measure)
