"""Drafts made quickly, by the same requests that a browser sends; a test then opens the page it is about."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.hands import STEPS
from tests.tutorials import CHOICES

LINKUS = "linkus-cloud-service"


def draft(context: BrowserContext, address: str, slug: str, until: str = "review", **changes: Any) -> str:
    """The URL of the step `until` of a new draft with a tutorial's choices."""
    token = next(cookie["value"] for cookie in context.cookies() if cookie["name"] == "csrftoken")
    headers = {"X-CSRFToken": token}
    url = context.request.post(f"{address}/orders/start/{slug}/", headers=headers).url
    # Every step gets all answers; it reads those it asks for.
    answers = {name: value for name, value in (CHOICES[slug] | changes).items() if value != ()}
    form = {name: str(value[0] if isinstance(value, tuple) else value) for name, value in answers.items()}
    for step in STEPS:
        if step == until:
            break
        for _ in range(10):  # while the portal is still asking Yeastar, the same page comes back
            answer = context.request.post(url, headers=headers, form=form)
            if answer.url != url:
                break
        assert answer.ok, answer.text()
        assert answer.url != url, answer.text()
        url = answer.url
    return url


def review(page: Page, address: str, slug: str = LINKUS, **changes: Any) -> Page:
    """The page at the review of a new draft."""
    page.goto(draft(page.context, address, slug, **changes))
    expect(page.locator("#place")).to_be_visible()
    return page


def give_reason(page: Page) -> None:
    """Say why, where the page asks because the same was ordered before."""
    if (reason := page.locator("#place [name=reason]")).count():
        reason.fill("It is wanted once more")


def place(page: Page, title: str) -> Page:
    """Press the button; the order's page says `title`."""
    give_reason(page)
    page.locator("#place [data-main]").click()
    expect(page.locator("#order-title")).to_have_text(title, timeout=15_000)
    return page


def order(page: Page, address: str, title: str = "Bought", slug: str = LINKUS, **changes: Any) -> Page:
    """The page of a new order, once it says `title`."""
    return place(review(page, address, slug, **changes), title)
