"""What we remember: mirrored accounts, orders, and the evidence of what happened to each order."""

from orders.models.accounts import Contact, Mirrored, MirroredQuerySet, Partner
from orders.models.evidence import NUMBER_LENGTH, Attempt, EvidenceIsKept, OrderEvent, Outcome
from orders.models.order import PLACE_ORDER, QUEUE_DOWN, SEE_ALL_ORDERS, SETTLE_ORDER, Order, OrderQuerySet

__all__ = [
    "NUMBER_LENGTH",
    "PLACE_ORDER",
    "QUEUE_DOWN",
    "SEE_ALL_ORDERS",
    "SETTLE_ORDER",
    "Attempt",
    "Contact",
    "EvidenceIsKept",
    "Mirrored",
    "MirroredQuerySet",
    "Order",
    "OrderEvent",
    "OrderQuerySet",
    "Outcome",
    "Partner",
]
