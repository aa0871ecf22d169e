"""Test the connection: the harmless calls, one after another, and what each of them says in words.

Nothing is placed or changed. It runs in a thread of the web process, not in a worker, which may be what is missing; how
far it is stands in the database, so that every web process can show it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial

import structlog
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone

from orders.destination import current_destination, destination_of
from orders.diagnosis import advice
from orders.models import ConnectionTest
from orders.recipes import RECIPES
from orders.text import storable
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError

GIVEN_UP = timedelta(seconds=120)
"""A test that is not finished after so long has lost its process."""

OK, ODD, BAD, SKIPPED = "ok", "odd", "bad", "skipped"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Result:
    """What one call said."""

    call: str
    name: str
    state: str
    words: str
    todo: str = ""
    seconds: float | None = None
    request_id: str = ""


def begin(portal: PartnerPortal, *, who: User) -> ConnectionTest | None:
    """Start a test in the background; None if one is running."""
    if running() is not None:
        return None
    test = ConnectionTest.objects.create(destination=destination_of(portal), who=who, started_at=timezone.now())
    threading.Thread(target=_in_background, args=(test, portal), name="connection-test", daemon=True).start()
    return test


def running() -> ConnectionTest | None:
    """The test that goes on now."""
    return ConnectionTest.objects.filter(finished_at=None, started_at__gt=timezone.now() - GIVEN_UP).first()


def latest() -> ConnectionTest | None:
    """The latest test of where orders go now."""
    return ConnectionTest.objects.filter(destination=current_destination()).select_related("who").first()


def _in_background(test: ConnectionTest, portal: PartnerPortal) -> None:
    try:
        run(test, portal)
    except Exception:
        log.exception("connection.test_broke_off", test=test.pk)
    finally:
        connections.close_all()


def run(test: ConnectionTest, portal: PartnerPortal) -> list[Result]:
    """Make the calls, and write down each result as it comes."""
    results: list[Result] = []
    for call, name, ask in _questions(portal):
        results.append(_skipped(call, name) if _hopeless(results) else _asked(call, name, ask))
        test.results = [storable(asdict(result)) for result in results]
        test.save(update_fields=["results"])
    test.finished_at = timezone.now()
    test.save(update_fields=["finished_at"])
    ConnectionTest.objects.filter(started_at__lt=timezone.now() - timedelta(days=90)).delete()
    return results


def calls() -> int:
    """How many calls a test makes."""
    return len(_QUESTIONS)


Said = tuple[str, str]
"""A state, and words."""


def _token(portal: PartnerPortal) -> Said:
    """A new one, so that client id and secret are asked about, and not what was got with them an hour ago."""
    minutes = round((portal.renew_token() - time.time()) / 60)
    return OK, f"Client id and secret are right. The new token is good for {minutes} minutes."


def _offers(portal: PartnerPortal) -> Said:
    offers = portal.offers(_PRODUCT)
    return _counted(len(offers.plans) + len(offers.services), "plan or service", "plans and services")


_PRODUCT = next(iter(RECIPES.values())).product_id

_QUESTIONS: tuple[tuple[str, str, Callable[[PartnerPortal], Said]], ...] = (
    ("token", "Access token", _token),
    ("product_list", "Products", lambda portal: _counted(len(portal.products()), "product", "products")),
    ("partner_list", "Customers", lambda portal: _counted(len(portal.partners()), "customer", "customers")),
    (
        "billing_contact_list",
        "Billing contacts",
        lambda portal: _counted(len(portal.billing_contacts()), "billing contact", "billing contacts"),
    ),
    ("purchase_product_info", "Plans and services", _offers),
    (
        "instance_product_list",
        "PBXs",
        lambda portal: _read(len(portal.device_page(_PRODUCT, 1, 1).results), "the list of PBXs"),
    ),
    ("order_page", "History of orders", lambda portal: _read(len(portal.order_page(1, 1).results), "the history")),
)


def _questions(portal: PartnerPortal) -> list[tuple[str, str, Callable[[], Said]]]:
    return [(call, name, partial(ask, portal)) for call, name, ask in _QUESTIONS]


def _counted(number: int, one: str, many: str) -> Said:
    if not number:
        return ODD, f"It answers, but with no {many} at all."
    return OK, f"{number:,} {one if number == 1 else many}."


def _read(number: int, what: str) -> Said:
    return OK, f"It answers, and {what} can be read." if number else f"It answers; {what} is empty."


def _asked(call: str, name: str, ask: Callable[[], Said]) -> Result:
    began = time.monotonic()
    try:
        state, words = ask()
    except ApiError as error:
        wrong, todo = advice(error)
        return Result(call, name, BAD, wrong, todo, _since(began), error.request_id)
    return Result(call, name, state, words, "", _since(began))


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)


def _skipped(call: str, name: str) -> Result:
    return Result(call, name, SKIPPED, "Not asked: without a token nothing is answered.")


def _hopeless(results: list[Result]) -> bool:
    return bool(results) and results[0].state == BAD
