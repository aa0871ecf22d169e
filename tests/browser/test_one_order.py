"""However often somebody presses, reloads or goes back: one order is bought."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import drafts
from tests.browser.conftest import Visitor


@pytest.mark.parametrize("scripts", [True, False])
def test_a_double_click_buys_once(visitor: Visitor, po_number: str, scripts: bool) -> None:
    page = drafts.review(visitor.page(java_script_enabled=scripts), visitor.site.url, po_number=po_number)
    drafts.give_reason(page)
    page.locator("#place [data-main]").dblclick()
    expect(page.locator("#order-title")).to_have_text("Bought", timeout=15_000)
    assert visitor.site.vendor.bought_as(po_number) == 1


def test_reloading_the_order_buys_nothing_more(visitor: Visitor, po_number: str) -> None:
    page = drafts.order(visitor.page(), visitor.site.url, po_number=po_number)
    for _ in range(3):
        page.reload()
    expect(page.locator("#order-title")).to_have_text("Bought")
    assert visitor.site.vendor.bought_as(po_number) == 1


def test_going_back_to_the_review_leads_to_the_order_that_was_bought(visitor: Visitor, po_number: str) -> None:
    page = drafts.order(visitor.page(), visitor.site.url, po_number=po_number)
    bought = page.url
    page.go_back()
    if page.locator("#place").count():  # a browser may show the old page out of its memory
        drafts.give_reason(page)
        page.locator("#place [data-main]").click()
    expect(page).to_have_url(bought)
    expect(page.locator("#order-title")).to_have_text("Bought")
    assert visitor.site.vendor.bought_as(po_number) == 1


def test_two_tabs_at_the_same_review_buy_once(visitor: Visitor, po_number: str) -> None:
    one = drafts.review(visitor.page(), visitor.site.url, po_number=po_number)
    other = one.context.new_page()
    other.goto(one.url)
    drafts.place(one, "Bought")
    drafts.place(other, "Bought")
    assert other.url == one.url
    assert visitor.site.vendor.bought_as(po_number) == 1


def test_the_address_is_that_of_the_step_and_back_leads_to_the_one_before(visitor: Visitor) -> None:
    page = visitor.page()
    billing = drafts.draft(page.context, visitor.site.url, drafts.LINKUS, until="billing")
    plan = billing.replace("/billing/", "/plan/")
    page.goto(plan)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#step-title")).to_have_text("Billing contact")
    assert page.url == billing
    page.locator("#id_billing_contact_id").select_option(index=0)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#step-title")).to_have_text("Review and place")
    assert page.url == billing.replace("/billing/", "/review/")
    page.go_back()
    expect(page.locator("#step-title")).to_have_text("Billing contact")
    assert page.url == billing
    page.go_back()
    expect(page.locator("#step-title")).to_have_text("Plan")
    assert page.url == plan
