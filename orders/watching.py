"""When each call of the API last succeeded and last failed, shared by all processes through the cache.

It is for people to look at. Nothing is decided by it, and a cache that is away costs nothing but the knowledge.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from statistics import median
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
    "subordinate_user": "One customer",
    "save_user": "Create a customer",
    "edit_user": "Change a customer",
    "area_page": "Countries",
    "order_page": "History of orders",
    "order_detail": "One order of the history",
}
"""What each call is for, in the order in which they are shown."""

EVERY = 1.0
"""Seconds between two successes of a call that one process writes down."""

KEPT = 90 * 24 * 3600
"""Seconds for which it is remembered."""

WORDS_LENGTH = 500

RING = 50
"""Of so many of the latest successes the time they took is kept, for the median."""

CLOCK_EVERY = 10.0
"""Seconds between two looks at the vendor's clock that one process writes down."""

SKEW_LIMIT = 60.0
"""Seconds by which the two clocks may differ before people are told."""

_written: dict[tuple[str, str], float] = {}
_took: dict[tuple[str, str], deque[float]] = {}


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
    median: float | None = None  # seconds that it takes, of the latest successes
    counted: int = 0

    @property
    def failing(self) -> bool:
        """Whether the last that was seen of it was a failure."""
        return self.failure is not None and (self.success is None or self.failure.at > self.success.at)


@dataclass(frozen=True)
class Skew:
    """By how many seconds the vendor's clock was ahead of ours, and when that was seen."""

    at: datetime
    seconds: float

    @property
    def size(self) -> float:
        """How far they are apart."""
        return abs(self.seconds)

    @property
    def words(self) -> str:
        """How far the vendor's clock is off, as in "… ours"."""
        far = f"{self.size / 60:.0f} minutes" if self.size >= 120 else f"{self.size:.0f} s"
        return f"{far} {'ahead of' if self.seconds > 0 else 'behind'}"

    @property
    def alarming(self) -> bool:
        """Whether one of the two clocks is clearly wrong."""
        return abs(self.seconds) > SKEW_LIMIT


def forget() -> None:
    """Write the next success whatever was written before; for tests."""
    _written.clear()
    _took.clear()


def noted(call: str, error: ApiError | None, seconds: float, at: float, *, here: str = "") -> None:
    """The `observe` of the client that goes to `here`. Successes are many and alike, so not each is written; failures
    all are.
    """
    here = here or current_destination()
    if error is None:
        took = _took.setdefault((here, call), deque(maxlen=RING))
        took.append(round(seconds, 3))
        if not _due((here, call), EVERY):
            return
        _add_durations(_key(call, "durations", here), took)
    sighting = Sighting(at=datetime.fromtimestamp(at, UTC), seconds=round(seconds, 3), **_told(call, error))
    cache.set(_key(call, "failure" if error else "success", here), asdict(sighting), KEPT)


def clock_noted(seconds: float, *, here: str) -> None:
    """The `clock` of the client that goes to `here`."""
    if _due((here, "clock"), CLOCK_EVERY):
        cache.set(_key("clock", "skew", here), {"at": datetime.now(UTC), "seconds": round(seconds, 1)}, KEPT)


def skew() -> Skew | None:
    """How the two clocks differed when it was last seen."""
    try:
        return Skew(**cache.get(_key("clock", "skew")))
    except TypeError:
        return None


def _due(what: tuple[str, str], every: float) -> bool:
    now = time.monotonic()
    if now - _written.get(what, -every) < every:
        return False
    _written[what] = now
    return True


def _add_durations(key: str, took: deque[float]) -> None:
    """Add this process's to the shared ones. Of two processes at the same moment one may win: it is a median."""
    mine = list(took)
    took.clear()
    kept = cache.get(key)
    known = [each for each in kept if isinstance(each, float)] if isinstance(kept, list) else []
    cache.set(key, [*known, *mine][-RING:], KEPT)


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
    keys = [_key(call, which) for call in CALLS for which in ("success", "failure", "durations")]
    found = cache.get_many(keys)
    return [_known(call, name, found) for call, name in CALLS.items()]


def _known(call: str, name: str, found: Mapping[str, Any]) -> Watched:
    kept = found.get(_key(call, "durations"))
    took = [each for each in kept if isinstance(each, float)] if isinstance(kept, list) else []
    return Watched(
        call,
        name,
        _read(found, _key(call, "success")),
        _read(found, _key(call, "failure")),
        median(took) if took else None,
        len(took),
    )


def _read(found: Mapping[str, Any], key: str) -> Sighting | None:
    try:
        return Sighting(**found[key])
    except (KeyError, TypeError):
        return None


def _key(call: str, which: str, here: str = "") -> str:
    place = hashlib.sha256((here or current_destination()).encode()).hexdigest()[:16]
    return f"watched:{place}:{call}:{which}"
