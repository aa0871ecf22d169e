"""Prove the chain of events of an order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orders.models import Order


@dataclass(frozen=True)
class BrokenLink:
    """Where a chain no longer holds, and in what way."""

    order: Order
    number: int
    words: str


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
        broken = _first_broken_link(order)
        if broken is None:
            return None
        order.refresh_from_db(fields=["chain_length", "chain_hash"])
        if (order.chain_length, order.chain_hash) == told:
            return broken


def _first_broken_link(order: Order) -> BrokenLink | None:
    number, tip = 0, ""
    for event in order.events.order_by("number"):
        number += 1
        if event.number != number:
            return BrokenLink(order, number, "is missing")
        if event.previous_hash != tip:
            return BrokenLink(order, number, "does not follow the event before it")
        if event.digest() != event.hash:
            return BrokenLink(order, number, "is not what was written")
        tip = event.hash
    if (number, tip) != (order.chain_length, order.chain_hash):
        return BrokenLink(order, number + 1, "is missing at the end")
    return None
