"""What a picker shows of the chosen entry."""

from __future__ import annotations

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


def test_the_card_of_the_last_used_contact_shows_its_id_once(visitor: Visitor, page: Page) -> None:
    drafts.order(page, visitor.site.url)
    page.goto(drafts.draft(page.context, visitor.site.url, "turnkey-capacity", until="billing"))
    option = page.locator("#id_billing_contact_id option", has_text="Last used:")
    page.select_option("#id_billing_contact_id", index=1)
    page.select_option("#id_billing_contact_id", option.get_attribute("value"))
    expect(page.locator("[data-chosen-id]")).to_have_text(CONTACT)
    expect(page.locator("[data-chosen-lines]")).not_to_contain_text(CONTACT)
