"""An admin keeps customers in order, in a real browser and by the keyboard: finds, notes, imports, syncs, decides."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.looks import flaws

LUMIERE = "3106913644890832897"

READ = """
from orders import gateway
from orders.accounts import syncing
syncing.sync_all(gateway.portal())
"""
TOLD = """
import json
from orders.models import Partner
print(json.dumps([row.raw for row in Partner.objects.order_by("pk")]))
"""
AS_BEFORE = """
from orders.models import AccountRun, Partner
Partner.objects.update(hidden=False, note="", tags="", owner=None, preferred_contact=None)
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
    admin.set_viewport_size({"width": 1280, "height": 900})
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
    told = _told(visitor)
    admin.goto(f"{admin.url}sync/")
    try:
        visitor.site.vendor.control("PUT", "partners", told[:4])
        press_until(admin, ".verdict-do button")
        admin.keyboard.press("Enter")
        expect(admin.get_by_role("heading", name="A list waits for you")).to_be_visible(timeout=20_000)
        assert flaws(admin) == []
        admin.set_viewport_size({"width": 1280, "height": 900})
        press_until(admin, ".verdict-do a")
        admin.keyboard.press("Enter")
        expect(admin.get_by_role("heading", level=1)).to_have_text("Is this list right?")
        expect(admin.locator(".scroll-list li")).to_have_count(len(told) - 4)
        assert flaws(admin) == []
        press_until(admin, "button[value=refuse]")
        admin.keyboard.press("Enter")
        expect(admin.get_by_text("All stays as it is.")).to_be_visible()
        expect(admin.get_by_role("heading", level=1)).to_have_text("Refused")
    finally:
        visitor.site.vendor.control("PUT", "partners", told)
        visitor.site.shell(READ)


def _told(visitor: Visitor) -> list[dict[str, Any]]:
    """The sandbox's customers, as we have read them."""
    said = visitor.site.shell(TOLD)
    found = re.search(r"^\[.*\]$", said, re.MULTILINE)
    assert found is not None, said
    return list(json.loads(found.group()))
