"""A login that ends in the middle of a step: the person comes back to where they were, and the draft is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orders.lifecycle import Status
from orders.models import Order
from orders.wizard import step_url
from tests.conftest import approval
from tests.tutorials import CHOICES

Draft = Callable[[str], Order]

HERE = "http://testserver"


def next_of(url: str) -> str:
    """Where a login URL leads afterwards."""
    assert urlsplit(url).path == "/accounts/login/"
    return parse_qs(urlsplit(url).query)["next"][0]


def sign_in_at(client: Client, url: str) -> Any:
    """Fill in the login form at `url`."""
    given = {"login": "alice", "password": "a-good-password", "next": next_of(url)}
    return client.post("/accounts/login/", given)


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_htmx_step_after_the_login_expired_leads_the_whole_page_to_the_login_and_back(
    method: str, draft: Draft, client: Client
) -> None:
    order = draft("turnkey-capacity")
    plan = step_url(order, "plan")
    headers = {"HX-Request": "true", "HX-Current-URL": f"{HERE}{plan}?again=1"}
    answer = getattr(client, method)(plan, CHOICES[order.slug], headers=headers)
    assert answer.status_code == 200, "htmx follows HX-Redirect of a success only"
    assert answer.content == b"", "a login form would land inside the wizard"
    assert next_of(answer["HX-Redirect"]) == f"{plan}?again=1"
    back = sign_in_at(client, answer["HX-Redirect"])
    assert (back.status_code, back.url) == (302, f"{plan}?again=1")
    page = client.get(back.url)
    assert page.status_code == 200
    assert f'value="{order.picked.quantity}"' in page.content.decode(), "the draft is there"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/x", "//evil.example/", "", "javascript:alert(1)"])
def test_a_strange_current_url_does_not_lead_elsewhere(elsewhere: str, draft: Draft, client: Client) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": elsewhere}
    answer = client.get(step_url(draft("turnkey-capacity"), "plan"), headers=headers)
    assert urlsplit(next_of(answer["HX-Redirect"])).netloc == ""
    assert next_of(answer["HX-Redirect"]) == "/"


def test_a_plain_step_leads_to_the_login_and_back_to_itself(draft: Draft, client: Client) -> None:
    plan = step_url(draft("turnkey-capacity"), "plan")
    for answer in (client.get(plan), client.post(plan, {}, headers={"Referer": f"{HERE}{plan}"})):
        assert answer.status_code == 302
        assert next_of(answer.url) == plan
    assert sign_in_at(client, answer.url).url == plan


@pytest.mark.parametrize("verb", ["place", "discard", "restore", "again"])
def test_a_button_pressed_after_the_login_expired_leads_back_to_its_page(
    verb: str, draft: Draft, client: Client
) -> None:
    """The button's own URL takes only POST: coming back to it would be an error page."""
    order = draft("turnkey-capacity")
    review = step_url(order, "review")
    given = approval(order)
    answer = client.post(f"/orders/{order.pk}/{verb}/", given, headers={"Referer": f"{HERE}{review}"})
    assert answer.status_code == 302
    back = sign_in_at(client, answer.url)
    assert back.url == review
    assert client.get(back.url).status_code == 200
    order.refresh_from_db()
    assert (order.status, order.discarded_at) == (Status.DRAFT, None)


@pytest.mark.parametrize("referer", [None, "https://evil.example/orders/", "nonsense"])
def test_a_button_without_a_page_leads_to_the_start(referer: str | None, draft: Draft, client: Client) -> None:
    order = draft("turnkey-capacity")
    headers = {"Referer": referer} if referer else {}
    answer = client.post(f"/orders/{order.pk}/place/", headers=headers)
    assert next_of(answer.url) == "/"


def test_polling_after_the_login_expired_leads_to_the_login(queued: Callable[..., Order], client: Client) -> None:
    order = queued()
    url = f"/orders/{order.pk}/"
    answer = client.get(url, headers={"HX-Request": "true", "HX-Current-URL": HERE + url})
    assert (answer.content, next_of(answer["HX-Redirect"])) == (b"", url)


def test_somebody_else_who_signs_in_does_not_see_the_draft(draft: Draft, bob: User, client: Client) -> None:
    plan = step_url(draft("turnkey-capacity"), "plan")
    given = {"login": "bob", "password": "a-good-password", "next": plan}
    assert client.post("/accounts/login/", given).url == plan
    assert client.get(plan).status_code == 404


@pytest.mark.parametrize("step", ["target", "plan", "billing", "review"])
def test_a_piece_for_htmx_is_a_piece_and_a_page_is_a_page(step: str, draft: Draft, alices: Client) -> None:
    url = step_url(draft("turnkey-capacity"), step)
    whole, piece = alices.get(url), alices.get(url, headers={"HX-Request": "true"})
    assert "<html" in whole.content.decode()
    assert "<html" not in piece.content.decode()
    for special in ({"HX-Boosted": "true"}, {"HX-History-Restore-Request": "true"}):
        assert "<html" in alices.get(url, headers={"HX-Request": "true", **special}).content.decode()
    for page in (whole, piece):
        assert "HX-Request" in page["Vary"]
        assert page["Cache-Control"] == "no-store, private"


LOST = "What you had just entered was not saved, and nothing was ordered."


@pytest.mark.parametrize("by_htmx", [True, False])
def test_after_the_login_one_is_told_once_that_what_was_entered_is_lost(
    by_htmx: bool, draft: Draft, client: Client
) -> None:
    billing = step_url(draft("turnkey-capacity"), "billing")
    headers = {"HX-Request": "true", "HX-Current-URL": HERE + billing} if by_htmx else {"Referer": HERE + billing}
    answer = client.post(billing, {"po_number": "TYPED"}, headers=headers)
    login = answer["HX-Redirect"] if by_htmx else answer["Location"]
    assert LOST not in client.get(login).content.decode()
    back = sign_in_at(client, login)
    assert LOST in client.get(back.url).content.decode()
    assert LOST not in client.get(back.url).content.decode()


def test_nobody_is_told_of_a_loss_who_had_only_looked(draft: Draft, client: Client) -> None:
    plan = step_url(draft("turnkey-capacity"), "plan")
    client.get(plan, headers={"HX-Request": "true", "HX-Current-URL": HERE + plan})
    back = sign_in_at(client, client.get(plan)["Location"])
    assert LOST not in client.get(back.url).content.decode()


def test_the_word_of_a_loss_waits_for_a_whole_page(draft: Draft, client: Client) -> None:
    plan = step_url(draft("turnkey-capacity"), "plan")
    back = sign_in_at(client, client.post(plan, {"quantity": "7"}, headers={"Referer": HERE + plan})["Location"])
    assert LOST not in client.get(back.url, headers={"HX-Request": "true"}).content.decode()
    assert LOST in client.get(back.url).content.decode()
