"""When each call of the API last succeeded and last failed, shared by all processes through the cache.

It is for people to look at. Nothing is decided by it, and a cache that is away costs nothing but the knowledge.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.cache import cache

from orders.destination import current_destination
from orders.text import storable
from yeastar_api.errors import ApiError

CALLS = {
    "token": "Access token",
    "save": "Send an order",
    "product_list": "Products",
    "purchase_product_info": "Plans and services",
    "instance_product_list": "PBXs",
    "partner_list": "Customers",
    "billing_contact_list": "Billing contacts",
    "order_page": "History of orders",
    "order_detail": "One order of the history",
}
"""What each call is for, in the order in which they are shown."""

EVERY = 1.0
"""Seconds between two successes of a call that one process writes down."""

KEPT = 90 * 24 * 3600
"""Seconds for which it is remembered."""

WORDS_LENGTH = 500

_written: dict[tuple[str, str], float] = {}


@dataclass(frozen=True)
class Sighting:
    """How a call went once. Nothing in it is secret: errors hold neither token nor credentials."""

    at: datetime
    seconds: float
    kind: str = ""  # of the failure: NotDelivered, Refused, Unanswered
    words: str = ""
    code: str = ""
    http_status: int | None = None
    request_id: str = ""


@dataclass(frozen=True)
class Watched:
    """What is known of one call."""

    call: str
    name: str
    success: Sighting | None
    failure: Sighting | None

    @property
    def failing(self) -> bool:
        """Whether the last that was seen of it was a failure."""
        return self.failure is not None and (self.success is None or self.failure.at > self.success.at)


def forget() -> None:
    """Write the next success whatever was written before; for tests."""
    _written.clear()


def noted(call: str, error: ApiError | None, seconds: float, at: float) -> None:
    """The `observe` of the client. Successes are many and alike, so not each is written; failures all are."""
    if error is None:
        here, now = (current_destination(), call), time.monotonic()
        if now - _written.get(here, -EVERY) < EVERY:
            return
        _written[here] = now
    sighting = Sighting(at=datetime.fromtimestamp(at, UTC), seconds=round(seconds, 3), **_told(call, error))
    cache.set(_key(call, "failure" if error else "success"), asdict(sighting), KEPT)


def _told(call: str, error: ApiError | None) -> dict[str, Any]:
    if error is None:
        return {}
    words = error.detail or error.code or "nothing more is known"
    if error.call == "token" != call:
        words = f"No access token: {words}"
    told = {
        "kind": type(error).__name__,
        "words": words[:WORDS_LENGTH],
        "code": error.code[:WORDS_LENGTH],
        "http_status": error.http_status,
        "request_id": error.request_id[:WORDS_LENGTH],
    }
    return dict(storable(told))


def watched() -> list[Watched]:
    """What is known of each call. Whatever else lies in the cache under our names is as if it were not there."""
    keys = [_key(call, which) for call in CALLS for which in ("success", "failure")]
    found = cache.get_many(keys)
    return [
        Watched(call, name, _read(found, _key(call, "success")), _read(found, _key(call, "failure")))
        for call, name in CALLS.items()
    ]


def _read(found: Mapping[str, Any], key: str) -> Sighting | None:
    try:
        return Sighting(**found[key])
    except (KeyError, TypeError):
        return None


def _key(call: str, which: str) -> str:
    here = hashlib.sha256(current_destination().encode()).hexdigest()[:16]
    return f"watched:{here}:{call}:{which}"
