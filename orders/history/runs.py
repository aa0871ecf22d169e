"""One reading at a time, whoever starts it; each leaves a row behind."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from orders.history.reading import Interrupted, Scan
from orders.history.records import Kept
from orders.models import Reading

BEAT = timedelta(seconds=2)
"""So often an open run says that it lives."""


def silence() -> timedelta:
    """A run that was not heard of for so long has died: it says that it lives before each question to Yeastar."""
    return timedelta(seconds=10 + settings.YEASTAR_GET_BUDGET)


def begin(destination: str, why: str) -> Reading | None:
    """Open a run, in place of one that has died; None while another one lives."""
    now = timezone.now()
    # A beat from the future is that of a clock that was ahead.
    alive = Q(beat_at__range=(now - silence(), now + silence()))
    dead = Reading.objects.filter(~alive, destination=destination, finished_at=None)
    dead.update(finished_at=now, words="The worker that read never came back.")
    try:
        with transaction.atomic():
            return Reading.objects.create(destination=destination, why=why, started_at=now, beat_at=now)
    except IntegrityError:
        return None


def beat(reading: Reading, scan: Scan, kept: Kept) -> None:
    """Note how far it came. Raises Interrupted if the run was given up for dead and another may be reading."""
    now = timezone.now()
    reading.new += kept.new
    reading.changed += kept.changed
    if now - reading.beat_at < BEAT:
        return
    reading.beat_at = now
    if not _write(reading, scan):
        raise Interrupted("Another worker took over.")


def check(reading: Reading) -> None:
    """Raise Interrupted if another run has taken over."""
    if not Reading.objects.filter(pk=reading.pk, finished_at=None).exists():
        raise Interrupted("Another worker took over.")


def end(reading: Reading, scan: Scan) -> None:
    """Close the run."""
    reading.finished_at = timezone.now()
    reading.words = scan.words
    reading.complete = scan.complete
    _write(reading, scan)


def _write(reading: Reading, scan: Scan) -> bool:
    columns = {
        name: getattr(reading, name)
        for name in ("beat_at", "finished_at", "complete", "words", "new", "changed", "gone")
    }
    reading.pages, reading.seen, reading.total = scan.pages, len(scan.keys), scan.total
    still = Reading.objects.filter(pk=reading.pk, finished_at=None)
    return still.update(**columns, pages=scan.pages, seen=len(scan.keys), total=scan.total) == 1
