"""The life of an order. Its status answers the only question a person has: was anything bought?

    DRAFT ──► QUEUED ──► SENDING ──► PLACED      yes
              │  ▲          │  ├───► FAILED      certainly not
              │  └──────────┘  └───► UNCERTAIN   maybe ──► PLACED or FAILED
              │ NotDelivered: later
              ├──► FAILED                        cancelled by a manager before it was sent
              └──► PLACED                        held, but then found in the vendor's history: it was bought after all

A settled order never moves again. SENDING never becomes QUEUED by age: what was perhaps sent is not sent again.
"""

from django.db import models


class Status(models.TextChoices):
    """What we know of an order. What Yeastar calls it is `Order.remote_status`."""

    DRAFT = "DRAFT", "Draft"
    QUEUED = "QUEUED", "Waiting to be sent"
    SENDING = "SENDING", "Being sent"
    PLACED = "PLACED", "Bought"
    FAILED = "FAILED", "Not bought"
    UNCERTAIN = "UNCERTAIN", "Not known yet"


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.DRAFT: frozenset({Status.QUEUED}),
    Status.QUEUED: frozenset({Status.SENDING, Status.FAILED, Status.PLACED}),
    Status.SENDING: frozenset({Status.PLACED, Status.FAILED, Status.UNCERTAIN, Status.QUEUED}),
    Status.UNCERTAIN: frozenset({Status.PLACED, Status.FAILED}),
    Status.PLACED: frozenset(),
    Status.FAILED: frozenset(),
}

MOVING = frozenset({Status.QUEUED, Status.SENDING})
"""A worker will move it on by itself: pages ask again."""

SETTLED = frozenset({Status.PLACED, Status.FAILED})
"""Never moves again."""
