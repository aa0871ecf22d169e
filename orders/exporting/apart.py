"""An export is written in a process of its own, behind all others: the workers' threads and their turns are for orders.

The process is there as long as it writes. Where orders are sent nothing waits for it, with one thread either.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from uuid import UUID

from django.conf import settings

NICE = 10
"""How far it stands behind where processors are scarce."""

_writing: set[subprocess.Popen[bytes]] = set()


def start(pk: UUID) -> None:
    """Begin to write one that waits, and do not wait for it."""
    command = [sys.executable, "manage.py", "write_export", str(pk)]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL)
    _writing.add(process)
    threading.Thread(target=_see_off, args=[process]).start()


def stop() -> None:
    """Those that are written are put back."""
    for process in tuple(_writing):
        process.terminate()


def step_back() -> None:
    """For the process that writes."""
    os.nice(NICE)


def _see_off(process: subprocess.Popen[bytes]) -> None:
    process.wait()
    _writing.discard(process)
