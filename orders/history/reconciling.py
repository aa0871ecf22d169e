"""Reconciliation: what became of uncertain orders, by the evidence of the vendor's history.

One scan serves all that are looked for. A record that carries our reference settles its order at once; a scan without
a trace proves something only if it was complete, began after the vendor's lag, and the vendor is known to tell our
references back. Whatever is left waits for a manager. Settled orders whose doubt was ended without a receipt are
watched for a while: a record that appears late raises a contradiction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from orders.destination import destination_of
from orders.history import echo, records, runs
from orders.history.candidates import WINDOW, sent_between, unclaimed
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

_LONG_AGO = datetime.fromtimestamp(0, UTC)

TELLING = ("Product", "PBX")
"""What an order with our reference must not differ in: these two the vendor answers as they were sent."""

NOTHING_BOUGHT = frozenset({"failed", "invalid", "cancelled"})
"""What the vendor calls orders that bought nothing, or nothing any more."""

LOOKED = "Looked for at Yeastar"

log = structlog.get_logger(__name__)


def reconcile(portal: PartnerPortal, *, stopping: Callable[[], bool] = lambda: False) -> Reading | None:
    """Read the history once for all orders that are due, if one is and nobody else is reading."""
    destination = destination_of(portal)
    if not looked_for(destination).filter(look_at__lte=timezone.now()).exists():
        return None
    reading = runs.begin(destination, "Looking for uncertain orders")
    return _Hunt(portal, destination, reading, stopping).run() if reading else None


def looked_for(destination: str) -> QuerySet[Order]:
    """Orders that are looked for in the history of this destination."""
    return Order.objects.exclude(look_at=None).filter(destination=destination)


def hear(
    portal: PartnerPortal,
    destination: str,
    rows: Sequence[OrderRow],
    kept: records.Kept,
    alive: Callable[[], None] = lambda: None,
) -> None:
    """Let rows that were kept tell what they know of our orders; `alive` is called before each question."""
    for order, record in _spoken_of(destination, kept):
        alive()
        recognise(portal, order, record)
    echo.learn(destination, rows, timezone.now())


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
    number = record.order_no or record.key
    if order.status == Status.FAILED:
        if record.status in NOTHING_BOUGHT:
            return False  # they agree
        return _contradict(
            order, record, f"Yeastar has it as order {number}: it was bought after all.", found_as=number
        )
    if order.status == Status.PLACED:
        if record.order_id and record.order_id == order.order_id:
            return False
        words = f"Yeastar has an order {number} with this order's reference, besides {order.order_no}."
        return _contradict(order, record, words)
    if doubt := _not_believed(order, record):
        words = f"Yeastar's order {number} carries this order's reference, but {doubt}."
        # A held order that a manager cancels for it will be known as bought.
        found = order.status == Status.QUEUED and not record.order_no
        return _contradict(order, record, words, **({"found_as": number} if found else {}))
    return _adopt(order, record)


def _not_believed(order: Order, record: Record) -> str:
    """Why a record with the order's reference is not simply the order; empty if it is."""
    if not record.order_no:
        return "has no order number"
    if record.status in NOTHING_BOUGHT:
        return f"its status is “{record.status}”"
    if record.created_at and record.created_at < sent_between(order)[0] - WINDOW:
        return f"is of {record.created_at:%d %b %Y}"
    traits = [each for each in compare(wanted_by(order.request_body), record) if each.verdict == "different"]
    # One trait may be told in another way than it was sent; these two, or several at once, are another order.
    if len(traits) > 1 or any(each.label in TELLING for each in traits):
        return "has " + ", ".join(f"{each.label.lower()} {each.theirs} instead of {each.ours}" for each in traits)
    return ""


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


def _contradict(order: Order, record: Record, words: str, **columns: Any) -> bool:
    """Say it loudly, once, and beside whatever contradicts the order already. Always False: nothing was settled."""
    words = f"{words} A manager must look at this."
    if order.events.filter(title=CONTRADICTED, words=words).exists():
        return False  # it is said already, and perhaps seen to
    order.refresh_from_db(fields=["conflict"])
    conflict = "\n".join(filter(None, [order.conflict, words]))
    data = {"row": record.raw, "detail": record.detail}
    order.note(title=CONTRADICTED, words=words, data=data, conflict=conflict, **columns)
    order.conflict = conflict
    log.error("reconcile.contradiction", order=str(order.pk), status=order.status, record=record.key)
    return False


CONTRADICTED = "Contradicted by Yeastar's history"


def _read_detail(portal: PartnerPortal, record: Record) -> bool:
    try:
        records.read_detail(portal, record, timezone.now())
    except ApiError as error:
        log.warning("reconcile.no_detail", record=record.key, error=str(error))
        return False
    return True


class _Hunt:
    """One run for all orders that are due."""

    def __init__(self, portal: PartnerPortal, destination: str, reading: Reading, stopping: Callable[[], bool]) -> None:
        self._portal = portal
        self._destination = destination
        self._reading = reading
        self._stopping = stopping
        self._scan = Scan(began_at=timezone.now(), problem="It did not begin.")
        self._details_left = DETAILS
        self._named: set[str] = set()  # every reference that stands anywhere in a row, whatever else stands there

    def run(self) -> Reading:
        """Read, settle, and set the time of the next look."""
        try:
            self._scan = look_through(self._portal, self._see)
            horizon = self._horizon()
            # Only those that were due: that another one was must not make the looks at this one follow each other
            # more quickly.
            due = looked_for(self._destination).filter(look_at__lte=self._scan.began_at).order_by("look_at")
            for pk in list(due.values_list("pk", flat=True)):
                self._go_on()
                self._after(Order.objects.get(pk=pk), horizon)
        except Interrupted as why:
            log.info("reconcile.interrupted", why=str(why))
        finally:
            runs.end(self._reading, self._scan)
        return self._reading

    def _see(self, rows: Sequence[OrderRow], scan: Scan) -> None:
        self._scan = scan
        kept = records.keep(self._destination, rows, timezone.now())
        hear(self._portal, self._destination, rows, kept, self._go_on)
        self._named |= {reference for reference, _ in kept.references}
        self._reading.new += kept.new
        self._reading.changed += kept.changed
        self._go_on()

    def _go_on(self) -> None:
        if self._stopping():
            raise Interrupted("This worker was told to stop.")
        runs.beat(self._reading, self._scan)

    def _horizon(self) -> datetime:
        """Up to when this scan tells of everything: receipts show how far the vendor's history lags behind.

        An order whose receipt came before the scan began, and that the scan does not hold, dates it: any of the last
        day, and of older ones those that the history has never shown. Then only what is older than the last receipt
        before it, which the scan does hold, is told of for certain.
        """
        scan = self._scan
        shown = Record.objects.filter(destination=self._destination, order_no=OuterRef("order_no"))
        received = (
            Order.objects.filter(status=Status.PLACED, destination=self._destination, settled_at__lt=scan.began_at)
            .exclude(answer="")
            .order_by("settled_at")
            .values_list("order_no", "settled_at")
        )
        lately = Q(settled_at__gte=scan.began_at - timedelta(days=1)) | ~Exists(shown)
        late = [at for order_no, at in received.filter(lately, conflict="") if order_no not in scan.keys]
        horizon = scan.began_at - settings.HISTORY_LAG
        if not late:
            return horizon
        before = received.filter(settled_at__lt=late[0]).reverse()[:1000]
        return min(horizon, next((at for order_no, at in before if at and order_no in scan.keys), _LONG_AGO))

    def _after(self, order: Order, horizon: datetime) -> None:
        if order.status == Status.UNCERTAIN:
            self._settle(order, horizon)
            return
        age = timezone.now() - (order.settled_at or timezone.now())
        done = order.status == Status.PLACED and (order.transaction_no or self._complete(order))
        pause = min(max(age, timedelta(minutes=1)), timedelta(days=1))
        Order.objects.filter(pk=order.pk, status=order.status).update(
            look_at=None if done or not order.settled or age > WATCHED else timezone.now() + pause
        )

    def _complete(self, order: Order) -> bool:
        """Fill in what is still empty of the numbers of an order that was found when its detail could not be read."""
        record = Record.objects.filter(destination=self._destination, key=order.order_no).first()
        if record is None or not (record.detail_at or _read_detail(self._portal, record)):
            return False
        told = {"transaction_no": record.transaction_no, "instance_id": record.instance_id}
        numbers: dict[str, Any] = {name: value for name, value in told.items() if value and not getattr(order, name)}
        if numbers:
            order.note(title="Numbers completed", words="Read from the order's detail.", data=told, **numbers)
        return True

    def _settle(self, order: Order, horizon: datetime) -> None:
        all_read = self._read_details(order)
        named = Record.objects.filter(destination=self._destination, reference=order.reference)
        mine = named.exclude(reference="").first()  # the second term is that of the index
        if mine and recognise(self._portal, order, mine):
            return
        runs.check(self._reading)
        scan, (began, ended) = self._scan, sent_between(order)
        counts = scan.complete and ended < horizon and order.reference not in self._named and not mine
        absences = order.absences + counts
        # The pauses grow with the doubt; a reading that was cut short is soon made up for.
        first = timedelta(seconds=settings.RECONCILE_SECONDS)
        lasting = min(max(timezone.now() - began, first), LONGEST_PAUSE if scan.complete else 10 * first)
        facts: dict[str, Any] = {"looks": order.looks + 1, "absences": absences, "look_at": timezone.now() + lasting}
        # Whatever is nobody's, of its time and product, may be it, however little it resembles it: the vendor may
        # tell services and quantities in ways of its own, and cut a reference off.
        nobodys = unclaimed(order).count()
        proves = counts and all_read and not nobodys and absences >= settings.ABSENCE_SCANS
        if proves and self._never_placed(order, facts, horizon):
            return
        words = f"{scan.words} {_found(nobodys, counts=counts, complete=scan.complete)}"
        order.note(title=LOOKED, words=words, data=self._told(horizon), **facts)

    def _never_placed(self, order: Order, facts: dict[str, Any], horizon: datetime) -> bool:
        """Whether it was proven, and settled as, never placed."""
        attempt = order.tries.order_by("-number").first()
        doubtful = attempt is not None and attempt.outcome in (Outcome.UNANSWERED, Outcome.LOST)
        if not doubtful or not echo.is_proven(order) or order.conflict:
            return False
        words = (
            "Certainly not bought, and safe to order again: Yeastar's history tells our references back, and "
            f"{facts['absences']} complete readings of it show no trace of this order."
        )
        data = self._told(horizon)
        return order.move(Status.FAILED, title="Proven: never placed", words=words, data=data, problem=words, **facts)

    def _read_details(self, order: Order) -> bool:
        """Read the details of what may be this order. False if some could not be read."""
        unread = unclaimed(order).filter(detail_at=None)
        for record in unread.order_by(F("detail_tried_at").asc(nulls_first=True), "-created_at")[: self._details_left]:
            self._go_on()
            self._details_left -= 1
            _read_detail(self._portal, record)
        return not unread.exists()

    def _told(self, horizon: datetime) -> dict[str, Any]:
        scan = self._scan
        return {
            "reading": self._reading.pk,
            "began_at": scan.began_at.isoformat(),
            "complete": scan.complete,
            "orders": len(scan.keys),
            "pages": scan.pages,
            "total": scan.total,
            "tells_of_all_until": horizon.isoformat(),
        }


def _found(nobodys: int, *, counts: bool, complete: bool) -> str:
    if nobodys:
        # They are counted, not compared: how many of them fit stands on the page where a manager decides.
        if nobodys == 1:
            return "One order of its time and product is no other order of ours: a manager decides whether it is that."
        among = f"{nobodys:,} orders of its time and product are no other orders of ours"
        return f"{among}: a manager decides whether it is one of them."
    if not complete:
        return "It is looked for again by itself."
    if not counts:
        return "This order is not among them. It is too early for that to prove anything."
    return "This order is not among them."
