"""The last look before the bytes of an order go out: does this attempt still count?"""

from __future__ import annotations

import time

import structlog
from django.conf import settings
from django.db import DatabaseError

from orders.lifecycle import Status
from orders.models import Attempt, Order

A_WHILE = 5.0
"""Seconds from the claim to the first byte, after which others are asked whether they still count on this attempt."""

_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Counts on while the machine is suspended, where there is such a clock; CLOCK_MONOTONIC does not."""

log = structlog.get_logger(__name__)


class LastLook:
    """Whether a claimed order is still to be sent, asked just before its bytes go out.

    The deadline counts on a clock that stands still while a machine is suspended; meanwhile others may have given the
    order up, and even have proven that it was never placed. So the clocks that count on are compared with the claim;
    and if more than a moment has passed, the row is asked whether it still waits for this attempt.
    """

    def __init__(self, attempt: Attempt) -> None:
        self.too_late = False
        self._attempt = attempt
        self._claimed = self._seen = (attempt.started_at.timestamp(), time.clock_gettime(_BOOT_CLOCK))

    def still(self) -> bool:
        """Once it is too late, it stays too late."""
        self.too_late = self.too_late or not self._still()
        return not self.too_late

    def _still(self) -> bool:
        now = (time.time(), time.clock_gettime(_BOOT_CLOCK))
        if _apart(self._claimed, now) >= settings.YEASTAR_SAVE_BUDGET:
            return False
        if _apart(self._seen, now) < A_WHILE:
            return True
        self._seen = now
        return self._is_ours()

    def _is_ours(self) -> bool:
        mine = Order.objects.filter(
            pk=self._attempt.order_id, status=Status.SENDING, attempts=self._attempt.number, conflict=""
        )
        try:
            return mine.exists()
        except DatabaseError:
            log.exception("submit.last_look_failed", order=str(self._attempt.order_id))
            return False  # not to send is undone by sending later


def _apart(then: tuple[float, float], now: tuple[float, float]) -> float:
    """Seconds by the clock that tells of more. A clock that was put back hides how much: its distance counts."""
    return max(abs(after - before) for before, after in zip(then, now, strict=True))
