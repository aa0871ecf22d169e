"""Staff who may order for some customers only: on every page, in every form, and when it is placed."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders import placing
from orders.allowing import barred
from orders.lifecycle import Status
from orders.models import Contact, Limits, Order, Partner
from orders.placing import CannotPlace
from orders.recipes import RECIPES
from tests.conftest import approval
from tests.tutorials import CHOICES, CONTACT

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
    assert alices.post(f"/orders/{order.pk}/place/", approval(order)).url == target(order)


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
    assert alices.post(f"/orders/{order.pk}/place/", approval(order)).url == target(order)
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


@pytest.mark.parametrize("limited", [False, True])
def test_a_new_licence_keeps_nothing_of_the_pbx_that_was_chosen_before(
    limited: bool, limit: Limit, alice: User, alices: Client
) -> None:
    order = start(alice, SOFTWARE)  # for a PBX
    only = limit() if limited else Partner.objects.on_offer()[0]
    answer = alices.post(target(order), {"license_for": "new", "partner_id": only.remote_id})
    assert answer["Location"].endswith("/plan/")
    order.refresh_from_db()
    kept = order.picked
    assert (kept.product_no, kept.plan_id, kept.service_id) == ("", "", None)
    assert order.target_label == str(only)
    assert alices.get(f"/orders/{order.pk}/review/").url == f"/orders/{order.pk}/plan/"


@pytest.fixture
def theirs(accounts: None) -> Contact:
    """A billing contact that another customer prefers, for whom Alice may not order."""
    stranger = Partner.objects.on_offer().order_by("remote_id")[1]
    contact = Contact.objects.on_offer().exclude(remote_id=CONTACT).order_by("remote_id")[0]
    Partner.objects.filter(pk=stranger.pk).update(preferred_contact=contact)
    return contact


def test_whom_only_other_customers_prefer_is_not_billed(
    limit: Limit, alice: User, alices: Client, theirs: Contact
) -> None:
    only = limit()
    order = start(alice, TURNKEY, partner_id=only.remote_id, billing_contact_id="")
    billing, options = f"/orders/{order.pk}/billing/", f"/orders/{order.pk}/billing/options/"
    for shown in (alices.get(billing), alices.get(options, {"name": "billing_contact_id"})):
        text = shown.content.decode()
        assert theirs.remote_id not in text
        assert f'<option value="{CONTACT}"' in text, "nobody prefers this one: it is anybody's"
    assert alices.post(billing, {"billing_contact_id": theirs.remote_id}).status_code == 422
    Partner.objects.filter(pk=only.pk).update(preferred_contact=theirs)
    assert f'<option value="{theirs.remote_id}"' in alices.get(billing).content.decode()
    assert alices.post(billing, {"billing_contact_id": theirs.remote_id}).status_code == 302


def test_who_is_not_limited_bills_anybody(alice: User, alices: Client, theirs: Contact) -> None:
    order = start(alice, TURNKEY, billing_contact_id="")
    billing = f"/orders/{order.pk}/billing/"
    assert f'<option value="{theirs.remote_id}"' in alices.get(billing).content.decode()
    assert alices.post(billing, {"billing_contact_id": theirs.remote_id}).status_code == 302


def test_a_draft_that_bills_whom_only_others_prefer_says_so_and_cannot_be_placed(
    limit: Limit, alice: User, alices: Client, theirs: Contact
) -> None:
    only = limit()
    order = start(alice, TURNKEY, partner_id=only.remote_id, billing_contact_id=theirs.remote_id)
    billing = f"/orders/{order.pk}/billing/"
    assert "No longer open to you" in alices.get("/").content.decode()
    shown = alices.get(f"/orders/{order.pk}/review/", follow=True)
    assert shown.redirect_chain == [(billing, 302)]
    assert "You may not bill" in shown.content.decode()
    sha256 = placing.preview(order)[2]
    assert alices.post(f"/orders/{order.pk}/place/", approval(order)).url == billing
    with pytest.raises(CannotPlace, match="You may not bill"):
        placing.place(order, approved_sha256=sha256, actor=alice)
    assert alices.post(billing, {"billing_contact_id": CONTACT}).status_code == 302
    assert placing.place(Order.objects.get(pk=order.pk), approved_sha256=sha256_of(order), actor=alice)


def test_who_is_not_open_is_not_called_gone_nor_ticked(
    limit: Limit, alice: User, alices: Client, theirs: Contact
) -> None:
    only = limit()
    stranger = others(only)[0]
    order = start(alice, TURNKEY, partner_id=stranger.remote_id, billing_contact_id=theirs.remote_id)
    text = alices.get(target(order)).content.decode()
    assert card(text, "partner_id") == ("triangle-alert", "You may not order for this customer: choose another one")
    Partner.objects.filter(pk=stranger.pk).update(gone_at=timezone.now())
    text = alices.get(target(order)).content.decode()
    assert card(text, "partner_id") == ("triangle-alert", "No longer in the list: choose another one")
    placing.answer(order, {"partner_id": only.remote_id})
    assert card(alices.get(target(order)).content.decode(), "partner_id") == ("circle-check", str(only))
    text = alices.get(f"/orders/{order.pk}/billing/").content.decode()
    assert card(text, "billing_contact_id") == ("triangle-alert", "You may not bill this contact: choose another one")


def card(page: str, name: str) -> tuple[str, str]:
    """The icon that is to be seen on the card of what is chosen, and its words."""
    picker = page.partition(f'data-picker="{name}"')[2]
    tile = re.search(r'<span class="tile[^>]*>.*?</span>', picker, re.DOTALL)
    title = re.search(r"<b data-chosen-title>(.*?)</b>", picker)
    assert tile
    assert title
    [icon] = re.findall(r"icons[^#]*\.svg#([\w-]+)", tile[0])
    return icon, html.unescape(title[1])


def test_a_list_of_drafts_is_looked_through_with_the_same_few_questions(limit: Limit, alice: User) -> None:
    only = limit()
    drafts = [start(alice, TURNKEY, partner_id=only.remote_id) for _ in range(6)]

    def questions(some: list[Order]) -> int:
        with CaptureQueriesContext(connection) as asked:
            barred(alice.pk, some)
        return len(asked)

    assert questions(drafts) == questions(drafts[:1])
