"""The picker with five thousand customers. One worker has them all, and puts them away again."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser import drafts
from tests.browser.conftest import Visitor
from tests.browser.hands import Keys
from tests.browser.running import RunningPortal

pytestmark = pytest.mark.xdist_group("many-partners")

MANY = 5_000

BELIEVE = """
from django.contrib.auth.models import User
from orders import gateway
from orders.accounts import deciding, syncing
for run in syncing.sync_all(gateway.portal(), why="after the test"):
    if held := deciding.held(run):
        deciding.confirm(run, User.objects.get(username="admin"), seen=held.plan.mark)
"""
"""A list that is so much shorter waits until an admin has looked at it."""


@pytest.fixture(scope="module")
def many(site: RunningPortal) -> Iterator[int]:
    """How many there are in all."""
    site.vendor.control("POST", "partners/generate", {"count": MANY})
    told = re.search(r"Customers: ([\d,]+) listed", site.manage("mirror_accounts"))
    assert told
    yield int(told[1].replace(",", ""))
    site.vendor.control("POST", "reset")
    site.shell(BELIEVE)


@pytest.fixture
def picker(many: int, visitor: Visitor, page: Page) -> Page:
    page.goto(drafts.draft(page.context, visitor.site.url, "turnkey-capacity", until="target"))
    expect(page.locator(".count")).to_have_text(f"Showing 50 of {many:,} — type to narrow")
    return page


def chosen(page: Page) -> str:
    return page.locator("[data-chosen-id]").inner_text()


def test_typing_narrows_and_the_arrows_choose(visitor: Visitor, picker: Page) -> None:
    keys = Keys(picker, visitor.site.url)
    keys.tab_to("#find-partner_id")
    picker.keyboard.type("bakery")
    expect(picker.locator(".count")).to_have_text("Showing 50 of 385 — type to narrow")
    picker.keyboard.press("ArrowDown")
    expect(picker.locator("#id_partner_id")).to_be_focused()
    first = picker.locator("#id_partner_id").input_value()
    expect(picker.locator("[data-chosen-id]")).to_have_text(first)
    picker.keyboard.press("ArrowDown")
    picker.keyboard.press("ArrowDown")
    second = picker.locator("#id_partner_id").input_value()
    assert second != first
    expect(picker.locator("[data-chosen-id]")).to_have_text(second)
    expect(picker.locator("[data-chosen-title]")).to_contain_text("Bakery")
    keys.go_on("plan")
    expect(picker.locator(".summary")).to_contain_text(second)


def test_enter_takes_the_first_match_and_does_not_send_the_form(visitor: Visitor, picker: Page) -> None:
    step = picker.url
    Keys(picker, visitor.site.url).tab_to("#find-partner_id")
    picker.keyboard.type("user4321@generated.example")
    picker.keyboard.press("Enter")
    expect(picker.locator("[data-chosen-lines]")).to_contain_text("user4321@generated.example")
    assert picker.url == step


def test_the_chosen_one_stays_chosen_while_one_looks_for_others(visitor: Visitor, picker: Page) -> None:
    keys = Keys(picker, visitor.site.url)
    keys.tab_to("#find-partner_id")
    picker.keyboard.type("user4321@generated.example")
    expect(picker.locator(".count")).to_have_text("1 found")
    picker.keyboard.press("ArrowDown")
    kept = chosen(picker)
    for search, told in (("pharma", "Showing 50 of 384 — type to narrow"), ("nobody at all", "0 found")):
        picker.fill("#find-partner_id", search)
        expect(picker.locator(".count")).to_have_text(told)
        expect(picker.locator("#id_partner_id")).to_have_value(kept)
    assert chosen(picker) == kept
    keys.go_on("plan")
    expect(picker.locator(".summary")).to_contain_text(kept)


def test_without_scripts_find_narrows_and_loses_nothing(many: int, visitor: Visitor) -> None:
    page = visitor.page(java_script_enabled=False)
    page.goto(drafts.draft(page.context, visitor.site.url, "software-edition-license", until="target"))
    page.check("[name=license_for][value=new]")
    page.fill("#find-partner_id", "user4321@")
    find = page.locator("[data-picker=partner_id] .find")
    find.click()
    options = page.locator("#id_partner_id option")
    expect(options.filter(has_text="user4321@generated.example")).to_have_count(1)
    expect(page.locator("[name=license_for][value=new]")).to_be_checked()
    kept = options.filter(has_text="user4321@generated.example").get_attribute("value") or ""
    page.select_option("#id_partner_id", kept)
    page.fill("#find-partner_id", "pharma")
    page.press("#find-partner_id", "Enter")  # the same as Find
    expect(page.locator("#find-partner_id")).to_have_value("pharma")
    expect(options.filter(has_text="Pharma").first).to_be_attached()
    expect(page.locator("#id_partner_id")).to_have_value(kept)
    page.locator("[data-main]").click()
    expect(page.locator(".summary")).to_contain_text(kept)
