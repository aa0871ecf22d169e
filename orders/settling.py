"""What a manager does with an order by hand: settle, cancel, see to a contradiction. The reason is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError
from django.utils import timezone

from orders.lifecycle import Status
from orders.models import Order, Record

WATCH_AFTER = timedelta(hours=1)
"""So soon after "never placed" the history is looked through once more: a record that appears late contradicts it."""


class CannotSettle(Exception):
    """Nothing was changed; the message says why."""


def settle_as_candidate(order: Order, *, key: str, reason: str, actor: AbstractBaseUser) -> None:
    """It was bought, and is this record, whose numbers are taken and no others. Raises CannotSettle."""
    record = Record.objects.filter(destination=order.destination, key=key).first()
    if record is None:
        raise CannotSettle("This order is not in the mirrored history. Nothing was changed.")
    if not record.order_no:
        raise CannotSettle("Yeastar has not told an order number for this one yet. Nothing was changed.")
    _bought(order, record, _numbers(record), reason=reason, actor=actor)


def settle_as_record(
    order: Order,
    *,
    order_no: str,
    transaction_no: str = "",
    instance_id: str = "",
    reason: str,
    actor: AbstractBaseUser,
) -> None:
    """It was bought, and has this number at Yeastar: UNCERTAIN → PLACED. Raises CannotSettle.

    What the mirrored history knows of the number fills what was left empty; it need not know it.
    """
    record = Record.objects.filter(destination=order.destination, order_no=order_no).first()
    typed = {"order_no": order_no, "transaction_no": transaction_no, "instance_id": instance_id}
    known = _numbers(record) if record else {}
    numbers = {name: typed.get(name) or known.get(name, "") for name in {**typed, **known}}
    _bought(order, record, numbers, reason=reason, actor=actor)


def _numbers(record: Record) -> dict[str, str]:
    return {
        "order_no": record.order_no,
        "transaction_no": record.transaction_no,
        "instance_id": record.instance_id,
        "order_id": record.order_id,
        "product_no": record.product_no,
        "remote_status": record.status,
    }


def _bought(
    order: Order, record: Record | None, numbers: dict[str, str], *, reason: str, actor: AbstractBaseUser
) -> None:
    if record and record.reference not in ("", order.reference):
        raise CannotSettle(
            f"{numbers['order_no']} carries the reference {record.reference}: it is another order. Nothing was changed."
        )
    evidence = {"row": record.raw, "detail": record.detail} if record else {}
    try:
        _settle(
            order,
            Status.PLACED,
            title="Settled by hand: it was bought",
            reason=reason,
            actor=actor,
            columns=numbers,
            evidence=evidence,
        )
    except IntegrityError as error:
        raise CannotSettle(f"{numbers['order_no']} is already the number of another order of ours.") from error


def settle_as_never_placed(order: Order, *, reason: str, actor: AbstractBaseUser) -> None:
    """It was never placed: UNCERTAIN → FAILED. Raises CannotSettle."""
    words = f"Settled by hand: it was never placed. {reason}"
    _settle(
        order,
        Status.FAILED,
        title="Settled by hand: never placed",
        reason=reason,
        actor=actor,
        columns={"problem": words, "look_at": timezone.now() + WATCH_AFTER},
    )


def cancel(order: Order, *, reason: str, actor: AbstractBaseUser) -> None:
    """Stop an order that no worker has taken yet: QUEUED → FAILED. Raises CannotSettle."""
    words = f"Cancelled before it was sent. {reason}"
    if order.status == Status.QUEUED and order.move(
        Status.FAILED, title="Cancelled", words=reason, actor=actor, problem=words
    ):
        return
    raise CannotSettle("A worker has taken this order already, so it can no longer be cancelled. Nothing was changed.")


def see_to_conflict(order: Order, *, reason: str, actor: AbstractBaseUser) -> None:
    """A manager has looked into a contradiction: it stays in the events, and is no longer loud. Raises CannotSettle."""
    if not order.conflict:
        raise CannotSettle("Nothing contradicts this order any more. Nothing was changed.")
    data = {"contradiction": order.conflict}
    order.note(title="Contradiction seen to", words=reason, actor=actor, data=data, conflict="")
    order.conflict = ""


def _settle(
    order: Order,
    to: Status,
    *,
    title: str,
    reason: str,
    actor: AbstractBaseUser,
    columns: dict[str, Any],
    evidence: dict[str, Any] | None = None,
) -> None:
    if order.status == Status.UNCERTAIN:
        columns = {"problem": "", **columns}
        data = {name: value for name, value in columns.items() if name != "look_at"} | (evidence or {})
        if order.move(to, title=title, words=reason, actor=actor, data=data, **columns):
            return
        order.refresh_from_db()
    raise CannotSettle("This order has been settled in the meantime. Nothing was changed.")
