"""Loaded by the worker that `make run` starts (`--include`): says when it takes tasks."""

import os
from pathlib import Path
from typing import Any

from celery.signals import worker_ready


@worker_ready.connect
def say_ready(**_: Any) -> None:
    Path(os.environ["WORKER_READY_FILE"]).touch()
