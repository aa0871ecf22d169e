"""What a search finds: numbers, customers, orders of ours that the history does not tell yet."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import pytest
from django.apps import apps
from django.test import Client

from orders.models import Order, Partner
from tests.orders.browsing.kit import NOW, listed, partner, record


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
