"""What is said of records whose details were not read yet: nobody knows whether they fit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from orders.browsing import unread
from orders.history import tallies
from orders.models import Order, Record
from tests.orders.browsing.kit import NOW, partner, record


def test_mona_is_told_that_no_customer_may_also_mean_not_yet_known(monas: Client) -> None:
    record("READ", detail_at=NOW)
    record("UNREAD")
    page = monas.get("/history/", {"customer": "-"}).content.decode()
    assert "<b>2</b> orders" in page
    assert '<span class="quiet">Customer</span> <span dir="auto">not told or not yet known</span>' in page
    assert ">Not told or not yet known</option>" in page
    assert ">Not told</option>" in page, "a status, which their list tells"


def test_mona_who_looks_for_kiwi_is_told_that_details_are_not_read_yet(
    monas: Client, queued: Callable[..., Order]
) -> None:
    partner("77", "Kiwi Orchards")
    for number, columns in enumerate(({}, {"detail_tried_at": NOW}, {"detail_at": NOW}, {"gone_at": NOW})):
        record(f"LR{number}", at=NOW - timedelta(days=number), **columns)
    record("OURS", ours=(order := queued()), owner=order.owner, partner_id="78")
    said = "Of 2 orders the details are not read yet: for whom they are, and what was bought, may not be known so far."
    for query in ({"q": "kiwi"}, {"customer": "77"}, {"customer": "-"}, {"product": "9"}):
        assert said in monas.get("/history/", query).content.decode(), query
    assert "Of 1 order the details" in monas.get("/history/?q=kiwi&to=2026-05-19").content.decode()
    assert "Of 1 order the details" in monas.get("/history/?q=kiwi&from=2026-05-20").content.decode()
    for query in ({}, {"status": "succeed"}, {"q": "kiwi", "to": "2026-05-17"}):
        assert "not read yet" not in monas.get("/history/", query).content.decode(), query
    Record.objects.filter(order_no="LR0").update(destination="of another account")
    tallies.rebuild("of another account")
    cache.clear()
    assert "Of 1 order the details" in monas.get("/history/?q=kiwi").content.decode()


def test_of_a_long_history_not_all_unread_details_are_counted(monas: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread, "MOST", 3)
    for number in range(5):
        record(f"LR{number}")
    assert "Of more than 3 orders the details" in monas.get("/history/?q=kiwi").content.decode()
