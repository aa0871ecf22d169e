"""The five wizards without JavaScript, each to the tutorial's sample body and the recorded receipt."""

from __future__ import annotations

import json

import pytest
from django_webtest import DjangoTestApp

from orders import submitting
from orders.lifecycle import Status
from orders.models import Order
from orders.recipes import RECIPES
from tests.orders.test_recipes import HOTEL_PMS
from tests.tutorials import CHOICES, CONTACT, SLUGS, sample_request, unsigned
from tests.walking import place, walk
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox


@pytest.mark.parametrize("slug", SLUGS)
def test_a_wizard_walked_through_its_forms_gives_the_tutorials_sample_and_its_receipt(
    slug: str, app: DjangoTestApp, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    review = walk(app, slug, CHOICES[slug])
    shown, order = place(review)
    assert "Not yet" in shown
    assert submitting.submit(order.pk, portal) == Status.PLACED
    (bought,) = sandbox.ledger
    assert unsigned(bought["body"], order.reference) == sample_request(slug)
    page = app.get(order.get_absolute_url())
    for number in ("orderNo", "transactionNo", "instanceId"):
        assert bought["receipt"][number] in page
    twin = app.get(f"/orders/{order.pk}.json").json
    assert twin["order_no"] == bought["receipt"]["orderNo"]
    assert unsigned(twin["request"], order.reference) == sample_request(slug)
    assert (twin["status"], twin["problem"]) == ("PLACED", "")


def test_a_sixth_product_walks_through_the_same_pages_with_nothing_but_its_recipe(
    app: DjangoTestApp, portal: PartnerPortal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, HOTEL_PMS.slug, HOTEL_PMS)
    offers = portal.offers("11", "3631A2000001")
    plan = offers.plans[0]
    service = next(each for each in offers.services_of(plan.plan_id) if "Hotel" in each.label)
    choices = {
        "product_no": "3631A2000001",
        "plan_id": plan.plan_id,
        "service_id": (service.service_id,),
        "billing_contact_id": CONTACT,
    }
    _, order = place(walk(app, HOTEL_PMS.slug, choices))
    assert submitting.submit(order.pk, portal) == Status.PLACED, Order.objects.get(pk=order.pk).problem
    (line,) = json.loads(sandbox.ledger[0]["body"])["serviceList"]
    assert line == {
        "connectionPlanId": int(plan.plan_id),
        "serviceType": "service",
        "serviceId": int(service.service_id),
        "purchaseType": "purchase",
        "billingModel": "once",
        "billingCycle": "once",
        "multiCycle": 0,
    }
