"""What we remember: mirrored accounts, orders with the evidence of what happened to each, and the vendor's history."""

from orders.models.accounts import (
    CHANGE_CONTACT,
    CHANGE_PARTNER,
    NOTE_LENGTH,
    SEARCH_LENGTH,
    TAG_LENGTH,
    TAGS,
    AccountChange,
    AccountImport,
    AccountRun,
    Contact,
    HeldList,
    Listed,
    Mirrored,
    MirroredQuerySet,
    Partner,
    joined,
)
from orders.models.append_only import AppendOnly, AppendOnlyQuerySet, EvidenceIsKept
from orders.models.audit import LABEL_LENGTH, SEE_AUDIT, AuditEntry
from orders.models.breaker import Breaker
from orders.models.changes import PartnerChange
from orders.models.characters import LAST, Characters
from orders.models.connection import ConnectionTest, Credentials, Heartbeat
from orders.models.drift import Drift
from orders.models.evidence import NUMBER_LENGTH, Attempt, OrderEvent, Outcome
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
    "CHANGE_CONTACT",
    "CHANGE_PARTNER",
    "LABEL_LENGTH",
    "LAST",
    "MANAGE_CONNECTION",
    "NAME_LENGTH",
    "NOTE_LENGTH",
    "NUMBER_LENGTH",
    "PENDING",
    "PLACE_ORDER",
    "QUEUE_DOWN",
    "SEARCH_LENGTH",
    "SEE_ALL_EXPORTS",
    "SEE_ALL_ORDERS",
    "SEE_AUDIT",
    "SETTLE_ORDER",
    "TAGS",
    "TAG_LENGTH",
    "USUAL_CURRENCY",
    "USUAL_STATUS",
    "VIEWS",
    "AccountChange",
    "AccountImport",
    "AccountRun",
    "AppendOnly",
    "AppendOnlyQuerySet",
    "Attempt",
    "AuditEntry",
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
    "HeldList",
    "Limited",
    "Limits",
    "Listed",
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
    "joined",
    "money",
    "whole_and_fraction",
]
