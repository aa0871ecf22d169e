"""What a manager does with an order by hand: settle, cancel, see to a contradiction. The reason is kept."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError

from orders.lifecycle import Status
from orders.models import Order


class CannotSettle(Exception):
    """Nothing was changed; the message says why."""


def settle_as_record(
    order: Order,
    *,
    order_no: str,
    transaction_no: str,
    instance_id: str,
    reason: str,
    actor: AbstractBaseUser,
) -> None:
    """It was bought, and is this order at Yeastar: UNCERTAIN → PLACED. Raises CannotSettle."""
    try:
        _settle(
            order,
            Status.PLACED,
            title="Settled by hand: it was bought",
            reason=reason,
            actor=actor,
            columns={"order_no": order_no, "transaction_no": transaction_no, "instance_id": instance_id},
        )
    except IntegrityError as error:
        raise CannotSettle(f"{order_no} is already the number of another order of ours.") from error


def settle_as_never_placed(order: Order, *, reason: str, actor: AbstractBaseUser) -> None:
    """It was never placed: UNCERTAIN → FAILED. Raises CannotSettle."""
    words = f"Settled by hand: it was never placed. {reason}"
    _settle(
        order,
        Status.FAILED,
        title="Settled by hand: never placed",
        reason=reason,
        actor=actor,
        columns={"problem": words},
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
    order: Order, to: Status, *, title: str, reason: str, actor: AbstractBaseUser, columns: dict[str, Any]
) -> None:
    if order.status == Status.UNCERTAIN:
        columns = {"problem": "", **columns}
        if order.move(to, title=title, words=reason, actor=actor, data=dict(columns), **columns):
            return
        order.refresh_from_db()
    raise CannotSettle("This order has been settled in the meantime. Nothing was changed.")
