"""Takes the pictures of the documentation: browsers of signed-in people at a portal, and files that stay small."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page

from tests.browser import drafts
from tests.browser.hands import sign_in
from tests.browser.palette import smaller
from tests.browser.running import ROOT, RunningPortal

PICTURES = ROOT / "docs" / "screenshots"
LARGEST = 200_000

TURNKEY = "turnkey-capacity"


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


class Photographer:
    """Signed-in browsers at one portal."""

    def __init__(self, browser: Browser, site: RunningPortal) -> None:
        self.browser, self.site = browser, site
        self.states = {name: self._sign_in(name) for name in ("staff", "manager", "admin")}
        self.staff = self.context("staff")
        self.darkroom = browser.new_page()

    def _sign_in(self, name: str) -> Any:
        page = self.browser.new_page()
        page.goto(self.site.url)
        sign_in(page, name)
        state = page.context.storage_state()
        page.close()
        return state

    def context(self, name: str | None = "staff", width: int = 1280, scheme: str = "light") -> BrowserContext:
        return self.browser.new_context(
            storage_state=self.states[name] if name else None,
            viewport={"width": width, "height": 800 if width > 500 else 720},
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
        )

    def take(self, name: str, shown: Page | Locator, *, whole: bool = True) -> None:
        """The page as it stands, down to its end or as far as the window shows it; or a part of it."""
        page = shown if isinstance(shown, Page) else shown.page
        page.evaluate("document.fonts.ready")
        page.mouse.move(0, 0)
        path = PICTURES / f"{name}.png"
        taken = shown.screenshot(full_page=whole) if isinstance(shown, Page) else shown.screenshot()
        path.write_bytes(smaller(taken, self.darkroom))
        size = path.stat().st_size
        say(f"{path.relative_to(ROOT)}  {size // 1000} kB" + ("  TOO LARGE" if size > LARGEST else ""))

    def at(self, url: str, who: str | None = "staff", width: int = 1280, scheme: str = "light") -> Page:
        page = self.context(who, width, scheme).new_page()
        page.goto(url if url.startswith("http") else self.site.url + url)
        return page

    def draft(self, slug: str, until: str, **choices: Any) -> str:
        return drafts.draft(self.staff, self.site.url, slug, until=until, **choices)

    def customer(self, page: Page, words: str) -> str:
        """The id of a customer, read off the picker."""
        page.goto(drafts.draft(page.context, self.site.url, TURNKEY, until="target"))
        found = page.locator("#id_partner_id option", has_text=words).first.get_attribute("value")
        page.get_by_role("button", name="Discard this draft").click()
        return found or ""
