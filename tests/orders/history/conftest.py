"""Orders whose answers are lost, and the looks that follow."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from orders import placing, submitting
from orders.history.reconciling import reconcile
from orders.lifecycle import Status
from orders.models import Order, Reading
from tests.tutorials import CHOICES
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox


@pytest.fixture
def no_lag(settings: Any) -> None:
    """A vendor whose history is quick, and orders that nobody can still be sending."""
    settings.HISTORY_LAG = timedelta(0)
    settings.ORDER_SENDING_LIMIT = timedelta(0)
    settings.RECONCILE_SECONDS = 0.0


@pytest.fixture
def ordered(draft: Callable[[str], Order], alice: User) -> Callable[..., Order]:
    """Orders of Alice's, each for another PBX or another quantity: nobody orders the same twice."""
    count = itertools.count(1)

    def placed(slug: str, like: Order | None = None) -> Order:
        order, number = draft(slug), next(count)
        other = {"product_no": f"3694716{number:05}"} if slug == "linkus-cloud-service" else {"quantity": 20 + number}
        placing.answer(order, like.choices if like else {**CHOICES[slug], **other})
        sha256, reason = placing.preview(order)[2], "Two are wanted" if like else ""
        assert placing.place(order, approved_sha256=sha256, actor=alice, reason=reason)
        return order

    return placed


@pytest.fixture
def lost(ordered: Callable[..., Order], portal: PartnerPortal, sandbox: Sandbox) -> Callable[..., Order]:
    """An order whose answer is lost on the way, after the vendor has bought it, or before."""

    def send(slug: str = "linkus-cloud-service", *, bought: bool, like: Order | None = None) -> Order:
        order = ordered(slug, like)
        sandbox.fault("save", "reset", processed=bought)
        assert submitting.submit(order.pk, portal) == Status.UNCERTAIN
        return order

    return send


@pytest.fixture
def buy(ordered: Callable[..., Order], portal: PartnerPortal) -> Callable[[str], Order]:
    """An order that is bought, with its receipt."""

    def send(slug: str = "linkus-cloud-service") -> Order:
        order = ordered(slug)
        assert submitting.submit(order.pk, portal) == Status.PLACED
        order.refresh_from_db()
        return order

    return send


@pytest.fixture
def look(portal: PartnerPortal) -> Callable[..., Reading | None]:
    """Let the clocks of all that is looked for run out, and reconcile."""

    def looked(times: int = 1) -> Reading | None:
        reading = None
        for _ in range(times):
            Order.objects.exclude(look_at=None).update(look_at=timezone.now())
            reading = reconcile(portal)
        return reading

    return looked


@pytest.fixture
def echo_known(buy: Callable[[str], Order], look: Callable[..., None], lost: Callable[..., Order]) -> None:
    """The vendor has been seen to tell references back, of this product too."""
    for _ in range(3):
        buy("linkus-cloud-service")
    order = lost(bought=True)
    look()
    order.refresh_from_db()
    assert order.status == Status.PLACED
