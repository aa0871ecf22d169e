"""Staff who may order for some customers only: on every page, in every form, and when it is placed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orders import placing
from orders.lifecycle import Status
from orders.models import Limits, Order, Partner
from orders.placing import CannotPlace
from orders.recipes import RECIPES
from tests.tutorials import CHOICES

TURNKEY, LINKUS, SOFTWARE = "turnkey-capacity", "linkus-cloud-service", "software-edition-license"

Limit = Callable[..., Partner]


@pytest.fixture
def limit(accounts: None, alice: User) -> Limit:
    """Alice may order for one customer only, and whatever else is said."""

    def limited(**more: bool) -> Partner:
        only = Partner.objects.on_offer().order_by("remote_id")[0]
        limits, _ = Limits.objects.update_or_create(person=alice, defaults={"limited": True, **more})
        limits.partners.set([only])
        return only

    return limited


def others(only: Partner) -> list[Partner]:
    return list(Partner.objects.on_offer().exclude(pk=only.pk))


def start(alice: User, slug: str, **choices: object) -> Order:
    order = placing.start(slug=slug, owner=alice)
    placing.answer(order, CHOICES[slug] | choices)
    return order


def target(order: Order) -> str:
    return f"/orders/{order.pk}/target/"


def test_the_picker_and_its_options_offer_whom_one_may_order_for(limit: Limit, alice: User, alices: Client) -> None:
    only = limit()
    order = placing.start(slug=TURNKEY, owner=alice)
    options = f"/orders/{order.pk}/target/options/"
    for shown in (alices.get(target(order)), alices.get(options, {"name": "partner_id"})):
        text = shown.content.decode()
        assert f'<option value="{only.remote_id}"' in text
        assert "Our own account" not in text
        assert not [each for each in others(only) if each.remote_id in text]
    stranger = others(only)[0]
    found = alices.get(
        options, {"name": "partner_id", "q_partner_id": stranger.email, "partner_id": stranger.remote_id}
    )
    assert stranger.remote_id not in found.content.decode().replace(f'value="{stranger.email}"', "")
    Limits.objects.update(own_account=True)
    assert "Our own account" in alices.get(target(order)).content.decode()


def test_a_limit_to_nobody_says_whom_to_ask(limit: Limit, alice: User, alices: Client) -> None:
    limit()
    alice.limits.partners.clear()
    order = placing.start(slug=TURNKEY, owner=alice)
    assert "There is no customer yet for whom you may order." in alices.get(target(order)).content.decode()


@pytest.mark.parametrize("sent", ["stranger", "own account", "nothing"])
def test_a_form_that_names_another_is_refused(limit: Limit, alice: User, alices: Client, sent: str) -> None:
    only = limit()
    order = placing.start(slug=TURNKEY, owner=alice)
    stranger = others(only)[0].remote_id
    given = {"stranger": {"partner_id": stranger}, "own account": {"partner_id": ""}, "nothing": {}}[sent]
    assert alices.post(target(order), given).status_code == 422
    order.refresh_from_db()
    assert order.picked.partner_id is None
    assert alices.post(target(order), {"partner_id": only.remote_id}).status_code == 302


def test_a_new_licence_can_be_had_but_no_pbx_unless_that_is_allowed(limit: Limit, alice: User, alices: Client) -> None:
    only = limit()
    order = placing.start(slug=SOFTWARE, owner=alice)
    text = alices.get(target(order)).content.decode()
    assert 'value="existing"' not in text
    assert "Orders for PBXs are not open to you" in text
    pbx = {"license_for": "existing", "product_no": CHOICES[SOFTWARE]["product_no"]}
    assert alices.post(target(order), pbx).status_code == 422
    assert alices.get(f"{target(order)}options/", {"name": "product_no"}).status_code == 404
    answer = alices.post(target(order), {"license_for": "new", "partner_id": only.remote_id})
    assert answer["Location"].endswith("/plan/")
    Limits.objects.update(any_pbx=True)
    assert alices.post(target(order), {"partner_id": "", **pbx}).status_code == 302


def test_a_product_for_pbxs_alone_is_closed_and_says_why(
    limit: Limit, draft: Callable[[str], Order], alices: Client, queued: Callable[..., Order]
) -> None:
    order, bought = draft(LINKUS), queued(LINKUS)
    Order.objects.filter(pk=bought.pk).update(status=Status.PLACED)
    limit()
    assert "Not open to you" in alices.get("/").content.decode()
    before = Order.objects.count()
    for url in (f"/orders/start/{LINKUS}/", f"/orders/{bought.pk}/again/"):
        shown = alices.post(url, follow=True).content.decode()
        assert "orders for PBXs are not open to you" in shown
    assert Order.objects.count() == before
    for step in ("target", "plan", "billing", "review"):
        shown = alices.get(f"/orders/{order.pk}/{step}/", follow=True)
        assert shown.redirect_chain == ([(target(order), 302)] if step != "target" else [])
        assert "orders for PBXs are not open to you" in shown.content.decode()
    assert alices.post(target(order), {"product_no": "369471667338"}).status_code == 200
    assert alices.post(f"/orders/{order.pk}/place/", {}).url == target(order)


def test_a_draft_that_names_somebody_no_longer_allowed_says_so_and_cannot_be_placed(
    limit: Limit, alice: User, alices: Client
) -> None:
    only = limit()
    stranger = others(only)[0]
    order = start(alice, TURNKEY, partner_id=stranger.remote_id)
    for url in ("/", "/orders/"):
        assert "No longer open to you" in alices.get(url).content.decode()
    shown = alices.get(f"/orders/{order.pk}/review/", follow=True)
    assert shown.redirect_chain == [(target(order), 302)]
    assert f"You may not order for {stranger}" in shown.content.decode().replace("&#x27;", "'").replace("&amp;", "&")
    sha256 = placing.preview(order)[2]
    assert alices.post(f"/orders/{order.pk}/place/", {"approved_sha256": sha256}).url == target(order)
    with pytest.raises(CannotPlace, match="You may not order for"):
        placing.place(order, approved_sha256=sha256, actor=alice)
    order.refresh_from_db()
    assert order.status == Status.DRAFT
    assert order.request_body == ""
    assert order.chain_length == 1
    # With somebody allowed in their place it goes on where it was.
    assert alices.post(target(order), {"partner_id": only.remote_id}).status_code == 302
    assert placing.place(Order.objects.get(pk=order.pk), approved_sha256=sha256_of(order), actor=alice)


def sha256_of(order: Order) -> str:
    return placing.preview(Order.objects.get(pk=order.pk))[2]


@pytest.mark.parametrize(("slug", "choices"), [(TURNKEY, {"partner_id": ""}), (LINKUS, {}), (SOFTWARE, {})])
def test_placing_looks_again_at_our_own_account_and_at_pbxs(
    limit: Limit, alice: User, slug: str, choices: dict[str, object]
) -> None:
    order = start(alice, slug, **choices)
    limit()
    with pytest.raises(CannotPlace, match="not"):
        placing.place(order, approved_sha256=sha256_of(order), actor=alice)
    limit(own_account=True, any_pbx=True)
    assert placing.place(order, approved_sha256=sha256_of(order), actor=alice)


def test_to_order_again_for_somebody_no_longer_allowed_leads_to_the_choice(
    limit: Limit, alice: User, alices: Client, queued: Callable[..., Order]
) -> None:
    order = queued(TURNKEY)
    Order.objects.filter(pk=order.pk).update(status=Status.PLACED)
    only = limit()
    stranger = others(only)[0]
    Order.objects.filter(pk=order.pk).update(choices=order.choices | {"partner_id": stranger.remote_id})
    shown = alices.post(f"/orders/{order.pk}/again/", follow=True)
    assert shown.redirect_chain[-1][0].endswith("/target/")
    assert "You may not order for" in shown.content.decode()


def test_limits_that_are_switched_off_limit_nothing(limit: Limit, alice: User, alices: Client) -> None:
    only = limit()
    Limits.objects.update(limited=False)
    order = placing.start(slug=TURNKEY, owner=alice)
    text = alices.get(target(order)).content.decode()
    assert "Our own account" in text
    assert all(each.remote_id in text for each in others(only))


def test_what_was_placed_before_the_limit_is_sent_all_the_same(
    limit: Limit, queued: Callable[..., Order], alices: Client
) -> None:
    order = queued(LINKUS)
    limit()
    assert alices.get(f"/orders/{order.pk}/").status_code == 200
    order.refresh_from_db()
    assert order.status == Status.QUEUED


def test_every_recipe_has_an_answer_for_somebody_limited(limit: Limit, alice: User, alices: Client) -> None:
    limit()
    for slug in RECIPES:
        order = start(alice, slug, partner_id="")
        shown = alices.get(target(order)).content.decode()
        assert "for PBXs are not open to you" in shown or "You may not order for our own account" in shown
