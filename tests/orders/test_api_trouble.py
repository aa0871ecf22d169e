"""The vendor is slow or failing while a page is drawn: said at once, nothing lost, and on with it when it is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.test import Client
from django_webtest import DjangoTestApp

from orders import gateway, placing, submitting
from orders.lifecycle import Status
from orders.models import Order
from orders.wizard import step_url
from tests.conftest import portal_for
from tests.orders.gate import Gate
from tests.orders.test_bad_input import held
from tests.tutorials import CHOICES
from tests.walking import wizard_form
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

Draft = Callable[[str], Order]

OFFERS, DEVICES = "purchase_product_info", "instance_product_list"

# Each page that asks the vendor: recipe, step, call.
LIVE = [
    ("turnkey-capacity", "plan", OFFERS),
    ("linkus-cloud-service", "plan", OFFERS),
    ("rm-premium-renewal", "plan", OFFERS),
    ("software-edition-license", "plan", OFFERS),
    ("software-edition-license", "target", DEVICES),
]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages hardly wait at all."""
    monkeypatch.setattr(gateway, "PATIENCE", 0.1)


@pytest.fixture
def portal(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[PartnerPortal]:
    """The shared client, but that it asks again at once where it would pause."""
    with portal_for(httpx.WSGITransport(app=sandbox), sleep=lambda _: None) as client:
        monkeypatch.setattr(gateway, "portal", lambda: client)
        yield client
        gateway.lookups.clear()


@pytest.fixture
def slow(accounts: None, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """From now on the vendor answers when the test says so."""
    gate = Gate(sandbox)
    with portal_for(gate) as client:
        monkeypatch.setattr(gateway, "portal", lambda: client)
        yield gate
        gate.opened.set()
        gateway.lookups.clear()


def until(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether it holds within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.03)
    return False


def shows_form(client: Client, url: str) -> bool:
    return f'action="{url}"' in client.get(url).content.decode()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("slug", "step", "call"), LIVE)
def test_a_slow_answer_shows_a_waiting_page_at_once_and_then_the_form(
    slug: str, step: str, call: str, draft: Draft, alices: Client, sandbox: Sandbox, slow: Gate
) -> None:
    url = step_url(draft(slug), step)
    page = alices.get(url)
    assert call not in sandbox.calls, "the page did not wait for the answer: there is none yet"
    shown = page.content.decode()
    assert page.status_code == 200
    assert "Asking Yeastar for" in shown
    assert f'action="{url}"' not in shown
    assert 'http-equiv="refresh"' in shown, "without JavaScript the page loads itself again"
    assert f'hx-get="{url}"' in shown, "with it htmx asks again"
    slow.opened.set()
    assert until(20, lambda: shows_form(alices, url))
    assert sandbox.calls[call] == (1 if call == OFFERS else 2), "asked once: a list of PBXs is two pages, one empty"


FAILURES: list[tuple[str, dict[str, Any], str]] = [
    ("refuse", {"code": "contract_expired", "detailMessage": "The contract <has> expired"}, "The contract &lt;has&gt;"),
    ("refuse", {"code": "forbidden", "detailMessage": "Not yours", "http_status": 403}, "Not yours"),
    ("status", {"status": 502}, ""),
    ("garbage", {}, ""),
]


@pytest.mark.parametrize(("slug", "step", "call"), LIVE)
@pytest.mark.parametrize(("kind", "options", "words"), FAILURES, ids=["refused", "forbidden", "502", "garbage"])
def test_a_failure_says_what_happened_and_trying_again_works(
    kind: str,
    options: dict[str, Any],
    words: str,
    slug: str,
    step: str,
    call: str,
    draft: Draft,
    alices: Client,
    sandbox: Sandbox,
) -> None:
    url = step_url(draft(slug), step)
    sandbox.fault(call, kind, times=None, **options)
    page = alices.get(url)
    shown = page.content.decode()
    assert page.status_code == 200
    assert "could not tell us" in shown
    assert words in shown
    assert "Your draft is saved" in shown
    assert f'href="{url}?again=1"' in shown
    assert not shows_form(alices, url)
    assert bool(page.context["lookup"]["request_id"]) == (kind == "refuse")
    assert page.context["lookup"]["request_id"] in shown
    sandbox.faults.clear()
    assert shows_form(alices, f"{url}?again=1") or shows_form(alices, url)


def break_api(sandbox: Sandbox) -> None:
    """From now on the catalogue cannot be read, and nothing is remembered of it."""
    for call in (OFFERS, DEVICES):
        sandbox.fault(call, "refuse", times=None, code="system_busy", detailMessage="System busy")


def test_a_form_filled_in_before_the_api_went_down_is_judged_by_what_it_showed(
    draft: Draft, alices: Client, sandbox: Sandbox
) -> None:
    order = draft("turnkey-capacity")
    url = step_url(order, "plan")
    assert shows_form(alices, url)
    break_api(sandbox)
    answer = alices.post(url, {**CHOICES[order.slug], "quantity": 61})
    assert (answer.status_code, answer.url) == (302, step_url(order, "billing"))
    order.refresh_from_db()
    assert order.picked.quantity == 61


def test_a_form_sent_while_the_api_is_down_loses_nothing_that_was_typed(
    draft: Draft, sandbox: Sandbox, app: DjangoTestApp
) -> None:
    order = draft("turnkey-capacity")
    url = step_url(order, "plan")
    form = wizard_form(app.get(url))
    form["quantity"], form["service_id"] = "61", "3049031640303869952"
    gateway.lookups.clear()  # another process, or half an hour later
    break_api(sandbox)
    down = form.submit()
    assert "could not tell us" in down
    order.refresh_from_db()
    assert order.picked.quantity == 50, "nothing is taken over that could not be judged"
    sandbox.faults.clear()
    again = wizard_form(down).submit().follow()
    assert again.request.path == step_url(order, "billing")
    order.refresh_from_db()
    assert (order.picked.quantity, order.picked.service_id) == (61, ("3049031640303869952",))


@pytest.mark.usefixtures("impatient")
def test_a_form_sent_while_the_api_is_slow_loses_nothing_that_was_typed(
    draft: Draft, alices: Client, slow: Gate
) -> None:
    order = draft("turnkey-capacity")
    url = step_url(order, "plan")
    waiting = alices.post(url, {**CHOICES[order.slug], "quantity": 61})
    shown = waiting.content.decode()
    assert "Asking Yeastar for" in shown
    kept = held(waiting)
    assert (kept["quantity"], kept["service_id"]) == (["61"], [CHOICES[order.slug]["service_id"][0]])
    assert "csrfmiddlewaretoken" in kept


@pytest.mark.parametrize("trouble", ["down", "slow"])
def test_a_review_without_the_vendor_can_be_placed_and_says_that_nothing_was_checked(
    trouble: str,
    draft: Draft,
    alices: Client,
    portal: PartnerPortal,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order = draft("turnkey-capacity")
    review = step_url(order, "review")
    if trouble == "down":
        break_api(sandbox)
    else:
        monkeypatch.setattr(gateway, "PATIENCE", 0.05)
        sandbox.fault(OFFERS, "delay", seconds=0.4, times=None)
    page = alices.get(review)
    assert page.status_code == 200
    assert "could not be checked" in page.content.decode()
    given = {name: held(page)[name][0] for name in ("approved_sha256", "approved_for")}
    assert alices.post(f"/orders/{order.pk}/place/", given).url == f"/orders/{order.pk}/"
    order.refresh_from_db()
    assert order.status == Status.QUEUED
    sandbox.faults.clear()
    assert submitting.submit(order.pk, portal) == Status.PLACED


def test_a_review_with_the_vendor_says_nothing_of_the_kind(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    assert "could not be checked" not in alices.get(step_url(order, "review")).content.decode()


def test_the_mirrored_lists_need_no_vendor(draft: Draft, alices: Client, sandbox: Sandbox) -> None:
    order = draft("turnkey-capacity")
    sandbox.fault("*", "status", times=None)
    for step in ("target", "billing"):
        assert shows_form(alices, step_url(order, step))
    assert alices.get("/").status_code == alices.get("/orders/").status_code == 200
    assert placing.answer(order, {"quantity": 3})
