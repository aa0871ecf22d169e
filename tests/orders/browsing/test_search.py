"""What a search finds: numbers, customers, orders of ours that the history does not tell yet."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client

from orders.browsing import paging
from orders.browsing.asked import parse
from orders.browsing.finding import find
from orders.destination import current_destination
from orders.models import Order, Partner, Record
from orders.text import fold
from tests.orders.browsing.kit import NOW, listed, partner, record, walk


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("order_no", "LR20260001"),
        ("transaction_no", "TR4711"),
        ("instance_id", "3049041101760282624"),
        ("invoice_no", "INV-77"),
        ("product_no", "3651E1292455"),
        ("custom_reference_no", "PO-2317"),
        ("reference", "YP-7F3K-9QX2"),
    ],
)
def test_a_number_is_found_by_itself_and_by_its_beginning(monas: Client, column: str, value: str) -> None:
    record("WANTED", **{column: value})
    record("OTHER")
    wanted = value if column == "order_no" else "WANTED"
    for text in (value, value[:-2], value.lower(), f" {value} "):
        assert listed(monas, {"q": text}) == [wanted], text
    assert listed(monas, {"q": value[1:]}) == []


def test_a_customer_is_found_by_any_part_of_a_word_without_accents(monas: Client) -> None:
    partner("1", "Société Générale", last_name="Müller")
    partner("2", "Hotel Mirador")
    record("A", partner_id="1")
    record("B", partner_id="2")
    record("C")
    for words, found in (("generale", ["A"]), ("ULLER soc", ["A"]), ("irado", ["B"]), ("e", ["B", "A"]), ("x y", [])):
        assert listed(monas, {"q": words}) == found, words
        assert listed(monas, {"customer": words}) == found, words


@pytest.mark.parametrize("name", ["O'Brien", "O\u2019Brien", "O\u2018Brien", "O\u00b4Brien", "O`Brien"])
def test_mona_finds_o_brien_whichever_apostrophe_she_and_the_vendor_type(monas: Client, name: str) -> None:
    partner("1", name)
    record("A", partner_id="1")
    for typed in ("o'brien", "O\u2019BRIEN", "o\u00b4brien", "O`Brien"):
        assert listed(monas, {"q": typed}) == ["A"], typed
        assert listed(monas, {"customer": typed}) == ["A"], typed


def test_what_was_folded_before_has_the_one_apostrophe_by_now(db: None) -> None:
    for number, words in enumerate(("o\u2019brien \u2018s", "o'brien", "plain")):
        Partner.objects.create(remote_id=f"{number}", mirrored_at=NOW, search=words)
    importlib.import_module("orders.migrations.0019_called").fold_apostrophes(apps, None)
    assert [*Partner.objects.order_by("pk").values_list("search", flat=True)] == ["o'brien 's", "o'brien", "plain"]


def test_mona_looks_for_an_order_that_was_bought_a_minute_ago(
    monas: Client, queued: Callable[..., Order], draft: Callable[[str], Order]
) -> None:
    order = queued()
    Order.objects.filter(pk=order.pk).update(status="PLACED", order_no="LR77", order_id="3755141")
    said = f'An order of ours is called so: <a href="/orders/{order.pk}/">Linkus Cloud Service</a>'
    for typed in (order.reference, order.reference.lower(), "LR77", "lr77", "3755141"):
        page = monas.get("/history/", {"q": typed}).content.decode()
        assert said in page, typed
        assert "It was not read from Yeastar\u2019s history yet." in page
    for typed in ("LR7", draft("linkus-cloud-service").reference, "nothing"):
        assert "An order of ours" not in monas.get("/history/", {"q": typed}).content.decode(), typed
    row = record("LR77", ours=order, owner=order.owner, order_id="3755141")
    assert listed(monas, {"q": "LR77"}) == ["LR77"]
    for query in ({"q": "3755141"}, {"q": "LR77", "currency": "EUR"}):
        page = monas.get("/history/", query).content.decode()
        assert f'It stands in the history as <a href="/history/{row.pk}/">LR77</a>.' in page


def test_what_is_common_and_what_is_rare_give_the_same_list(monas: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        partner(str(number), f"Hotel {number % 3}")
        record(f"LR{number:02}", partner_id=str(number), status=("succeed", "pending")[number % 2])
    queries = [
        {"q": "hotel"},
        {"q": "hotel 1"},
        {"q": "hotel", "status": "pending"},
        {"customer": "2"},
    ]
    rare = [listed(monas, query) for query in queries]
    monkeypatch.setattr("orders.browsing.finding.FEW", 2)
    assert [listed(monas, query) for query in queries] == rare
    assert len(rare[0]) == 30


@pytest.mark.parametrize("typed", ["3694 7166 7338", "3694-7166-7338", "3694 7166", "369471667338"])
def test_a_serial_number_is_found_in_groups_too(monas: Client, typed: str) -> None:
    record("PBX", product_no="369471667338")
    record("OTHER", product_no="369471660000")
    assert "PBX" in listed(monas, {"q": typed})


@pytest.mark.parametrize("typed", ["YP-ZS28-8A5Z", "zs28-8a5z", "ZS28-8A", "ZS28-"])
def test_a_reference_of_ours_is_found_without_its_mark(monas: Client, typed: str) -> None:
    record("OURS", reference="YP-ZS28-8A5Z")
    record("OTHER", reference="YP-ZZ28-8A5Z")
    assert listed(monas, {"q": typed}) == ["OURS", "YP-ZS28-8A5Z"] or listed(monas, {"q": typed}) == ["OURS"]


def test_what_is_folded_stays_so() -> None:
    """Each sign there is; the list folds once and the export did twice."""
    signs = [chr(code) for code in range(sys.maxunicode) if not 0xD800 <= code < 0xE000]
    assert [hex(ord(sign)) for sign in signs if fold(fold(sign)) != fold(sign)] == []
    assert fold("Acme™ № 1 — Ǻrhus O\u00b4Neil") == "acmetm no 1 — arhus o'neil"


@pytest.mark.django_db
def test_customers_folded_before_are_folded_again_when_the_portal_is_brought_up_to_date() -> None:
    old = partner("1", "Acme")
    Partner.objects.filter(pk=old.pk).update(search="acmeTM 1")
    importlib.import_module("orders.migrations.0020_folded_twice").fold_again(apps, None)
    old.refresh_from_db()
    assert old.search == "acmetm 1"


def test_a_customer_with_a_sign_in_the_name_is_exported_as_listed(monas: Client) -> None:
    partner("1", "Acme™")
    Record.objects.bulk_create(
        Record(destination=current_destination(), key=str(n), order_no=f"LR{n:04}", at=NOW, first_seen_at=NOW,
               changed_at=NOW, partner_id="1")
        for n in range(1_100)
    )  # fmt: skip
    for query in ({"q": "acme™"}, {"customer": "ACMEtm"}):
        assert "<b>1,000+</b>" in monas.get("/history/", query).content.decode()
        assert find(parse(query), NOW, whole=True).rows.count() == 1_100


@pytest.mark.django_db
def test_few_numbers_and_many_customers_of_one_word_are_those_of_the_other_word_too() -> None:
    Partner.objects.bulk_create(
        Partner(remote_id=f"P{n}", company=name, search=fold(f"{name} P{n}"), mirrored_at=NOW)
        for n, name in enumerate(["Hotel GmbH"] * 150 + ["Other GmbH"] * 900)
    )
    for number in range(150):
        record(f"LR{number:03}", partner_id=f"P{number}")
    record("ODD", partner_id="P900", custom_reference_no="Hotel-2")
    asked = parse({"q": "Hotel", "customer": "gmbh"})
    assert paging.count(find(asked, NOW)) == "151"
    assert len({key for page in walk(asked, "after") for key in page}) == 151


@pytest.mark.parametrize("query", [{"q": "LR0003"}, {"q": "kiwi"}, {"q": "LR0003", "ours": "PLACED"}])
@pytest.mark.parametrize("other", [{"who": "alice"}, {"customer": "BIG"}])
def test_what_is_known_by_number_is_on_the_first_page_however_much_else_somebody_has(
    query: dict[str, str], other: dict[str, str], queued: Callable[..., Order], alice: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("orders.browsing.walking.LOOKED", 5)
    monkeypatch.setattr("orders.browsing.walking.TRIED", 5)
    monkeypatch.setattr("orders.browsing.walking.TRIED_FOR_CUSTOMERS", 5)
    partner("BIG", "Kiwi Giant")
    for number in range(30):
        order = queued()
        Order.objects.filter(pk=order.pk).update(status="PLACED")
        record(f"LR{number:04}", at=NOW + timedelta(hours=number), partner_id="BIG", ours=order, owner=alice)
    page = paging.page(found := find(asked := parse(query | other), NOW), asked)
    fitting = 30 if query["q"] == "kiwi" else 1
    assert (len(page.rows), paging.count(found, page)) == (fitting, str(fitting))
