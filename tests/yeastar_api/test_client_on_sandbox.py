"""Every method of the client against the sandbox, in process: two readings of the same tutorials must agree."""

import json
import time
from itertools import combinations

import httpx
import pytest

from tests.yeastar_api.kit import SLUGS, TUTORIALS, tutorial
from yeastar_api.auth import MemoryTokenStore
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import NotDelivered, Refused, Unanswered
from yeastar_api.sandbox import Sandbox

CATALOGUE_SHAPES = [
    [shape, *modifiers]
    for shape in ("nested", "beside", "renamed")
    for count in range(4)
    for modifiers in combinations(("numbers", "bare", "strange"), count)
]


@pytest.fixture
def sandbox():
    return Sandbox(client_id="an-id", client_secret="a-secret")


def client_of(sandbox, **settings):
    given = {"client_id": "an-id", "client_secret": "a-secret", "sleep": lambda _: None}
    return PartnerPortal(
        base_url="http://sandbox.test",
        token_store=MemoryTokenStore(),
        transport=httpx.WSGITransport(app=sandbox),
        **given | settings,
    )


@pytest.fixture
def portal(sandbox):
    with client_of(sandbox) as client:
        yield client


def test_partners_and_contacts_and_products_come_with_ids_and_names(portal):
    partners = portal.partners()
    assert partners
    assert all(partner.partner_id.isdecimal() and partner.raw for partner in partners)
    assert "3197218168379846218" in {contact.billing_contact_id for contact in portal.billing_contacts()}
    assert {"9", "12", "14", "15", "21"} <= {product.product_id for product in portal.products()}


@pytest.mark.parametrize("slug", SLUGS)
def test_what_a_tutorial_buys_is_among_the_offers_in_every_shape_of_the_catalogue(sandbox, portal, slug):
    order = tutorial(slug, "request")
    seen = set()
    for shape in CATALOGUE_SHAPES:
        sandbox.configure(catalogue_shape=shape)
        offers = portal.offers(str(order["productId"]))
        plans = {plan.plan_id for plan in offers.plans}
        services = {service.service_id: service for service in offers.services}
        for line in order["serviceList"]:
            bought = str(line["serviceId"])
            if line["serviceType"] == "plan":
                assert bought in plans
            elif "connectionPlanId" in line:
                assert services[bought] in offers.services_of(str(line["connectionPlanId"]))
            else:
                assert bought in services
        seen.add((frozenset(plans), frozenset(services)))
    assert len(seen) == 1


def test_a_service_whose_plan_cannot_be_told_is_offered_with_every_plan(sandbox, portal):
    recovery, ultimate = "3129372068699893760", "3049041101760282624"
    for shape, plan_ids in (("nested", {ultimate}), ("beside", {ultimate}), ("renamed", set())):
        sandbox.configure(catalogue_shape=shape)
        service = next(each for each in portal.offers("12").services if each.service_id == recovery)
        assert service.plan_ids == plan_ids


@pytest.mark.parametrize("slug", SLUGS)
def test_the_request_of_each_tutorial_buys_once_and_is_found_in_the_history(sandbox, portal, slug):
    body = (TUTORIALS / f"{slug}.request.json").read_bytes()
    receipt = portal.save(body)
    assert receipt.order_status == "succeed"
    assert receipt.request_id
    assert sandbox.saves == 1
    assert sandbox.ledger[0]["receipt"]["orderNo"] == receipt.order_no
    assert json.loads(receipt.answer)["result"]["transactionNo"] == receipt.transaction_no
    newest = [row for row in portal.order_page(1, page_size=5, sort="-id").results if row.order_no == receipt.order_no]
    assert len(newest) == 1
    assert newest[0].create_time is not None
    assert abs(newest[0].create_time.timestamp() - time.time()) < 60
    assert portal.order_detail(receipt.order_no).basic_information


def test_all_devices_are_read_even_when_the_page_size_is_lowered(sandbox, portal):
    sandbox.configure(page_size_max=2)
    sandbox.world.generate("pbxs", 7)
    devices = portal.devices("12")
    assert len(devices) == portal.device_page("12", 1).total
    assert len({device.product_no for device in devices}) == len(devices)


def test_expired_tokens_are_renewed_in_passing(sandbox, portal):
    portal.check_token()
    sandbox.expire_tokens()
    assert portal.partners()
    assert sandbox.calls["token"] == 2
    assert portal.renew_token() > time.time()
    assert sandbox.calls["token"] == 3


def test_a_wrong_secret_is_not_delivered_and_asked_once(sandbox):
    with client_of(sandbox, client_secret="wrong") as client, pytest.raises(NotDelivered) as caught:
        client.partners()
    assert caught.value.call == "token"
    assert sandbox.calls["token"] == 1


@pytest.mark.parametrize("http", ["same", "200"])
def test_an_order_that_the_vendor_refuses_is_refused_in_their_words(sandbox, portal, http):
    sandbox.configure(error_http_status=http)
    with pytest.raises(Refused) as caught:
        portal.save(b'{"operationType": "purchase_plan"}')
    assert caught.value.code
    assert caught.value.request_id
    assert sandbox.ledger == []


FAULTS = [
    ("status", {"status": 502}, Unanswered),
    ("status", {"status": 502, "processed": True}, Unanswered),
    ("status", {"status": 429, "retry_after": 5}, NotDelivered),
    ("garbage", {}, Unanswered),
    ("garbage", {"processed": True}, Unanswered),
    ("half", {}, Unanswered),
    ("reset", {}, Unanswered),
    ("reset", {"processed": True}, Unanswered),
    ("redirect", {}, Unanswered),
    ("huge", {"megabytes": 3}, Unanswered),
    ("refuse", {}, Refused),
]


@pytest.mark.parametrize(("kind", "options", "error"), FAULTS, ids=lambda value: str(value))
def test_a_save_under_this_fault_arrives_once_and_tells_the_truth(sandbox, portal, kind, options, error):
    sandbox.fault("save", kind, times=None, **options)
    with pytest.raises(error):
        portal.save((TUTORIALS / f"{SLUGS[0]}.request.json").read_bytes())
    assert sandbox.saves == 1


def test_unknown_fields_in_every_answer_disturb_nothing(sandbox, portal):
    sandbox.fault("*", "extra_fields", times=None)
    assert portal.partners()
    assert portal.offers("12").plans
    assert portal.save((TUTORIALS / f"{SLUGS[0]}.request.json").read_bytes()).order_no
    assert portal.order_page(1).results
