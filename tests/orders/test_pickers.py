"""Choosing among many: what the list shows, how it narrows, and that what was chosen stays chosen."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_webtest import DjangoTestApp

from orders import gateway, placing
from orders.accounts import syncing
from orders.models import Contact, Order, Partner
from orders.pickers import device_picker
from orders.wizard import step_url
from tests.orders.test_bad_input import Fields, held
from tests.tutorials import CONTACT
from tests.walking import wizard_form
from yeastar_api.client import PartnerPortal
from yeastar_api.messages import Device
from yeastar_api.sandbox import Sandbox

Draft = Callable[[str], Order]

LUMIERE = "3106913644890832897"


@pytest.fixture
def crowd(portal: PartnerPortal, sandbox: Sandbox, db: None) -> None:
    """Over 200 partners and contacts."""
    sandbox.world.generate("partners", 400)
    sandbox.world.generate("contacts", 400)
    syncing.sync_all(portal)


def offered(page: str, name: str) -> list[str]:
    """The ids that a picker lists, our own account as an empty one."""
    select = re.search(rf'<select[^>]*name="{name}".*?</select>', page, re.DOTALL)
    assert select is not None
    return re.findall(r'<option value="([^"]*)"', select[0])


def search(client: Client, order: Order, query: str, *, step: str = "target", selected: str | None = None) -> str:
    """What htmx puts in place of the list."""
    name = {"target": "partner_id", "billing": "billing_contact_id"}[step]
    asked = {"name": name, f"q_{name}": query} | ({} if selected is None else {name: selected})
    page = client.get(f"/orders/{order.pk}/{step}/options/", asked, HTTP_HX_REQUEST="true")
    assert page.status_code == 200
    return page.content.decode()


def test_a_short_list_is_on_the_page_as_a_whole(draft: Draft, alices: Client) -> None:
    page = alices.get(step_url(draft("turnkey-capacity"), "target")).content.decode()
    assert len(offered(page, "partner_id")) == 1 + Partner.objects.count()
    assert offered(page, "partner_id")[0] == "", "our own account comes first"


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize(("step", "name", "own"), [("target", "partner_id", 1), ("billing", "billing_contact_id", 0)])
def test_a_long_list_shows_fifty_and_how_many_there_are(
    step: str, name: str, own: int, draft: Draft, alices: Client
) -> None:
    order = draft("turnkey-capacity")
    placing.answer(order, {"billing_contact_id": ""})
    page = alices.get(step_url(order, step)).content.decode()
    assert len(offered(page, name)) == 50 + own
    total = (Partner if step == "target" else Contact).objects.count()
    assert f"50 of {total}" in page
    assert total > 400


QUERIES = [
    ("Atelier Lumière SARL", ["Atelier Lumière SARL"]),
    ("LUMIERE", ["Atelier Lumière SARL"]),
    ("lumiere elodie", ["Atelier Lumière SARL"]),
    ("fournier atelier", ["Atelier Lumière SARL"]),
    ("it@atelier", ["Atelier Lumière SARL"]),
    (LUMIERE, ["Atelier Lumière SARL"]),
    ("ostgard", ["Nordfjord Seafood AS"]),
    ("Østgård", ["Nordfjord Seafood AS"]),
    ("yildiz", ["Anadolu Tekstil San. ve Tic. A.Ş."]),
    ("thao", ["Saigon Furnish Co., Ltd"]),
    ("  o'brien   dublin  ", []),
    ("  o'brien   IRELAND  ", ["O'Brien Haulage Ltd"]),
    ("\u00a0conti\tmotori", ["Conti & Motori S.r.l."]),
]


@pytest.mark.parametrize(("query", "companies"), QUERIES)
def test_a_search_narrows_by_company_person_email_and_id_with_accents_folded(
    query: str, companies: list[str], draft: Draft, alices: Client
) -> None:
    own, *found = offered(search(alices, draft("turnkey-capacity"), query), "partner_id")
    assert own == "", "our own account is always there"
    assert [Partner.objects.get(remote_id=each).company for each in found] == companies


@pytest.mark.usefixtures("crowd")
def test_every_word_must_occur(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    assert offered(search(alices, order, "atelier haulage"), "partner_id") == [""]
    many = search(alices, order, "generated.example")
    assert len(offered(many, "partner_id")) == 51
    assert "50 of 400" in many
    assert "Nothing matches" in search(alices, order, "nobody at all")
    assert search(alices, order, "nobody at all").count("<option") == 1


def test_percent_and_underscore_are_letters_in_a_search(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    assert offered(search(alices, order, "%"), "partner_id") == [""]
    assert offered(search(alices, order, "_"), "partner_id") == [""]


@pytest.mark.usefixtures("crowd")
def test_the_chosen_customer_stays_chosen_while_the_list_narrows_away_from_it(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    for query in ("haulage", "nobody at all", "generated.example", ""):
        narrowed = search(alices, order, query, selected=LUMIERE)
        assert Fields(narrowed).held["partner_id"] == [LUMIERE], query
    only_own = search(alices, order, "haulage", selected="")
    assert Fields(only_own).held["partner_id"] == [""]


@pytest.mark.usefixtures("crowd")
def test_without_javascript_find_narrows_and_loses_nothing(app: DjangoTestApp, draft: Draft) -> None:
    order = draft("turnkey-capacity")
    placing.answer(order, {"partner_id": LUMIERE})
    form = wizard_form(app.get(step_url(order, "target")))
    form["q_partner_id"] = "haulage"
    narrowed = form.submit("find")
    assert narrowed.status_code == 200
    form = wizard_form(narrowed)
    assert (form["q_partner_id"].value, form["partner_id"].value) == ("haulage", LUMIERE)
    labels = [label for _, _, label in form["partner_id"].options]
    assert any("Haulage" in label for label in labels)
    assert len(labels) == 3, "our own account, the chosen one and the found one"
    assert 'id="errors"' not in narrowed, "nothing is judged yet"
    order.refresh_from_db()
    assert order.picked.partner_id == LUMIERE
    obrien = Partner.objects.get(company__startswith="O'Brien")
    form["partner_id"] = obrien.remote_id
    form.submit().follow()
    order.refresh_from_db()
    assert order.picked.partner_id == obrien.remote_id


@pytest.mark.usefixtures("crowd")
def test_without_javascript_find_keeps_what_was_typed_beside_the_list(app: DjangoTestApp, draft: Draft) -> None:
    order = draft("turnkey-capacity")
    form = wizard_form(app.get(step_url(order, "billing")))
    form["po_number"] = "PO-77"
    form["q_billing_contact_id"] = "obrien"
    form = wizard_form(form.submit("find"))
    assert (form["po_number"].value, form["billing_contact_id"].value) == ("PO-77", CONTACT)


def test_find_on_the_customers_leaves_the_pbxs_alone(app: DjangoTestApp, draft: Draft) -> None:
    order = draft("software-edition-license")
    form = wizard_form(app.get(step_url(order, "target")))
    form["license_for"] = "new"
    form["q_partner_id"] = "lumiere"
    form = wizard_form(form.submit("find"))
    assert form["license_for"].value == "new"
    assert form["product_no"].value == "3651E1292455"
    assert len(form["partner_id"].options) == 2
    assert len(form["product_no"].options) > 1
    form["q_product_no"] = "3651E1292455"
    form = wizard_form(form.submit("find"))
    assert [value for value, _, _ in form["product_no"].options] == ["3651E1292455"]


def test_a_customer_that_vanished_does_not_become_our_own_account(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    placing.answer(order, {"partner_id": LUMIERE})
    Partner.objects.filter(remote_id=LUMIERE).update(gone_at=order.created_at)
    page = alices.get(step_url(order, "target"))
    assert "partner_id" not in held(page), "nothing is selected, least of all our own account"
    shown = page.content.decode()
    assert LUMIERE not in offered(shown, "partner_id")
    assert "No longer in the list" in shown
    narrowed = search(alices, order, "haulage", selected=LUMIERE)
    assert "partner_id" not in Fields(narrowed).held


def test_a_list_in_which_nothing_is_selected_is_not_an_order_for_our_own_account(draft: Draft, alices: Client) -> None:
    for slug, given in (("turnkey-capacity", {}), ("software-edition-license", {"license_for": "new"})):
        order = draft(slug)
        page = alices.post(step_url(order, "target"), given)
        assert page.status_code == 422
        assert "Choose a customer, or our own account" in page.content.decode()


def test_our_own_account_is_chosen_by_nobody_but_the_person(draft: Draft, alices: Client, alice: User) -> None:
    """Else to search for a customer, and to press Continue without choosing, would buy for ourselves."""
    order = placing.start(slug="turnkey-capacity", owner=alice)
    page = alices.get(step_url(order, "target"))
    assert "partner_id" not in held(page)
    assert "partner_id" not in Fields(search(alices, order, "haulage")).held
    answer = alices.post(step_url(order, "target"), {"q_partner_id": "haulage"})
    assert answer.status_code == 422
    assert "For whom? Choose a customer, or our own account." in answer.content.decode()
    assert alices.post(step_url(order, "target"), {"partner_id": ""}).status_code == 302
    assert held(alices.get(step_url(order, "target")))["partner_id"] == [""]


def test_an_id_that_is_not_in_the_list_leaves_nothing_selected(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    page = alices.post(step_url(order, "target"), {"partner_id": "3106913644890832898"})
    assert page.status_code == 422
    assert "partner_id" not in held(page)


def test_hidden_and_vanished_people_are_not_offered(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    Partner.objects.filter(remote_id=LUMIERE).update(hidden=True)
    Contact.objects.exclude(remote_id=CONTACT).update(gone_at=order.created_at)
    assert LUMIERE not in offered(alices.get(step_url(order, "target")).content.decode(), "partner_id")
    assert offered(search(alices, order, "lumiere"), "partner_id") == [""]
    billing = alices.get(step_url(order, "billing")).content.decode()
    assert offered(billing, "billing_contact_id") == [CONTACT]


def test_the_age_of_a_list_is_told(draft: Draft, alices: Client) -> None:
    assert "List as of" in alices.get(step_url(draft("turnkey-capacity"), "target")).content.decode()


def test_pbxs_are_found_by_number_and_comment() -> None:
    devices = [Device(product_no=f"3652E{n:07}", comment=f"Filiale Nº {n}") for n in range(400)]

    def found(query: str, selected: str = "") -> list[str]:
        picker = device_picker(devices=devices, selected=selected, query=query, options_url="")
        return [option.value for option in picker.options]

    assert len(found("")) == 50
    assert found("0000123") == ["3652E0000123"]
    assert found("filiale 399") == ["3652E0000399"]
    assert found("nothing") == []


@pytest.mark.parametrize("query", ["filiale 1", "0000001", "nothing", ""])
def test_the_chosen_pbx_stays_in_the_list_while_searching(query: str) -> None:
    devices = [Device(product_no=f"3652E{n:07}", comment=f"Filiale {n}") for n in range(400)]
    picker = device_picker(devices=devices, selected="3652E0000399", query=query, options_url="")
    assert [option.value for option in picker.options if option.selected] == ["3652E0000399"]


@pytest.mark.parametrize("kind", ["delay", "refuse"])
@pytest.mark.parametrize("name", ["partner_id", "product_no"])
def test_while_the_list_of_pbxs_is_not_there_the_entries_on_the_page_stay(
    kind: str, name: str, draft: Draft, alices: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = draft("software-edition-license")
    trouble: dict[str, Any] = {"seconds": 0.4} if kind == "delay" else {"http_status": 403, "code": "forbidden"}
    monkeypatch.setattr(gateway, "PATIENCE", 0.05 if kind == "delay" else 10)
    sandbox.fault("instance_product_list", kind, times=None, **trouble)
    url, asked = f"/orders/{order.pk}/target/options/", {"name": name, f"q_{name}": "a"}
    found = alices.get(url, asked, HTTP_HX_REQUEST="true")
    assert (found.status_code, found.content) == (204, b""), "htmx changes nothing on the page then"
    sandbox.faults.clear()
    monkeypatch.setattr(gateway, "PATIENCE", 10)
    found = alices.get(url, asked, HTTP_HX_REQUEST="true")
    assert f'<select name="{name}"' in found.content.decode()
    assert alices.get(url, {**asked, "name": "nothing"}).status_code == 404
