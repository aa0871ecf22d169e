"""An admin looks after the connection to Yeastar, in a real browser by the keyboard alone: narrow, and in the dark."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.hands import Keys, device, sign_in
from tests.browser.looks import flaws

NIGHT: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}
SECRET = "sandbox-secret"


def ended(page: Page) -> None:
    """The test that goes on has ended."""
    expect(page.locator("#test[data-say]")).to_be_visible(timeout=30_000)


def try_it(keys: Keys) -> None:
    with keys.page.expect_navigation():
        keys.press("#test button")
    ended(keys.page)


def said(page: Page, call: str) -> str:
    return page.locator(".tests tr", has=page.get_by_text(call, exact=True)).inner_text()


def test_the_connection_is_tested_and_what_is_wrong_is_said_in_words(visitor: Visitor) -> None:
    page = visitor.page("admin", **NIGHT)
    keys = Keys(page, visitor.site.url)
    keys.open("/connection/")
    try_it(keys)
    assert page.locator(".tests .badge.good").count() == page.locator(".tests tbody tr").count() == 7

    fault = visitor.site.vendor.fault
    fault("product_list", "refuse", times=None, code="no_permission", detailMessage="Not for this account")
    fault("partner_list", "refuse", times=None, code="ip_not_allowed", detailMessage="203.0.113.7 is not allowed")
    fault("billing_contact_list", "garbage", times=None)
    try_it(keys)
    expect(page.locator("#test")).to_contain_text("Something is wrong.")
    assert "Yeastar refuses this call. It says: Not for this account" in said(page, "product_list")
    assert "Does this account have the right to it?" in said(page, "product_list")
    assert "does not take calls from our address" in said(page, "partner_list")
    assert "IP allow-list" in said(page, "partner_list")
    assert "a shape that is not known here" in said(page, "billing_contact_list")
    assert "answered" in said(page, "order_page")
    assert flaws(page) == []

    visitor.site.vendor.heal()
    fault("token", "refuse", times=None, code="invalid_client", detailMessage="Who are you?", status=401)
    try_it(keys)
    expect(page.locator("#test")).to_contain_text("Yeastar does not accept client id and secret.")
    assert "without a token nothing is answered" in said(page, "order_page")


def test_client_id_and_secret_are_tried_kept_and_taken_away_and_never_shown(guest: Visitor) -> None:
    page = guest.page(None, **NIGHT)
    device(page)
    keys = Keys(page, guest.site.url)
    keys.open("/connection/")
    sign_in(page, "admin")
    keys.press("a[href='/accounts/passkeys/add/']")
    expect(page.get_by_role("heading", name="Add a passkey")).to_be_visible()
    keys.press("#mfa_webauthn_add")
    page.get_by_role("link", name="I have kept them, go on").press("Enter")
    expect(page.get_by_text("No client id and secret are set", exact=True)).to_be_visible()
    keys.press(".facts a[href$='/credentials/']")
    expect(page.get_by_role("heading", name="Client id and secret", exact=True)).to_be_visible()
    assert flaws(page) == []

    guest.expect_trouble("422")
    keys.write("client_id", "sandbox-client")
    keys.write("client_secret", "not-the-secret")
    keys.press("button[value=test]")
    expect(page.locator("#errors")).to_be_focused()
    expect(page.locator("#errors")).to_contain_text("Nothing was saved: the test failed.")
    expect(page.locator("#errors")).to_contain_text("does not accept client id and secret")
    expect(page.locator("[name=client_id]")).to_have_value("sandbox-client")
    expect(page.locator("[name=client_secret]")).to_have_value("")
    assert flaws(page) == []

    keys.write("client_secret", SECRET)
    assert page.locator("[name=client_secret]").get_attribute("type") == "password"
    keys.press("button[value=test]")
    expect(page.get_by_text("Client id …ient is in force now")).to_be_visible()
    seen = [page.content()]
    ended(page)
    assert "Client id and secret are right." in said(page, "token")
    for path in ("/connection/", "/connection/credentials/", "/audit/?q=client"):
        keys.open(path)
        seen.append(page.content())
    page.locator(".log tbody th a").first.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert all(word not in text for text in [*seen, page.content()] for word in (SECRET, "not-the-secret"))

    keys.open("/connection/credentials/")
    keys.press("a[href$='/remove/']")
    expect(page.get_by_role("heading", name="Take them away?")).to_be_visible()
    assert flaws(page) == []
    keys.press("button.danger")
    expect(page.get_by_text("Client id and secret are no longer kept here.")).to_be_visible()
