"""What a worker does with an order: claim it, send it once, record what came of it. And what the sweep finds.

The claim is committed before the first byte leaves, the outcome after the last byte came. In between there is no
transaction, and a row that stays in between becomes UNCERTAIN: what was perhaps sent is never sent again.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, models
from django.utils import timezone
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_random_exponential

from orders import doorbell
from orders.lifecycle import SETTLED, Status
from orders.models import NUMBER_LENGTH, QUEUE_DOWN, Order
from orders.text import storable
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError, NotDelivered, Refused, Unanswered
from yeastar_api.messages import Receipt

HOLD = (5, 10, 20, 40, 80, 160, 300)
"""Seconds until the next attempt after the first, second… NotDelivered; the last one from then on."""

RING_AGAIN = timedelta(seconds=60)
"""A due order whose bell rang this long ago is rung for once more."""

RINGS = 500
"""Bells in one sweep, at most: the rest is rung for by the next."""

log = structlog.get_logger(__name__)


def submit(pk: UUID, portal: PartnerPortal) -> Status | None:
    """Send one order, if it is due and nobody else has claimed it. Returns its new status; None if it was not ours."""
    order = _claim(pk)
    if order is None:
        return None
    body = order.request_body.encode()
    if hashlib.sha256(body).hexdigest() != order.request_sha256:
        return _record(
            order,
            Status.FAILED,
            title="Not sent",
            problem="The stored request is not the approved one. Nothing was sent.",
        )
    try:
        receipt = portal.save(body)
    except NotDelivered as error:
        return _hold(order, error)
    except Refused as error:
        words = f"Yeastar refused the order: {_said(error)} Nothing was bought."
        return _record(order, Status.FAILED, title="Refused by Yeastar", problem=words, **_told(error))
    except Unanswered as error:
        words = f"The order was sent, but no clear answer came back: {_said(error)}"
        return _record(order, Status.UNCERTAIN, title="No clear answer", problem=words, **_told(error))
    except Exception as error:
        log.exception("submit.unexpected", order=str(pk))
        words = f"Our own program failed while the order was being sent ({type(error).__name__})."
        return _record(order, Status.UNCERTAIN, title="Failed while sending", problem=words)
    return _record(order, Status.PLACED, title="Bought", problem="", **_received(receipt))


def _claim(pk: UUID) -> Order | None:
    """QUEUED → SENDING by compare-and-set: of all who try, one gets the order."""
    order = Order.objects.filter(pk=pk).first()
    if order is None or order.status != Status.QUEUED:
        return None
    now = timezone.now()
    order.attempts += 1
    claimed = order.move(
        Status.SENDING,
        title="Sending",
        words=f"Attempt {order.attempts}.",
        only_if=models.Q(not_before=None) | models.Q(not_before__lte=now),
        attempts=order.attempts,
        sending_since=now,
        not_before=None,
        problem="",  # why it was held before is in its event; from now on "nothing was bought" need not be true
    )
    return order if claimed else None


def _hold(order: Order, error: NotDelivered) -> Status:
    """Nothing was bought: back to the queue, for later."""
    now = timezone.now()
    seconds = max(HOLD[min(order.attempts, len(HOLD)) - 1], min(error.retry_after or 0, 3600))
    held_since = order.held_since or now
    return _record(
        order,
        Status.QUEUED,
        title="Held",
        problem=f"Yeastar did not take the order yet: {_said(error)} Nothing was bought. It is tried again by itself.",
        data=_evidence(error),
        held_since=held_since,
        not_before=now + timedelta(seconds=seconds),
        rung_at=None,
        sending_since=None,
    )


@retry(
    retry=retry_if_exception_type(DatabaseError),
    stop=stop_after_delay(120),
    wait=wait_random_exponential(multiplier=0.2, max=5),
    reraise=True,
)
def _record(
    order: Order, to: Status, *, title: str, problem: str, data: dict[str, Any] | None = None, **columns: Any
) -> Status:
    """Commit the outcome with its event. A busy or absent database is waited for: an outcome is never dropped."""
    problem, data, columns = storable(problem), storable(data), storable(columns)
    log.info("submit.outcome", order=str(order.pk), to=to, problem=problem, evidence=data)
    if order.move(to, title=title, words=problem, data=data, problem=problem, **columns):
        return to
    return _record_late(order, to, title=title, problem=problem, data=data, **columns)


def _record_late(
    order: Order, to: Status, *, title: str, problem: str, data: dict[str, Any] | None, **columns: Any
) -> Status:
    """The sweep, or a person, was quicker than the answer. The truth still counts, and nothing is overwritten."""
    order.refresh_from_db()
    if to == Status.QUEUED:
        to, columns = Status.FAILED, {}
    if order.status == Status.UNCERTAIN and to in SETTLED:
        if order.move(to, title=f"{title}, told late", words=problem, data=data, problem=problem, **columns):
            return to
        order.refresh_from_db()
    order.note(title=f"Told late: {title}", words=problem, data=data)
    if order.status != to:
        log.error("submit.late_contradiction", order=str(order.pk), status=order.status, told=to, evidence=data)
    return Status(order.status)


def _received(receipt: Receipt) -> dict[str, Any]:
    numbers = {
        "order_no": receipt.order_no,
        "transaction_no": receipt.transaction_no,
        "instance_id": receipt.instance_id,
        "order_id": receipt.order_id,
        "product_no": receipt.product_no,
        "remote_status": receipt.order_status,
        "request_id": receipt.request_id,
    }
    data = {**numbers, "answer": receipt.answer}
    # A column must never refuse a receipt; what is longer than any number seen stays whole in the event.
    cut = {name: value[:NUMBER_LENGTH] for name, value in numbers.items()}
    return {**cut, "answer": receipt.answer, "data": data}


def _evidence(error: ApiError) -> dict[str, Any]:
    return {
        "call": error.call,
        "code": error.code,
        "detail": error.detail,
        "request_id": error.request_id,
        "http_status": error.http_status,
        "answer": error.answer,
    }


def _told(error: ApiError) -> dict[str, Any]:
    return {"data": _evidence(error), "request_id": error.request_id[:NUMBER_LENGTH], "answer": error.answer}


def _said(error: ApiError) -> str:
    """Their words, with what their support asks for."""
    facts = [error.code, f"request id {error.request_id}" if error.request_id else ""]
    known = ", ".join(fact for fact in facts if fact)
    words = (error.detail or "they said nothing more").rstrip(".")
    return f"{words} ({known})." if known else f"{words}."


def sweep(now: datetime | None = None) -> tuple[int, int]:
    """Ring for what is due, and end the wait for what lost its worker. Returns how many of each."""
    now = now or timezone.now()
    return _ring_for_due(now), _age_out(now)


def _ring_for_due(now: datetime) -> int:
    due = (
        Order.objects.filter(status=Status.QUEUED)
        .filter(models.Q(not_before=None) | models.Q(not_before__lte=now))
        .filter(models.Q(rung_at=None) | models.Q(rung_at__lte=now - RING_AGAIN))
        .order_by("placed_at")
        .values_list("pk", flat=True)[:RINGS]
    )
    pks = list(due)
    if not pks or not doorbell.ring(pks):
        return 0
    rung = Order.objects.filter(pk__in=pks, status=Status.QUEUED)
    rung.update(rung_at=now)
    rung.filter(problem=QUEUE_DOWN).update(problem="")
    return len(pks)


def _age_out(now: datetime) -> int:
    lost = Order.objects.filter(status=Status.SENDING, sending_since__lte=now - settings.ORDER_SENDING_LIMIT)
    words = "The worker that was sending the order has not come back."
    return sum(order.move(Status.UNCERTAIN, title="Lost sight of", words=words, problem=words) for order in lost)
