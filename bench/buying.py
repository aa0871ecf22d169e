"""People, drafts and queued orders, made by the portal's own verbs. Import it after `Stage.become_django`."""

from __future__ import annotations

import io
import itertools
import sqlite3
import time
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command

from bench.stage import Stage
from orders import gateway, placing
from orders.lifecycle import Status
from orders.models import Contact, Order, Partner
from orders.recipes import RECIPES
from portal.celery import app
from tests.tutorials import CHOICES

SLUG = "linkus-cloud-service"
TWO_LISTS = "software-edition-license"


def staff() -> User:
    """The demo login who orders."""
    return User.objects.get(username="staff")


_serials = itertools.count(369471000000)


def draft() -> Order:
    """A draft with all the choices of its tutorial, for a PBX of its own: to order the same again needs a reason."""
    order = placing.start(slug=SLUG, owner=staff())
    placing.answer(order, CHOICES[SLUG] | {"product_no": str(next(_serials))})
    return order


def for_a_customer() -> Order:
    """A complete draft whose first page has two lists: a new licence, for a customer far down the list."""
    customer = Partner.objects.on_offer().last()
    assert customer is not None
    order = placing.start(slug=TWO_LISTS, owner=staff())
    placing.answer(order, {"license_for": "new", "partner_id": customer.remote_id})
    answered = ("license_for", "product_no")
    placing.answer(order, {name: value for name, value in CHOICES[TWO_LISTS].items() if name not in answered})
    return order


def add_people(stage: Stage, count: int) -> None:
    """So many customers and as many billing contacts, mirrored."""
    for what, model in (("partners", Partner), ("contacts", Contact)):
        stage.control("POST", f"{what}/generate", {"count": count - model.objects.count()})
    call_command("mirror_accounts", stdout=io.StringIO())


def forget_people(but: int) -> None:
    """Remove mirrored customers and contacts until so many are left."""
    for model in (Partner, Contact):
        shown = list(model.objects.on_offer().values_list("pk", flat=True)[:but])
        model.objects.exclude(pk__in=shown).delete()


def add_pbxs(stage: Stage, count: int) -> None:
    """So many PBXs that the licence could be for."""
    there = gateway.portal().devices(RECIPES[TWO_LISTS].product_id)
    stage.control("POST", "pbxs/generate", {"count": count - len(there)})
    gateway.lookups.clear()


def queued(count: int) -> list[UUID]:
    """Orders that were placed, with their bells in the broker."""
    actor, pks = staff(), []
    for _ in range(count):
        order = draft()
        placing.place(order, approved_sha256=placing.preview(order)[2], actor=actor)
        pks.append(order.pk)
    return pks


def silence() -> None:
    """Take every bell out of the broker."""
    app.control.purge()


def warm_token() -> None:
    """Have a shared token, as any portal has that is more than half an hour old."""
    gateway.portal().check_token()


def claimed_and_settled(pks: list[UUID]) -> tuple[list[float], list[float]]:
    """When these orders were claimed, and when their receipts came, as epoch seconds, each in order of time."""
    orders = Order.objects.filter(pk__in=pks, status=Status.PLACED)
    times = list(orders.values_list("sending_since", "settled_at"))
    if len(times) != len(pks):
        raise RuntimeError(f"of {len(pks)} orders {len(times)} are placed")
    claimed, settled = zip(*times, strict=True)
    return sorted(at.timestamp() for at in claimed), sorted(at.timestamp() for at in settled)


class Watch:
    """Looks at the rows from outside, without a lock and without Django."""

    def __init__(self) -> None:
        path = settings.DATABASES["default"]["NAME"]
        self._rows = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)

    def count(self, status: str) -> int:
        """How many orders have this status."""
        query = "SELECT COUNT(*) FROM orders_order WHERE status = ?"
        return int(self._rows.execute(query, [status]).fetchone()[0])

    def status(self, pk: UUID) -> str:
        """The committed status of an order."""
        return str(self._rows.execute("SELECT status FROM orders_order WHERE id = ?", [pk.hex]).fetchone()[0])

    def wait_settled(self, pk: UUID, seconds: float = 20) -> float:
        """When the receipt of this order was seen to be committed, on the clock of `time.perf_counter`."""
        end = time.perf_counter() + seconds
        while (status := self.status(pk)) != "PLACED":
            if status in ("FAILED", "UNCERTAIN") or time.perf_counter() > end:
                raise RuntimeError(f"the order is {status}")
            time.sleep(0.0005)
        return time.perf_counter()
