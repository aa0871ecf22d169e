"""An admin finds out who did what, in a real browser: by keyboard, narrow, dark, and takes it away as a file."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.looks import flaws

HAPPENED = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from orders.auditing import note
from orders.behalf import Behalf, on_behalf_of
from orders.models import AuditEntry, Partner
people = {each.username: each for each in User.objects.all()}
told = [
    ("manager", "order.settled", "YP-7F3K-9QX2 linkus-cloud-service", "Settled by hand: never placed. Their support "
     "looked it up: it is not there.", {"status": {"before": "UNCERTAIN", "after": "FAILED"}}),
    ("admin", "account.hidden", Partner.objects.first(), "", {"Hidden": ["no", "yes"], "Note": ["", "Moved away"]}),
    ("admin", "role.changed", people["staff"], "", {"role": {"before": "staff", "after": "manager"}}),
    ("manager", "export.made", "history-2026-11-21-1405.csv", "Status: succeed; Customer: Group", {"format": "csv"}),
    ("admin", "partner.edited", "<script>alert(1)</script>", "\u202egnp.exe, and a word without end " + "x" * 300, {}),
]
for who, action, target, words, data in told * 12:
    who = people[who]
    where = Behalf(person=lambda: who, address=lambda: "203.0.113.7", agent="Mozilla/5.0 (X11; Linux x86_64) Firefox")
    with on_behalf_of(where):
        note(action, target=target, words=words, data=data)
"""


def log(visitor: Visitor, **options: object) -> Page:
    visitor.site.shell(HAPPENED)
    page = visitor.page("admin", **options)
    page.goto(f"{visitor.site.url}/audit/")
    expect(page.locator(".log tbody tr").first).to_be_visible()
    return page


def test_an_admin_finds_by_keyboard_what_somebody_changed_and_takes_it_away(visitor: Visitor) -> None:
    page = log(visitor)
    page.get_by_role("searchbox").focus()
    page.keyboard.type("support looked it up")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=support"))
    expect(page.locator(".log tbody tr").first).to_contain_text("Order settled")
    if not page.get_by_label("What", exact=True).is_visible():
        page.locator("#filters summary").press("Enter")
    page.get_by_label("What", exact=True).select_option("orders")
    expect(page).to_have_url(re.compile(r"what=orders"))
    expect(page.get_by_role("list", name="Filters in use")).to_contain_text("Orders")
    shown = page.locator(".log tbody tr").count()
    page.locator("#export summary").press("Enter")
    with page.expect_download() as started:
        page.get_by_role("button", name="CSV").press("Enter")
    text = Path(started.value.path()).read_text(encoding="utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert head[1:4] == ["Who", "What", "Action"]
    assert len(rows) == shown
    assert {row[3] for row in rows} == {"order.settled"}
    page.locator(".log tbody th a").first.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Order settled")
    change = page.locator("tr", has=page.get_by_role("rowheader", name="status"))
    expect(change).to_contain_text("UNCERTAIN")
    expect(change).to_contain_text("FAILED")
    page.get_by_role("link", name="All entries of this person").press("Enter")
    expect(page).to_have_url(re.compile(r"who=manager"))
    page.goto(f"{visitor.site.url}/audit/?what=export.audit")
    expect(page.locator(".log tbody tr").first).to_contain_text("Audit log exported")


def test_the_log_goes_on_page_by_page_and_back(visitor: Visitor) -> None:
    page = log(visitor)
    newest = page.locator(".log tbody th a").first.get_attribute("href")
    page.get_by_role("link", name="Next").press("Enter")
    expect(page.get_by_role("link", name="First page")).to_be_visible()
    assert page.locator(".log tbody th a").first.get_attribute("href") != newest
    page.get_by_role("link", name="Previous").press("Enter")
    expect(page.locator(".log tbody th a").first).to_have_attribute("href", newest or "")


def test_list_and_entries_are_accessible_narrow_and_dark(visitor: Visitor) -> None:
    page = log(visitor)
    assert flaws(page) == []
    for words in ("partner.edited", "account.hidden", "order.settled"):
        page.goto(f"{visitor.site.url}/audit/?what={words}")
        assert flaws(page) == []
        page.locator(".log tbody th a").first.click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert flaws(page) == []
    page.goto(f"{visitor.site.url}/audit/?q=nothing-is-called-so")
    assert flaws(page) == []


def test_without_scripts_it_is_filtered_too(visitor: Visitor) -> None:
    page = log(visitor, java_script_enabled=False)
    page.locator("#filters summary").click()
    page.get_by_label("What", exact=True).select_option("role.changed")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".log tbody tr").first).to_contain_text("Roles changed")
    assert "<script>alert" not in page.content()
