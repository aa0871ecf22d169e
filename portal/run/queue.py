"""The worker and beat of `make run`: `python -m portal.run.queue worker|beat SCHEDULE`.

The same as `celery worker` and `celery beat`, without Celery's command line, which loads a terminal toolkit of
12 MB into each. Says that it is ready by making the file READY_FILE. And a worker that ends by itself after it was
ready, as Celery's did around a lost broker, starts again: a container is restarted by Docker, this one by nobody.
"""

import gc
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from celery.signals import beat_init, worker_ready, worker_shutting_down

from portal.celery import app

AGAIN = 1.0
"""Seconds until a worker that ended by itself starts again."""

_ready = threading.Event()
_told_to_stop = threading.Event()


def say_ready(**_: Any) -> None:
    Path(os.environ["READY_FILE"]).touch()
    _ready.set()
    # What lives as long as the process is not looked through for garbage again and again while orders wait.
    gc.collect()
    gc.freeze()


def note_stop(**_: Any) -> None:
    _told_to_stop.set()


def worker() -> int:
    worker_ready.connect(say_ready)
    worker_shutting_down.connect(note_stop)
    # One worker: it has nobody to gossip with, and nobody watches its heartbeats.
    made = app.Worker(
        hostname="worker@%h",
        loglevel="INFO",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    made.start()  # to its end: what its threads were doing is done by then
    if made.exitcode and _ready.is_set():
        start_again()
    return made.exitcode or 0


def start_again() -> None:
    """Become a new worker, as the same process for whoever watches it, unless somebody has told us to stop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)  # from here on such a word ends us at once
    if _told_to_stop.is_set():
        return
    time.sleep(AGAIN)
    os.execv(sys.executable, [sys.executable, "-m", "portal.run.queue", "worker"])  # noqa: S606


def beat(schedule: str) -> int:
    beat_init.connect(say_ready)
    app.Beat(schedule=schedule, loglevel="INFO").run()
    return 0


if __name__ == "__main__":
    sys.exit(worker() if sys.argv[1] == "worker" else beat(sys.argv[2]))
