"""Reconciliation: what became of uncertain orders, by the evidence of the vendor's history.

One scan serves all that are looked for. A record that carries our reference settles its order at once; a scan without
a trace proves something only if it was complete, began after the vendor's lag, and the vendor is known to tell our
references back. Whatever is left waits for a manager. Settled orders whose doubt was ended without a receipt are
watched for a while: a record that appears late raises a contradiction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils import timezone

from orders.destination import current_destination
from orders.history import echo, records, runs
from orders.history.candidates import candidates, sent_between, unclaimed
from orders.history.reading import Interrupted, Scan, look_through
from orders.lifecycle import Status
from orders.likeness import compare, wanted_by
from orders.models import Order, Outcome, Reading, Record
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError
from yeastar_api.messages import OrderRow

LONGEST_PAUSE = timedelta(hours=6)
WATCHED = timedelta(days=7)
"""So long an order that was settled as never placed is still looked for."""

DETAILS = 300
"""Details read for candidates in one run, at most."""

TELLING = ("Product", "PBX")
"""What an order with our reference must not differ in: these two the vendor answers as they were sent."""

LOOKED = "Looked for at Yeastar"

log = structlog.get_logger(__name__)


def reconcile(portal: PartnerPortal, *, stopping: Callable[[], bool] = lambda: False) -> Reading | None:
    """Read the history once for all orders that are looked for, if one is due and nobody else is reading."""
    destination = current_destination()
    if not looked_for(destination).filter(look_at__lte=timezone.now()).exists():
        return None
    reading = runs.begin(destination, "Looking for uncertain orders")
    return _Hunt(portal, destination, reading, stopping).run() if reading else None


def looked_for(destination: str) -> QuerySet[Order]:
    """Orders that are looked for in the history of this destination."""
    return Order.objects.exclude(look_at=None).filter(destination=destination)


def see(portal: PartnerPortal, destination: str, rows: Sequence[OrderRow]) -> records.Kept:
    """Keep a page's rows, and let them tell what they know of our orders."""
    now = timezone.now()
    kept = records.keep(destination, rows, now)
    for order, record in _spoken_of(destination, kept):
        recognise(portal, order, record)
    echo.learn(destination, rows, now)
    return kept


def _spoken_of(destination: str, kept: records.Kept) -> list[tuple[Order, Record]]:
    """Orders of ours whose reference stands in a row, without the rows whose number is known to be theirs."""
    references = {reference for reference, _ in kept.references}
    orders = {each.reference: each for each in Order.objects.filter(reference__in=references, destination=destination)}
    keys = [
        key
        for reference, key in kept.references
        if (order := orders.get(reference)) and not (order.status == Status.PLACED and order.order_no == key)
    ]
    # A row that holds several references names none in its column: a person must look at it.
    named = Record.objects.filter(destination=destination, key__in=keys).exclude(reference="")
    return [(orders[record.reference], record) for record in named if record.reference in orders]


def recognise(portal: PartnerPortal, order: Order, record: Record) -> bool:
    """This record carries the order's reference: settle the order by it, or say loudly what contradicts that.

    True if the order was settled.
    """
    if order.status in (Status.DRAFT, Status.SENDING):
        return False  # of a draft the guard against duplicates speaks; a worker that sends is about to tell
    if not record.detail_at:
        _read_detail(portal, record)
    traits = compare(wanted_by(order.request_body), record)
    different = [trait for trait in traits if trait.verdict == "different" and trait.label in TELLING]
    number = record.order_no or record.key
    if different:
        what = ", ".join(f"{trait.label.lower()} {trait.theirs} instead of {trait.ours}" for trait in different)
        return _contradict(order, record, f"Yeastar's order {number} carries this order's reference, but has {what}.")
    if order.status in (Status.UNCERTAIN, Status.QUEUED) and record.order_no:
        return _adopt(order, record)
    if order.status == Status.FAILED:
        return _contradict(order, record, f"Yeastar has it as order {number}: it was bought after all.")
    if order.status == Status.PLACED:
        words = f"Yeastar has an order {number} with this order's reference, besides {order.order_no}."
        return _contradict(order, record, words)
    return False


def _adopt(order: Order, record: Record) -> bool:
    """It was bought, and this is it."""
    words = f"Its reference stands in Yeastar's order {record.order_no}. It was bought, and its numbers are recorded."
    numbers: dict[str, Any] = {
        "order_no": record.order_no,
        "transaction_no": record.transaction_no,
        "instance_id": record.instance_id,
        "order_id": record.order_id,
        "product_no": record.product_no,
        "remote_status": record.status,
    }
    data = {**numbers, "row": record.raw, "detail": record.detail}
    # Bought is bought, also while the detail with the other numbers cannot be read: that is asked for again.
    later = None if record.detail_at else timezone.now() + timedelta(minutes=1)
    try:
        return order.move(
            Status.PLACED, title="Found at Yeastar", words=words, data=data, problem="", look_at=later, **numbers
        )
    except IntegrityError:
        other = Order.objects.filter(order_no=record.order_no).exclude(pk=order.pk).first()
        name = other.reference if other else "another order of ours"
        words = f"Yeastar's order {record.order_no} carries this order's reference, but is recorded as {name}."
        return _contradict(order, record, words)


def _contradict(order: Order, record: Record, words: str) -> bool:
    words = f"{words} A manager must look at this."
    if order.conflict == words:
        return False
    if order.events.filter(title=CONTRADICTED, words=words).exists():
        return False  # a manager has seen to this already
    order.note(title=CONTRADICTED, words=words, data={"row": record.raw, "detail": record.detail}, conflict=words)
    log.error("reconcile.contradiction", order=str(order.pk), status=order.status, record=record.key)
    return False


CONTRADICTED = "Contradicted by Yeastar's history"


def _read_detail(portal: PartnerPortal, record: Record) -> bool:
    try:
        records.read_detail(portal, record, timezone.now())
    except ApiError as error:
        log.warning("reconcile.no_detail", record=record.key, error=str(error))
        return False
    except ValueError:
        return False  # a row without number and id
    return True


class _Hunt:
    """One run for all orders that are looked for."""

    def __init__(self, portal: PartnerPortal, destination: str, reading: Reading, stopping: Callable[[], bool]) -> None:
        self._portal = portal
        self._destination = destination
        self._reading = reading
        self._stopping = stopping
        self._details_left = DETAILS
        self._named: set[str] = set()  # every reference that stands anywhere in a row, whatever else stands there

    def run(self) -> Reading:
        """Read, settle, and set the time of the next look."""
        scan = look_through(self._portal, self._see)
        horizon = self._horizon(scan)
        try:
            for order in looked_for(self._destination).order_by("placed_at"):
                self._go_on(scan)
                self._after(order, scan, horizon)
        except Interrupted as why:
            log.info("reconcile.interrupted", why=str(why))
        runs.end(self._reading, scan)
        return self._reading

    def _see(self, rows: Sequence[OrderRow], scan: Scan) -> None:
        kept = see(self._portal, self._destination, rows)
        self._named |= {reference for reference, _ in kept.references}
        self._go_on(scan, kept)

    def _go_on(self, scan: Scan, kept: records.Kept | None = None) -> None:
        if self._stopping():
            raise Interrupted("This worker was told to stop.")
        runs.beat(self._reading, scan, kept or records.Kept())

    def _horizon(self, scan: Scan) -> datetime:
        """Up to when this scan tells of everything: receipts show how far the vendor's history lags behind.

        An order whose receipt came before the scan began, and that the scan does not hold, dates it.
        """
        horizon = scan.began_at - settings.HISTORY_LAG
        known = (
            Order.objects.filter(status=Status.PLACED, destination=self._destination, conflict="")
            .filter(settled_at__gte=scan.began_at - timedelta(days=1), settled_at__lt=scan.began_at)
            .exclude(answer="")
            .values_list("order_no", "settled_at")
        )
        late = [settled_at for order_no, settled_at in known if order_no not in scan.keys and settled_at]
        return min([horizon, *late])

    def _after(self, order: Order, scan: Scan, horizon: datetime) -> None:
        if order.status == Status.UNCERTAIN:
            self._settle(order, scan, horizon)
            return
        age = timezone.now() - (order.settled_at or timezone.now())
        done = order.status == Status.PLACED and (order.transaction_no or self._complete(order))
        pause = min(max(age, timedelta(minutes=1)), timedelta(days=1))
        Order.objects.filter(pk=order.pk, status=order.status).update(
            look_at=None if done or not order.settled or age > WATCHED else timezone.now() + pause
        )

    def _complete(self, order: Order) -> bool:
        """Fill in the numbers of an order that was found when its detail could not be read."""
        record = Record.objects.filter(destination=self._destination, key=order.order_no).first()
        if record is None or not _read_detail(self._portal, record):
            return False
        numbers: dict[str, Any] = {"transaction_no": record.transaction_no, "instance_id": record.instance_id}
        order.note(title="Numbers completed", words="Read from the order's detail.", data=numbers, **numbers)
        return True

    def _settle(self, order: Order, scan: Scan, horizon: datetime) -> None:
        all_read = self._read_details(order, scan)
        mine = Record.objects.filter(destination=self._destination, reference=order.reference).first()
        if mine and recognise(self._portal, order, mine):
            return
        began, ended = sent_between(order)
        counts = scan.complete and ended <= horizon and order.reference not in self._named and not mine
        absences = order.absences + counts
        # The pauses grow with the doubt; a reading that was cut short is soon made up for.
        first = timedelta(seconds=settings.RECONCILE_SECONDS)
        lasting = min(max(timezone.now() - began, first), LONGEST_PAUSE if scan.complete else 10 * first)
        facts: dict[str, Any] = {"looks": order.looks + 1, "absences": absences, "look_at": timezone.now() + lasting}
        alike = len(candidates(order))
        proves = counts and all_read and not alike and absences >= settings.ABSENCE_SCANS
        if proves and self._never_placed(order, facts, scan, horizon):
            return
        words = f"{scan.words} {_found(alike, counts=counts, complete=scan.complete)}"
        order.note(title=LOOKED, words=words, data=self._told(scan, horizon), **facts)

    def _never_placed(self, order: Order, facts: dict[str, Any], scan: Scan, horizon: datetime) -> bool:
        """Whether it was proven, and settled as, never placed."""
        attempt = order.tries.order_by("-number").first()
        doubtful = attempt is not None and attempt.outcome in (Outcome.UNANSWERED, Outcome.LOST)
        if not doubtful or not echo.is_proven(order):
            return False
        words = (
            "Certainly not bought, and safe to order again: Yeastar's history tells our references back, and "
            f"{facts['absences']} complete readings of it show no trace of this order."
        )
        data = self._told(scan, horizon)
        return order.move(Status.FAILED, title="Proven: never placed", words=words, data=data, problem=words, **facts)

    def _read_details(self, order: Order, scan: Scan) -> bool:
        """Read the details of what may be this order. False if some could not be read."""
        complete = True
        for record in unclaimed(order).filter(detail_at=None).order_by("-created_at"):
            if any(trait.verdict == "different" for trait in compare(wanted_by(order.request_body), record)):
                continue
            if self._details_left == 0:
                return False
            self._go_on(scan)
            self._details_left -= 1
            complete &= _read_detail(self._portal, record)
        return complete

    def _told(self, scan: Scan, horizon: datetime) -> dict[str, Any]:
        return {
            "reading": self._reading.pk,
            "began_at": scan.began_at.isoformat(),
            "complete": scan.complete,
            "orders": len(scan.keys),
            "pages": scan.pages,
            "total": scan.total,
            "tells_of_all_until": horizon.isoformat(),
        }


def _found(alike: int, *, counts: bool, complete: bool) -> str:
    if alike:
        return f"{alike} of them may be this order: a manager decides."
    if not complete:
        return "It is looked for again by itself."
    if not counts:
        return "This order is not among them. It is too early for that to prove anything."
    return "This order is not among them."
