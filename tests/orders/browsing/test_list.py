"""The list itself: its order, what it says of a record or of none, whose records it holds, and who may see it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from orders.history import tallies
from tests.orders.browsing.kit import NOW, listed, record


def test_the_newest_come_first_and_sorting_turns_them_round(monas: Client) -> None:
    for number, hours in (("LR2", 2), ("LR3", 1), ("LR1", 3)):
        record(number, at=NOW - timedelta(hours=hours))
    assert listed(monas, {}) == ["LR3", "LR2", "LR1"]
    assert listed(monas, {"sort": "at"}) == ["LR1", "LR2", "LR3"]
    assert listed(monas, {"sort": "order"}) == ["LR1", "LR2", "LR3"]
    assert listed(monas, {"sort": "-order"}) == ["LR3", "LR2", "LR1"]


def test_too_many_are_sorted_by_date_and_it_is_said(monas: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, hours in ((3, 1), (1, 2), (2, 3)):
        record(f"LR{number}", at=NOW - timedelta(hours=hours), currency="RMB")
    asked = {"currency": "RMB", "sort": "order"}
    assert listed(monas, asked) == ["LR1", "LR2", "LR3"]
    monkeypatch.setattr("orders.browsing.finding.FEW", 2)
    assert listed(monas, asked) == ["LR2", "LR1", "LR3"]
    page = monas.get("/history/", asked)
    assert "sorted by date" in page.context["notes"][0]
    assert page.context["sorts"]["at"]["now"] == "ascending"
    assert listed(monas, {"sort": "order"}) == ["LR1", "LR2", "LR3"]


def test_records_of_another_account_are_not_listed(monas: Client) -> None:
    record("HERE")
    record("THERE", destination="elsewhere (account 1)")
    tallies.rebuild("elsewhere (account 1)")
    assert listed(monas, {}) == ["HERE"]


def test_a_gone_record_is_marked_and_what_is_not_known_is_said(monas: Client) -> None:
    gone = record("GONE", gone_at=NOW)
    for url in ("/history/", f"/history/{gone.pk}/"):
        page = monas.get(url).content.decode()
        assert "no longer" in page
        assert "not yet known" in page


def test_nothing_read_and_nothing_found_are_told_apart(monas: Client) -> None:
    assert "Nothing was read yet" in monas.get("/history/").content.decode()
    record("LR1")
    assert "Nothing fits" in monas.get("/history/?q=zzz").content.decode()


def test_htmx_gets_the_list_and_the_clean_address(monas: Client) -> None:
    record("LR1")
    answer = monas.get("/history/?q=LR1&status=&from=", headers={"HX-Request": "true"})
    assert answer.content.decode().lstrip().startswith('<div id="history">')
    assert answer["HX-Push-Url"] == "/history/?q=LR1"


def test_staff_learn_nothing(alices: Client) -> None:
    row = record("LR1")
    for url in ("/history/", f"/history/{row.pk}/"):
        assert alices.get(url).status_code == 403
    assert "/history/" not in alices.get("/orders/").content.decode()
