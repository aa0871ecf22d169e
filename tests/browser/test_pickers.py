"""What a picker shows of the chosen entry."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import drafts
from tests.browser.conftest import Visitor
from tests.browser.looks import contrast
from tests.tutorials import CONTACT


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_chosen_entry_can_be_read_while_the_list_has_the_focus(visitor: Visitor, scheme: str) -> None:
    page = visitor.page(color_scheme=scheme)
    page.goto(drafts.draft(page.context, visitor.site.url, "turnkey-capacity", until="target"))
    page.locator("#id_partner_id").focus()
    page.keyboard.press("ArrowDown")
    assert contrast(page.locator("#id_partner_id option:checked")) > 4.5


def test_enter_in_the_list_chooses_and_leads_to_the_next_field(visitor: Visitor, page: Page) -> None:
    page.goto(drafts.draft(page.context, visitor.site.url, "turnkey-capacity", until="billing"))
    step = page.url
    page.locator("#id_billing_contact_id").focus()
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#id_billing_contact_id").input_value()
    page.keyboard.press("Enter")
    expect(page.locator("[name=po_number]")).to_be_focused()
    assert page.url == step
    page.keyboard.type("PO 4711")
    page.keyboard.press("Enter")
    expect(page).to_have_url(step.replace("/billing/", "/review/"))
    assert chosen
    expect(page.locator(".panel", has_text="In plain words").first).to_contain_text("PO 4711")


def test_who_is_gone_has_no_tick_until_somebody_else_is_chosen(visitor: Visitor, page: Page) -> None:
    page.goto(drafts.draft(page.context, visitor.site.url, "turnkey-capacity", until="target"))
    visitor.expect_trouble("422")
    page.eval_on_selector("#id_partner_id", "list => list.add(new Option('Gone meanwhile', '17', true, true))")
    page.locator("[data-main]").click()
    card = page.locator("[data-chosen]")
    expect(card).to_contain_text("No longer in the list")
    expect(card.locator("use")).to_have_attribute("href", re.compile("#triangle-alert$"))
    page.select_option("#id_partner_id", index=1)
    expect(card.locator("use")).to_have_attribute("href", re.compile("#circle-check$"))


def test_the_card_of_the_last_used_contact_shows_its_id_once(visitor: Visitor, page: Page) -> None:
    drafts.order(page, visitor.site.url)
    page.goto(drafts.draft(page.context, visitor.site.url, "turnkey-capacity", until="billing"))
    option = page.locator("#id_billing_contact_id option", has_text="Last used:")
    page.select_option("#id_billing_contact_id", index=1)
    page.select_option("#id_billing_contact_id", option.get_attribute("value"))
    expect(page.locator("[data-chosen-id]")).to_have_text(CONTACT)
    expect(page.locator("[data-chosen-lines]")).not_to_contain_text(CONTACT)
