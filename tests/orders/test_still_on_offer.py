"""At the review, and when the button is pressed, the choices are judged once more by what is on offer by then."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from orders import gateway, placing, submitting
from orders.lifecycle import Status
from orders.models import Order
from orders.wizard import step_url
from tests.conftest import approval
from tests.orders.test_catalogue_shapes import SHAPES
from tests.tutorials import CHOICES
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

Draft = Callable[[str], Order]

CONNECTIONS = CHOICES["remote-management-connections"]
PLAN, SERVICE = CONNECTIONS["plan_id"], CONNECTIONS["service_id"][0]
SOFTWARE = "software-edition-license"
ENTERPRISE, DISASTER_RECOVERY = "3049040587724718080", "3129372068699893760"


def offer(sandbox: Sandbox, *plans: dict[str, Any]) -> None:
    """From now on the vendor offers precisely this."""
    body = {"code": "success", "detailMessage": "", "requestId": "x", "result": {"planList": plans}, "status": 200}
    sandbox.fault("purchase_product_info", "garbage", processed=False, body=json.dumps(body), times=None)
    gateway.lookups.clear()


def connections(plan_id: str = PLAN, **bounds: Any) -> dict[str, Any]:
    """A plan with the service of the tutorial."""
    service = {"serviceId": SERVICE, "serviceName": "Additional Connections", **bounds}
    return {"planId": plan_id, "planName": f"Plan {plan_id[:4]}", "serviceList": [service]}


CHANGED = [
    ("the service moved to another plan", (connections("777"), {"planId": PLAN, "planName": "Mine"}), "with Mine"),
    ("at least so many", (connections(minQuantity=11),), "At least 11 of Additional Connections."),
    ("at most so many", (connections(maxQuantity=9),), "At most 9 of Additional Connections."),
    ("the plan has gone", (connections("777"),), f"No longer on offer: {PLAN}."),
    (
        "both",
        ({"planId": PLAN, "serviceList": [{"serviceId": "778", "maxQuantity": 1}]},),
        f"No longer on offer: {SERVICE}.",
    ),
]


@pytest.mark.parametrize(("now", "words"), [row[1:] for row in CHANGED], ids=[row[0] for row in CHANGED])
def test_what_is_no_longer_offered_so_leads_back_to_the_plan_which_says_why(
    now: tuple[dict[str, Any], ...], words: str, draft: Draft, alices: Client, sandbox: Sandbox
) -> None:
    order = draft("remote-management-connections")
    before = order.choices
    assert alices.get(step_url(order, "review")).status_code == 200
    offer(sandbox, *now)
    for page in (
        alices.get(step_url(order, "review")),
        alices.post(f"/orders/{order.pk}/place/", approval(order)),
    ):
        assert (page.status_code, page.url) == (302, step_url(order, "plan"))
    shown = alices.get(page.url).content.decode()
    assert words in shown
    assert "Nothing was ordered. Change your choice." in shown
    order.refresh_from_db()
    assert (order.status, order.choices) == (Status.DRAFT, before)
    assert sandbox.ledger == []


def test_what_is_still_offered_so_is_placed(
    draft: Draft, alices: Client, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    order = draft("remote-management-connections")
    offer(sandbox, connections(minQuantity=10, maxQuantity=10))
    assert "Change your choice" not in alices.get(step_url(order, "plan")).content.decode()
    given = approval(order)
    assert alices.post(f"/orders/{order.pk}/place/", given).url == f"/orders/{order.pk}/"
    assert submitting.submit(order.pk, portal) == Status.PLACED


def test_a_plan_step_that_is_not_answered_yet_is_not_judged(draft: Draft, alices: Client) -> None:
    order = draft("remote-management-connections")
    placing.answer(order, {"plan_id": ""})
    shown = alices.get(step_url(order, "plan")).content.decode()
    assert "Change your choice" not in shown
    assert 'class="errorlist"' not in shown


@pytest.mark.parametrize("shape", SHAPES, ids="+".join)
def test_disaster_recovery_without_the_ultimate_plan_is_never_placed_whatever_the_shape(
    shape: list[str], draft: Draft, alices: Client, sandbox: Sandbox
) -> None:
    sandbox.configure(catalogue_shape=shape)
    order = draft(SOFTWARE)
    placing.answer(order, {"plan_id": ENTERPRISE, "service_id": (DISASTER_RECOVERY,)})
    assert alices.get(step_url(order, "review")).status_code == 302
    shown = alices.get(step_url(order, "plan")).content.decode()
    assert "is not on offer with" in shown or "Disaster Recovery is only supported on Ultimate Plan." in shown
    given = approval(order)
    assert alices.post(f"/orders/{order.pk}/place/", given).url == step_url(order, "plan")
    sandbox.fault("purchase_product_info", "status", times=None)
    gateway.lookups.clear()
    page = alices.post(f"/orders/{order.pk}/place/", given)
    assert page.status_code == 422, "the rule holds even while nobody can tell what is on offer"
    order.refresh_from_db()
    assert order.status == Status.DRAFT
    assert sandbox.ledger == []
