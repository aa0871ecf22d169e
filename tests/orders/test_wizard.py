"""The five wizards without JavaScript, each to the tutorial's sample body and the recorded receipt."""

from __future__ import annotations

import json

import pytest
from django_webtest import DjangoTestApp

from orders import submitting
from orders.lifecycle import Status
from tests.tutorials import CHOICES, SLUGS, sample_request
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
    assert json.loads(bought["body"]) == sample_request(slug)
    page = app.get(order.get_absolute_url())
    for number in ("orderNo", "transactionNo", "instanceId"):
        assert bought["receipt"][number] in page
    twin = app.get(f"/orders/{order.pk}.json").json
    assert twin["order_no"] == bought["receipt"]["orderNo"]
    assert twin["request"] == sample_request(slug)
    assert (twin["status"], twin["problem"]) == ("PLACED", "")
