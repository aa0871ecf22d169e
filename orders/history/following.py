"""Following the history: what is new in it is read every few minutes, orders made elsewhere included."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

import structlog
from django.conf import settings
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from orders.destination import current_destination
from orders.history import records, runs
from orders.history.reading import Interrupted, Pages, Scan, key_of, look_through
from orders.history.reconciling import see
from orders.models import Order, Reading, Record
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError
from yeastar_api.messages import OrderRow, Page

WHOLE = timedelta(days=1)
"""The newest pages tell what is new; so often all are read, for the vendor promises no order of its pages."""

HEAD = 50
"""Pages read from one end, at most, before the run gives way to a whole one."""

DETAILS = 50
"""Details read in one run, at most: of orders made elsewhere, for the guard against duplicates."""

FAILURES = 3
"""So many details in a row that cannot be read end the run's reading of details."""

log = structlog.get_logger(__name__)


def follow(portal: PartnerPortal, *, stopping: Callable[[], bool] = lambda: False) -> Reading | None:
    """Read what is new, or all of it once a day and whenever something is missing. None while another run reads."""
    destination = current_destination()
    reading = runs.begin(destination, "Following the history")
    if reading is None:
        return None
    scan = Scan(began_at=timezone.now(), problem="It did not begin.")

    def alive(kept: records.Kept | None = None) -> None:
        if stopping():
            raise Interrupted("This worker was told to stop.")
        runs.beat(reading, scan, kept or records.Kept())

    def watch(rows: Sequence[OrderRow], now: Scan) -> None:
        nonlocal scan
        scan = now
        alive(see(portal, destination, rows, alive))

    try:
        lately = Reading.objects.filter(destination=destination, complete=True, started_at__gte=scan.began_at - WHOLE)
        if not (lately.exists() and _ends(portal, destination, scan, watch)):
            scan = look_through(portal, watch)
            if scan.complete:
                reading.gone = records.mark_gone(destination, scan.keys, scan.began_at)
        _read_details(portal, destination, alive)
    except Interrupted as why:
        scan.problem = str(why)
    finally:
        runs.end(reading, scan)
    return reading


def _ends(
    portal: PartnerPortal, destination: str, scan: Scan, watch: Callable[[Sequence[OrderRow], Scan], None]
) -> bool:
    """Read the newest pages, from whichever end they are at. Whether nothing is missing now, by the vendor's count."""
    pages = Pages(portal, alive=lambda: watch((), scan))
    scan.problem = "only what is new was read."
    try:
        first = _inwards(pages, destination, scan, watch, range(1, HEAD + 1))
        if first is None or scan.total is None or not first.results:
            return False
        if scan.total > _known(destination):  # perhaps the newest stand on the last pages
            last = -(-scan.total // len(first.results))
            _inwards(pages, destination, scan, watch, range(last, max(1, last - HEAD), -1))
    except ApiError as error:
        scan.problem = str(error)
        return True  # not now: the next run asks again
    return scan.total == _known(destination)


def _inwards(
    pages: Pages,
    destination: str,
    scan: Scan,
    watch: Callable[[Sequence[OrderRow], Scan], None],
    numbers: Iterable[int],
) -> Page[OrderRow] | None:
    """Read pages one after another, down to one that holds nothing new; the first of them."""
    first = None
    for number in numbers:
        page = pages.read(number)
        first = first or page
        keys = {key_of(row) for row in page.results}
        news = keys - set(_here(destination).filter(key__in=keys).values_list("key", flat=True))
        scan.pages, scan.total = scan.pages + 1, page.total
        scan.keys |= keys
        watch(page.results, scan)
        if not news:
            break
    return first


def _here(destination: str) -> QuerySet[Record]:
    return Record.objects.filter(destination=destination)


def _known(destination: str) -> int:
    return _here(destination).filter(gone_at=None).count()


def _read_details(portal: PartnerPortal, destination: str, alive: Callable[[], None]) -> None:
    """The details of the newest orders that are none of ours; those that could not be read come last."""
    ours = Order.objects.filter(order_no=OuterRef("order_no")).exclude(order_no="")
    since = timezone.now() - settings.DUPLICATE_WINDOW
    wanted = _here(destination).filter(~Exists(ours), detail_at=None, created_at__gte=since).exclude(order_no="")
    failures = 0
    for record in wanted.order_by(F("detail_tried_at").asc(nulls_first=True), "-created_at")[:DETAILS]:
        alive()
        try:
            records.read_detail(portal, record, timezone.now())
            failures = 0
        except ApiError as error:
            log.warning("history.no_detail", record=record.key, error=str(error))
            failures += 1
            if failures == FAILURES:
                return
