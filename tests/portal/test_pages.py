"""Every page: a strict policy and nothing inline, private, safe cookies, and a word about the sandbox."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory, override_settings
from django.views.defaults import server_error

from orders import gateway
from orders.models import Order
from orders.wizard import STEPS, step_url
from portal.vendor import is_vendor
from yeastar_api.sandbox import Sandbox


class Inline(HTMLParser):
    """Finds what a strict Content-Security-Policy would block."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        runs = tag == "script" and "src" not in given and given.get("type") != "application/json"
        if tag == "style" or runs:
            self.found.append(f"<{tag}>")
        self.found += [f"<{tag} {name}>" for name in given if name == "style" or name.startswith("on")]
        for name in ("src", "href", "action", "data", "poster"):
            value = given.get(name) or ""
            if re.match(r"\s*(javascript|data|https?|//)", value, re.IGNORECASE):
                self.found.append(f"<{tag} {name}={value}>")


Page = tuple[str, Any]


@pytest.fixture
def pages(
    draft: Callable[[str], Order],
    queued: Callable[..., Order],
    uncertain: Callable[[], Order],
    alices: Client,
    mona: User,
    sign_in: Callable[[User], Client],
    sandbox: Sandbox,
    client: Client,
) -> list[Page]:
    """One of each kind of page there is."""
    found: list[Page] = []

    def see(who: Client, url: str, given: dict[str, str] | None = None, **headers: str) -> None:
        answer = who.get(url, headers=headers) if given is None else who.post(url, given, headers=headers)
        found.append((f"{url} {headers}", answer))

    manager = sign_in(mona)
    for slug in ("turnkey-capacity", "software-edition-license", "linkus-cloud-service"):
        order = draft(slug)
        for name in STEPS:
            see(alices, step_url(order, name))
            see(alices, step_url(order, name), **{"HX-Request": "true"})
            if name != "review":
                see(alices, step_url(order, name), {"quantity": "x", "license_for": "x"})
        see(alices, f"/orders/{order.pk}/place/", {"approved_sha256": "x"})
    see(alices, f"/orders/{order.pk}/billing/options/?name=billing_contact_id&q_billing_contact_id=x")
    placed, lost = queued(), uncertain()
    for who in (alices, manager):
        for each in (placed, lost):
            see(who, f"/orders/{each.pk}/")
    see(manager, f"/orders/{lost.pk}/settle/", {"outcome": "never"})
    for url in ("/", "/orders/", "/no-such-page/", "/accounts/password/change/", "/accounts/", "/accounts/sessions/"):
        see(alices, url)
    see(alices, f"/orders/{lost.pk}/settle/", {"outcome": "never"})  # 403
    see(alices, f"/orders/{order.pk}/place/")  # 405
    see(alices, f"/orders/{order.pk}/plan/", {"x": "x" * 300_000})  # 400
    gateway.lookups.clear()
    sandbox.fault("purchase_product_info", "refuse", times=None)
    see(alices, step_url(order, "plan"))
    for url in ("login", "signup", "password/reset", "password/reset/done", "inactive"):
        see(client, f"/accounts/{url}/")
    see(client, "/accounts/login/", {"login": "x", "password": "y"})
    see(alices, "/accounts/logout/")
    see(client, "/healthz")
    see(Client(enforce_csrf_checks=True), "/accounts/login/", {"login": "x"})
    return found


POLICY = {
    "default-src": ["'self'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "object-src": ["'none'"],
}


def test_every_page_has_the_strict_policy_and_obeys_it(pages: list[Page]) -> None:
    assert {answer.status_code for _, answer in pages} == {200, 400, 403, 404, 405, 422}
    for name, answer in pages:
        directives = (part.split() for part in answer["Content-Security-Policy"].split(";"))
        assert {directive: values for directive, *values in directives} == POLICY, name
        assert Inline(answer.content.decode()).found == [], name
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


def test_inline_code_would_be_found() -> None:
    page = "<style>a{}</style><script>x</script><p style='a' onclick=x><a href=' JavaScript:x'><script src='/x.js'>"
    assert len(Inline(page).found) == 5


def test_no_token_secret_or_password_is_on_any_page(pages: list[Page], sandbox: Sandbox) -> None:
    for name, answer in pages:
        shown = answer.content.decode()
        assert sandbox.client_secret not in shown, name
        assert settings.SECRET_KEY not in shown, name
        assert "Bearer" not in shown, name


def test_every_whole_page_says_that_this_is_the_sandbox(pages: list[Page]) -> None:
    seen = 0
    for name, answer in pages:
        shown = answer.content.decode()
        if answer.status_code in (200, 422) and "<html" in shown:
            assert "nothing is really bought" in shown, name
            seen += 1
    assert seen > 30


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://openapi.partner.yeastar.com", True),  # said by mistake
        ("https://openapi.partner.yeastar.com", False),
        ("http://egress-proxy.internal:8443", False),
        ("https://203.0.113.7", False),
        ("http://127.0.0.1:8001", False),
    ],
)
def test_orders_are_real_unless_an_operator_says_sandbox(
    url: str, said: bool, draft: Callable[[str], Order], alices: Client, client: Client
) -> None:
    review = step_url(draft("turnkey-capacity"), "review")
    with override_settings(YEASTAR_BASE_URL=url, SANDBOX=said):
        for page in (alices.get("/"), alices.get(review), client.get("/accounts/login/")):
            assert page.status_code == 200
            assert "sandbox" not in page.content.decode().casefold()


@pytest.mark.parametrize(
    ("url", "vendor"),
    [
        ("https://openapi.partner.yeastar.com", True),
        ("https://OpenAPI.Partner.Yeastar.com:443/x", True),
        ("https://openapi.partner.yeastar.com./", True),
        ("https://eu.yeastar.com", True),
        ("https://user@openapi.partner.yeastar.com", True),
        ("http://127.0.0.1:8100", False),
        ("https://openapi.partner.yeastar.com.evil.example", False),
        ("https://notyeastar.com", False),
        ("", False),
    ],
)
def test_the_vendors_host_is_known_however_it_is_written(url: str, vendor: bool) -> None:
    assert is_vendor(url) == vendor


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(alice: User, client: Client) -> None:
    client.get("/accounts/login/")
    client.post("/accounts/login/", {"login": "alice", "password": "a-good-password"})
    for name in ("sessionid", "csrftoken"):
        cookie = client.cookies[name]
        assert cookie["httponly"], name
        assert cookie["samesite"] == "Lax", name
    with override_settings(SESSION_COOKIE_SECURE=True, CSRF_COOKIE_SECURE=True):
        fresh = Client()
        fresh.get("/accounts/login/", secure=True)
        fresh.post("/accounts/login/", {"login": "alice", "password": "a-good-password"}, secure=True)
        assert all(fresh.cookies[name]["secure"] for name in ("sessionid", "csrftoken"))


def test_a_login_lasts_as_long_as_the_browser_and_gets_a_fresh_session(alice: User, client: Client) -> None:
    client.get("/accounts/login/")
    before = client.session.session_key
    client.post("/accounts/login/", {"login": "alice", "password": "a-good-password"})
    assert client.session.session_key != before


def test_healthz_answers_anybody_and_fails_without_a_database(client: Client, db: None) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert client.post("/healthz").status_code == 405

    def broken(*_: object) -> None:
        raise ConnectionError("the database is gone")

    client.raise_request_exception = False
    with connection.execute_wrapper(broken):
        assert client.get("/healthz").status_code == 500


def test_a_mistake_of_ours_is_a_page_without_details(db: None) -> None:
    request: HttpRequest = RequestFactory().get("/")
    page = server_error(request)
    shown = page.content.decode()
    assert page.status_code == 500
    assert "do not place it again" in shown
    assert "Traceback" not in shown
    assert Inline(shown).found == []
