"""What an order's page says: was anything bought, and how far it has come."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from orders.destination import current_destination
from orders.lifecycle import Status
from orders.models import Breaker, Order, OrderEvent
from orders.text import plain


@dataclass(frozen=True)
class Verdict:
    """The answer to the one question a person has."""

    title: str
    answer: str
    words: str
    tone: str  # good · bad · busy · warn · held


@dataclass(frozen=True)
class Stage:
    """One station on the way to the receipt."""

    title: str
    state: str  # done · current · todo · stopped · unsure
    at: datetime | None = None


VERDICTS = {
    Status.QUEUED: Verdict(
        "Waiting to be sent",
        "Was anything bought? Not yet.",
        "The order is accepted and kept. A worker sends it to Yeastar in a moment; you may leave this page.",
        "busy",
    ),
    Status.SENDING: Verdict(
        "Being sent to Yeastar",
        "Was anything bought? Perhaps right now.",
        "Yeastar has not answered yet. You may leave this page; the answer is recorded here.",
        "busy",
    ),
    Status.PLACED: Verdict("Bought", "Was anything bought? Yes.", "Yeastar confirmed the order.", "good"),
    Status.FAILED: Verdict(
        "Not bought",
        "Was anything bought? Certainly not.",
        "It is safe to change the order and place it again.",
        "bad",
    ),
    Status.UNCERTAIN: Verdict(
        "Not known yet",
        "Was anything bought? Maybe.",
        "The order was on its way when the connection was lost. It is looked for in Yeastar's history by itself; "
        "a manager can settle it here, too.",
        "warn",
    ),
}

NOBODY_ORDER_AGAIN = "Nobody must order this again until it is cleared."

FOUND = Verdict(
    "Bought",
    "Was anything bought? Yes.",
    "Its answer was lost. The order was found at Yeastar, and is recorded here.",
    "good",
)

HELD = Verdict(
    "Held",
    "Was anything bought? Not yet.",
    "The order is kept here. You may leave this page.",
    "held",
)

WAITS = Verdict(
    "Held",
    "Was anything bought? Not yet.",
    "The order is kept, and is sent by itself as soon as Yeastar answers again.",
    "held",
)


TAKEN = Verdict(
    "Placed",
    "Was anything bought? Yeastar has the order, with a status of its own.",
    "Look at its status before you rely on it: pending, for example, means that it is not paid yet.",
    "warn",
)

CONTRADICTION = Verdict(
    "Contradiction",
    "Was anything bought? Two answers disagree.",
    "What was settled and what Yeastar told later do not agree. Do not order again until a manager has seen to it.",
    "warn",
)

FOUND_AFTER_ALL = Verdict(
    "Bought after all",
    "Was anything bought? Yes, although it was settled as not bought.",
    "",  # under which number
    "warn",
)

ASTRAY = Verdict(
    "Not known yet",
    "Was anything bought? Maybe.",
    "The order was on its way when the connection was lost.",  # and why nobody looks for it
    "warn",
)


def badge(order: Order, breaker: Breaker | None = None) -> str:
    """The order in one word, as a list's badge has it: its status, unless that alone would mislead."""
    if order.conflict:
        return "CONFLICT"
    if order.found_as:
        return "FOUND"
    return "HELD" if is_held(order, breaker) else order.status


def can_order_again(order: Order) -> bool:
    """Whether a copy is offered: it is settled, and nothing that was told later speaks against how."""
    return order.settled and not order.conflict and not order.found_as


def astray(order: Order) -> str:
    """Why an uncertain order is not looked for by itself; empty if it is."""
    here = current_destination()
    if order.status != Status.UNCERTAIN or order.destination == here:
        return ""
    return (
        f"It was placed for {order.destination}; orders go to {here} now, so its history cannot be read. "
        "It is not looked for: a manager settles it by hand."
    )


def _found(order: Order) -> str:
    return f"It was settled as not bought, but Yeastar has it as order {order.found_as}. Do not order it again."


def elsewhere(order: Order) -> str:
    """Why a queued order is not sent although nothing is wrong with the connection; empty if that is not so."""
    here = current_destination()
    if order.status != Status.QUEUED or order.destination == here:
        return ""
    return (
        f"It was placed for {order.destination}, and orders go to {here} now. Nothing was sent. It waits until orders "
        "go there again, or a manager cancels it."
    )


def is_held(order: Order, breaker: Breaker | None) -> bool:
    """Whether it waits: it was not delivered, `breaker` is open and none is sent, or it was placed for elsewhere."""
    if order.status != Status.QUEUED:
        return False
    return bool(breaker or (order.held_since and order.problem) or elsewhere(order))


def verdict(order: Order, breaker: Breaker | None = None) -> Verdict:
    """Was anything bought? `breaker` is the one that is open, if any."""
    if order.conflict:
        return CONTRADICTION
    if order.found_as:
        return replace(FOUND_AFTER_ALL, words=_found(order))
    if why := astray(order):
        return replace(ASTRAY, words=f"{ASTRAY.words} {why}")
    if is_held(order, breaker):
        return WAITS if breaker and not elsewhere(order) else HELD
    if order.status == Status.PLACED and order.remote_status not in ("", "succeed"):
        return TAKEN
    if order.status == Status.PLACED and not order.answer:
        return FOUND
    return VERDICTS[Status(order.status)]


def problem(order: Order, breaker: Breaker | None = None) -> str:
    """Why it is held, failed or uncertain, in one text; empty if nothing is wrong. Each contradiction is a line."""
    return plain(_problem(order, breaker))


def _problem(order: Order, breaker: Breaker | None) -> str:
    if order.conflict:
        return order.conflict
    if order.found_as:
        return _found(order)  # why it was settled is refuted, and stays among the events
    if why := elsewhere(order):
        return why
    if is_held(order, breaker):
        why = f"{breaker.reason} Nothing was bought." if breaker else order.problem
        return f"Held since {_since(order, breaker):%d %b %Y, %H:%M:%S %Z}, now because: {why}"
    return order.problem


def _since(order: Order, breaker: Breaker | None) -> datetime:
    """Since when it waits: since its first try, or since no order is sent; at the earliest since it was placed."""
    known = [at for at in (breaker and breaker.opened_at, order.placed_at) if at]
    return order.held_since or max(known)


def stages(order: Order, events: list[dict[str, Any]]) -> list[Stage]:
    """Queued, sent, recorded. `events` are those of its timeline."""
    status = Status(order.status)
    if status == Status.QUEUED:
        return [
            Stage("Queued", "current", order.placed_at),
            Stage("Sent to Yeastar", "todo"),
            Stage("Recorded", "todo"),
        ]
    queued = Stage("Queued", "done", order.placed_at)
    if status == Status.SENDING:
        return [
            queued,
            Stage("Sending to Yeastar", "current", order.sending_since),
            Stage("Recorded", "todo"),
        ]
    if status == Status.UNCERTAIN:
        # Not when the row was written last: each look for it in the history writes it, too.
        lost_at = next((each["at"] for each in reversed(events) if each["to_status"] == status), None)
        last = Stage("Not known yet", "unsure", lost_at)
    elif status == Status.PLACED:
        last = Stage("Recorded", "done", order.settled_at)
    elif order.found_as or order.conflict:
        last = Stage("Settled as not bought", "unsure", order.settled_at)
    else:
        last = Stage("Not bought", "stopped", order.settled_at)
    sent = Stage("Sent to Yeastar", "done", order.sending_since)
    not_sent = Stage("Not taken by Yeastar" if order.attempts else "Not sent", "stopped")
    return [queued, sent if order.sending_since else not_sent, last]


def sent_title(order: Order) -> str:
    """What the request on the page is: nothing was sent of an order that ended before its first try."""
    if order.status == Status.QUEUED:
        return "What will be sent"
    return "What was sent" if order.attempts else "What was to be sent"


def receipt(order: Order) -> list[dict[str, str]]:
    """What Yeastar answered, as far as it did."""
    labelled = {
        "Order number": order.order_no,
        "Transaction number": order.transaction_no,
        "Instance id": order.instance_id,
        "Order id": order.order_id,
        "Product number": order.product_no,
        "Status when bought": order.remote_status,
        "Request id": order.request_id,
    }
    return [{"label": label, "value": value} for label, value in labelled.items() if value] if order.order_no else []


def timeline(order: Order) -> list[dict[str, Any]]:
    """What happened, oldest first."""
    return [_told(event) for event in order.events.select_related("actor")]


def _told(event: OrderEvent) -> dict[str, Any]:
    data = {key: value for key, value in event.data.items() if value not in ("", None)}
    return {
        "at": event.at,
        "to_status": event.to_status,
        "title": event.title,
        "words": plain(event.words),
        "actor": event.actor,
        "data": json.dumps(data, indent=2, ensure_ascii=False) if data else "",
    }


def bundle(order: Order, breaker: Breaker | None = None) -> dict[str, Any]:
    """All the evidence of an order: what was sent, each attempt and each event, with times and request ids."""
    return {
        **as_json(order, breaker),
        "reference": order.reference,
        "product": order.recipe.title,
        "destination": order.destination,
        "placed_at": order.placed_at,
        "settled_at": order.settled_at,
        "request_body": order.request_body,
        "request_sha256": order.request_sha256,
        "request_id": order.request_id,
        "answer": order.answer,
        "attempts": list(order.tries.values()),
        "events": [_as_evidence(event) for event in order.events.select_related("actor")],
        "chain_length": order.chain_length,
        "chain_hash": order.chain_hash,
    }


def _as_evidence(event: OrderEvent) -> dict[str, Any]:
    """An event with all that its hash is made of, exactly as it goes into that, so that anybody can do the sum."""
    return {
        "number": event.number,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "from_status": event.from_status,
        "to_status": event.to_status,
        "title": event.title,
        "words": event.words,
        "actor_id": event.actor_id,
        "by": event.actor and event.actor.get_username(),
        "data": event.data,
        "previous_hash": event.previous_hash,
        "hash": event.hash,
    }


def as_json(order: Order, breaker: Breaker | None = None) -> dict[str, Any]:
    """The JSON twin of the order's page. Ids are text, but for `request`, which is the body as it goes on the wire."""
    told = problem(order, breaker)
    return {
        "id": str(order.pk),
        "status": order.status,
        "order_no": order.order_no,
        "transaction_no": order.transaction_no,
        "instance_id": order.instance_id,
        "order_id": order.order_id,
        "product_no": order.product_no,
        "remote_status": order.remote_status,
        "found_as": order.found_as,
        "request": json.loads(order.request_body) if order.request_body else None,
        "problem": f"{told} {NOBODY_ORDER_AGAIN}" if order.status == Status.UNCERTAIN else told,
    }
