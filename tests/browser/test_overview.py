"""The overview's pictures and the statement's paper, as Chromium draws and prints them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.test_every_page import overview, statement_of_a_customer, statement_of_our_own_account

TONES = """() => [...document.querySelectorAll('.tones rect')].map(each => getComputedStyle(each).fill)"""
SURFACE = "() => getComputedStyle(document.querySelector('.figure')).backgroundColor"


def light(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


@pytest.fixture
def shown(visitor: Visitor) -> Page:
    return overview(visitor)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_colour_stands_out_from_the_page_and_each_has_a_pattern_of_its_own(shown: Page, scheme: str) -> None:
    shown.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    ground = light(shown.evaluate(SURFACE))
    tones = shown.evaluate(TONES)
    assert len(set(tones)) == 8
    for tone in tones:
        dark, bright = sorted([light(tone), ground])
        assert (bright + 0.05) / (dark + 0.05) >= 3, tone
    patterns = shown.evaluate("() => [...document.querySelectorAll('.tones pattern')].map(each => each.innerHTML)")
    hatches = {re.sub(r"<rect.*?</rect>", "", pattern) for pattern in patterns}
    assert len(hatches) == 8


def test_a_bar_leads_to_its_list_and_tab_goes_to_the_table_instead(shown: Page) -> None:
    assert shown.locator(".chart a:not([tabindex='-1'])").count() == 0
    number = shown.locator("#table-status tfoot td:last-child a").inner_text()
    shown.locator("#table-status tfoot td:last-child a").click()
    expect(shown.locator(".listed b")).to_have_text(number)
    shown.go_back()
    bar = shown.locator(".chart a").last
    told = (bar.locator("title").text_content() or "").rsplit(": ", 1)[1]
    bar.locator("rect").click()
    expect(shown.locator(".listed b")).to_have_text(told)


def test_on_paper_the_tables_are_open_and_forms_are_gone(visitor: Visitor) -> None:
    page = overview(visitor)
    page.reload()
    expect(page.locator(".twin table").first).not_to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator(".twin table").first).to_be_visible()
    expect(page.locator(".months")).not_to_be_visible()
    expect(page.locator(".freshness .paperless")).not_to_be_visible()
    exact = page.locator(".freshness time").evaluate("each => getComputedStyle(each, '::after').content")
    assert re.search(r"\d{4}, \d\d:\d\d", exact), "on paper nothing is a few minutes ago"


def test_a_statement_on_paper_has_its_heads_on_each_page_and_no_buttons(visitor: Visitor) -> None:
    page = statement_of_our_own_account(visitor)
    page.set_viewport_size({"width": 700, "height": 900})
    expect(page.locator(".lines thead")).not_to_be_visible()
    page.emulate_media(media="print")
    assert page.locator(".lines thead").evaluate("each => getComputedStyle(each).display") == "table-header-group"
    for gone in (".turn", ".choose", ".copy"):
        for each in page.locator(gone).all():
            expect(each).not_to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 700


def test_a_customers_paper_says_whose_it_is_on_each_page_and_names_nobody_of_ours(visitor: Visitor) -> None:
    page = statement_of_a_customer(visitor)
    page.evaluate("window.print = () => document.body.classList.add('printed')")
    page.get_by_role("button", name="Print").click()
    expect(page.locator("body.printed")).to_be_visible()
    whom, staff = page.locator(".lines thead .of-whom"), page.locator(".staff")
    expect(whom).not_to_be_visible()
    expect(staff.first).to_be_visible()
    page.emulate_media(media="print")
    expect(whom).to_have_text(re.compile(r"^Kiwi .+, \w+ \d{4}$"))
    expect(whom).to_be_visible()
    assert page.get_by_text("made elsewhere").count() > 0
    for each in [*staff.all(), *page.get_by_text("made elsewhere").all(), *page.get_by_text("Our account").all()]:
        expect(each).not_to_be_visible()
    assert page.title().startswith("Statement, ")
    assert "Kiwi" in page.title(), "so it is found again among the files"


BROKEN = """() => {
  const found = [], range = new Range()
  for (const cell of document.querySelectorAll('.numbers thead th, .runs tbody td[data-label=By]')) {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) for (const word of texts.currentNode.data.matchAll(/[^\\s-]+/g)) {
      range.setStart(texts.currentNode, word.index)
      range.setEnd(texts.currentNode, word.index + word[0].length)
      if (range.getClientRects().length > 1) found.push(word[0])
    }
  }
  return found
}"""
"""Words that stand on more than one line."""


@pytest.mark.parametrize("width", [1280, 360])
def test_no_word_in_the_head_of_a_table_is_broken(visitor: Visitor, width: int) -> None:
    page = overview(visitor)
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate(BROKEN) == []
    page = statement_of_a_customer(visitor)
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate(BROKEN) == []
    page.goto(visitor.site.url + "/history/sync/")
    assert page.evaluate(BROKEN) == []


def test_on_a_phone_the_menus_above_the_list_stay_on_the_page(visitor: Visitor) -> None:
    page = statement_of_a_customer(visitor)
    page.set_viewport_size({"width": 360, "height": 900})
    page.goto(page.url.replace("/statement/", "/history/"))
    expect(page.locator(".listed")).to_contain_text("statement")
    for menu in ("export", "keep"):
        page.locator(f"#{menu} > summary").click()
        box = page.locator(f"#{menu} .sheet").bounding_box()
        assert box
        assert box["x"] >= 0, menu
        assert box["x"] + box["width"] <= 360, menu


def test_without_scripts_a_customer_is_searched_and_a_month_chosen(visitor: Visitor) -> None:
    page = visitor.page("manager", java_script_enabled=False)
    page.goto(visitor.site.url + "/statement/")
    page.fill("#id_customer", "mirador")
    page.fill("#id_month", "2026-03")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("h1")).to_contain_text("Mirador")
    expect(page.locator(".lede")).to_have_text("Statement of March 2026")
    page.goto(visitor.site.url + "/overview/")
    page.fill("#id_from", "2026-01")
    page.fill("#id_to", "2026-02")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_title(re.compile("January 2026 to February 2026"))
