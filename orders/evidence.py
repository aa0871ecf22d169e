"""Prove the chain of events of an order: as it stands here, or as it was saved in a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orders.models import Order, OrderEvent


class NotEvidence(ValueError):
    """A file that is none of ours."""


@dataclass(frozen=True)
class BrokenLink:
    """Where a chain no longer holds, and in what way."""

    order: Order
    number: int
    words: str


Break = tuple[int, str]
"""The number of an event that does not hold, and in what way."""


def broken_links(orders: Iterable[Order]) -> Iterator[BrokenLink]:
    """The first broken link of each order whose chain is broken."""
    for order in orders:
        if link := first_broken_link(order):
            yield link


def first_broken_link(order: Order) -> BrokenLink | None:
    """The first link that does not hold, or None: each event's hash, the hash before it, and the order's own tip.

    The portal goes on meanwhile: what is told of an order between two of our questions breaks no chain.
    """
    while True:
        told = order.chain_length, order.chain_hash
        broken = _first_break(order.events.order_by("number"), *told)
        if broken is None:
            return None
        order.refresh_from_db(fields=["chain_length", "chain_hash"])
        if (order.chain_length, order.chain_hash) == told:
            return BrokenLink(order, *broken)


def _first_break(events: Iterable[OrderEvent], length: int, tip_hash: str) -> Break | None:
    number, tip = 0, ""
    for event in events:
        number += 1
        if event.number != number:
            return number, "is missing"
        if event.previous_hash != tip:
            return number, "does not follow the event before it"
        if event.digest() != event.hash:
            return number, "is not what was written"
        tip = event.hash
    return None if (number, tip) == (length, tip_hash) else (number + 1, "is missing at the end")


def in_file(text: str) -> tuple[str, int, str]:
    """What a saved file of evidence says against itself, and against this portal: reference, events, and the words.

    Empty words if all holds. Raises NotEvidence for what is no such file.
    """
    try:
        told = json.loads(text)
        events = [_told(told["id"], each) for each in told["events"]]
        reference, length, tip = str(told["reference"]), int(told["chain_length"]), str(told["chain_hash"])
        body, sha256 = str(told["request_body"]), str(told["request_sha256"])
    except (ValueError, TypeError, KeyError) as error:
        raise NotEvidence("This is no file of evidence of an order.") from error
    if broken := _first_break(events, length, tip):
        return reference, length, f"event {broken[0]}: {broken[1]}"
    if body and hashlib.sha256(body.encode()).hexdigest() != sha256:
        return reference, length, "what was sent is not what was approved"
    here = OrderEvent.objects.filter(order__reference=reference, number=length).values_list("hash", flat=True).first()
    if here is None:
        return reference, length, "it holds in itself, but this portal knows no such order"
    return reference, length, "" if here == tip else f"it holds in itself, but event {length} is another one here"


def _told(order: Any, event: dict[str, Any]) -> OrderEvent:
    return OrderEvent(
        order_id=order,
        number=event["number"],
        at=datetime.fromisoformat(event["at"]),
        from_status=event["from_status"],
        to_status=event["to_status"],
        title=event["title"],
        words=event["words"],
        actor_id=event["actor_id"],
        data=event["data"],
        previous_hash=event["previous_hash"],
        hash=event["hash"],
    )
