"""What a manager does with an order by hand: settle, cancel, see to a contradiction. The reason is kept."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError
from django.db.models import Q
from django.utils import timezone

from orders import auditing
from orders.destination import current_destination
from orders.history.candidates import unclaimed
from orders.lifecycle import Status
from orders.likeness import compare, fits, wanted_by
from orders.models import Order, Record

WATCH_AFTER = timedelta(hours=1)
"""So soon after "never placed" the history is looked through once more: a record that appears late contradicts it."""


class CannotSettle(Exception):
    """Nothing was changed; the message says why."""


class ConflictChanged(CannotSettle):
    """Another contradiction has come than the one that was seen."""


CHANGED = "The contradiction has changed since this page was made. Read it once more; nothing was changed."


def settle_as_candidate(order: Order, *, key: str, reason: str, actor: AbstractBaseUser) -> None:
    """It was bought, and is this record, whose numbers are taken and no others. Raises CannotSettle.

    Only what the page may offer can be chosen so: the key comes from a form, which anybody can write.
    """
    record = Record.objects.filter(destination=order.destination, key=key).first()
    if record is None:
        raise CannotSettle("This order is not in the mirrored history. Nothing was changed.")
    if not record.order_no:
        raise CannotSettle("Yeastar has not told an order number for this one yet. Nothing was changed.")
    _refuse_if_anothers(order, record, record.order_no)
    if order.status == Status.UNCERTAIN and not _may_be(order, record):
        raise CannotSettle(
            f"{record.order_no} is not, or no longer, among the orders that may be this one. If it is this one all the "
            "same, type its number under “It has another number”. Nothing was changed."
        )
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
    """It was bought, and has this number, or this order id, at Yeastar: UNCERTAIN → PLACED. Raises CannotSettle.

    What the mirrored history knows of it fills what was left empty; it need not know it. The number that is kept is
    always its order number: under two names one order of theirs could be claimed by two of ours.
    """
    record = _known(order, order_no)
    if record and not record.order_no:
        raise CannotSettle(f"Yeastar has not told the order number of {order_no} yet. Nothing was changed.")
    if record is None and order_no.isdigit():
        raise CannotSettle(
            f"{order_no} looks like an order id, and the history, as far as it has been read, does not know it. "
            "Give the order number: it begins with letters. Nothing was changed."
        )
    _refuse_if_anothers(order, record, order_no)
    typed = {"transaction_no": transaction_no, "instance_id": instance_id}
    known = _numbers(record) if record else {"order_no": order_no}
    numbers = {**known, **{name: value or known.get(name, "") for name, value in typed.items()}}
    _bought(order, record, numbers, reason=reason, actor=actor)


def _may_be(order: Order, record: Record) -> bool:
    """Whether nobody has claimed it and it fits, so that the page may offer it."""
    return unclaimed(order).filter(pk=record.pk).exists() and fits(compare(wanted_by(order.request_body), record))


def _known(order: Order, typed: str) -> Record | None:
    """The record with this order number, else the one with this order id. Raises CannotSettle if there are several.

    It may stand in the history of new credentials of the same host, while that of the order's own is no longer read.
    """
    host = f"{order.destination.partition(' ')[0]} "
    here = [each for each in (order.destination, current_destination()) if each.startswith(host)]
    records = Record.objects.filter(destination__in=here)
    for found in (records.filter(order_no=typed), records.filter(order_id__iexact=typed)):
        told = sorted(found[:100], key=lambda record: (record.destination != order.destination, not record.order_no))
        if len({record.order_no for record in told if record.order_no}) > 1:
            raise CannotSettle(f"{typed} is the id of several orders. Give the order number. Nothing was changed.")
        if told:
            return told[0]
    return None


def _refuse_if_anothers(order: Order, record: Record | None, typed: str) -> None:
    """Raises CannotSettle if what was named is another order: by its reference, or because one of ours has it."""
    number = (record and record.order_no) or typed
    if record and record.reference not in ("", order.reference):
        raise CannotSettle(
            f"{number} carries the reference {record.reference}: it is another order. Nothing was changed."
        )
    names = {typed, number, *([record.order_id, record.key] if record else [])} - {""}
    host = f"{order.destination.partition(' ')[0]} "
    named = Q(order_no__in=names) | Q(order_id__in=names) | Q(found_as__in=names)
    if other := Order.objects.filter(named, destination__startswith=host).exclude(pk=order.pk).first():
        raise CannotSettle(f"{number} is already the number of another order of ours, {other.reference}.")


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
    words = f"Cancelled before {'Yeastar took it' if order.attempts else 'it was sent'}. {reason}"
    if order.status == Status.QUEUED and order.move(
        Status.FAILED,
        title="Cancelled",
        words=reason,
        actor=actor,
        also=partial(auditing.note, "order.cancelled", actor=actor, target=order, words=reason),
        problem=words,
    ):
        return
    raise CannotSettle("A worker has taken this order already, so it can no longer be cancelled. Nothing was changed.")


def mark_of(conflict: str) -> str:
    """By what a form says which contradiction stood on its page."""
    return hashlib.sha256(conflict.encode()).hexdigest()


def see_to_conflict(order: Order, *, reason: str, actor: AbstractBaseUser, seen: str | None = None) -> None:
    """A manager has looked into a contradiction: it stays in the events, and is no longer loud. Raises CannotSettle.

    `seen` is the mark of the one that was shown; without it that of `order`. If another one has come meanwhile, nothing
    is changed, raises ConflictChanged, and `order` knows the new one.
    """
    if not order.conflict:
        raise CannotSettle("Nothing contradicts this order any more. Nothing was changed.")
    if seen not in (None, mark_of(order.conflict)):
        raise ConflictChanged(CHANGED)
    if order.status == Status.QUEUED:
        # Without its contradiction it would be sent, and perhaps bought twice.
        raise CannotSettle("This order is not sent while this stands. Cancel it; what is still wanted is ordered anew.")
    told = order.conflict

    def silence() -> None:
        if not Order.objects.filter(pk=order.pk, conflict=told).update(conflict=""):
            raise ConflictChanged(CHANGED)  # and the event is taken back
        said = {"contradiction": told}
        auditing.note("order.contradiction_seen", actor=actor, target=order, words=reason, data=said)

    try:
        order.note(title="Contradiction seen to", words=reason, actor=actor, data={"contradiction": told}, also=silence)
    except ConflictChanged:
        order.refresh_from_db()
        if not order.conflict:
            raise CannotSettle("Nothing contradicts this order any more. Nothing was changed.") from None
        raise
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
        told = auditing.changes({"status": order.status}, {"status": to, "order_no": columns.get("order_no", "")})
        noted = partial(
            auditing.note, "order.settled", actor=actor, target=order, words=f"{title}. {reason}", data=told
        )
        if order.move(to, title=title, words=reason, actor=actor, data=data, also=noted, **columns):
            return
        order.refresh_from_db()
    raise CannotSettle("This order has been settled in the meantime. Nothing was changed.")
