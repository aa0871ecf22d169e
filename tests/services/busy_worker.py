"""An ordinary worker with two more tasks for test_broker_lost.py: one keeps its thread, one ends the loop."""

import os
import sys
import time
from pathlib import Path

from celery import shared_task
from kombu.asynchronous import get_event_loop

from portal.run import queue

HERE = Path(os.environ["DATA_DIR"])


@shared_task(name="tests.keep")
def keep(name: str) -> None:
    """Say that it has begun; then wait for leave to end."""
    (HERE / f"{name}.begun").touch()
    while not (HERE / "go").exists():
        time.sleep(0.02)


@shared_task(name="tests.end_the_loop")
def end_the_loop() -> None:
    """What Celery's own loop does not expect."""

    def unexpected() -> None:
        raise AttributeError("'NoneType' object has no attribute 'client'")

    get_event_loop().call_soon(unexpected)


if __name__ == "__main__":
    sys.exit(queue.worker())
