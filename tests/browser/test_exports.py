"""A manager takes away what is filtered, in a real browser: at once, or from the page of exports."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from orders.exporting.cells import read_back
from tests.browser.conftest import Visitor
from tests.browser.looks import flaws
from tests.browser.test_every_page import READ_HISTORY

STATES = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from orders.models import Export
now = timezone.now()
Export.objects.all().delete()
who = User.objects.get(username="manager")
told = {"owner": who, "query": "status=succeed", "told": "Status: succeed; Customer: Group", "format": "csv"}
for number, (state, columns) in enumerate({
    "running": {"total": 1000000, "rows": 412000, "size": 78000000, "alive_until": now + timedelta(hours=1)},
    "waiting": {"format": "xlsx"},
    "ready": {"rows": 1000000, "total": 1000000, "size": 190000000},
    "failed": {"rows": 20000, "total": 300000, "size": 4000000, "words": "The disk is full. What had been written is "
               "removed. Ask for fewer rows, or have somebody make room.", "format": "jsonl"},
    "cancelled": {"format": "xlsx"},
    "sent": {"rows": 812, "total": 812, "size": 150000, "straight": True, "told": ""},
}.items()):
    at = now - timedelta(minutes=7 * number)
    columns = told | columns
    name = f"history-{at:%Y-%m-%d-%H%M}.{columns['format']}"
    Export.objects.create(state=state, asked_at=at, name=name, **columns)
"""


def history(visitor: Visitor, **options: object) -> Page:
    """Of orders that only this test knows."""
    for number in range(3):
        told = {"productId": 9, "productNo": f"EXPORT{number:06}", "customReferenceNo": f"=1+{number}"}
        visitor.site.vendor.control("POST", "orders", told)
    visitor.site.shell(READ_HISTORY)
    page = visitor.page("manager", **options)
    page.goto(f"{visitor.site.url}/history/?q=EXPORT0000&sort=order")
    expect(page.locator(".records tbody tr").first).to_be_visible()
    return page


def numbers(page: Page) -> list[str | None]:
    return [each.get_attribute("data-copy") for each in page.locator(".records [data-copy]").all()]


def test_a_click_downloads_what_is_listed(visitor: Visitor) -> None:
    page = history(visitor)
    page.get_by_text("Export", exact=True).press("Enter")
    with page.expect_download() as started:
        page.get_by_role("button", name="CSV").press("Enter")
    assert re.fullmatch(r"history-\d{4}-\d\d-\d\d-\d{6}\.csv", started.value.suggested_filename)
    text = Path(started.value.path()).read_text(encoding="utf-8-sig")
    _, *rows = csv.reader(io.StringIO(text, newline=""))
    assert [read_back(row[1]) for row in rows] == numbers(page)
    assert {row[10][:3] for row in rows} == {"'=1"}
    expect(page).to_have_url(re.compile(r"/history/\?q=EXPORT"))


def test_a_large_one_is_made_while_one_looks_on_and_then_downloaded(visitor: Visitor) -> None:
    page = history(visitor)
    listed = numbers(page)
    page.get_by_text("Export", exact=True).click()
    page.get_by_role("button", name="Excel").click()
    expect(page).to_have_url(re.compile(r"/history/exports/$"))
    row = page.locator(".exports tbody tr").first
    expect(row.locator(".badge")).to_have_text("Ready", timeout=20_000)
    with page.expect_download() as started:
        row.get_by_role("link", name="Download").click()
    sheet = load_workbook(io.BytesIO(Path(started.value.path()).read_bytes())).active
    assert [sheet.cell(number, 2).value for number in range(2, len(listed) + 2)] == listed
    row.get_by_role("button", name="Delete").click()
    expect(page.locator(".exports tbody tr").first).to_contain_text("File removed")


def test_without_javascript_the_page_reloads_until_it_is_there(visitor: Visitor) -> None:
    page = history(visitor, java_script_enabled=False)
    page.get_by_text("Export", exact=True).click()
    page.get_by_role("button", name="Excel").click()
    expect(page.locator(".exports tbody tr").first.locator(".badge")).to_have_text("Ready", timeout=30_000)


def test_every_state_of_an_export_looks_right(visitor: Visitor) -> None:
    page = history(visitor)
    page.get_by_text("Export", exact=True).click()
    assert flaws(page) == []
    visitor.site.shell(STATES)
    for name in ("manager", "admin"):
        page = visitor.page(name)
        page.goto(f"{visitor.site.url}/history/exports/")
        expect(page.locator(".exports progress")).to_be_visible()
        assert flaws(page) == []
    visitor.site.shell("from orders.models import Export; Export.objects.all().delete()")
    page.reload()
    expect(page.get_by_text("Nothing was exported yet")).to_be_visible()
    assert flaws(page) == []
