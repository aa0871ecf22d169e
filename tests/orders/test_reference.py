"""Our reference goes along with every order, so that it can be found again in Yeastar's history."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_webtest import DjangoTestApp

from orders import placing, submitting
from orders.models import Order
from orders.wizard import step_url
from tests.tutorials import CHOICES, SLUGS, sample_request
from tests.walking import place, walk
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

Draft = Callable[[str], Order]


@pytest.mark.parametrize(("typed", "before"), [("", ""), ("PO-2317", "PO-2317 ")], ids=["alone", "after a PO number"])
@pytest.mark.parametrize("slug", SLUGS)
def test_every_product_is_sent_with_our_reference_behind_the_persons_own_po_number(
    slug: str, typed: str, before: str, draft: Draft, alice: User, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    order = draft(slug)
    placing.answer(order, {"po_number": typed})
    assert placing.place(order, approved_sha256=placing.preview(order)[2], actor=alice)
    submitting.submit(order.pk, portal)
    (bought,) = sandbox.ledger
    assert f'"poNumber": "{before}{order.reference}"' in bought["body"]
    assert json.loads(bought["body"]) == sample_request(slug) | {"poNumber": before + order.reference}
    (row,) = portal.order_page(1, page_size=1, sort="-id").results
    assert order.reference in json.dumps(row.raw)


@pytest.mark.parametrize("typed", ["", "PO-2317"])
@pytest.mark.parametrize("slug", SLUGS)
def test_where_it_is_switched_off_it_is_nowhere_in_the_bytes_and_everything_else_is_the_same(
    slug: str, typed: str, draft: Draft, settings: Any
) -> None:
    order = draft(slug)
    placing.answer(order, {"po_number": typed})
    signed = placing.preview(order)[1]
    settings.SEND_REFERENCE = False
    unsigned = placing.preview(order)[1]
    line = f'  "poNumber": "{order.reference}",\n'
    assert unsigned == (signed.replace(f" {order.reference}", "") if typed else signed.replace(line, ""))
    assert order.reference not in unsigned
    assert json.loads(unsigned) == sample_request(slug) | ({"poNumber": typed} if typed else {})


@pytest.mark.parametrize(("typed", "told"), [("", "as PO number"), ("PO-2317", "after your PO number")])
def test_the_review_tells_that_the_reference_goes_along_and_the_order_keeps_it(
    typed: str, told: str, app: DjangoTestApp
) -> None:
    review = walk(app, "turnkey-capacity", CHOICES["turnkey-capacity"] | {"po_number": typed})
    words = " ".join(review.html.select_one("dl.words").get_text(" ", strip=True).split())
    shown, order = place(review)
    assert f"Our reference {order.reference} Sent to Yeastar {told}" in words
    assert f"Sent to Yeastar {told}" in shown


def test_the_review_is_silent_about_a_reference_that_is_not_sent(draft: Draft, alices: Client, settings: Any) -> None:
    settings.SEND_REFERENCE = False
    order = draft("turnkey-capacity")
    assert order.reference not in alices.get(step_url(order, "review")).content.decode()
