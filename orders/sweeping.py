"""The sweep: rings for what is due, ends the wait for lost workers, and asks whether orders may be sent again."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from orders import breaking, doorbell
from orders.destination import destination_of
from orders.lifecycle import Status
from orders.models import QUEUE_DOWN, Attempt, Breaker, Order, Outcome
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError, Refused

RINGS = 500
"""Bells in one sweep, at most: the rest is rung for by the next."""


def sweep(now: datetime | None = None, *, portal: PartnerPortal | None = None) -> tuple[int, int]:
    """Ring for what is due, and end the wait for what lost its worker. Returns how many of each.

    While the breaker is open nothing is rung for; then, when it is time, `portal` is asked whether that may end.
    """
    now = now or timezone.now()
    lost = _age_out(now)
    if breaking.state(fresh=True).opened_at is None:
        return _ring_for_due(now), lost
    if portal and (taken := breaking.take_probe(now, destination_of(portal))):
        probe(taken, portal)
    return 0, lost


def ask_now(portal: PartnerPortal) -> ApiError | None:
    """Ask at once, because a person wants to know. If the breaker is open, this is its probe. The error, if any."""
    if taken := breaking.take_probe(timezone.now(), destination_of(portal), at_once=True):
        return probe(taken, portal)
    try:
        portal.products()
    except ApiError as error:
        return error
    return None


def probe(taken: Breaker, portal: PartnerPortal) -> ApiError | None:
    """Ask the one harmless question. Answered, it releases all orders, the oldest first; the error otherwise.

    A refusal is an answer, too: they could be reached, and took our token; so is a success whose list we cannot read.
    A 5xx or a lost answer proves nothing.
    """
    try:
        portal.reach()
    except Refused:
        pass
    except ApiError as error:
        breaking.stay_open(taken, error)
        return error
    if breaking.close(taken):
        while _ring_for_due(timezone.now()) == RINGS:
            pass
    return None


def _ring_for_due(now: datetime) -> int:
    due = (
        Order.objects.filter(breaking.may_be_sent(now), status=Status.QUEUED)
        .filter(models.Q(rung_at=None) | _is_past("rung_at", now, settings.RING_AGAIN))
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


def _is_past(column: str, now: datetime, span: timedelta) -> models.Q:
    """At least `span` ago. What lies further ahead than that was written by a clock that was ahead: as good as past."""
    return models.Q(**{f"{column}__lte": now - span}) | models.Q(**{f"{column}__gt": now + span})


def _age_out(now: datetime) -> int:
    too_long = _is_past("sending_since", now, settings.ORDER_SENDING_LIMIT)
    lost = Order.objects.filter(too_long, status=Status.SENDING)
    return sum(_lose(order, now) for order in lost)


def _lose(order: Order, now: datetime) -> bool:
    words = "The worker that was sending the order has not come back."

    def close_attempt() -> None:
        Attempt.objects.filter(order=order, outcome=Outcome.OPEN).update(outcome=Outcome.LOST, finished_at=now)

    same = models.Q(sending_since=order.sending_since)
    return order.move(
        Status.UNCERTAIN, title="Lost sight of", words=words, only_if=same, also=close_attempt, problem=words
    )
