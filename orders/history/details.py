"""The details of records, read little by little: what the rows leave out, and whether what was pending is paid."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db.models import Q
from django.utils import timezone

from orders.history import records
from orders.models import PENDING, Reading, Record
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError

SECONDS = 30.0
"""So long a run reads details at most: others wait for their turn to read."""

FAILURES = 3
"""So many details in a row that cannot be read end the run's reading of details."""

AGAIN = timedelta(minutes=10)
"""So often a pending order is asked after."""

AWAITED = 30
"""Seconds for which a page waits for the details that somebody has asked for; a worker is seldom so late."""

log = structlog.get_logger(__name__)


def wait_for(record: Record, asked_at: datetime) -> None:
    """Somebody has asked for this one by hand: its page goes on looking until they have come, or cannot be read."""
    cache.set(f"details:awaited:{record.pk}", asked_at, AWAITED)


def awaited(record: Record) -> bool:
    """Whether details were asked for by hand a moment ago, and no worker has tried to read them since."""
    asked_at = cache.get(f"details:awaited:{record.pk}")
    if not isinstance(asked_at, datetime):
        return False
    return all(at is None or at < asked_at for at in (record.detail_at, record.detail_tried_at))


def read_some(portal: PartnerPortal, reading: Reading, alive: Callable[[], None], touched: set[UUID]) -> None:
    """Read a number of details, set by HISTORY_DETAILS; put those of our orders to what was touched.

    `alive` is called before each question.
    """
    until, failures = time.monotonic() + SECONDS, 0
    for record in _wanted(reading.destination, settings.HISTORY_DETAILS):
        if time.monotonic() > until:
            return
        alive()
        try:
            records.read_detail(portal, record, timezone.now())
            reading.details += 1
            if record.ours_id:
                touched.add(record.ours_id)
            failures = 0
        except ApiError as error:
            log.warning("history.no_detail", record=record.key, error=str(error))
            reading.errors += 1
            failures += 1
            if failures == FAILURES:
                return


def _wanted(destination: str, most: int) -> list[Record]:
    """First what the guard against duplicates needs, then our own, what is pending, and all others; the newest first.

    Of what was made elsewhere nobody knows before that it is the same as a draft. What could not be read comes last.
    Each step walks an index of its own, so it costs what it finds, however much is read or waits.
    """
    now = timezone.now()
    here = Record.objects.filter(destination=destination, gone_at=None).exclude(order_no="", order_id="")
    unread = here.filter(detail_at=None, detail_tried_at=None).order_by("-at", "-pk")
    elsewhere = unread.filter(owner=None)
    pending = here.filter(Q(detail_tried_at=None) | Q(detail_tried_at__lt=now - AGAIN), status=PENDING)
    found: dict[int, Record] = {}
    for some in (
        elsewhere.filter(at__gte=now - settings.DUPLICATE_WINDOW),
        unread.filter(owner__isnull=False),
        pending.filter(detail_at=None).order_by("-at", "-pk"),
        pending.filter(detail_at__lt=now - AGAIN).order_by("detail_at"),
        elsewhere,
        here.filter(detail_at=None, detail_tried_at__isnull=False).order_by("detail_tried_at"),
    ):
        if len(found) < most:
            found.update((record.pk, record) for record in some.exclude(pk__in=found)[: most - len(found)])
    return list(found.values())
