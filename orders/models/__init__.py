"""What we remember: mirrored accounts, orders with the evidence of what happened to each, and the vendor's history."""

from orders.models.accounts import Contact, Mirrored, MirroredQuerySet, Partner
from orders.models.breaker import Breaker
from orders.models.evidence import NUMBER_LENGTH, Attempt, EvidenceIsKept, OrderEvent, Outcome
from orders.models.history import EchoSighting, Reading, Record, Tally
from orders.models.order import (
    MANAGE_CONNECTION,
    PLACE_ORDER,
    QUEUE_DOWN,
    SEE_ALL_ORDERS,
    SETTLE_ORDER,
    Order,
    OrderQuerySet,
)

__all__ = [
    "MANAGE_CONNECTION",
    "NUMBER_LENGTH",
    "PLACE_ORDER",
    "QUEUE_DOWN",
    "SEE_ALL_ORDERS",
    "SETTLE_ORDER",
    "Attempt",
    "Breaker",
    "Contact",
    "EchoSighting",
    "EvidenceIsKept",
    "Mirrored",
    "MirroredQuerySet",
    "Order",
    "OrderEvent",
    "OrderQuerySet",
    "Outcome",
    "Partner",
    "Reading",
    "Record",
    "Tally",
]
