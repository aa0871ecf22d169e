"""Signs of life: every worker and beat says each few seconds that it is there, in the database.

Not in the broker, which may be what is missing; and not by asking the workers, which takes a second and tells nothing
of beat. A process that is told to stop takes its sign away; one that was killed falls silent, and that is how it is
known. The sweep's own sign proves the whole chain: beat rang, the broker carried it, a worker did it.
"""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError, connections
from django.utils import timezone

from orders.models import Heartbeat

Kind = Heartbeat.Kind

EVERY = 10.0
"""Seconds between two signs of one process."""

SILENT = timedelta(seconds=35)
"""Who was not heard of for so long is taken for dead: three signs that did not come."""

FORGOTTEN = timedelta(days=1)

log = structlog.get_logger(__name__)

_stop = threading.Event()
_beating: threading.Thread | None = None


@dataclass(frozen=True)
class Alive:
    """Who works for us at the moment."""

    workers: list[Heartbeat]
    beats: list[Heartbeat]
    last_worker: datetime | None  # when any was last heard of
    last_beat: datetime | None
    last_sweep: datetime | None

    @property
    def sweep_is_late(self) -> bool:
        """Whether beat, broker and a worker have not managed to do the sweep together for three of its turns."""
        return self.last_sweep is None or timezone.now() - self.last_sweep > sweep_limit()


def sweep_limit() -> timedelta:
    """How old the last sweep may be: three turns, and the time one may take."""
    return timedelta(seconds=3 * settings.CELERY_BEAT_SCHEDULE["sweep"]["schedule"] + 15)


def alive() -> Alive:
    """Who is there, as the database knows it."""
    now = timezone.now()
    rows = list(Heartbeat.objects.order_by("-at"))
    # A time in the future was written by a clock that was ahead, and says nothing.
    there = [row for row in rows if abs(now - row.at) <= SILENT]

    def last(kind: Kind) -> datetime | None:
        return next((row.at for row in rows if row.kind == kind and row.at <= now + SILENT), None)

    return Alive(
        workers=[row for row in there if row.kind == Kind.WORKER],
        beats=[row for row in there if row.kind == Kind.BEAT],
        last_worker=last(Kind.WORKER),
        last_beat=last(Kind.BEAT),
        last_sweep=last(Kind.SWEEP),
    )


def give(kind: Kind, name: str, *, since: datetime | None = None) -> None:
    """One sign of life. Raises DatabaseError."""
    now = timezone.now()
    if not Heartbeat.objects.filter(name=name).update(at=now):
        Heartbeat.objects.update_or_create(name=name, defaults={"kind": kind, "at": now, "since": since or now})
        Heartbeat.objects.filter(at__lt=now - FORGOTTEN).delete()


def swept() -> None:
    """The sweep was done. That nobody could note it is no reason for it to fail."""
    try:
        give(Kind.SWEEP, "sweep")
    except DatabaseError:
        log.exception("pulse.not_written")


def begin(kind: Kind) -> None:
    """This process says from now on that it is there, in a thread of its own; once, however often it is asked to."""
    global _beating
    if _beating is None or not _beating.is_alive():
        _stop.clear()
        _beating = threading.Thread(target=_beat, args=(kind, process_name(kind)), name="pulse", daemon=True)
        _beating.start()


def end() -> None:
    """This process is about to end: it is not dead, only gone."""
    _stop.set()


def process_name(kind: Kind) -> str:
    """What tells this process from all others, on this machine and on others."""
    return f"{kind} on {socket.gethostname()}, process {os.getpid()}"[:200]


def _beat(kind: Kind, name: str) -> None:
    since = timezone.now()
    try:
        while True:
            try:
                give(kind, name, since=since)
            except DatabaseError as error:
                log.warning("pulse.not_written", error=type(error).__name__)
                connections.close_all()
            if _stop.wait(EVERY):
                Heartbeat.objects.filter(name=name).delete()
                return
    except DatabaseError as error:
        log.warning("pulse.not_taken_away", error=type(error).__name__)
    finally:
        connections.close_all()
