"""Every page in every state: no violation in axe, nothing wider than a telephone, nothing on the console."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import drafts
from tests.browser.conftest import Visitor
from tests.browser.looks import flaws
from tests.browser.running import PASSWORD

SOFTWARE = "software-edition-license"

READ_HISTORY = "from orders import gateway; from orders.history.following import follow; follow(gateway.portal())"

MAKE_DRIFT = (
    READ_HISTORY
    + """
from django.utils import timezone
from orders.destination import current_destination
from orders.history import drift
from orders.models import Order, Record
bought = Order.objects.filter(status="PLACED").exclude(record=None).order_by("-placed_at")
changes = {"transaction_no": "TR-OTHER"}, {"gone_at": timezone.now()}, {"status": "on hold"}
for order, change in zip(bought[:3], changes):
    Record.objects.filter(ours=order).update(**change)
drift.note(current_destination())
"""
)

KILLED_RUN = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from orders.destination import current_destination
from orders.models import Reading
at = timezone.now() - timedelta(minutes=5)
who = User.objects.get(username="manager")
Reading.objects.create(destination=current_destination(), why="By hand", who=who, started_at=at, beat_at=at, pages=20,
    finished_at=None if not Reading.objects.filter(finished_at=None).exists() else at)
"""

Opener = Callable[[Visitor], Page]
OPENERS: dict[str, Opener] = {}


def state(opener: Opener) -> Opener:
    OPENERS[opener.__name__] = opener
    return opener


def at(visitor: Visitor, path: str, name: str | None = "staff") -> Page:
    page = visitor.page(name)
    page.goto(visitor.site.url + path)
    return page


def at_step(visitor: Visitor, slug: str, step: str, **changes: str) -> Page:
    page = visitor.page()
    page.goto(drafts.draft(page.context, visitor.site.url, slug, until=step, **changes))
    expect(page.locator("#step-title")).to_be_visible()
    return page


def refused(page: Page, visitor: Visitor) -> Page:
    """Send the form as it is, past the browser's own checks."""
    visitor.expect_trouble("422")
    page.locator("main form:has([data-main]), .settle form").evaluate("form => { form.noValidate = true }")
    page.locator("main form [data-main], .settle [name=outcome][value=never]").click()
    expect(page.locator("#errors")).to_be_focused()
    return page


# --- outside -------------------------------------------------------------------------------------------------


@state
def login(visitor: Visitor) -> Page:
    return at(visitor, "/", None)


@state
def login_refused(visitor: Visitor) -> Page:
    page = login(visitor)
    page.fill("[name=login]", "staff")
    page.fill("[name=password]", PASSWORD[::-1])
    page.keyboard.press("Enter")
    expect(page.locator("#errors")).to_be_visible()
    return page


@state
def signing_up_is_closed(visitor: Visitor) -> Page:
    return at(visitor, "/accounts/signup/", None)


@state
def forgotten_password(visitor: Visitor) -> Page:
    return at(visitor, "/accounts/password/reset/", None)


@state
def password_change(visitor: Visitor) -> Page:
    return at(visitor, "/accounts/password/change/")


@state
def logout(visitor: Visitor) -> Page:
    return at(visitor, "/accounts/logout/")


@state
def nothing_at_this_address(visitor: Visitor) -> Page:
    visitor.expect_trouble("404")
    return at(visitor, "/nothing/")


@state
def a_form_whose_token_is_gone(visitor: Visitor) -> Page:
    visitor.expect_trouble("403")
    page = at(visitor, "/accounts/password/change/")
    page.context.clear_cookies(name="csrftoken")
    page.locator("main form").evaluate("form => form.submit()")
    expect(page.locator("h1")).to_have_count(1)
    page.wait_for_load_state()
    return page


# --- the wizard ----------------------------------------------------------------------------------------------


@state
def catalogue_with_drafts_and_a_discarded_one(visitor: Visitor) -> Page:
    page = at_step(visitor, drafts.LINKUS, "billing")
    page.goto(drafts.draft(page.context, visitor.site.url, SOFTWARE, until="target"))
    page.get_by_role("button", name="Discard this draft").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    return page


@state
def menu_open(visitor: Visitor) -> Page:
    page = at(visitor, "/")
    page.locator(".menu summary").click()
    expect(page.get_by_text("Log out")).to_be_visible()
    return page


@state
def target_of_an_account(visitor: Visitor) -> Page:
    page = at_step(visitor, "remote-management-connections", "target")
    page.select_option("#id_partner_id", index=3)
    return page


@state
def target_by_serial_number(visitor: Visitor) -> Page:
    return at_step(visitor, drafts.LINKUS, "target")


@state
def target_refused(visitor: Visitor) -> Page:
    page = at_step(visitor, drafts.LINKUS, "target")
    page.fill("[name=product_no]", "not a serial number")
    return refused(page, visitor)


@state
def target_new_licence(visitor: Visitor) -> Page:
    page = at_step(visitor, SOFTWARE, "target")
    page.check("[name=license_for][value=new]")
    return page


@state
def target_existing_pbx(visitor: Visitor) -> Page:
    page = at_step(visitor, SOFTWARE, "target")
    page.check("[name=license_for][value=existing]")
    page.fill("#find-product_no", "nothing is called like this")
    expect(page.locator("#options-product_no .none")).to_be_visible()
    return page


@state
def target_neither(visitor: Visitor) -> Page:
    return refused(at_step(visitor, SOFTWARE, "target"), visitor)


@state
def plan_with_years(visitor: Visitor) -> Page:
    return at_step(visitor, drafts.LINKUS, "plan")


@state
def plan_with_several_services(visitor: Visitor) -> Page:
    page = at_step(visitor, SOFTWARE, "plan")
    page.check("[name=plan_id][value='3049041101760282624']")
    return page


@state
def plan_with_one_service(visitor: Visitor) -> Page:
    return at_step(visitor, "turnkey-capacity", "plan")


@state
def service_without_a_plan(visitor: Visitor) -> Page:
    return at_step(visitor, "rm-premium-renewal", "plan")


@state
def plan_refused(visitor: Visitor) -> Page:
    return refused(at_step(visitor, SOFTWARE, "plan"), visitor)


@state
def billing(visitor: Visitor) -> Page:
    return at_step(visitor, SOFTWARE, "billing")


@state
def billing_refused(visitor: Visitor) -> Page:
    page = at_step(visitor, SOFTWARE, "billing")
    page.locator("#id_billing_contact_id").evaluate("list => { list.selectedIndex = -1 }")
    return refused(page, visitor)


@state
def review(visitor: Visitor) -> Page:
    return at_step(visitor, SOFTWARE, "review", po_number="PO 7/2026 " + "W" * 50)


@state
def review_refused(visitor: Visitor) -> Page:
    visitor.expect_trouble("422")
    page = at_step(visitor, drafts.LINKUS, "review")
    other = page.context.new_page()
    other.goto(page.url.replace("/review/", "/billing/"))
    other.fill("[name=po_number]", "changed elsewhere")
    other.locator("[data-main]").click()
    expect(other.locator("#place")).to_be_visible()
    drafts.give_reason(page)
    page.locator("#place [data-main]").click()
    expect(page.locator("#problem")).to_be_visible()
    return page


@state
def review_of_the_same_again(visitor: Visitor) -> Page:
    visitor.site.vendor.fault("save", "reset")
    same = {"product_no": "SAMEAGAIN001"}
    drafts.order(visitor.page("manager"), visitor.site.url, "Not known yet", **same)
    page = at_step(visitor, drafts.LINKUS, "review", **same)
    expect(page.get_by_text("Nobody knows yet whether it was bought")).to_be_visible()
    return page


@state
def asking(visitor: Visitor) -> Page:
    visitor.site.vendor.fault("purchase_product_info", "delay", seconds=4)
    page = visitor.page()
    page.route(re.compile("/plan/$"), stays_unanswered)
    page.goto(drafts.draft(page.context, visitor.site.url, drafts.LINKUS, until="plan", product_no="ASKING0001"))
    expect(page.locator(".asking")).to_be_visible()
    return page


def stays_unanswered(route: Route) -> None:
    """The page asks whether the answer is there; so that it keeps still, nobody tells it."""
    if "hx-request" not in route.request.headers:
        route.continue_()


@state
def asking_failed(visitor: Visitor) -> Page:
    visitor.site.vendor.fault(
        "purchase_product_info", "refuse", times=None, code="system_busy", detailMessage="Try it later", status=500
    )
    page = visitor.page()
    page.goto(drafts.draft(page.context, visitor.site.url, drafts.LINKUS, until="plan", product_no="FAILED0001"))
    expect(page.get_by_role("link", name="Try again")).to_be_visible(timeout=15_000)
    return page


# --- the order -----------------------------------------------------------------------------------------------


@state
def order_sending(visitor: Visitor) -> Page:
    visitor.site.vendor.fault("save", "delay", seconds=6)
    return drafts.order(visitor.page(), visitor.site.url, "Being sent to Yeastar")


@state
def order_held(visitor: Visitor) -> Page:
    visitor.site.vendor.fault("save", "status", status=429, retry_after=30)
    return drafts.order(visitor.page(), visitor.site.url, "Held")


@state
def order_bought(visitor: Visitor) -> Page:
    page = drafts.order(visitor.page(), visitor.site.url, "Bought", SOFTWARE)
    for fold in page.locator("details summary").all():
        if fold.is_visible() and not fold.evaluate("fold => fold.closest('.menu')"):
            fold.click()
    return page


@state
def order_refused(visitor: Visitor) -> Page:
    visitor.site.vendor.fault("save", "refuse", code="no_permission", detailMessage="Ask your Yeastar manager")
    return drafts.order(visitor.page(), visitor.site.url, "Not bought")


@state
def order_uncertain(visitor: Visitor) -> Page:
    visitor.site.vendor.fault("save", "reset")
    return drafts.order(visitor.page(), visitor.site.url, "Not known yet")


@state
def order_uncertain_for_a_manager(visitor: Visitor) -> Page:
    visitor.site.vendor.fault("save", "reset")
    url = drafts.order(visitor.page(), visitor.site.url, "Not known yet").url
    page = visitor.page("manager")
    page.goto(url)
    page.locator("#never summary").click()
    expect(page.get_by_role("button", name="Settle it as never placed")).to_be_visible()
    return page


@state
def order_uncertain_beside_its_candidates(visitor: Visitor) -> Page:
    visitor.site.vendor.fault("save", "reset")
    url = drafts.order(visitor.page(), visitor.site.url, "Not known yet", product_no="CANDIDATE001").url
    for reference in ("", "W" * 60):
        told = {"productId": 9, "productNo": "CANDIDATE001", "customReferenceNo": reference}
        visitor.site.vendor.control("POST", "orders", told)
    page = visitor.page("manager")
    for _ in range(60):
        page.goto(url)
        if page.get_by_role("button", name="It is this one").count() == 2:
            return page
        page.wait_for_timeout(1000)
    raise AssertionError("no candidates came")


@state
def order_settling_refused(visitor: Visitor) -> Page:
    visitor.site.vendor.fault("save", "status", status=502)
    url = drafts.order(visitor.page(), visitor.site.url, "Not known yet").url
    page = visitor.page("manager")
    page.goto(url)
    page.locator("#never summary").click()
    return refused(page, visitor)


@state
def list_of_mine(visitor: Visitor) -> Page:
    page = drafts.order(visitor.page(), visitor.site.url)
    drafts.draft(page.context, visitor.site.url, SOFTWARE, until="billing")
    page.goto(visitor.site.url + "/orders/")
    return page


@state
def list_of_everybody(visitor: Visitor) -> Page:
    drafts.order(visitor.page(), visitor.site.url)
    return at(visitor, "/orders/", "manager")


@state
def list_of_nothing(visitor: Visitor) -> Page:
    return at(visitor, "/orders/", "admin")


@state
def history(visitor: Visitor) -> Page:
    """Filtered by what nothing else is: other tests' orders come and go."""
    for number in range(3):
        told = {"productId": 9, "productNo": f"HISTORY{number:05}", "customReferenceNo": "W" * 60 * (number == 1)}
        visitor.site.vendor.control("POST", "orders", told)
    visitor.site.shell(READ_HISTORY)
    page = at(visitor, "/history/?period=this-year&sort=order", "manager")
    expect(page.locator(".records tbody tr").first).to_be_visible()
    return page


@state
def history_without_a_match(visitor: Visitor) -> Page:
    page = at(visitor, "/history/?q=nothing-begins-so&from=never", "manager")
    expect(page.get_by_text("Nothing fits")).to_be_visible()
    return page


@state
def history_with_a_saved_view(visitor: Visitor) -> Page:
    page = history(visitor)
    page.locator("#keep summary").click()
    page.fill("#id_name", "Everything of this year, by number")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messages")).to_be_visible()
    page.locator("#keep summary").click()
    return page


@state
def record_of_the_history(visitor: Visitor) -> Page:
    page = history(visitor)
    page.locator(".records tbody th a").first.click()
    expect(page.locator(".record-title")).to_be_visible()
    for fold in page.locator("main details summary").all():
        fold.click()
    return page


@state
def overview(visitor: Visitor) -> Page:
    drafts.order(visitor.page(), visitor.site.url)
    history(visitor)
    page = at(visitor, "/overview/", "manager")
    expect(page.locator(".chart rect").first).to_be_visible()
    for table in page.locator(".twin summary").all():
        table.click()
    return page


@state
def overview_of_a_time_without_orders(visitor: Visitor) -> Page:
    history(visitor)
    page = at(visitor, "/overview/?from=2001-03&to=2001-01", "manager")
    expect(page.get_by_text("No orders in this time")).to_be_visible()
    return page


@state
def statement_of_our_own_account(visitor: Visitor) -> Page:
    history(visitor)
    page = at(visitor, "/statement/?customer=-", "manager")
    expect(page.locator(".lines tbody tr").first).to_be_visible()
    return page


@state
def statement_of_a_customer(visitor: Visitor) -> Page:
    """With orders that are in the sums, and one that is not."""
    page = at_step(visitor, "turnkey-capacity", "target")
    customer = page.locator("#id_partner_id option", has_text="Kiwi").first.get_attribute("value")
    for status in ("succeed", "succeed", "cancelled"):
        told = {"productId": 14, "partnerId": customer, "orderStatus": status, "cents": 123450}
        visitor.site.vendor.control("POST", "orders", told)
    visitor.site.manage("mirror_orders")
    page = at(visitor, f"/statement/?customer={customer}", "manager")
    expect(page.locator(".lines .unsummed").first).to_be_visible()
    return page


@state
def statement_of_whom(visitor: Visitor) -> Page:
    page = at(visitor, "/statement/?customer=a&month=soon", "manager")
    expect(page.get_by_text("Customers that fit")).to_be_visible()
    return page


@state
def drift(visitor: Visitor) -> Page:
    for product in (drafts.LINKUS, SOFTWARE, "turnkey-capacity"):
        page = drafts.order(visitor.page(), visitor.site.url, "Bought", product)
    for _ in range(3):  # a run of the worker's in between puts a record right again
        visitor.site.shell(MAKE_DRIFT)
        page = at(visitor, "/history/drift/", "manager")
        if all(page.locator(f"#{kind}-title").count() for kind in ("gone", "status", "number")):
            break
    for kind in ("gone", "status", "number"):
        expect(page.locator(f"#{kind}-title")).to_be_visible()
    return page


@state
def drift_beside_what_was_made_elsewhere(visitor: Visitor) -> Page:
    """One of theirs may be an order of ours that nobody knows of yet; the others are none of ours."""
    serial = f"DRIFT{uuid.uuid4().hex[:7]}".upper()
    visitor.site.vendor.fault("save", "reset")
    order = drafts.order(visitor.page(), visitor.site.url, "Not known yet", product_no=serial)
    asked = order.context.request.get(f"{order.url.rstrip('/')}.json").json()["request"]
    told = {"productId": 9, "productNo": serial, "serviceList": asked["serviceList"]}
    visitor.site.vendor.control("POST", "orders", told)
    visitor.site.vendor.control("POST", "orders", {"productId": 14})
    visitor.site.manage("mirror_orders")
    page = at(visitor, "/history/drift/?kind=elsewhere", "manager")
    expect(page.locator("tr.doubt").first).to_be_visible()
    return page


@state
def drift_of_a_kind_seen_to(visitor: Visitor) -> Page:
    page = drift(visitor)
    page.get_by_role("link", name="Other numbers").click()
    page.get_by_role("button", name="Seen to").first.click()
    expect(page.locator(".messages")).to_contain_text("Seen to")
    page.goto(visitor.site.url + "/history/drift/?seen=1")
    expect(page.get_by_role("button", name="Put it back").first).to_be_visible()
    return page


@state
def sync_while_a_run_reads(visitor: Visitor) -> Page:
    visitor.site.vendor.fault("order_page", "delay", seconds=6)
    page = at(visitor, "/history/sync/", "manager")
    page.get_by_role("button", name="Sync now").click()
    expect(page.locator("progress")).to_be_visible()
    return page


@state
def sync_after_a_killed_run(visitor: Visitor) -> Page:
    visitor.site.shell(READ_HISTORY)
    visitor.site.shell(KILLED_RUN)
    page = at(visitor, "/history/sync/", "manager")
    expect(page.get_by_role("button", name="Read everything")).to_be_visible()
    return page


@state
def connection(visitor: Visitor) -> Page:
    drafts.order(visitor.page(), visitor.site.url)
    return at(visitor, "/connection/", "admin")


@state
def connection_asked_in_vain(visitor: Visitor) -> Page:
    visitor.site.vendor.fault(
        "product_list", "refuse", times=None, code="no_permission", detailMessage="Ask your Yeastar manager"
    )
    page = at(visitor, "/connection/", "admin")
    page.get_by_role("button", name="Ask Yeastar now").click()
    expect(page.locator(".messages")).to_contain_text("Yeastar")
    return page


@pytest.mark.parametrize("name", OPENERS)
def test_a_page_is_accessible_and_fits_and_is_quiet(visitor: Visitor, name: str) -> None:
    assert flaws(OPENERS[name](visitor)) == []


def test_an_order_that_waits_for_its_worker_is_accessible_and_fits_and_is_quiet(visitor: Visitor) -> None:
    with visitor.site.worker_asleep():
        page = drafts.order(visitor.page(), visitor.site.url, "Waiting to be sent")
        assert flaws(page) == []
    expect(page.locator("#order-title")).to_have_text("Bought")


@pytest.mark.parametrize("step", ["target", "plan", "billing", "review"])
def test_without_scripts_a_step_fits_a_telephone(visitor: Visitor, step: str) -> None:
    page = visitor.page(java_script_enabled=False, viewport={"width": 360, "height": 800})
    page.goto(drafts.draft(page.context, visitor.site.url, SOFTWARE, until=step))
    expect(page.locator("#step-title")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
