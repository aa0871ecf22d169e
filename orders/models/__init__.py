"""What we remember: mirrored accounts, orders with the evidence of what happened to each, and the vendor's history."""

from orders.models.accounts import Contact, Mirrored, MirroredQuerySet, Partner
from orders.models.breaker import Breaker
from orders.models.changes import PartnerChange
from orders.models.characters import LAST, Characters
from orders.models.connection import ConnectionTest, Credentials, Heartbeat
from orders.models.drift import Drift
from orders.models.evidence import NUMBER_LENGTH, Attempt, EvidenceIsKept, OrderEvent, Outcome
from orders.models.exports import SEE_ALL_EXPORTS, Export, ExportQuerySet
from orders.models.history import (
    PENDING,
    USUAL_CURRENCY,
    USUAL_STATUS,
    EchoSighting,
    Reading,
    Record,
    Tally,
    money,
    whole_and_fraction,
)
from orders.models.limits import Limited, Limits
from orders.models.order import (
    MANAGE_CONNECTION,
    PLACE_ORDER,
    QUEUE_DOWN,
    SEE_ALL_ORDERS,
    SETTLE_ORDER,
    Order,
    OrderQuerySet,
)
from orders.models.saved import NAME_LENGTH, VIEWS, SavedView

__all__ = [
    "LAST",
    "MANAGE_CONNECTION",
    "NAME_LENGTH",
    "NUMBER_LENGTH",
    "PENDING",
    "PLACE_ORDER",
    "QUEUE_DOWN",
    "SEE_ALL_EXPORTS",
    "SEE_ALL_ORDERS",
    "SETTLE_ORDER",
    "USUAL_CURRENCY",
    "USUAL_STATUS",
    "VIEWS",
    "Attempt",
    "Breaker",
    "Characters",
    "ConnectionTest",
    "Contact",
    "Credentials",
    "Drift",
    "EchoSighting",
    "EvidenceIsKept",
    "Export",
    "ExportQuerySet",
    "Heartbeat",
    "Limited",
    "Limits",
    "Mirrored",
    "MirroredQuerySet",
    "Order",
    "OrderEvent",
    "OrderQuerySet",
    "Outcome",
    "Partner",
    "PartnerChange",
    "Reading",
    "Record",
    "SavedView",
    "Tally",
    "money",
    "whole_and_fraction",
]
