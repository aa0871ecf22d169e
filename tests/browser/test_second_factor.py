"""The second factor in real Chromium, with a device (played by CDP) that keeps passkeys: by keyboard, at each width."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.hands import Keys, device, sign_in
from tests.browser.looks import flaws


def code(secret: str, page: Page) -> str:
    """What the app shows now, by the browser's clock."""
    return str(format_hotp_value(hotp_value(secret, int(page.evaluate("Date.now()")) // 30_000)))


def test_a_passkey_is_added_and_signs_in_without_a_password_by_keyboard_alone(guest: Visitor) -> None:
    page = guest.page(None)
    wire, known = device(page)
    page.goto(guest.site.url + "/orders/?q=hotel")
    sign_in(page, "staff")
    expect(page.get_by_role("heading", name="Set up a second factor first")).to_be_visible()
    assert flaws(page) == []
    keys = Keys(page, guest.site.url)
    keys.press("a[href='/accounts/passkeys/add/']")
    expect(page.get_by_role("heading", name="Add a passkey")).to_be_visible()
    assert flaws(page) == []
    keys.write("name", "Desk computer")
    keys.press("#mfa_webauthn_add")
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert len(wire.send("WebAuthn.getCredentials", {"authenticatorId": known})["credentials"]) == 1
    assert page.locator(".codes li").count() == 10
    assert flaws(page) == []
    page.get_by_role("link", name="I have kept them, go on").press("Enter")
    expect(page).to_have_url(guest.site.url + "/orders/?q=hotel")

    page.goto(guest.site.url + "/accounts/passkeys/")
    expect(page.get_by_role("heading", name="Desk computer")).to_be_visible()
    assert flaws(page) == []
    page.goto(guest.site.url + "/accounts/logout/")
    page.get_by_role("button", name="Log out", exact=True).last.press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(guest.site.url + "/orders/?q=hotel")
    assert flaws(page) == []
    keys.press("#passkey_login")
    expect(page).to_have_url(guest.site.url + "/orders/?q=hotel")
    expect(page.locator(".menu .who")).to_have_text("staff")


def test_with_the_password_the_passkey_is_the_second_step(guest: Visitor) -> None:
    page = guest.page(None)
    device(page)
    page.goto(guest.site.url)
    sign_in(page, "staff")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.goto(guest.site.url + "/accounts/logout/")
    page.get_by_role("button", name="Log out", exact=True).last.click()
    sign_in(page, "staff")
    expect(page.get_by_role("heading", name="One step more")).to_be_visible()
    assert flaws(page) == []
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(guest.site.url + "/")

    switch = "from django.contrib.auth.models import User; User.objects.filter(username='staff').update(is_active={})"
    guest.site.shell(switch.format(False))
    try:
        page.goto(guest.site.url)
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_role("heading", name="Your account is switched off")).to_be_visible()
    finally:
        guest.site.shell(switch.format(True))


def test_without_a_device_the_browser_says_so_and_nothing_is_stuck(guest: Visitor) -> None:
    page = guest.page(None)
    wire, known = device(page)
    wire.send("WebAuthn.setUserVerified", {"authenticatorId": known, "isUserVerified": False})
    page.goto(guest.site.url)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("#trouble")).to_contain_text("No passkey was used")
    sign_in(page, "manager")
    expect(page.get_by_role("heading", name="Set up a second factor first")).to_be_visible()


def test_an_app_is_set_up_and_asked_for_without_scripts_too(guest: Visitor) -> None:
    page = guest.page(None)
    page.goto(guest.site.url)
    sign_in(page, "admin")
    page.get_by_role("link", name="Set up an authenticator app").click()
    expect(page.locator("svg.qr path")).to_be_visible()
    assert flaws(page) == []
    secret = page.locator(".ident .id").inner_text()
    assert re.fullmatch("[A-Z2-7]{32}", secret)
    page.get_by_label("2. Enter the six figures that it shows").fill("12345")
    page.get_by_role("button", name="Set up").click()
    expect(page.locator("#errors")).to_be_visible()
    assert page.locator(".ident .id").inner_text() == secret
    page.get_by_label("2. Enter the six figures that it shows").fill(code(secret, page))
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    first = page.locator(".codes li").first.inner_text()
    page.goto(guest.site.url + "/accounts/sessions/")
    assert flaws(page) == []
    page.goto(guest.site.url + "/accounts/")
    assert flaws(page) == []

    plain = guest.page(None, java_script_enabled=False, viewport={"width": 360, "height": 800})
    plain.goto(guest.site.url)
    expect(plain.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    sign_in(plain, "admin")
    plain.get_by_label("Code of your authenticator app").fill(first)
    plain.get_by_role("button", name="Sign in").click()
    expect(plain.get_by_role("navigation", name="Main")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_single_sign_on_goes_there_and_back_under_the_strict_policy(scripts: bool, guest: Visitor) -> None:
    page = guest.page(None, java_script_enabled=scripts)
    page.goto(guest.site.url + "/history/?q=x")
    page.get_by_role("button", name="Sign in with Company ID").press("Enter")
    expect(page).to_have_url(guest.site.url + "/history/?q=x")
    expect(page.locator(".menu .who")).to_have_text("manager")
