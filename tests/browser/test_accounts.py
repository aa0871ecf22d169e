"""An admin keeps customers and billing contacts in order, in a real browser and by the keyboard.

Each walk goes on as `flaws` leaves the page: narrow and dark.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.hands import Keys
from tests.browser.looks import flaws
from tests.browser.running import RunningPortal

LUMIERE = "3106913644890832897"

READ = """
from orders import gateway
from orders.accounts import syncing
syncing.sync_all(gateway.portal())
"""
TOLD = """
import json
from orders.models import Partner
print(json.dumps([row.raw for row in Partner.objects.filter(gone_at=None).order_by("pk")]))
"""
AS_BEFORE = """
from orders.models import Contact, Partner
Partner.objects.update(hidden=False, note="", tags="", owner=None, preferred_contact=None)
Contact.objects.update(hidden=False, note="", tags="", owner=None)
"""


@pytest.fixture
def admin(visitor: Visitor) -> Iterator[Page]:
    """The list of customers, before an admin."""
    visitor.site.shell(READ)
    visitor.expect_trouble("htmx:(sendAbort|afterRequest)")  # Enter changes and submits: the first question is given up
    page = visitor.page("admin")
    page.goto(f"{visitor.site.url}/partners/")
    yield page
    visitor.site.shell(AS_BEFORE)


def press_until(page: Page, what: str, key: str = "Tab", most: int = 90) -> None:
    """Go on with a key until something that matches has the focus."""
    for _ in range(most):
        page.keyboard.press(key)
        if page.evaluate("what => document.activeElement.matches(what)", what):
            return
    raise AssertionError(f"the keyboard never came to {what}")


def test_a_customer_is_found_and_noted_by_keyboard(admin: Page) -> None:
    expect(admin.get_by_role("link", name="Admin")).to_have_attribute("aria-current", "page")
    assert flaws(admin) == []
    press_until(admin, "#q")
    admin.keyboard.type("lumiere")
    admin.keyboard.press("Enter")
    expect(admin.locator(".accounts tbody tr")).to_have_count(1)
    press_until(admin, ".accounts tbody th a")
    admin.keyboard.press("Enter")
    expect(admin.get_by_role("heading", level=1)).to_contain_text("Lumi")
    press_until(admin, "#id_note")
    admin.keyboard.type("Pays late, but pays")
    press_until(admin, "#id_tags")
    admin.keyboard.type("vip, west")
    press_until(admin, "#id_preferred_contact")
    admin.keyboard.press("ArrowDown")
    press_until(admin, ".account-form .primary")
    admin.keyboard.press("Enter")
    expect(admin.get_by_text("Saved.")).to_be_visible()
    expect(admin.locator("#id_note")).to_have_value("Pays late, but pays")
    expect(admin.locator(".timeline")).to_contain_text("Edited here")
    assert flaws(admin) == []
    admin.goto(admin.url.split("/partners/")[0] + "/partners/?tag=vip")
    expect(admin.locator(".accounts tbody tr")).to_have_count(1)


def test_several_are_hidden_at_once_by_keyboard(admin: Page) -> None:
    for _ in range(2):
        press_until(admin, ".tick input")
        admin.keyboard.press("Space")
    press_until(admin, "button[value=hide]", most=200)
    admin.keyboard.press("Enter")
    expect(admin.get_by_text("2 customers hidden")).to_be_visible()
    assert flaws(admin) == []


def test_a_file_is_looked_at_and_then_written(admin: Page) -> None:
    admin.goto(f"{admin.url}import/")
    assert flaws(admin) == []
    content = f"Id,Note,Tags\n{LUMIERE},From a file,vip\n123,nobody,\n".encode()
    admin.set_input_files("#id_file", {"name": "notes.csv", "mimeType": "text/csv", "buffer": content})
    press_until(admin, ".account-form .primary")
    admin.keyboard.press("Enter")
    expect(admin.get_by_text("Nothing is written yet.")).to_be_visible()
    expect(admin.get_by_text("No customer has this id.")).to_be_visible()
    assert flaws(admin) == []
    press_until(admin, "button[value=confirm]")
    admin.keyboard.press("Enter")
    expect(admin.get_by_text("1 customer changed.")).to_be_visible()
    assert flaws(admin) == []


def test_a_run_is_followed_and_a_list_that_waits_is_decided_on(admin: Page, visitor: Visitor) -> None:
    listed = told(visitor.site)
    admin.goto(f"{admin.url}sync/")
    try:
        visitor.site.vendor.control("PUT", "partners", listed[:4])
        press_until(admin, ".verdict-do button")
        admin.keyboard.press("Enter")
        expect(admin.get_by_role("heading", name="A list waits for you")).to_be_visible(timeout=20_000)
        assert flaws(admin) == []
        press_until(admin, ".verdict-do a")
        admin.keyboard.press("Enter")
        expect(admin.get_by_role("heading", level=1)).to_have_text("Is this list right?")
        expect(admin.locator(".scroll-list li")).to_have_count(len(listed) - 4)
        assert flaws(admin) == []
        press_until(admin, "button[value=refuse]")
        admin.keyboard.press("Enter")
        expect(admin.get_by_text("All stays as it is.")).to_be_visible()
        expect(admin.get_by_role("heading", level=1)).to_have_text("Refused")
    finally:
        visitor.site.vendor.control("PUT", "partners", listed)
        visitor.site.shell(READ)


def test_a_billing_contact_is_found_noted_and_hidden_by_keyboard(admin: Page, visitor: Visitor) -> None:
    admin.goto(f"{visitor.site.url}/contacts/")
    assert flaws(admin) == []
    press_until(admin, "#q")
    admin.keyboard.type("d'angelo")
    admin.keyboard.press("Enter")
    expect(admin.locator(".accounts tbody tr")).to_have_count(1)
    press_until(admin, ".accounts tbody th a")
    admin.keyboard.press("Enter")
    expect(admin.get_by_role("heading", level=1)).to_contain_text("Conti & Motori")
    press_until(admin, "#id_note")
    admin.keyboard.type("Invoices by e-mail only")
    press_until(admin, "#id_hidden")
    admin.keyboard.press("Space")
    press_until(admin, ".account-form .primary")
    admin.keyboard.press("Enter")
    expect(admin.get_by_text("Hidden by us: not offered in new orders.")).to_be_visible()
    expect(admin.locator("#id_note")).to_have_value("Invoices by e-mail only")
    assert flaws(admin) == []


def test_a_customer_is_created_and_changed_at_yeastar_whose_refusal_stands_at_its_field(
    admin: Page, visitor: Visitor
) -> None:
    visitor.expect_trouble("422")
    keys, email = Keys(admin, visitor.site.url), f"eva{uuid.uuid4().hex[:8]}@bakery.example"
    assert admin.locator(".accounts").is_visible()
    admin.set_viewport_size({"width": 360, "height": 740})
    admin.emulate_media(color_scheme="dark")
    keys.press("a[href='/partners/new/']")
    expect(admin.get_by_role("heading", name="New customer")).to_be_visible()
    keys.write("email", "it@atelier-lumiere.example")
    keys.write("company", "Eva's Bakery")
    keys.write("first_name", "Eva")
    keys.tab_to("[name=country]")
    admin.keyboard.type("Portu")
    keys.press(".partner-form .primary")
    expect(admin.locator("#errors")).to_be_focused()
    keys.press("#errors a")
    expect(admin.locator("[name=email]")).to_be_focused()
    wrong = admin.locator(".field.wrong")
    expect(wrong).to_have_count(1)
    expect(wrong).to_contain_text("Yeastar knows somebody with this address already.")
    expect(admin.locator("[name=company]")).to_have_value("Eva's Bakery")
    assert flaws(admin) == []

    admin.keyboard.press("Control+A")
    admin.keyboard.type(email)
    admin.keyboard.press("Enter")
    expect(admin.get_by_text(f"Yeastar has created {email}.")).to_be_visible()
    expect(admin.locator(".facts")).to_contain_text("Portugal")
    try:
        keys.press("a[href$='/at-yeastar/']")
        expect(admin.get_by_role("heading", name="Change Eva's Bakery")).to_be_visible()
        assert flaws(admin) == []
        keys.write("phone_number", "+351 21 555 0100")
        keys.press(".partner-form .primary")
        expect(admin.get_by_text("What is shown here is what Yeastar has now.")).to_be_visible()
        expect(admin.locator(".facts")).to_contain_text("+351 21 555 0100")
    finally:
        [eva] = [row["partnerId"] for row in told(visitor.site) if row["email"] == email]
        visitor.site.vendor.control("DELETE", f"partners/{eva}")
        visitor.site.shell(READ)


def told(site: RunningPortal) -> list[dict[str, Any]]:
    """The sandbox's customers, as we have read them."""
    said = site.shell(TOLD)
    found = re.search(r"^\[.*\]$", said, re.MULTILINE)
    assert found is not None, said
    return list(json.loads(found.group()))
