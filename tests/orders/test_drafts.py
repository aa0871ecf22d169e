"""A draft is kept at each step: leave, come back, go back, change one's mind, throw it away and take it out again."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_webtest import DjangoTestApp

from orders import placing
from orders.lifecycle import Status
from orders.models import Contact, Order
from orders.wizard import first_open, step_url
from tests.orders.test_bad_input import held
from tests.tutorials import CHOICES, CONTACT, SLUGS
from tests.walking import start, walk, wizard_form

Draft = Callable[[str], Order]
SignIn = Callable[[User], Client]


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("left_at", ["target", "plan", "billing", "review"])
def test_a_draft_left_at_any_step_is_found_again_there_by_another_browser(
    slug: str, left_at: str, app: DjangoTestApp, alice: User, sign_in: SignIn
) -> None:
    left = walk(app, slug, CHOICES[slug], until=left_at)
    order = Order.objects.get()
    other = sign_in(alice)
    assert left.request.path in other.get("/").content.decode()
    assert other.get(order.get_absolute_url()).url == left.request.path
    page = other.get(left.request.path)
    assert page.status_code == 200
    assert f'action="{left.request.path}"' in page.content.decode() or left_at == "review"


@pytest.mark.parametrize("slug", SLUGS)
def test_going_back_shows_what_was_answered_and_going_on_changes_nothing(slug: str, app: DjangoTestApp) -> None:
    walk(app, slug, CHOICES[slug])
    order = Order.objects.get()
    before = (order.picked, placing.preview(order)[1])
    for name in ("target", "plan", "billing"):
        page = wizard_form(app.get(step_url(order, name))).submit().follow()
    assert page.request.path == step_url(order, "review")
    order.refresh_from_db()
    assert (order.picked, placing.preview(order)[1]) == before


def test_changing_an_early_answer_drops_only_what_depended_on_it(app: DjangoTestApp) -> None:
    walk(app, "software-edition-license", CHOICES["software-edition-license"])
    order = Order.objects.get()
    form = wizard_form(app.get(step_url(order, "target")))
    form["product_no"] = next(value for value, *_ in form["product_no"].options if value != "3651E1292455")
    assert form.submit().follow().request.path == step_url(order, "plan")
    order.refresh_from_db()
    assert (order.picked.plan_id, order.picked.service_id) == ("", None)
    assert (order.picked.quantity, order.picked.multi_cycle) == (100, 2)
    assert order.picked.billing_contact_id == CONTACT
    plan = wizard_form(app.get(step_url(order, "plan")))
    assert (plan["quantity"].value, plan["multi_cycle"].value) == ("100", "2")
    assert app.get(step_url(order, "review")).location == step_url(order, "plan"), "the review is closed again"


def test_another_customer_keeps_the_plan(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    alices.post(step_url(order, "target"), {"partner_id": "3106913644890832897"})
    order.refresh_from_db()
    assert order.picked.plan_id == CHOICES[order.slug]["plan_id"]
    assert first_open(order) == "review"


def test_an_existing_pbx_instead_of_a_customer_leaves_no_customer_behind(draft: Draft, alices: Client) -> None:
    order = draft("software-edition-license")
    target = step_url(order, "target")
    alices.post(target, {"license_for": "new", "partner_id": "3106913644890832897", "product_no": ""})
    order.refresh_from_db()
    assert (order.picked.partner_id, order.picked.product_no) == ("3106913644890832897", "")
    alices.post(target, {"license_for": "existing", "product_no": "3651E1292455"})
    order.refresh_from_db()
    assert not order.picked.partner_id
    placing.answer(order, CHOICES[order.slug])
    assert "partnerId" not in placing.preview(order)[1]


def test_a_discarded_draft_leaves_the_lists_and_can_be_taken_back(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    review = step_url(order, "review")
    discarded = alices.post(f"/orders/{order.pk}/discard/", follow=True)
    shown = discarded.content.decode()
    assert "was discarded" in shown
    assert f'action="/orders/{order.pk}/restore/"' in shown, "it can be undone on the spot"
    for page in ("/", "/orders/"):
        assert review not in alices.get(page).content.decode()
    assert alices.get(review).url == "/", "an old bookmark offers it back too"
    assert f"/orders/{order.pk}/restore/" in alices.get("/").content.decode()
    assert alices.post(step_url(order, "plan"), CHOICES[order.slug]).url == "/"
    restored = alices.post(f"/orders/{order.pk}/restore/")
    assert restored.url == review
    assert review in alices.get("/").content.decode()
    order.refresh_from_db()
    assert order.picked.quantity == 50


def test_two_drafts_of_one_product_are_told_apart(draft: Draft, alices: Client) -> None:
    first, second = draft("turnkey-capacity"), draft("turnkey-capacity")
    placing.answer(first, {"quantity": 61})
    placing.answer(second, {"plan_id": None, "service_id": None, "quantity": None})
    for url in ("/", "/orders/"):
        shown = alices.get(url).content.decode()
        assert re.search(r", 61</span>.*?Review and place · <time", shown, re.DOTALL)
        assert re.search(r"Plan and service · <time", shown)


def test_htmx_is_told_the_address_of_the_step_that_is_shown(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    plan, billing = step_url(order, "plan"), step_url(order, "billing")

    def asked(url: str, shown_at: str) -> Any:
        return alices.get(url, headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{shown_at}"})

    assert asked(billing, plan)["HX-Push-Url"] == billing
    assert "HX-Push-Url" not in asked(billing, billing), "the same address twice would make Back go nowhere"
    assert "HX-Push-Url" not in alices.get(billing)


def test_a_placed_order_can_be_neither_discarded_nor_restored(queued: Callable[..., Order], alices: Client) -> None:
    order = queued()
    for verb in ("discard", "restore"):
        assert alices.post(f"/orders/{order.pk}/{verb}/").url == f"/orders/{order.pk}/"
    order.refresh_from_db()
    assert (order.status, order.discarded_at) == (Status.QUEUED, None)


def test_drafts_are_listed_newest_first_and_never_anothers(
    accounts: None, alice: User, bob: User, mona: User, sign_in: SignIn
) -> None:
    orders = [placing.start(slug=slug, owner=alice) for slug in SLUGS]
    placing.answer(orders[0], {"partner_id": ""})  # touched last
    expected = [orders[0], *reversed(orders[1:])]
    client = sign_in(alice)
    for page in ("/orders/", "/orders/?status=DRAFT", "/"):
        shown = client.get(page).content.decode()
        places = [shown.index(f"/orders/{order.pk}/") for order in expected]
        assert places == sorted(places), page
    for other in (bob, mona):
        client = sign_in(other)
        for page in ("/orders/", "/orders/?status=DRAFT", "/"):
            shown = client.get(page).content.decode()
            assert not any(str(order.pk) in shown for order in orders)


def test_the_contact_of_the_last_order_is_offered_first(
    queued: Callable[..., Order], alice: User, bob: User, alices: Client, sign_in: SignIn
) -> None:
    last = Contact.objects.exclude(remote_id=CONTACT).order_by("-company").first()
    assert last is not None
    order = queued("turnkey-capacity")
    Order.objects.filter(pk=order.pk).update(choices=order.choices | {"billing_contact_id": last.remote_id})
    for owner, client, first in ((alice, alices, True), (bob, sign_in(bob), False)):
        fresh = placing.start(slug="rm-premium-renewal", owner=owner)
        placing.answer(fresh, {**CHOICES["rm-premium-renewal"], "billing_contact_id": ""})
        shown = client.get(step_url(fresh, "billing")).content.decode()
        options = shown[shown.index("<select") :]
        assert (options.index("<option value=") == options.index(f'<option value="{last.remote_id}"')) == first
        assert ("Last used" in options) == first


@pytest.mark.parametrize("slug", ["remote-management-connections", "turnkey-capacity", "rm-premium-renewal"])
def test_a_single_plan_or_service_is_chosen_already(slug: str, app: DjangoTestApp) -> None:
    form = wizard_form(walk(app, slug, CHOICES[slug], until="plan"))
    if "plan_id" in form.fields:
        assert form["plan_id"].value == CHOICES[slug]["plan_id"]
    wanted = None if slug == "turnkey-capacity" else CHOICES[slug]["service_id"][0]
    assert form["service_id"].value == wanted, "among four services the person chooses"


def test_an_optional_service_is_never_chosen_by_itself(app: DjangoTestApp) -> None:
    form = wizard_form(walk(app, "software-edition-license", CHOICES["software-edition-license"], until="plan"))
    assert not any(box.checked for box in form.fields["service_id"])
    assert form["plan_id"].value is None


def test_a_single_contact_is_chosen_already(app: DjangoTestApp, alices: Client) -> None:
    walk(app, "linkus-cloud-service", CHOICES["linkus-cloud-service"], until="billing")
    order = Order.objects.get()
    assert "billing_contact_id" not in held(alices.get(step_url(order, "billing"))), "among many the person chooses"
    Contact.objects.exclude(remote_id=CONTACT).update(gone_at=order.created_at)
    assert held(alices.get(step_url(order, "billing")))["billing_contact_id"] == [CONTACT]


def test_nothing_is_bought_and_no_one_is_asked_by_starting(app: DjangoTestApp, sandbox: object) -> None:
    page = start(app, "turnkey-capacity")
    order = Order.objects.get()
    assert page.request.path == step_url(order, "target")
    assert (order.status, order.request_body) == (Status.DRAFT, "")
    assert "save" not in sandbox.calls  # type: ignore[attr-defined]


def test_the_title_of_the_draft_follows_its_target(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    assert "our own account" in alices.get("/").content.decode()
    alices.post(step_url(order, "target"), {"partner_id": "3106913644890832897"})
    assert "Atelier Lumière SARL" in alices.get("/").content.decode()
