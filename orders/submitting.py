"""What a worker does with an order: claim it, send it once, record what came of it.

The claim, with the attempt, is committed before the first byte leaves; the outcome after the last byte came. In between
there is no transaction, and a row that stays in between becomes UNCERTAIN: what was perhaps sent is never sent again.
"""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from uuid import UUID

import structlog
from django.conf import settings
from django.db import IntegrityError, models
from django.utils import timezone

from orders import breaking
from orders.destination import current_destination, destination_of
from orders.last_look import LastLook
from orders.lifecycle import Status
from orders.models import Attempt, Order, Outcome
from orders.outcomes import bought, hold, record, said
from orders.statements import find, inserting
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import NotDelivered, Refused, Unanswered

NEEDED = (
    "status",
    "request_body",
    "request_sha256",
    "destination",
    "attempts",
    "held_since",
    "order_no",
    "conflict",
    "chain_length",
    "chain_hash",
)
"""The columns that sending an order reads; to load all of them costs as much as to write an event."""

log = structlog.get_logger(__name__)


def submit(pk: UUID, portal: PartnerPortal) -> Status | None:
    """Send one order, if it is due and nobody else has claimed it. Returns its new status; None if it was not ours.

    While the breaker is open every order waits as it lies.
    """
    deadline = time.monotonic() + settings.YEASTAR_SAVE_BUDGET
    if breaking.is_open():
        return None
    order = find(Order, models.Q(pk=pk, status=Status.QUEUED), *NEEDED)
    if order is None or order.conflict:
        return None  # gone on already; or the history shows it, and a manager must look at it before anything is sent
    if {current_destination(), destination_of(portal)} != {order.destination}:
        # Placed for another host or account: it waits until orders go there again. And a client that was made just
        # before the credentials were changed sends nothing that was placed just after.
        return None
    if words := _must_not_be_sent(order):
        unseen = models.Q(conflict="")
        failed = order.move(Status.FAILED, title="Not sent", words=words, problem=words, only_if=unseen)
        return Status.FAILED if failed else None
    attempt = _claim(order)
    if attempt is None:
        return None
    last_look = LastLook(attempt)
    try:
        receipt = portal.save(order.request_body.encode(), deadline=deadline, still=last_look.still)
    except NotDelivered as error:
        status = hold(attempt, order, error)
        if not last_look.too_late:  # that is our machine's doing, and says nothing of Yeastar
            breaking.failed(error, order.destination)
        return status
    except Refused as error:
        words = f"Yeastar refused the order: {said(error)} Nothing was bought."
        status = record(
            attempt, order, Status.FAILED, Outcome.REFUSED, title="Refused by Yeastar", problem=words, error=error
        )
        breaking.came_through(order.destination)
        return status
    except Unanswered as error:
        words = f"The order was sent, but no clear answer came back: {said(error)}"
        return record(
            attempt, order, Status.UNCERTAIN, Outcome.UNANSWERED, title="No clear answer", problem=words, error=error
        )
    except Exception as error:
        log.exception("submit.unexpected", order=str(pk))
        words = f"Our own program failed while the order was being sent ({type(error).__name__})."
        return record(attempt, order, Status.UNCERTAIN, Outcome.UNANSWERED, title="Failed while sending", problem=words)
    status = bought(attempt, order, receipt)
    breaking.came_through(order.destination)
    return status


def _claim(order: Order) -> Attempt | None:
    """QUEUED → SENDING by compare-and-set, with the attempt: of all who try, one gets the order."""
    now = timezone.now()
    attempt = Attempt(
        order=order,
        number=order.attempts + 1,
        sha256=order.request_sha256,
        worker=f"{socket.gethostname()} · process {os.getpid()} · {threading.current_thread().name}"[:200],
        started_at=now,
    )
    try:
        claimed = order.move(
            Status.SENDING,
            title="Sending",
            words=f"Attempt {attempt.number}.",
            only_if=breaking.may_be_sent(now),
            also=inserting(attempt),
            attempts=attempt.number,
            sending_since=now,
            not_before=None,
            problem="",
        )
    except IntegrityError:
        # There is an attempt already that may have bought: whatever the row says, this one must not be sent.
        log.error("submit.second_attempt_refused", order=str(order.pk))
        return None
    return attempt if claimed else None


def _must_not_be_sent(order: Order) -> str:
    """Why this order, as it lies here, is not the one that was approved; empty if it is."""
    if hashlib.sha256(order.request_body.encode()).hexdigest() != order.request_sha256:
        return "The stored request is not the approved one. Nothing was sent."
    return ""
