"""The pages of managers by keyboard alone, and what their browsers say meanwhile."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import Visitor
from tests.browser.hands import Keys
from tests.browser.test_every_page import at, drift, history, statement_of_a_customer


def keys_at(page: Page) -> Keys:
    """From the head of the page."""
    page.evaluate("document.activeElement.blur()")
    return Keys(page, page.url)


def test_a_style_that_something_else_has_put_on_a_field_is_not_carried_into_the_next_list(visitor: Visitor) -> None:
    """Password managers do so. Our policy allows no such attribute, and the console would say it of each field."""
    page = history(visitor)
    page.goto(visitor.site.url + "/history/")
    page.locator("#filters summary").click()
    for field in page.locator("#history input[id]").all():
        field.evaluate("each => each.style.setProperty('caret-color', 'red')")
    page.select_option("#id_status", "succeed")
    expect(page.get_by_role("list", name="Filters in use")).to_contain_text("succeed")
    assert page.locator("#history [style]").count() == 0


@pytest.mark.parametrize("name", ["q", "customer"])
def test_enter_asks_for_the_list_once(visitor: Visitor, name: str) -> None:
    page = at(visitor, "/history/", "manager")
    page.locator("#filters summary").click()
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if "hx-request" in request.headers else None)
    page.fill(f"[name={name}]", "nobody is called like this")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing fits")).to_be_visible()
    page.wait_for_timeout(500)
    assert len(asked) == 1


def test_a_difference_is_seen_to_and_put_back_by_keyboard(visitor: Visitor) -> None:
    page = drift(visitor)
    keys_at(page).press("nav.tabs a[href$='kind=number']")
    expect(page.locator("nav.tabs [aria-current]")).to_contain_text("Other numbers")
    reference = page.locator(".drifts tbody [data-copy^=YP-]").first.get_attribute("data-copy")
    keys_at(page).press(".drifts form[action$='/seen/'] button")
    expect(page.locator(".messages")).to_contain_text("Seen to")
    page.goto(visitor.site.url + "/history/drift/?kind=number&seen=1")
    expect(page.locator(".drifts")).to_contain_text(reference or "?")
    keys_at(page).press(".drifts button[name=back]")
    expect(page.locator(".messages")).to_contain_text("back")
    keys_at(page).press("nav.tabs a[href$='kind=elsewhere']")
    expect(page.locator("#elsewhere-title")).to_be_visible()


def test_a_statement_is_found_and_its_months_are_turned_by_keyboard(visitor: Visitor) -> None:
    statement_of_a_customer(visitor)
    page = at(visitor, "/statement/", "manager")
    keys = keys_at(page)
    keys.write("customer", "kiwi")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Kiwi")
    month = page.locator(".lede").inner_text()
    keys_at(page).press("a[rel=prev]")
    expect(page.locator(".lede")).not_to_have_text(month)
    keys_at(page).press("a[rel=next]")
    expect(page.locator(".lede")).to_have_text(month)
    keys_at(page).press(".lines tbody th a")
    expect(page.locator(".record-title")).to_be_visible()


def test_a_run_is_started_by_keyboard_and_its_end_is_said(visitor: Visitor) -> None:
    page = at(visitor, "/history/sync/", "manager")
    keys_at(page).press("form[action$='/sync/now/'] button.primary")
    expect(page.get_by_role("button", name="Sync now")).to_be_enabled(timeout=30_000)
    expect(page.locator(".runs tbody tr").first).to_contain_text(re.compile("manager"))


def test_mona_asks_for_the_details_of_an_order_and_sees_them_come(visitor: Visitor) -> None:
    page = history(visitor)
    page.locator(".records tbody th a").first.click()
    details = page.locator("dd[data-say]", has_text="read")
    expect(details).to_be_visible()
    visitor.site.vendor.fault("order_get", "delay", seconds=3)
    page.locator(".again button").click()
    expect(page.get_by_text("being asked for")).to_be_visible()
    expect(page.get_by_text("being asked for")).to_be_hidden(timeout=15_000)
    expect(details).to_contain_text("just now")
    expect(page.locator("#say")).to_have_text("Nothing more is asked for now.")


def test_back_leads_from_each_filter_to_the_list_before_it(visitor: Visitor) -> None:
    page = at(visitor, "/history/", "manager")
    page.fill("[name=q]", "LR")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/history/\?q=LR$"))
    page.locator("#filters summary").click()
    page.select_option("#id_status", "pending")
    expect(page).to_have_url(re.compile(r"\?q=LR&status=pending$"))
    page.go_back()
    expect(page).to_have_url(re.compile(r"/history/\?q=LR$"))
    expect(page.locator("[name=q]")).to_have_value("LR")
    expect(page.locator("#id_status")).to_have_value("")
    page.go_back()
    expect(page).to_have_url(re.compile(r"/history/$"))
    expect(page.locator("[name=q]")).to_have_value("")
    page.go_forward()
    expect(page.locator("[name=q]")).to_have_value("LR")
