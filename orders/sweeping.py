"""The sweep: rings for what is due, and ends the wait for what lost its worker."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

from orders import doorbell
from orders.lifecycle import Status
from orders.models import QUEUE_DOWN, Attempt, Order, Outcome

RINGS = 500
"""Bells in one sweep, at most: the rest is rung for by the next."""


def sweep(now: datetime | None = None) -> tuple[int, int]:
    """Ring for what is due, and end the wait for what lost its worker. Returns how many of each."""
    now = now or timezone.now()
    return _ring_for_due(now), _age_out(now)


def _ring_for_due(now: datetime) -> int:
    due = (
        Order.objects.filter(status=Status.QUEUED)
        .filter(models.Q(not_before=None) | models.Q(not_before__lte=now))
        .filter(models.Q(rung_at=None) | models.Q(rung_at__lte=now - settings.RING_AGAIN))
        .order_by("placed_at")
        .values_list("pk", flat=True)[:RINGS]
    )
    pks = list(due)
    if not pks or not doorbell.ring(pks):
        return 0
    rung = Order.objects.filter(pk__in=pks, status=Status.QUEUED)
    rung.update(rung_at=now)
    rung.filter(problem=QUEUE_DOWN).update(problem="")
    return len(pks)


def _age_out(now: datetime) -> int:
    lost = Order.objects.filter(status=Status.SENDING, sending_since__lte=now - settings.ORDER_SENDING_LIMIT)
    return sum(_lose(order, now) for order in lost)


def _lose(order: Order, now: datetime) -> bool:
    words = "The worker that was sending the order has not come back."

    def close_attempt() -> None:
        Attempt.objects.filter(order=order, outcome=Outcome.OPEN).update(outcome=Outcome.LOST, finished_at=now)

    same = models.Q(sending_since=order.sending_since)
    return order.move(
        Status.UNCERTAIN, title="Lost sight of", words=words, only_if=same, also=close_attempt, problem=words
    )
