"""Three ways to fill in the wizard: with the mouse, with the keys alone, and without JavaScript."""

from __future__ import annotations

import itertools
import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.running import PASSWORD

MAIN = "[data-main]"
STEPS = ("target", "plan", "billing", "review")

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Hands:
    """What a person does on a page. The ways differ in how a thing is chosen and pressed."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address

    # --- the way ---------------------------------------------------------------------------------------------

    def press(self, button: str) -> None:
        self.page.locator(button).click()

    def write(self, name: str, text: str) -> None:
        self.page.fill(f"[name={name}]", text)

    def radio(self, name: str, value: str) -> None:
        self.page.locator(f"label:has([name={name}][value='{value}'])").locator("visible=true").click()

    def tick(self, name: str, value: str) -> None:
        self.radio(name, value)

    def pick(self, name: str, search: str, value: str) -> None:
        self.page.fill(f"#find-{name}", search)
        self.page.locator(f"#id_{name} option[value='{value}']").click()

    # --- the walk --------------------------------------------------------------------------------------------

    def open(self, path: str = "/") -> None:
        self.page.goto(self.address + path)

    def start(self, slug: str) -> None:
        self.open()
        self.press(f"form[action='/orders/start/{slug}/'] button")
        self.at("target")

    def at(self, step: str) -> None:
        expect(self.page).to_have_url(re.compile(f"/{step}/$"))

    def go_on(self, to: str) -> None:
        self.press(MAIN)
        self.at(to)

    def target(self, choices: dict[str, Any]) -> None:
        if "license_for" in choices:
            self.radio("license_for", choices["license_for"])
        if "partner_id" in choices:
            # Look somebody up first, then come back to our own account: the picker has to let go again.
            self.pick("partner_id", "Pivovar", self.option("partner_id", "Pivovar"))
            self.pick("partner_id", "", choices["partner_id"])
        if "product_no" in choices:
            if self.page.locator("#find-product_no").count():
                self.pick("product_no", choices["product_no"], choices["product_no"])
            else:
                self.write("product_no", choices["product_no"])

    def option(self, name: str, words: str) -> str:
        """The value of the entry with these words."""
        value = self.page.locator(f"#id_{name} option", has_text=words).first.get_attribute("value")
        assert value
        return value

    def plan(self, choices: dict[str, Any]) -> None:
        if "plan_id" in choices:
            self.radio("plan_id", choices["plan_id"])
        for service in choices.get("service_id", ()):
            many = self.page.locator("[name=service_id][type=checkbox]").count()
            (self.tick if many else self.radio)("service_id", service)
        if "quantity" in choices:
            self.write("quantity", str(choices["quantity"]))
        if "multi_cycle" in choices:
            self.radio("multi_cycle", str(choices["multi_cycle"]))

    def billing(self, choices: dict[str, Any]) -> None:
        contact = choices["billing_contact_id"]
        self.pick("billing_contact_id", contact, contact)
        if "po_number" in choices:
            self.write("po_number", choices["po_number"])

    def walk(self, slug: str, choices: dict[str, Any], until: str = "review") -> None:
        """From the catalogue to the page of the step `until`."""
        self.start(slug)
        for step, following in itertools.pairwise(STEPS):
            if step == until:
                return
            getattr(self, step)(choices)
            self.go_on(following)

    def explain(self) -> None:
        """Say why, where the page asks because the same was ordered before."""
        if self.page.locator("#place [name=reason]").count():
            self.write("reason", "It is wanted once more")

    def place(self) -> None:
        self.explain()
        self.press(f"#place {MAIN}")
        self.bought()

    def bought(self) -> None:
        expect(self.page.locator("#order-title")).to_have_text("Bought", timeout=15_000)

    @property
    def order_no(self) -> str:
        """The number on the order's receipt."""
        return receipt(self.page)["Order number"]


def sign_in(page: Page, name: str) -> None:
    page.fill("[name=login]", name)
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/accounts/login/" not in url)


def device(page: Page) -> tuple[Any, str]:
    """A device that keeps passkeys, and says yes to everything."""
    wire = page.context.new_cdp_session(page)
    wire.send("WebAuthn.enable")
    made = wire.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return wire, made["authenticatorId"]


def receipt(page: Page) -> dict[str, str]:
    rows: list[list[str]] = page.locator(".receipt dl > div").evaluate_all(
        "rows => rows.map(row => [row.querySelector('dt').innerText, row.querySelector('[data-copy]').dataset.copy])"
    )
    return {name.strip(): value for name, value in rows}


class Mouse(Hands):
    """Clicks, and types only where one has to."""


class Keys(Hands):
    """Tab, arrows, letters, Space and Enter; never the mouse."""

    def tab_to(self, wanted: str) -> Locator:
        """Press Tab until the focus is there: nothing may be out of reach."""
        for _ in range(80):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
                break
        else:
            raise AssertionError(f"Tab never reached {wanted}")
        return self.page.locator(":focus")

    def go_on(self, to: str) -> None:
        super().go_on(to)
        expect(self.page.locator("#step-title")).to_be_focused()

    def press(self, button: str) -> None:
        self.tab_to(button)
        self.page.keyboard.press("Enter")

    def write(self, name: str, text: str) -> None:
        self.tab_to(f"[name={name}]")
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def radio(self, name: str, value: str) -> None:
        self.tab_to(f"[name={name}]")
        self.page.keyboard.press("Space")
        for _ in range(12):
            if self.page.evaluate("document.activeElement.value") == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no arrow led to {name} {value}")

    def tick(self, name: str, value: str) -> None:
        self.tab_to(f"[name={name}][value='{value}']")
        self.page.keyboard.press("Space")

    def pick(self, name: str, search: str, value: str) -> None:
        if not search:  # the first entry is always there
            self.tab_to(f"#id_{name}")
            self.page.keyboard.press("Home")
            return
        self.tab_to(f"#find-{name}")
        self.page.keyboard.type(search)
        expect(self.page.locator(f"#options-{name} .count")).to_have_text("1 found")
        self.page.keyboard.press("ArrowDown")
        expect(self.page.locator(f"#id_{name}")).to_be_focused()
        expect(self.page.locator(f"#id_{name}")).to_have_value(value)


class Plain(Hands):
    """A browser that runs no scripts."""

    def pick(self, name: str, search: str, value: str) -> None:
        self.page.select_option(f"#id_{name}", value)

    def place(self) -> None:
        # The page loads itself again (meta refresh) until the order is at rest.
        self.explain()
        self.press(f"#place {MAIN}")
        self.bought()
