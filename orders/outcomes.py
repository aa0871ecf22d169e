"""What came of an attempt, committed: the order's next status, its event and the attempt's end in one transaction.

An outcome is never dropped. One that comes after others gave the order up still counts, and overwrites nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from django.db import DatabaseError, IntegrityError, models
from django.db.models.functions import Concat
from django.utils import timezone
from tenacity import RetryCallState, retry, retry_if_exception, stop_after_delay, wait_random_exponential

from orders.lifecycle import SETTLED, Status
from orders.models import NUMBER_LENGTH, Attempt, Order, Outcome
from orders.statements import updating
from orders.text import storable
from yeastar_api.errors import ApiError, NotDelivered
from yeastar_api.messages import Receipt

HOLD = (5, 10, 20, 40, 80, 160, 300)
"""Seconds until the next attempt after the first, second… NotDelivered; the last one from then on."""

TRIED_AGAIN = "It is tried again by itself."

log = structlog.get_logger(__name__)


def bought(attempt: Attempt, order: Order, receipt: Receipt) -> Status:
    numbers, data = _received(receipt)
    try:
        return record(attempt, order, Status.PLACED, Outcome.RECEIPT, title="Bought", data=data, **numbers)
    except IntegrityError:
        # Their number is the number of another order of ours: one of the two receipts is not what it seems.
        words = (
            f"Yeastar answered with the order number {receipt.order_no}, which another order of ours has already. "
            "Look both up before anything else is done."
        )
        return record(
            attempt,
            order,
            Status.UNCERTAIN,
            Outcome.RECEIPT,
            title="A number that is taken",
            problem=words,
            data=data,
            request_id=numbers["request_id"],
            answer=receipt.answer,
        )


def hold(attempt: Attempt, order: Order, error: NotDelivered) -> Status:
    """Nothing was bought: back to the queue, for later."""
    now = timezone.now()
    seconds = max(HOLD[min(order.attempts, len(HOLD)) - 1], min(error.retry_after or 0, 3600))
    return record(
        attempt,
        order,
        Status.QUEUED,
        Outcome.NOT_DELIVERED,
        title="Held",
        problem=f"Yeastar did not take the order yet: {said(error)} Nothing was bought. {TRIED_AGAIN}",
        error=error,
        held_since=order.held_since or now,
        not_before=now + timedelta(seconds=seconds),
        rung_at=None,
        sending_since=None,
    )


def _passes(error: BaseException) -> bool:
    """Whether the database may take it the next time. A number that is taken stays taken."""
    return isinstance(error, DatabaseError) and not isinstance(error, IntegrityError)


def _log_unrecorded(state: RetryCallState) -> None:
    """What the database would not take is in the log at least, whatever becomes of this process."""
    _, order, to, *_ = state.args
    receipt = {name: str(value) for name, value in state.kwargs.items()}
    log.critical("submit.outcome_not_recorded_yet", order=str(order.pk), to=to, **receipt)


@retry(
    retry=retry_if_exception(_passes),
    stop=stop_after_delay(120),
    wait=wait_random_exponential(multiplier=0.2, max=5),
    before_sleep=_log_unrecorded,
    reraise=True,
)
def record(
    attempt: Attempt,
    order: Order,
    to: Status,
    outcome: Outcome,
    *,
    title: str,
    problem: str = "",
    error: ApiError | None = None,
    data: dict[str, Any] | None = None,
    **columns: Any,
) -> Status:
    """Commit the outcome with its event. A busy or absent database is waited for: an outcome is never dropped."""
    told = _evidence(error) if error else {}
    if error and to != Status.QUEUED:
        columns |= {"request_id": told["request_id"][:NUMBER_LENGTH], "answer": told["answer"]}
    problem, data, columns = storable(problem), storable(data or told), storable(columns)
    finish = _finishing(attempt, outcome, data)
    # The attempt's number makes the claim ours: another worker may hold the order again by the time a commit whose
    # acknowledgement got lost is tried once more.
    ours = models.Q(attempts=attempt.number)
    if order.status == Status.SENDING and order.move(
        to, title=title, words=problem, data=data, only_if=ours, also=finish, problem=problem, **columns
    ):
        return to
    return _record_late(attempt, order, to, outcome, title=title, problem=problem, data=data, **columns)


def _record_late(
    attempt: Attempt,
    order: Order,
    to: Status,
    outcome: Outcome,
    *,
    title: str,
    problem: str,
    data: dict[str, Any],
    **columns: Any,
) -> Status:
    """The sweep, or a person, was quicker than the answer. The truth still counts, and nothing is overwritten."""
    order.refresh_from_db()
    if not _still_open(attempt):
        return Status(order.status)  # our own commit of before, whose acknowledgement got lost
    if to == Status.QUEUED:
        to, columns, title = Status.FAILED, {}, "Not sent"
        problem = problem.replace(TRIED_AGAIN, "It is not tried again by itself: order it again.")
    finish = _finishing(attempt, outcome, data)
    if order.status == Status.UNCERTAIN and to in SETTLED:
        late = f"{title}, told late"
        if order.move(to, title=late, words=problem, data=data, also=finish, problem=problem, **columns):
            return to
        order.refresh_from_db()
    conflict = _contradiction(order, to, title, columns)
    loud: dict[str, Any] = {"conflict": _beside(conflict)} if conflict else {}
    if (order.status, to) == (Status.FAILED, Status.PLACED):
        loud["found_as"] = columns["order_no"]
    # In one transaction: an attempt that is closed counts as told, and what it told must then be there.
    order.note(title=f"Told late: {title}", words=problem or conflict, data=data, also=finish, **loud)
    if conflict:
        log.error("submit.late_contradiction", order=str(order.pk), status=order.status, told=to, evidence=data)
    return Status(order.status)


def _still_open(attempt: Attempt) -> bool:
    return Attempt.objects.filter(pk=attempt.pk, outcome__in=[Outcome.OPEN, Outcome.LOST]).exists()


def _contradiction(order: Order, told: Status, title: str, columns: dict[str, Any]) -> str:
    """In what way a late answer contradicts a settled order; empty if it does not."""
    if told not in SETTLED or (order.status == told and order.order_no == columns.get("order_no", order.order_no)):
        return ""
    number = f", order number {columns['order_no']}" if columns.get("order_no") else ""
    settled = f"{order.get_status_display()} {order.order_no}".strip()
    return f"Settled as “{settled}”, but then Yeastar answered: {title.lower()}{number}. A manager must look at this."


def _beside(conflict: str) -> models.expressions.Combinable:
    """A further line of what stands in the row by then: whoever else found a contradiction is not talked over."""
    text = models.TextField()
    alone, after = (models.Value(words, output_field=text) for words in (conflict, f"\n{conflict}"))
    return models.Case(models.When(conflict="", then=alone), default=Concat("conflict", after), output_field=text)


def _finishing(attempt: Attempt, outcome: Outcome, told: dict[str, Any]) -> Callable[[], int]:
    """What completes the attempt's row with what was told, in a form that can be stored.

    A worker that was called lost may still tell; nothing else is rewritten.
    """

    return updating(
        Attempt,
        models.Q(pk=attempt.pk),
        models.Q(outcome=Outcome.OPEN) | models.Q(outcome=Outcome.LOST),
        finished_at=timezone.now(),
        outcome=outcome,
        **{name: told.get(name, "") for name in ("call", "code", "detail", "answer")},
        request_id=str(told.get("request_id", ""))[:NUMBER_LENGTH],
        http_status=told.get("http_status"),
        headers=told.get("headers", {}),
    )


def _received(receipt: Receipt) -> tuple[dict[str, Any], dict[str, Any]]:
    """The receipt as columns, and whole for the event."""
    numbers = {
        "order_no": receipt.order_no,
        "transaction_no": receipt.transaction_no,
        "instance_id": receipt.instance_id,
        "order_id": receipt.order_id,
        "product_no": receipt.product_no,
        "remote_status": receipt.order_status,
        "request_id": receipt.request_id,
    }
    data = {
        **numbers,
        "call": "save",
        "http_status": 200,
        "answer": receipt.answer,
        "headers": receipt.headers,
    }
    # A column must never refuse a receipt; what is longer than any number seen stays whole in the event.
    cut = {name: value[:NUMBER_LENGTH] for name, value in numbers.items()}
    return {**cut, "answer": receipt.answer}, data


def _evidence(error: ApiError) -> dict[str, Any]:
    return {
        "call": error.call,
        "code": error.code,
        "detail": error.detail,
        "request_id": error.request_id,
        "http_status": error.http_status,
        "answer": error.answer,
        "headers": error.headers,
    }


def said(error: ApiError) -> str:
    """Their words, with what their support asks for."""
    facts = [error.code, f"request id {error.request_id}" if error.request_id else ""]
    known = ", ".join(fact for fact in facts if fact)
    words = (error.detail or "they said nothing more").rstrip(".")
    return f"{words} ({known})." if known else f"{words}."
