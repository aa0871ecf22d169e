"""Following the history: what is new in it is read every few minutes, orders made elsewhere included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from orders.destination import current_destination
from orders.history import records, runs
from orders.history.reading import NEWEST_FIRST, Interrupted, Scan, key_of, look_through
from orders.history.reconciling import see
from orders.models import Order, Reading, Record
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError
from yeastar_api.messages import OrderRow

WHOLE = timedelta(days=1)
"""The newest pages tell what is new; so often all are read, for the vendor promises no order of its pages."""

HEAD = 50
"""Pages read from the top, at most, before the run gives way to a whole one."""

DETAILS = 50
"""Details read in one run, at most: of orders made elsewhere, for the guard against duplicates."""

log = structlog.get_logger(__name__)


def follow(portal: PartnerPortal, *, stopping: Callable[[], bool] = lambda: False) -> Reading | None:
    """Read what is new, or all of it once a day. None while somebody else is reading."""
    destination = current_destination()
    reading = runs.begin(destination, "Following the history")
    if reading is None:
        return None

    def watch(rows: Sequence[OrderRow], scan: Scan) -> None:
        if stopping():
            raise Interrupted("This worker was told to stop.")
        runs.beat(reading, scan, see(portal, destination, rows))

    lately = Reading.objects.filter(destination=destination, complete=True, started_at__gte=timezone.now() - WHOLE)
    scan = _head(portal, watch) if lately.exists() else look_through(portal, watch)
    try:
        _read_details(portal, destination, lambda: watch((), scan))
    except Interrupted as why:
        log.info("history.interrupted", why=str(why))
    runs.end(reading, scan)
    return reading


def _head(portal: PartnerPortal, watch: Callable[[Sequence[OrderRow], Scan], None]) -> Scan:
    """The newest pages, down to one that holds nothing new."""
    scan = Scan(began_at=timezone.now(), problem="only the newest pages were read.")
    try:
        for page_no in range(1, HEAD + 1):
            page = portal.order_page(page_no, sort=NEWEST_FIRST)
            known = Record.objects.filter(key__in=[key_of(row) for row in page.results]).count()
            scan.pages, scan.total = page_no, page.total
            scan.keys.update(key_of(row) for row in page.results)
            watch(page.results, scan)
            if known == len(page.results):
                break
    except (ApiError, Interrupted) as error:
        scan.problem = str(error)
    return scan


def _read_details(portal: PartnerPortal, destination: str, go_on: Callable[[], None]) -> None:
    """The details of the newest orders that are none of ours."""
    ours = Order.objects.filter(order_no=OuterRef("order_no")).exclude(order_no="")
    wanted = Record.objects.filter(
        ~Exists(ours),
        destination=destination,
        detail_at=None,
        created_at__gte=timezone.now() - settings.DUPLICATE_WINDOW,
    ).exclude(order_no="")
    for record in wanted.order_by("-created_at")[:DETAILS]:
        go_on()
        try:
            records.read_detail(portal, record, timezone.now())
        except ApiError as error:
            log.warning("history.no_detail", record=record.key, error=str(error))
            return
