"""Where the files of exports lie, and what may be thrown away there."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from orders.models import Export

PART = ".part"

FRESH = 60.0
"""Seconds. What was touched since then may belong to a row that is being written just now."""


def folder() -> Path:
    """Nobody else's business: they hold all that was ordered."""
    found = Path(settings.EXPORT_DIR)
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


@contextmanager
def workshop(export: Export) -> Iterator[Path]:
    """A folder for what is not finished. At the end it is gone, with all that was left in it."""
    place = folder() / f"{export.pk}.{export.run}{PART}"
    place.mkdir(mode=0o700, exist_ok=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def remove_strays() -> int:
    """What belongs to no export that is ready or being written: a killed worker's, or a deleted row's. How many."""
    wanted = {each.file_name for each in Export.objects.filter(state=Export.State.READY, removed_at=None)}
    running = Export.objects.filter(state=Export.State.RUNNING)
    wanted |= {f"{each.pk}.{each.run}{PART}" for each in running} | {each.file_name for each in running}
    strays = [each for each in folder().iterdir() if each.name not in wanted and _age(each) > FRESH]
    for each in strays:
        if each.is_dir():
            shutil.rmtree(each, ignore_errors=True)
        else:
            each.unlink(missing_ok=True)
    return len(strays)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:  # it has gone by itself
        return 0
