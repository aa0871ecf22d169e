"""What the tests of the history share beside their fixtures."""

from __future__ import annotations

from typing import Any

import httpx

from orders.models import Order
from yeastar_api.sandbox import Sandbox


def now(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def events(order: Order) -> list[str]:
    return [event.title for event in order.events.all()]


def placed_elsewhere(sandbox: Sandbox, **fields: Any) -> None:
    """Somebody orders in the vendor's own portal."""
    with httpx.Client(transport=httpx.WSGITransport(app=sandbox), base_url="http://sandbox.test") as client:
        assert client.post("/_sandbox/orders", json=fields).is_success
