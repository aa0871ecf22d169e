"""The world behind the fake: who exists, which PBXs, which orders. One lock; every change is an event.

A change is written to the journal and then happens; a restart lets the same events happen again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import people
from .catalogue import PRODUCTS
from .journal import Journal
from .numbers import OWNER_ACCOUNT, Numbers
from .records import Device, Order, first_devices, first_orders

Event = dict[str, Any]

STATUSES = ("succeed", "failed", "pending", "invalid", "cancelled", "refunded")
"""`orderStatus` values that the reference names in full."""


class World:
    """The state. Read and change it while holding `lock` (it is re-entrant)."""

    def __init__(self, state: str | Path | None = None, *, clock: Callable[[], float] = time.time):
        self.lock = threading.RLock()
        self._clock = clock
        self._journal = Journal(state)
        self._begin()
        for event in self._journal.events():
            self._apply(event)

    def _begin(self) -> None:
        self.numbers = Numbers()
        self.partners = {row["partnerId"]: row for row in people.first_partners()}
        self.contacts = {row["billingContactId"]: row for row in people.first_contacts()}
        self.devices = {(device.product_id, device.product_no): device for device in first_devices()}
        self.withdrawn: set[int] = set()
        self.auto_renewed: set[tuple[int, str]] = set()
        self._made: dict[str, int] = {}
        self.orders: list[Order] = []
        self._by_number: dict[str, Order] = {}
        for order in first_orders():
            self._keep(order)

    def _keep(self, order: Order) -> None:
        self.orders.append(order)
        self._by_number[order.order_no] = order
        self._by_number[order.id] = order
        self.numbers.seen(order)

    # --- reading ------------------------------------------------------------------------------------------

    def now_ms(self) -> int:
        """The sandbox's clock, in the unit of `createTime`."""
        return int(self._clock() * 1000)

    def order(self, number: str) -> Order | None:
        """By order number or order id."""
        return self._by_number.get(number)

    def history(self, lag_seconds: float = 0) -> list[Order]:
        """The orders that the history already tells of, by ascending id."""
        if not lag_seconds:
            return self.orders
        until = self.now_ms() - lag_seconds * 1000
        return [order for order in self.orders if order.body is None or order.created_ms <= until]

    def bought(self) -> Iterator[Order]:
        """The orders bought through `save`."""
        return (order for order in self.orders if order.body is not None)

    def instances(self, product: int) -> list[Device]:
        """The PBXs of one product."""
        return [device for device in self.devices.values() if device.product_id == product]

    # --- changing -----------------------------------------------------------------------------------------

    def happen(self, event: Event) -> None:
        """Let an event happen and remember it."""
        with self.lock:
            self._apply(event)
            self._journal.append(event)

    def generate(self, what: str, count: int) -> None:
        """Many more partners, contacts, pbxs or orders. The event holds what a replay needs to make the same."""
        with self.lock:
            event = {"event": "generated", "what": what, "count": count, "ms": self.now_ms()}
            event["start"] = self._made.get(what, 0)
            if what == "orders":
                event |= {"id": int(self.numbers.order_id()), "instance": int(self.numbers.instance_id())}
                event["stamp"] = int(self.numbers.numbered(self.now_ms())[2:])
            self.happen(event)

    def reset(self) -> None:
        """Back to the pristine world, with no memory of another."""
        with self.lock:
            self._journal.forget()
            self._begin()

    def _apply(self, event: Event) -> None:
        getattr(self, f"_on_{event['event']}")(event)

    def _on_order(self, event: Event) -> None:
        order = Order(**event["order"])
        self._keep(order)
        if order.body is not None and order.status == "succeed":
            self._deliver(order)

    def _on_order_status(self, event: Event) -> None:
        self._by_number[event["orderNo"]].status = event["status"]

    def _on_partner(self, event: Event) -> None:
        row = event["record"]
        self.partners[row["partnerId"]] = self.partners.get(row["partnerId"], {}) | row

    def _on_partners(self, event: Event) -> None:
        self.partners = {row["partnerId"]: row for row in event["records"]}

    def _on_contacts(self, event: Event) -> None:
        self.contacts = {row["billingContactId"]: row for row in event["records"]}

    def _on_auto_renew(self, event: Event) -> None:
        self.auto_renewed.add((event["productId"], event["productNo"]))

    def _on_removed(self, event: Event) -> None:
        what, gone = event["what"], event["id"]
        if what == "partners":
            self.partners.pop(gone, None)
        elif what == "contacts":
            self.contacts.pop(gone, None)
        else:
            self.withdrawn.add(int(gone))

    def _on_generated(self, event: Event) -> None:
        what, start = event["what"], event["start"]
        self._made[what] = start + event["count"]
        for number in range(start, start + event["count"]):
            if what == "partners":
                partner = people.made_up_partner(number)
                self.partners[partner["partnerId"]] = partner
            elif what == "contacts":
                contact = people.made_up_contact(number)
                self.contacts[contact["billingContactId"]] = contact
            elif what == "pbxs":
                serial = f"3652E{number:07}"
                self.devices[12, serial] = Device(12, serial, f"Generated {number}", "activated", event["ms"])
            else:
                self._keep(_made_up_order(number - start, event))

    def _deliver(self, order: Order) -> None:
        """A bought order changes the PBX it is for, and a new licence is a new PBX."""
        if order.product_id not in (9, 11, 12, 13):
            return
        key = (order.product_id, order.product_no)
        device = self.devices.get(key)
        if device is None:
            status = "unactivated" if order.new_device else "activated"
            device = Device(*key, "", status, order.created_ms, partner_id=order.partner_id)
            self.devices[key] = device
        product = PRODUCTS[order.product_id]
        for line in order.lines:
            if line["serviceType"] == "plan":
                device.plan = next(plan.name for plan in product.plans if plan.id == line["serviceId"])
                device.extensions = line.get("quantity", device.extensions)
            elif any(
                item.id == line["serviceId"] and item.unit == "extensions"
                for plan in product.plans
                for item in plan.services
            ):
                device.extensions += line["quantity"]


def _made_up_order(number: int, event: Event) -> Order:
    """One of many orders placed elsewhere; the same for the same event."""
    stamp = event["stamp"] + number * 41
    return Order(
        id=str(event["id"] + number),
        order_no=f"G{'ABCDEFGHKM'[number % 10]}{stamp}",
        transaction_no=f"H{'ABCDEFGHKM'[number % 10]}{stamp + 17}",
        instance_id=str(event["instance"] + number),
        product_id=(14, 15, 21)[number % 3],
        product_no=OWNER_ACCOUNT,
        operation="purchase_service",
        status="succeed",
        created_ms=event["ms"],
        cents=100 * (1 + number % 997),
        reference=f"GEN-{event['start'] + number}",
    )
