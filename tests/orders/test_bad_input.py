"""What may be typed and must not pass: 422, the words kept in the form, the draft as it was."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from orders.models import Order, Partner
from orders.wizard import step_url
from tests.tutorials import CHOICES, CONTACT
from yeastar_api.sandbox import catalogue

Draft = Callable[[str], Order]

PARTNER = "3106913644890832897"

ENTERPRISE = "3049040587724718080"
HOT_STANDBY = "3129371502947016704"
CALL_CENTER = "3129372015545548800"
ULTIMATE = "3049041101760282624"
DISASTER_RECOVERY = "3129372068699893760"
RECEPTIONIST = "3374418823369719809"


class Fields(HTMLParser):
    """What a page's form fields hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.held: dict[str, list[str]] = {}
        self.select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "select":
            self.select = name
        kept = "selected" in given if tag == "option" else tag == "input"
        if given.get("type") in ("radio", "checkbox"):
            kept = "checked" in given
        if kept:
            self.held.setdefault(self.select if tag == "option" else name, []).append(given.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self.select = ""


def held(page: Any) -> dict[str, list[str]]:
    """Field by field, what is filled in or chosen on a page."""
    return Fields(page.content.decode()).held


def answers(slug: str, step: str, **changed: Any) -> dict[str, Any]:
    """The right answers to a step of a tutorial, but for `changed`."""
    names = {
        "target": ("license_for", "partner_id", "product_no"),
        "plan": ("plan_id", "service_id", "quantity", "multi_cycle"),
        "billing": ("billing_contact_id", "po_number"),
    }
    given = {name: CHOICES[slug][name] for name in names[step] if name in CHOICES[slug]}
    return {name: value for name, value in (given | changed).items() if value is not None}


def refused(client: Client, order: Order, step: str, given: dict[str, Any]) -> str:
    """Post the step; it must be refused with the draft unchanged. Returns the page."""
    before = Order.objects.get(pk=order.pk)
    page = client.post(step_url(order, step), given)
    assert page.status_code == 422
    after = Order.objects.get(pk=order.pk)
    assert (after.choices, after.revision, after.status) == (before.choices, before.revision, "DRAFT")
    shown: str = page.content.decode()
    assert 'id="errors"' in shown, "the error summary"
    return shown


QUANTITIES = [
    ("0", "At least 1"),
    ("-1", "At least 1"),
    ("1.5", "digits only"),
    ("1.0", "digits only"),
    ("1e3", "digits only"),
    ("1_000", "digits only"),
    ("1,000", "digits only"),
    ("１０", "digits only"),  # noqa: RUF001 - that is the point
    ("٣", "digits only"),
    ("ten", "digits only"),
    ("10\x00", "digits only"),
    ("9" * 5000, "digits only"),
    (str(10**12), "At most"),
    ("10001", "At most 10000 of Ultimate Plan Extensions"),
    ("", "How many?"),
    ("   ", "How many?"),
]


@pytest.mark.parametrize(("typed", "words"), QUANTITIES)
def test_a_quantity_that_is_no_quantity_is_refused_and_kept(
    typed: str, words: str, draft: Draft, alices: Client
) -> None:
    order = draft("turnkey-capacity")
    before = order.choices
    page = alices.post(step_url(order, "plan"), answers(order.slug, "plan", quantity=typed))
    assert page.status_code == 422
    assert words in page.content.decode()
    order.refresh_from_db()
    assert order.choices == before
    kept = held(page)
    assert kept["quantity"][0].strip() == typed.strip()
    assert kept["service_id"] == [CHOICES[order.slug]["service_id"][0]], "and so is everything else"


def test_a_large_quantity_within_the_vendors_bounds_passes(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    assert alices.post(step_url(order, "plan"), answers(order.slug, "plan", quantity=" 10000 ")).status_code == 302
    order.refresh_from_db()
    assert order.picked.quantity == 10000


SERIALS = [
    "369471667338 x",
    "36 94-7",
    "-".join(["3694"] * 9),
    "36947",
    "3" * 33,
    "3" * 65,
    "<b>369471667338</b>",
    "369471667338\n1",
    "369471667338\x00",
    "３６９４７１６６７３３８",  # noqa: RUF001
    "",
]


@pytest.mark.parametrize("typed", SERIALS)
def test_a_serial_number_that_is_none_is_refused_and_kept(typed: str, draft: Draft, alices: Client) -> None:
    order = draft("linkus-cloud-service")
    page = refused(alices, order, "target", {"product_no": typed})
    assert "<b>369471667338</b>" not in page
    (kept,) = Fields(page).held["product_no"]
    assert kept == typed


@pytest.mark.parametrize("typed", ["3694 7166 7338", "3694-7166-7338", "3694\u00a07166\u20117338"])
def test_alice_who_types_a_serial_number_in_groups_sees_it_without_them_before_it_is_taken(
    typed: str, draft: Draft, alices: Client
) -> None:
    order = draft("linkus-cloud-service")
    page = refused(alices, order, "target", {"product_no": typed})
    assert "Blanks and hyphens are taken out" in page
    assert Fields(page).held["product_no"] == ["369471667338"]
    assert alices.post(step_url(order, "target"), {"product_no": "369471667338"}).status_code == 302
    order.refresh_from_db()
    assert order.picked.product_no == "369471667338"


def test_blanks_around_a_serial_number_are_taken_off(draft: Draft, alices: Client) -> None:
    order = draft("linkus-cloud-service")
    assert alices.post(step_url(order, "target"), {"product_no": " 3631A2000001 "}).status_code == 302
    order.refresh_from_db()
    assert order.picked.product_no == "3631A2000001"


@pytest.mark.parametrize("years", ["0", "6", "-1", "1.5", "", "two", "１"])  # noqa: RUF001
@pytest.mark.parametrize("slug", ["linkus-cloud-service", "software-edition-license"])
def test_a_term_that_is_not_on_offer_is_refused(slug: str, years: str, draft: Draft, alices: Client) -> None:
    order = draft(slug)
    page = refused(alices, order, "plan", answers(slug, "plan", multi_cycle=years))
    assert "years" in page
    assert f'value="{CHOICES[slug]["plan_id"]}"' in page


def test_a_new_licence_with_a_serial_number_and_a_customer_is_refused(draft: Draft, alices: Client) -> None:
    order = draft("software-edition-license")
    given = {"license_for": "new", "partner_id": PARTNER, "product_no": "3651E1292455"}
    page = refused(alices, order, "target", given)
    assert "not both" in page
    kept = Fields(page).held
    assert (kept["license_for"], kept["partner_id"], kept["product_no"]) == (["new"], [PARTNER], ["3651E1292455"])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"license_for": "existing", "partner_id": PARTNER, "product_no": "3651E1292455"}, "not both"),
        ({"license_for": "new", "product_no": "3651E1292455"}, "has no serial number yet"),
        ({"license_for": "existing"}, "Which PBX?"),
        ({"license_for": "existing", "product_no": "3651E9999999"}, "not in your product list"),
        ({"license_for": "both", "partner_id": ""}, "Select a valid choice"),
        ({"partner_id": ""}, "new or for an existing PBX"),
        ({"license_for": "new", "partner_id": "1"}, "not in the list"),
    ],
)
def test_a_target_that_is_none_is_refused(given: dict[str, str], words: str, draft: Draft, alices: Client) -> None:
    assert words in refused(alices, draft("software-edition-license"), "target", given)


TAMPERED = [
    ("turnkey-capacity", "target", {"partner_id": "3106913644890832898"}, "not in the list"),
    ("turnkey-capacity", "target", {"partner_id": "1" * 41}, "at most 40"),
    ("turnkey-capacity", "target", {"partner_id": f"{PARTNER}\x00"}, "Null characters"),
    ("turnkey-capacity", "plan", {"plan_id": ULTIMATE}, "plan is not on offer"),
    ("turnkey-capacity", "plan", {"plan_id": ""}, "Choose a plan"),
    ("turnkey-capacity", "plan", {"service_id": HOT_STANDBY}, "service is not on offer"),
    ("turnkey-capacity", "plan", {"service_id": None}, "Choose a service"),
    ("rm-premium-renewal", "plan", {"service_id": "3375819276601303041"}, "service is not on offer"),
    ("linkus-cloud-service", "plan", {"plan_id": "3048918321840570369"}, "plan is not on offer"),
    ("software-edition-license", "plan", {"service_id": [HOT_STANDBY, "1"]}, "service is not on offer"),
    (
        "software-edition-license",
        "plan",
        {"plan_id": ENTERPRISE, "service_id": [RECEPTIONIST]},
        "AI Receptionist Minutes is not on offer with Enterprise Plan",
    ),
    ("software-edition-license", "plan", {"plan_id": ENTERPRISE}, "Disaster Recovery"),
    ("turnkey-capacity", "billing", {"billing_contact_id": "3197218168379846219"}, "not in the list"),
    ("turnkey-capacity", "billing", {"billing_contact_id": PARTNER}, "not in the list"),
    ("turnkey-capacity", "billing", {"billing_contact_id": ""}, "Choose who gets the invoice"),
    ("turnkey-capacity", "billing", {"po_number": "x" * 65}, "at most 64"),
    ("turnkey-capacity", "billing", {"po_number": "a\x00b"}, "Null characters"),
    ("turnkey-capacity", "billing", {"po_number": "a\nb"}, "one line of ordinary characters"),
    ("turnkey-capacity", "billing", {"po_number": "a\x9bb"}, "one line of ordinary characters"),
]


@pytest.mark.parametrize(("slug", "step", "changed", "words"), TAMPERED)
def test_what_was_not_offered_cannot_be_chosen(
    slug: str, step: str, changed: dict[str, Any], words: str, draft: Draft, alices: Client
) -> None:
    assert words in refused(alices, draft(slug), step, answers(slug, step, **changed))


def test_disaster_recovery_is_refused_by_name_when_the_vendor_lists_it_beside_all_plans(
    draft: Draft, alices: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = draft("software-edition-license")
    product = catalogue.PRODUCTS[12]
    enterprise, ultimate = product.plans
    everywhere = catalogue.Plan(enterprise.id, enterprise.name, enterprise.unit, enterprise.cents, ultimate.services)
    changed = catalogue.Product(product.id, product.name, product.offering, (everywhere, ultimate))
    monkeypatch.setitem(catalogue.PRODUCTS, 12, changed)
    page = refused(alices, order, "plan", answers(order.slug, "plan", plan_id=ENTERPRISE))
    assert "Disaster Recovery is only supported on Ultimate Plan." in page


def test_a_hidden_customer_cannot_be_chosen(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    Partner.objects.filter(remote_id=PARTNER).update(hidden=True)
    assert "not in the list" in refused(alices, order, "target", {"partner_id": PARTNER})


def test_the_same_service_ticked_twice_is_ordered_once(draft: Draft, alices: Client) -> None:
    order = draft("software-edition-license")
    given = answers(order.slug, "plan", service_id=[CALL_CENTER, CALL_CENTER])
    assert alices.post(step_url(order, "plan"), given).status_code == 302
    order.refresh_from_db()
    assert order.picked.service_id == (CALL_CENTER,)


def test_everything_typed_into_the_billing_step_is_kept(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    page = refused(alices, order, "billing", {"billing_contact_id": CONTACT, "po_number": "P" * 70})
    kept = Fields(page).held
    assert (kept["billing_contact_id"], kept["po_number"]) == ([CONTACT], ["P" * 70])
