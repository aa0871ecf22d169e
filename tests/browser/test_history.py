"""Back and Forward between steps that htmx swapped."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.hands import Mouse
from tests.tutorials import CHOICES

SLUG = "software-edition-license"


def shows(page: Page, step: str, title: str, field: str) -> None:
    expect(page).to_have_url(re.compile(f"/{step}/$"))
    expect(page.locator("#step-title")).to_have_text(title)
    expect(page.locator("li[aria-current=step] .name")).to_have_text(title)
    expect(page.locator(f"[name={field}]").first).to_be_attached()
    expect(page).to_have_title(re.compile(f"^{re.escape(title)}"))


def test_back_and_forward_show_the_right_step_with_its_answers(visitor: Visitor, page: Page) -> None:
    person = Mouse(page, visitor.site.url)
    person.walk(SLUG, CHOICES[SLUG], until="billing")
    shows(page, "billing", "Billing contact", "billing_contact_id")
    page.go_back()
    shows(page, "plan", "Plan and service", "plan_id")
    expect(page.locator("[name=quantity]")).to_have_value("100")
    page.go_back()
    shows(page, "target", "For whom, or which PBX", "license_for")
    expect(page.locator("#id_product_no")).to_have_value("3651E1292455")
    page.go_forward()
    shows(page, "plan", "Plan and service", "plan_id")
    page.go_forward()
    shows(page, "billing", "Billing contact", "billing_contact_id")
    person.billing(CHOICES[SLUG])
    person.go_on("review")
    person.place()


def test_a_refused_form_is_no_new_page_in_the_history(visitor: Visitor, page: Page) -> None:
    visitor.expect_trouble("422")
    person = Mouse(page, visitor.site.url)
    person.start("linkus-cloud-service")
    before = page.evaluate("history.length")
    person.write("product_no", "?!")
    person.press("[data-main]")
    expect(page.locator("#errors")).to_be_focused()
    assert page.evaluate("history.length") == before
    person.write("product_no", "369471667338")
    person.go_on("plan")
    page.go_back()
    shows(page, "target", "Which PBX", "product_no")
