"""Whether the vendor's history tells our references back: learnt from orders whose number a receipt has told us."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from orders.history.telling import references_in
from orders.lifecycle import Status
from orders.models import EchoSighting, Order
from yeastar_api.messages import OrderRow

ENOUGH = 3
"""So many sightings, of whatever product, are needed before a missing reference proves anything."""

LATEST = 20
"""The latest evidence that counts: one order among it whose reference was swallowed, and nothing is proven."""


def learn(destination: str, rows: Sequence[OrderRow], now: datetime) -> None:
    """Keep for each of our bought orders, once, whether its row tells its reference back, and where."""
    told: Mapping[str, OrderRow] = {row.order_no: row for row in rows if row.order_no}
    bought = Order.objects.filter(
        order_no__in=told, status=Status.PLACED, destination=destination, echo=None, conflict=""
    ).exclude(answer="")
    seen = []
    for order in bought.only("reference", "order_no", "slug", "request_body"):
        if order.reference not in order.request_body:
            continue  # it was not sent
        place = references_in(told[order.order_no].raw).get(order.reference, "")
        seen.append(
            EchoSighting(
                order=order,
                order_no=order.order_no,
                destination=destination,
                slug=order.slug,
                echoed=bool(place),
                place=place[:200],
                length=len(_po_number(order)),
                at=now,
            )
        )
    EchoSighting.objects.bulk_create(seen, ignore_conflicts=True)


def is_proven(order: Order) -> bool:
    """Whether an order like this one, had it been bought, would show its reference in its row of the history.

    Needs sightings enough at this destination, none among the latest without the reference, one of the same product,
    one whose PO number was as long, and that the reference was sent at all.
    """
    sent = _po_number(order)
    if order.reference not in sent:
        return False
    here = EchoSighting.objects.filter(destination=order.destination).order_by("-at", "-pk")
    latest = list(here.values_list("echoed", flat=True)[:LATEST])
    same_product = here.filter(slug=order.slug).values_list("echoed", flat=True).first()
    as_long = here.filter(echoed=True, length__gte=len(sent)).exists()
    return len(latest) >= ENOUGH and all(latest) and same_product is True and as_long


def _po_number(order: Order) -> str:
    try:
        return str(json.loads(order.request_body).get("poNumber", ""))
    except ValueError:
        return ""
