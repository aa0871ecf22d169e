"""The order's page: it follows the order by itself, and leads on."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import drafts
from tests.browser.conftest import Visitor
from tests.browser.hands import receipt

QUIET = 2_500  # ms: longer than two of the page's own questions


def questions(visitor: Visitor, page: Page) -> int:
    """How often the page has asked for the order's news."""
    return sum(request.url == page.url and "hx-request" in request.headers for request in visitor.requests)


def test_the_page_follows_the_order_without_a_reload_and_then_rests(visitor: Visitor, page: Page) -> None:
    with visitor.site.worker_asleep():
        drafts.order(page, visitor.site.url, "Waiting to be sent")
        expect(page.locator("#order")).to_contain_text("Was anything bought? Not yet.")
        page.evaluate("window.sameDocument = true")
    expect(page.locator("#order-title")).to_have_text("Bought")
    expect(page.locator("#say")).to_contain_text("Bought")
    expect(page).to_have_title(re.compile("^Bought"))
    assert page.evaluate("window.sameDocument")
    asked = questions(visitor, page)
    assert asked > 0
    page.wait_for_timeout(QUIET)
    assert questions(visitor, page) == asked


def test_what_is_open_stays_open_while_the_page_follows_the_order(visitor: Visitor, page: Page) -> None:
    with visitor.site.worker_asleep():
        drafts.order(page, visitor.site.url, "Waiting to be sent")
        page.locator("#sent summary").click()
    expect(page.locator("#order-title")).to_have_text("Bought")
    expect(page.locator("#sent pre")).to_be_visible()


def test_copy_puts_the_whole_id_on_the_clipboard(visitor: Visitor) -> None:
    context = visitor.context(permissions=["clipboard-read", "clipboard-write"])
    page = drafts.order(context.new_page(), visitor.site.url)
    for label, value in receipt(page).items():
        row = page.locator(".receipt dl > div", has_text=label).first
        row.locator("[data-copy]").click()
        expect(page.locator("#say")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == value


def test_order_again_leads_to_a_filled_draft_that_buys_nothing_by_itself(
    visitor: Visitor, page: Page, po_number: str
) -> None:
    drafts.order(page, visitor.site.url, slug="turnkey-capacity", po_number=po_number)
    first = page.url
    page.get_by_role("button", name="Order again").click()
    expect(page).to_have_url(re.compile("/review/$"))
    expect(page.locator("#wizard")).to_contain_text("50")
    expect(page.locator("#wizard")).not_to_contain_text(po_number)
    assert visitor.site.vendor.bought_as(po_number) == 1
    drafts.place(page, "Bought")
    assert page.url != first


def test_a_discarded_draft_comes_back_with_undo(visitor: Visitor, page: Page) -> None:
    page.goto(drafts.draft(page.context, visitor.site.url, "turnkey-capacity", until="billing"))
    step = page.url
    page.get_by_role("button", name="Discard this draft").click()
    expect(page).to_have_url(visitor.site.url + "/")
    expect(page.locator(f"a[href='{step.removeprefix(visitor.site.url)}']")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page).to_have_url(step)


def busy(visitor: Visitor) -> None:
    visitor.site.vendor.fault("save", "status", status=429, times=None)


def without_tokens(visitor: Visitor) -> None:
    visitor.site.vendor.fault("token", "refuse", times=None, detailMessage="Login is closed", status=503)
    visitor.site.vendor.control("POST", "tokens/expire", {"refresh_too": True})


@pytest.mark.parametrize("trouble", [busy, without_tokens])
def test_a_held_order_says_since_when_and_why_and_is_then_bought_by_itself(
    visitor: Visitor, page: Page, po_number: str, trouble: object
) -> None:
    drafts.review(page, visitor.site.url, po_number=po_number)
    assert callable(trouble)
    trouble(visitor)
    drafts.place(page, "Held")
    expect(page.locator("#order .problem")).to_have_text(re.compile(r"Held since .+ because: .*Nothing was bought\."))
    expect(page.locator("#order")).to_contain_text("Was anything bought? Not yet.")
    visitor.site.vendor.heal()
    expect(page.locator("#order-title")).to_have_text("Bought", timeout=25_000)
    assert visitor.site.vendor.bought_as(po_number) == 1


def test_an_uncertain_order_is_settled_by_a_manager_and_only_then_ordered_again(visitor: Visitor, page: Page) -> None:
    # Lost before it arrived; then somebody buys the same in Yeastar's own portal, without our reference.
    visitor.site.vendor.fault("save", "reset")
    drafts.order(page, visitor.site.url, "Not known yet", product_no="SETTLED00001")
    expect(page.get_by_text("Nobody must order this again until it is cleared.").first).to_be_visible()
    expect(page.get_by_role("button", name="Order again")).to_have_count(0)
    expect(page.locator(".settle")).to_have_count(0)
    bought = visitor.site.vendor.control("POST", "orders", {"productId": 9, "productNo": "SETTLED00001"})
    managers = visitor.page("manager")
    chosen = managers.locator(f"[name=candidate][value='{bought['orderNo']}']")
    for _ in range(60):
        managers.goto(page.url)
        if chosen.count():
            break
        managers.wait_for_timeout(1000)
    chosen.click()
    expect(managers.locator("[name=reason]")).to_be_focused()  # not without a reason
    managers.fill("[name=reason]", "Seen in Yeastar's own portal.")
    chosen.click()
    expect(managers.locator("#order-title")).to_have_text("Bought")
    expect(managers.locator("#order")).to_contain_text("Seen in Yeastar's own portal.")
    page.reload()
    assert receipt(page)["Order number"] == bought["orderNo"]
    expect(page.get_by_role("button", name="Order again")).to_be_visible()
