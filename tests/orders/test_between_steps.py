"""What changes between a step and the placing: other tabs, vanished people, withdrawn plans, a second click."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orders import gateway, placing, submitting
from orders.composing import Devices
from orders.destination import current_destination
from orders.lifecycle import Status
from orders.models import Contact, Order, Partner
from orders.recipes import RECIPES
from orders.wizard import STEPS, step_url
from tests.conftest import approval
from tests.tutorials import CHOICES, CONTACT, SLUGS
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

Draft = Callable[[str], Order]

PARTNER = "3106913644890832897"


def press_place(client: Client, order: Order, sha256: str | None = None) -> Any:
    """Press the button of the review page, or of an older copy of it."""
    older = {"approved_sha256": sha256, "approved_for": current_destination()}
    given = approval(order) if sha256 is None else older
    return client.post(f"/orders/{order.pk}/place/", given)


@pytest.mark.parametrize("slug", SLUGS)
def test_one_click_places_and_a_second_lands_on_the_same_page(
    slug: str, draft: Draft, alices: Client, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    order = draft(slug)
    sha256 = placing.preview(order)[2]
    first, second = (press_place(alices, order, sha256) for _ in range(2))
    assert first.status_code == second.status_code == 302
    assert first.url == second.url == f"/orders/{order.pk}/"
    submitting.submit(order.pk, portal)
    assert press_place(alices, order, sha256).url == first.url
    assert submitting.submit(order.pk, portal) is None
    assert len(sandbox.ledger) == 1
    assert Order.objects.count() == 1
    assert order.events.filter(title="Order placed").count() == 1


def test_a_review_page_that_has_grown_old_places_nothing_and_says_why(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    old = placing.preview(order)[2]
    placing.answer(order, {"quantity": 60})
    page = press_place(alices, order, old)
    assert page.status_code == 422
    shown = page.content.decode()
    assert "The draft has changed since this page was made" in shown
    assert placing.preview(order)[2] in shown, "the page shows what would be sent now"
    order.refresh_from_db()
    assert (order.status, order.picked.quantity) == (Status.DRAFT, 60)
    assert press_place(alices, order).status_code == 302
    order.refresh_from_db()
    assert order.status == Status.QUEUED


@pytest.mark.parametrize("sha256", ["", "0" * 64, "x" * 5000, "\x00", "<b>"])
def test_only_what_was_seen_can_be_placed(sha256: str, draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    assert press_place(alices, order, sha256).status_code == 422
    order.refresh_from_db()
    assert order.status == Status.DRAFT


def test_answers_given_in_two_tabs_are_both_kept(draft: Draft) -> None:
    order = draft("turnkey-capacity")
    one, other = Order.objects.get(pk=order.pk), Order.objects.get(pk=order.pk)
    assert placing.answer(one, {"po_number": "PO-1"})
    assert placing.answer(other, {"quantity": 77})
    order.refresh_from_db()
    assert (order.picked.po_number, order.picked.quantity) == ("PO-1", 77)


def test_an_answer_to_a_draft_that_was_placed_in_another_tab_changes_nothing(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    press_place(alices, order)
    page = alices.post(step_url(order, "billing"), {"billing_contact_id": CONTACT, "po_number": "late"})
    assert (page.status_code, page.url) == (302, f"/orders/{order.pk}/")
    order.refresh_from_db()
    assert "late" not in order.request_body
    assert order.picked.po_number == ""


def test_a_draft_that_moves_while_its_answer_is_judged_is_not_changed(draft: Draft) -> None:
    order = draft("turnkey-capacity")
    stale = Order.objects.get(pk=order.pk)
    assert placing.place(order, approved_sha256=placing.preview(order)[2], actor=order.owner)
    assert not placing.answer(stale, {"quantity": 99})
    order.refresh_from_db()
    assert order.picked.quantity == 50


def test_a_draft_changed_between_reading_and_placing_is_not_placed(draft: Draft, alice: User) -> None:
    order = draft("turnkey-capacity")
    stale = Order.objects.get(pk=order.pk)
    placing.answer(order, {"quantity": 51})
    with pytest.raises(placing.CannotPlace, match="another window"):
        placing.place(stale, approved_sha256=placing.preview(stale)[2], actor=alice)
    order.refresh_from_db()
    assert (order.status, order.picked.quantity) == (Status.DRAFT, 51)


def test_a_draft_discarded_in_another_tab_is_offered_back_instead_of_placed(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    placing.discard(order)
    page = press_place(alices, order)
    assert (page.status_code, page.url) == (302, "/")
    assert "was discarded" in alices.get("/").content.decode()
    order.refresh_from_db()
    assert order.status == Status.DRAFT


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_step_out_of_order_leads_to_the_first_open_one(
    slug: str, method: str, accounts: None, alice: User, alices: Client
) -> None:
    order = placing.start(slug=slug, owner=alice)
    for name in STEPS[1:]:
        page = getattr(alices, method)(step_url(order, name))
        assert (page.status_code, page.url) == (302, step_url(order, "target"))
    page = press_place(alices, order, "0" * 64)
    assert (page.status_code, page.url) == (302, step_url(order, "target"))
    assert "One step at a time" in alices.get(page.url).content.decode()
    order.refresh_from_db()
    assert order.status == Status.DRAFT


def test_a_billing_contact_that_vanished_is_named_and_the_draft_kept(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    Contact.objects.filter(remote_id=CONTACT).update(gone_at=order.created_at)
    page = press_place(alices, order)
    assert page.status_code == 422
    assert "The billing contact is no longer in Yeastar" in page.content.decode()
    order.refresh_from_db()
    assert (order.status, order.picked.quantity) == (Status.DRAFT, 50)


@pytest.mark.parametrize("how", [{"gone_at": "2026-01-01T00:00:00Z"}, {"hidden": True}])
def test_a_customer_that_vanished_is_named_and_the_draft_kept(how: Any, draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    placing.answer(order, {"partner_id": PARTNER})
    Partner.objects.filter(remote_id=PARTNER).update(**how)
    page = press_place(alices, order)
    assert page.status_code == 422
    assert "The customer is no longer in Yeastar" in page.content.decode()
    order.refresh_from_db()
    assert (order.status, order.picked.partner_id) == (Status.DRAFT, PARTNER)


def withdraw(sandbox: Sandbox, what: str, remote_id: str) -> None:
    """The vendor takes a plan or service out of the catalogue, and our short memory of it is over."""
    sandbox.world.happen({"event": "removed", "what": what, "id": remote_id})
    gateway.lookups.clear()


@pytest.mark.parametrize(
    ("slug", "what"),
    [
        ("remote-management-connections", "services"),
        ("turnkey-capacity", "services"),
        ("linkus-cloud-service", "plans"),
        ("software-edition-license", "plans"),
        ("software-edition-license", "services"),
    ],
)
@pytest.mark.parametrize("at", ["review", "place"])
def test_what_was_withdrawn_is_named_and_must_be_chosen_anew(
    slug: str, what: str, at: str, draft: Draft, alices: Client, sandbox: Sandbox
) -> None:
    order = draft(slug)
    chosen = CHOICES[slug]
    gone = chosen["plan_id"] if what == "plans" else chosen["service_id"][0]
    withdraw(sandbox, what, gone)
    page = press_place(alices, order) if at == "place" else alices.get(step_url(order, "review"))
    assert (page.status_code, page.url) == (302, step_url(order, "plan"))
    order.refresh_from_db()
    assert order.status == Status.DRAFT
    assert order.picked.billing_contact_id == CONTACT, "the other answers are kept"
    assert "No longer on offer" in alices.get(page.url).content.decode()
    assert press_place(alices, order).url == step_url(order, "plan"), "and it stays refused"
    assert sandbox.ledger == []


@pytest.mark.parametrize("what", ["plans", "services"])
def test_what_was_withdrawn_is_kept_on_the_draft_until_another_is_chosen(
    what: str, draft: Draft, alices: Client, sandbox: Sandbox
) -> None:
    order = draft("software-edition-license")
    chosen = CHOICES[order.slug]
    gone = chosen["plan_id"] if what == "plans" else chosen["service_id"][0]
    withdraw(sandbox, what, gone)
    before = order.choices
    page = alices.get(alices.get(step_url(order, "review")).url).content.decode()
    assert f"No longer on offer: {order.picked.label(gone)}" in page
    order.refresh_from_db()
    assert order.choices == before, "looking changes nothing"
    sandbox.world.withdrawn.clear()
    gateway.lookups.clear()
    assert alices.get(step_url(order, "review")).status_code == 200, "and when it is back, all is as it was"
    withdraw(sandbox, what, gone)
    other = {"plan_id": "3049040587724718080", "service_id": "3129371688921145344", "quantity": 5, "multi_cycle": 1}
    assert alices.post(step_url(order, "plan"), other).status_code == 302
    page = alices.get(step_url(order, "plan")).content.decode()
    assert "No longer on offer" not in page
    assert alices.get(step_url(order, "review")).status_code == 200
    order.refresh_from_db()
    assert (order.picked.plan_id, order.picked.service_id) == (other["plan_id"], (other["service_id"],))


NOTHING = [
    {"code": "success", "detailMessage": "", "requestId": "x", "result": result, "status": 200}
    for result in (None, {}, {"offeringId": "1", "planList": [], "serviceList": []})
]


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("nothing", NOTHING, ids=["null", "no lists", "empty lists"])
def test_one_answer_without_any_offer_takes_nothing_from_a_draft(
    slug: str, nothing: dict[str, Any], draft: Draft, alices: Client, sandbox: Sandbox
) -> None:
    order = draft(slug)
    before = order.choices
    sandbox.fault("purchase_product_info", "garbage", processed=False, body=json.dumps(nothing), times=2)
    shown = alices.get(step_url(order, "plan")).content.decode()
    assert "Yeastar offers nothing for this at the moment" in shown
    assert "Try again" in shown
    page = alices.get(step_url(order, "review"))
    assert page.status_code == 200
    assert "No longer on offer" not in page.content.decode()
    order.refresh_from_db()
    assert order.choices == before
    shown = alices.get(step_url(order, "plan")).content.decode()
    assert "offers nothing" not in shown, "it is not remembered"
    assert "No longer on offer" not in shown


@pytest.mark.parametrize(
    ("slug", "what"), [("remote-management-connections", "plans"), ("rm-premium-renewal", "services")]
)
def test_where_all_was_withdrawn_the_review_says_that_it_could_not_check_and_nothing_is_bought(
    slug: str, what: str, draft: Draft, alices: Client, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    order = draft(slug)
    chosen = CHOICES[slug]
    withdraw(sandbox, what, chosen["plan_id"] if what == "plans" else chosen["service_id"][0])
    assert "could not be checked" in alices.get(step_url(order, "review")).content.decode()
    assert press_place(alices, order).url == f"/orders/{order.pk}/"
    assert submitting.submit(order.pk, portal) == Status.FAILED
    assert sandbox.ledger == []


def test_the_review_says_what_nobody_has_checked_and_that_no_price_is_told(draft: Draft, alices: Client) -> None:
    for slug in SLUGS:
        order = draft(slug)
        shown = alices.get(step_url(order, "review")).content.decode()
        assert "Yeastar tells no price before it buys" in shown
        typed = order.recipe.devices is Devices.TYPED
        assert ("Nobody has checked the serial number" in shown) == typed


@pytest.mark.parametrize("sandbox_is_used", [True, False])
def test_a_serial_number_to_try_is_told_in_the_sandbox_only(
    sandbox_is_used: bool, draft: Draft, alices: Client, settings: Any
) -> None:
    settings.SANDBOX = sandbox_is_used
    settings.YEASTAR_BASE_URL = "http://127.0.0.1:8100"
    shown = alices.get(step_url(draft("linkus-cloud-service"), "target")).content.decode()
    assert ("a PBX to try with" in shown) == sandbox_is_used


def test_a_rule_that_does_not_hold_stops_the_order(draft: Draft, alices: Client) -> None:
    order = draft("software-edition-license")
    Order.objects.filter(pk=order.pk).update(choices=order.choices | {"multi_cycle": 6})
    order.refresh_from_db()
    page = press_place(alices, order)
    assert page.status_code == 422
    assert "A rule does not hold: The term is one of the years on offer" in page.content.decode()
    order.refresh_from_db()
    assert order.status == Status.DRAFT


@pytest.mark.parametrize("step", ["review", "place"])
def test_an_id_that_cannot_be_written_is_said_and_not_a_crash(step: str, draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    Contact.objects.filter(remote_id=CONTACT).update(remote_id="31972A")
    placing.answer(order, {"billing_contact_id": "31972A"})
    page = press_place(alices, order, "0" * 64) if step == "place" else alices.get(step_url(order, "review"))
    assert page.status_code == (422 if step == "place" else 200)
    assert "billingId" in page.content.decode()
    order.refresh_from_db()
    assert order.status == Status.DRAFT


def test_every_recipe_can_be_started_and_none_else(accounts: None, alices: Client) -> None:
    for slug in RECIPES:
        page = alices.post(f"/orders/start/{slug}/")
        assert page.status_code == 302
        assert alices.get(page.url).status_code == 200
    assert alices.post("/orders/start/no-such-product/").status_code == 404
    assert Order.objects.count() == len(RECIPES)
