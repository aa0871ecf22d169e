"""The worker and beat of `make run`: `python -m portal.run.queue worker|beat SCHEDULE`.

The same as `celery worker` and `celery beat`, without Celery's command line, which loads a terminal toolkit of
12 MB into each. Says that it is ready by making the file READY_FILE.
"""

import os
import sys
from pathlib import Path
from typing import Any

from celery.signals import beat_init, worker_ready

from portal.celery import app


def say_ready(**_: Any) -> None:
    Path(os.environ["READY_FILE"]).touch()


def worker() -> int:
    worker_ready.connect(say_ready)
    # One worker: it has nobody to gossip with, and nobody watches its heartbeats.
    made = app.Worker(
        hostname="worker@%h",
        loglevel="INFO",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    made.start()
    return made.exitcode or 0


def beat(schedule: str) -> int:
    beat_init.connect(say_ready)
    app.Beat(schedule=schedule, loglevel="INFO").run()
    return 0


if __name__ == "__main__":
    sys.exit(worker() if sys.argv[1] == "worker" else beat(sys.argv[2]))
