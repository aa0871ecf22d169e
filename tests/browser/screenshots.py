"""`python -m tests.browser.screenshots`: the pictures in docs/screenshots, taken in real Chromium of a real portal.

It starts a portal of its own, lets two people order this and that and others order elsewhere, and ends it again.
"""

from __future__ import annotations

import random
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser import admin_pictures, chromium, drafts
from tests.browser.photographer import PICTURES, TURNKEY, Photographer, say
from tests.browser.running import RunningPortal

CONNECTIONS = "remote-management-connections"
RENEWAL = "rm-premium-renewal"
LINKUS = "linkus-cloud-service"
SOFTWARE = "software-edition-license"
ULTIMATE = "3049041101760282624"
ENTERPRISE = "3049040587724718080"

FAULTS: dict[str, dict[str, Any]] = {
    "refused": {
        "kind": "refuse",
        "code": "no_permission",
        "detailMessage": "This account may not buy this product for the chosen user",
    },
    "uncertain": {"kind": "reset"},
    "held": {"kind": "status", "status": 429, "retry_after": 3600},
}
TITLES = {"bought": "Bought", "refused": "Not bought", "uncertain": "Not known yet", "held": "Held"}


@dataclass(frozen=True)
class Past:
    """An order that somebody placed so many hours ago."""

    hours: float
    who: str
    slug: str
    customer: str
    choices: dict[str, Any]
    end: str = "bought"


def new_licence(quantity: int, years: int) -> dict[str, Any]:
    chosen = {"license_for": "new", "product_no": "", "plan_id": ENTERPRISE, "service_id": ()}
    return chosen | {"quantity": quantity, "multi_cycle": years}


PASTS = [
    Past(171.4, "manager", TURNKEY, "Hotel Mirador", {"quantity": 120, "po_number": "PO-2291"}),
    Past(167.9, "staff", LINKUS, "", {"product_no": "369471667338", "multi_cycle": 3}),
    Past(143.2, "staff", SOFTWARE, "", {"product_no": "3651E1292455", "quantity": 40, "multi_cycle": 1}),
    Past(121.6, "staff", CONNECTIONS, "", {"quantity": 25}),
    Past(119.8, "manager", SOFTWARE, "BrightSmile", new_licence(60, 2)),
    Past(98.5, "staff", CONNECTIONS, "O'Brien Haulage", {"quantity": 10, "po_number": "OBH 4471"}, "refused"),
    Past(98.3, "staff", CONNECTIONS, "O'Brien Haulage", {"quantity": 10, "po_number": "OBH 4471"}),
    Past(74.1, "staff", RENEWAL, "Kiwi Orchards", {"quantity": 15}),
    Past(71.7, "manager", LINKUS, "", {"product_no": "369471667902", "multi_cycle": 5}),
    Past(49.3, "staff", TURNKEY, "Pivovar Hradec", {"quantity": 50, "po_number": "10/2026"}),
    Past(27.4, "staff", SOFTWARE, "", {"product_no": "3651E1292455", "quantity": 100, "multi_cycle": 2}),
    Past(23.9, "staff", RENEWAL, "", {"quantity": 200, "po_number": "RM-2026"}),
    Past(3.6, "staff", CONNECTIONS, "Aegean Ferries", {"quantity": 30}),
    Past(1.2, "staff", TURNKEY, "Conti & Motori", {"quantity": 80, "po_number": "A-1180"}, "uncertain"),
    Past(0.1, "staff", LINKUS, "", {"product_no": "369471667902", "multi_cycle": 1}, "held"),
]

SERIALS = ("369471667338", "369471667902", "3651E1292455", "369471660000", "3651E1305518", "3652E0418837")

ELSEWHERE = 420
"""So many orders were placed in Yeastar's own portal, in the last fourteen months."""

OFTEN: dict[str, dict[Any, int]] = {
    "productId": {14: 30, 12: 28, 9: 20, 15: 14, 21: 8},
    "orderStatus": {"succeed": 880, "pending": 35, "cancelled": 40, "failed": 25, "refunded": 20},
    "currencyCode": {"USD": 86, "EUR": 14},
}

SHIFT = """
from datetime import timedelta
from django.core.cache import cache
from django.db.models import F, QuerySet
from orders.destination import current_destination
from orders.history import tallies
from orders.models import Attempt, Order, Record
for pk, hours in {shifts!r}:
    order = Order.objects.get(pk=pk)
    by = timedelta(hours=hours)
    times = ("created_at", "updated_at", "placed_at", "settled_at", "sending_since", "held_since")
    known = [(name, getattr(order, name)) for name in times]
    Order.objects.filter(pk=pk).update(**{{name: at - by for name, at in known if at}})
    for event in order.events.all():
        # The manager of events refuses this; pictures need a past, and no evidence.
        QuerySet(type(event)).filter(pk=event.pk).update(at=event.at - by)
    for attempt in order.tries.all():
        ended = {{"finished_at": attempt.finished_at - by}} if attempt.finished_at else {{}}
        QuerySet(Attempt).filter(pk=attempt.pk).update(started_at=attempt.started_at - by, **ended)
    Record.objects.filter(ours=order).update(at=F("at") - by, created_at=F("created_at") - by)
tallies.rebuild(current_destination())
cache.clear()
"""


def elsewhere(photographer: Photographer) -> None:
    """Orders of the last months that nobody placed here: more of them lately, and most for a few customers."""
    drawn, now = random.Random(2291), datetime.now(UTC)
    page = photographer.staff.new_page()
    page.goto(photographer.draft(TURNKEY, "target"))
    options = page.locator("#id_partner_id option").all()
    customers = [value for value in (each.get_attribute("value") for each in options) if value]
    page.get_by_role("button", name="Discard this draft").click()
    for number in range(ELSEWHERE):
        days = 1.2 + 424 * drawn.random() ** 1.3
        at = (now - timedelta(days=days)).replace(hour=drawn.randint(7, 17), minute=drawn.randint(0, 59))
        often = {name: drawn.choices(list(each), list(each.values()))[0] for name, each in OFTEN.items()}
        device = often["productId"] in (9, 12)
        photographer.site.vendor.control(
            "POST",
            "orders",
            {
                **often,
                **({"productNo": drawn.choice(SERIALS)} if device else {}),
                "operationType": "purchase_service" if drawn.random() < 0.7 else "renew",
                "createTime": int(at.timestamp() * 1000),
                "cents": 100 * drawn.randint(4, 90) * drawn.choice((5, 10, 30, 100)),
                "customReferenceNo": f"PO-{1400 + number}" if drawn.random() < 0.6 else "",
                "partnerId": customers[min(int(drawn.expovariate(0.25)), len(customers) - 1)],
            },
        )


def past(photographer: Photographer) -> dict[str, str]:
    """Let people have ordered; the URL of the last order of each product and end."""
    shifts, urls, drawn = [], {}, random.Random(7)
    pages = {name: photographer.context(name).new_page() for name in photographer.states}
    customers = {past.customer: photographer.customer(pages["staff"], past.customer) for past in PASTS if past.customer}
    for past in PASTS:
        # The sandbox answers at once, which nobody's Yeastar does.
        photographer.site.vendor.fault("save", "delay", seconds=round(drawn.uniform(0.4, 1.9), 1))
        if past.end in FAULTS:
            photographer.site.vendor.fault("save", **FAULTS[past.end])
        page, choices = pages[past.who], {"partner_id": customers.get(past.customer, "")} | past.choices
        drafts.order(page, photographer.site.url, TITLES[past.end], past.slug, **choices)
        urls[past.end], urls[f"{past.slug} {past.end}"] = page.url, page.url
        shifts.append((page.url.rstrip("/").rsplit("/", 1)[1], past.hours))
    elsewhere(photographer)
    changed = photographer.site.vendor.ledger[0]["receipt"]["orderNo"]  # differs from ours since
    photographer.site.vendor.control("PUT", f"orders/{changed}", {"orderStatus": "refunded"})
    photographer.site.manage("mirror_orders", "--whole")
    for _ in range(2):  # each reads the details of 200
        photographer.site.manage("mirror_orders")
    photographer.site.shell(SHIFT.format(shifts=shifts))
    photographer.site.manage("mirror_orders")
    return urls


def take_all(photographer: Photographer) -> None:
    take, at, draft = photographer.take, photographer.at, photographer.draft
    orders = past(photographer)

    take("login", at("/", None))
    take("orders", at("/orders/", "manager"))
    take("orders-phone", at("/orders/", "staff", 360))

    take("history", at("/history/", "manager"), whole=False)
    take("history-dark", at("/history/?status=refunded&period=this-year", "manager", scheme="dark"), whole=False)
    take("drift", at("/history/drift/", "manager"))
    take("overview", at("/overview/", "manager"))
    take("overview-dark", at("/overview/", "manager", scheme="dark"))
    statement = at("/statement/", "manager")
    statement.locator("main table a").first.click()
    take("statement", statement)

    draft(RENEWAL, "plan")
    licence = draft(SOFTWARE, "target")
    take("catalogue", at("/"))
    take("catalogue-dark", at("/", scheme="dark"))

    target = at(licence)
    target.check("[name=license_for][value=existing]")
    target.fill("#find-product_no", "hotel")
    expect(target.locator("#options-product_no .count")).to_have_text("1 found")
    target.select_option("#id_product_no", index=0)
    take("target-pbx", target)

    target = at(draft(TURNKEY, "target"))
    target.fill("#find-partner_id", "wyn")
    expect(target.locator(".count")).to_have_text("1 found")
    target.press("#find-partner_id", "ArrowDown")
    take("target-customer", target)
    target.get_by_role("button", name="Discard this draft").click()

    planned = draft(SOFTWARE, "plan")
    for name, width in (("plan", 1280), ("plan-phone", 360)):
        plan = at(planned, width=width)
        plan.check(f"[name=plan_id][value='{ULTIMATE}']")
        plan.check("[name=service_id][value='3129372068699893760']:visible")
        plan.fill("[name=quantity]", "100")
        plan.check("[name=multi_cycle][value='2']")
        plan.evaluate("document.activeElement.blur()")
        take(name, plan)

    billed = at(draft(SOFTWARE, "billing"))
    billed.fill("#find-billing_contact_id", "northwind")
    expect(billed.locator(".count")).to_have_text("2 found")
    billed.select_option("#id_billing_contact_id", index=0)
    billed.fill("[name=po_number]", "PO-2317")
    billed.evaluate("document.activeElement.blur()")
    take("billing", billed)

    reviewed = draft(SOFTWARE, "review", po_number="PO-2317")
    take("review", at(reviewed))
    take("review-dark", at(reviewed, scheme="dark"))
    take("review-phone", at(reviewed, width=360))

    bought = orders[f"{SOFTWARE} bought"]
    take("order-bought", at(bought))
    take("order-bought-dark", at(bought, scheme="dark"))
    take("order-bought-phone", at(bought, width=360))
    take("order-held", at(orders["held"]))
    take("order-not-bought", at(orders["refused"]))
    take("order-uncertain", with_candidates(photographer, orders["uncertain"]))
    ferries = photographer.customer(photographer.staff.new_page(), "Aegean Ferries")
    take("review-again", at(draft(CONNECTIONS, "review", partner_id=ferries, quantity=30)))

    admin_pictures.take_all(photographer)

    photographer.site.vendor.fault(
        "purchase_product_info",
        times=None,
        **FAULTS["refused"] | {"code": "system_busy", "detailMessage": "The system is busy. Try again later."},
    )

    failed = at(draft(LINKUS, "plan", product_no="369471660000"))
    expect(failed.get_by_role("link", name="Try again")).to_be_visible(timeout=15_000)
    take("yeastar-fails", failed)


def with_candidates(photographer: Photographer, url: str) -> Page:
    """An uncertain order, as a manager sees it once somebody has bought the same, and something else, elsewhere."""
    sent = photographer.context("manager").request.get(f"{url.rstrip('/')}.json").json()["request"]
    told = {"productId": sent["productId"], "partnerId": str(sent["partnerId"])}
    photographer.site.vendor.control("POST", "orders", told | {"serviceList": sent["serviceList"]})
    photographer.site.vendor.control("POST", "orders", told | {"customReferenceNo": "A-1179"})
    photographer.site.manage("mirror_orders")  # by itself the next look would be in an hour
    page = photographer.at(url, "manager")
    for _ in range(60):
        if page.get_by_role("button", name="It is this one").count() >= 2:
            break
        page.wait_for_timeout(1000)
        page.reload()
    return page


def main() -> int:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(prefix="portal-pictures-") as folder:
        path = chromium.find(playwright)
        if path is None:
            say(chromium.NONE_FOUND)
            return 1
        browser = chromium.launch(playwright, path, chromium.FOR_PICTURES)
        site = RunningPortal(Path(folder) / "var")
        try:
            take_all(Photographer(browser, site))
        except BaseException:
            say(site.logs())
            raise
        finally:
            browser.close()
            site.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
