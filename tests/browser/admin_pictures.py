"""What admins see: people, customers and billing contacts, the connection, the audit log of all that was done here."""

from __future__ import annotations

import csv
import io
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser import drafts
from tests.browser.photographer import Photographer
from tests.browser.test_accounts import told
from tests.browser.test_people import SOME as SOME_PEOPLE

KEPT = {
    "Aegean Ferries S.A.": {
        "Note": "Orders by telephone",
        "Tags": "ferries, key account",
        "Owner": "staff",
    },
    "Hotel Mirador S.A. de C.V.": {"Note": "Ask for the PO number first", "Tags": "hotels", "Owner": "manager"},
    "Pivovar Hradec a.s.": {"Tags": "key account", "Owner": "manager"},
    "Kiwi Orchards Co-operative": {"Note": "Twelve hours ahead of us", "Owner": "staff"},
    "Al Noor Clinics LLC": {"Tags": "clinics", "Owner": "sofia.lind"},
    "BrightSmile Dental Group": {"Tags": "clinics, key account", "Owner": "sofia.lind"},
    "Nordfjord Seafood AS": {"Owner": "nobody.here"},
    "Rio Express Transportes Ltda.": {"Preferred contact": "4711"},
}
"""What somebody has written into our own export: two rows are wrong."""


def take_all(photographer: Photographer) -> None:
    """In an order in which each finds what it shows."""
    people(photographer)
    accounts(photographer)
    a_list_that_waits(photographer)
    connection(photographer)
    audit(photographer)


def people(photographer: Photographer) -> None:
    """Whom an admin lets in, and for whom they may order."""
    take, at = photographer.take, photographer.at
    photographer.site.shell(SOME_PEOPLE)
    invited = at("/people/invite/", "admin")
    invited.fill("[name=email]", "zoe.hallstrom@reseller.example")
    invited.fill("[name=name]", "Zoë Hallström")
    invited.get_by_role("button", name="Make the link").click()
    take("welcome", at(invited.locator("#link").inner_text(), None))
    take("people", at("/people/", "admin"))
    take("people-phone", at("/people/?q=lind", "admin", 360))
    someone = at("/people/?q=sofia.lind", "admin", scheme="dark")
    someone.get_by_role("link", name="sofia.lind").click()
    expect(someone.get_by_role("heading", name="Sofia Lind")).to_be_visible()
    take("person-dark", someone)
    limits = at(f"{someone.url}limits/", "admin")
    limits.locator("[name=q]:visible").fill("co")
    limits.get_by_role("button", name="Search", exact=True).click()
    take("limits", limits)


def accounts(photographer: Photographer) -> None:
    """Customers: a file with our notes, the list, one of them, and a new one whom Yeastar refuses."""
    take, at, vendor = photographer.take, photographer.at, photographer.site.vendor
    listed = told(photographer.site)
    vendor.control("PUT", "partners", [each | moved(each) for each in listed if "Mumbai" not in each["company"]])
    sync(at("/partners/sync/", "admin"))

    page = at("/partners/import/", "admin")
    page.set_input_files("#id_file", {"name": "customers.csv", "mimeType": "text/csv", "buffer": our_export(page)})
    page.get_by_role("button", name="Show what it would change").click()
    expect(page.get_by_text("Nothing is written yet.")).to_be_visible()
    take("import", page)
    page.locator("button[value=confirm]").click()

    page.goto(f"{photographer.site.url}/partners/")
    page.get_by_label("Tanaka Seiki K.K.").check()
    page.get_by_role("button", name="Hide the ticked ones").click()
    expect(page.locator(".messages")).to_be_visible()
    page.goto(page.url)  # what was done just now is no part of the picture
    take("accounts", page)
    take("accounts-phone", at("/partners/?tag=key+account", "admin", 360, "dark"))
    page.get_by_role("link", name="Aegean Ferries S.A.").click()
    take("account", page)

    page = at("/partners/new/", "admin", 360)
    for name, text in {"email": "ops@nordfjordseafood.example", "company": "Nordfjord", "first_name": "Åse"}.items():
        page.fill(f"[name={name}]", text)
    page.select_option("[name=country]", "Norway")
    page.get_by_role("button", name="Create at Yeastar").click()
    expect(page.locator("#errors")).to_be_visible()
    take("account-refused-phone", page)
    vendor.control("PUT", "partners", listed)


def moved(row: dict[str, Any]) -> dict[str, str]:
    """What the vendor has been told meanwhile."""
    return {"phoneNumber": "+30 210 555 0190", "street": "Akti Kondyli 12"} if "Aegean" in row["company"] else {}


def our_export(page: Page) -> bytes:
    """The list as a file, and what somebody has written into it."""
    exported = page.context.request.get(page.url.replace("import/", "export/?format=csv")).text()
    rows = list(csv.DictReader(io.StringIO(exported.removeprefix("\ufeff"))))
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(row | KEPT.get(row["Company"], {}) for row in rows)
    return file.getvalue().encode()


def sync(page: Page) -> None:
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_role("button", name="Sync now")).to_be_enabled(timeout=20_000)


def a_list_that_waits(photographer: Photographer) -> None:
    """A list in which a third of all is missing: shown, and refused."""
    listed = told(photographer.site)
    photographer.site.vendor.control("PUT", "partners", listed[:15])
    page = photographer.at("/partners/sync/", "admin")
    sync(page)
    page.get_by_role("link", name="Look at it, and decide").click()
    photographer.take("list-waits", page)
    page.get_by_role("button", name="Keep all as it is").click()
    photographer.site.vendor.control("PUT", "partners", listed)


def connection(photographer: Photographer) -> None:
    """How it is, and a test that says what is wrong."""
    drafts.order(photographer.staff.new_page(), photographer.site.url)  # SHIFT has cleared what was known of each call
    page = photographer.at("/connection/", "admin")
    test(page)
    page.reload()
    photographer.take("connection", page)
    refusal = {"code": "ip_not_allowed", "detailMessage": "IP address 203.0.113.7 is not in the allow list"}
    photographer.site.vendor.fault("billing_contact_list", "refuse", times=None, **refusal)
    photographer.site.vendor.fault("order_page", "garbage", times=None)
    page = photographer.at("/connection/", "admin", 360, "dark")
    test(page)
    photographer.site.vendor.heal()
    photographer.take("connection-test-phone", page.locator("#test"))


def test(page: Page) -> None:
    page.get_by_role("button", name="Test the connection").click()
    expect(page.locator("#test[data-say]")).to_be_visible(timeout=60_000)


def audit(photographer: Photographer) -> None:
    """All that was done for these pictures, and by whom."""
    page = photographer.at("/audit/", "admin")
    photographer.take("audit", page)
    page = photographer.at("/audit/?what=accounts", "admin", scheme="dark")
    page.locator(".log tbody th a").first.click()
    photographer.take("audit-entry-dark", page)
