"""When Yeastar is slow or fails while somebody fills in the wizard: the page says so, and nothing is lost."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import Page, expect

from tests.browser import drafts
from tests.browser.conftest import Visitor
from tests.browser.hands import sign_in

AT_ONCE = 3_000  # ms: the portal itself waits one second for Yeastar; the rest is a busy machine


@pytest.fixture
def serial() -> str:
    """A serial number for which no answer is remembered yet."""
    return f"S{uuid.uuid4().hex[:11]}".upper()


def at_the_serial_number(visitor: Visitor, serial: str, scripts: bool = True) -> Page:
    page = visitor.page(java_script_enabled=scripts)
    page.goto(drafts.draft(page.context, visitor.site.url, drafts.LINKUS, until="target"))
    page.fill("[name=product_no]", serial)
    return page


@pytest.mark.parametrize("scripts", [True, False])
def test_a_slow_yeastar_is_said_at_once_and_the_form_appears_by_itself(
    visitor: Visitor, serial: str, scripts: bool
) -> None:
    page = at_the_serial_number(visitor, serial, scripts)
    visitor.site.vendor.fault("purchase_product_info", "delay", seconds=3)
    page.locator("[data-main]").click()
    expect(page.get_by_text("Asking Yeastar for plans and services…")).to_be_visible(timeout=AT_ONCE)
    expect(page).to_have_url(re.compile("/plan/$"))
    expect(page.locator("[name=plan_id]").first).to_be_attached(timeout=10_000)
    expect(page.locator(".summary")).to_contain_text(serial)
    if scripts:  # the keys go on from where they were
        expect(page.locator("#step-title")).to_be_focused()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_failing_yeastar_is_told_with_its_words_and_trying_again_goes_on(
    visitor: Visitor, serial: str, scripts: bool
) -> None:
    page = at_the_serial_number(visitor, serial, scripts)
    visitor.site.vendor.fault(
        "purchase_product_info", "refuse", times=None, code="no_permission", detailMessage="Not for this account"
    )
    page.locator("[data-main]").click()
    failure = page.locator("[role=alert]", has_text="Yeastar could not tell us the plans and services")
    expect(failure).to_be_visible()
    expect(failure).to_contain_text("Not for this account")
    expect(failure.locator("dl")).to_contain_text("Request id")
    assert failure.locator("[data-copy]").first.get_attribute("data-copy")
    expect(failure).to_contain_text("Your draft is saved.")
    page.get_by_role("link", name="Try again").click()
    expect(failure).to_be_visible()
    visitor.site.vendor.heal()
    page.get_by_role("link", name="Try again").click()
    expect(page.locator("[name=plan_id]").first).to_be_attached()
    expect(page.locator(".summary")).to_contain_text(serial)


def forget_the_session(page: Page) -> None:
    page.context.clear_cookies(name="sessionid")


def test_an_expired_login_takes_the_whole_page_to_the_login_and_back_to_the_step(visitor: Visitor, serial: str) -> None:
    page = at_the_serial_number(visitor, serial)
    page.locator("[data-main]").click()
    page.locator("[name=plan_id]").first.check()
    page.locator("[name=multi_cycle]").nth(2).check()
    step = page.url
    forget_the_session(page)
    page.locator("[data-main]").click()
    expect(page).to_have_url(re.compile(r"/accounts/login/\?next="))
    expect(page.locator("#wizard")).to_have_count(0)
    sign_in(page, "staff")
    expect(page).to_have_url(step)
    expect(page.locator(".summary")).to_contain_text(serial)


def test_an_expired_login_while_searching_leads_to_the_login_and_back(visitor: Visitor) -> None:
    page = visitor.page()
    page.goto(drafts.draft(page.context, visitor.site.url, "turnkey-capacity", until="billing"))
    step = page.url
    forget_the_session(page)
    page.fill("#find-billing_contact_id", "weiß")
    expect(page).to_have_url(re.compile(r"/accounts/login/\?next="))
    sign_in(page, "staff")
    expect(page).to_have_url(step)
