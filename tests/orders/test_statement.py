"""A month's statement of one customer: every order, and sums that hold."""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from orders.destination import current_destination
from orders.history import tallies
from orders.models import Order, Partner, Record
from orders.overview import statement
from orders.text import fold

SignIn = Callable[[User], Client]

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)

HOSTILE = ["<script>alert(1)</script>", "\u202eevil", "x" * 128, 'a"b&c=d', "../..", "שלום", "50%", "a+b c"]


@pytest.fixture(autouse=True)
def _at_noon() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def monas(mona: User, sign_in: SignIn) -> Client:
    """Mona's browser."""
    return sign_in(mona)


def record(key: str, **columns: Any) -> Record:
    at = columns.pop("at", NOW)
    told = {"order_no": key, "destination": current_destination(), "first_seen_at": at, "changed_at": at}
    told |= {"partner_id": "77", "created_at": at, "detail_at": at}
    return Record.objects.create(key=key, at=at, **told | columns)


def partner(number: str, company: str, **columns: Any) -> Partner:
    return Partner.objects.create(remote_id=number, company=company, mirrored_at=NOW, search=fold(company), **columns)


def listed(page: str) -> list[str]:
    """The order numbers in their order."""
    return re.findall(r'<th scope="row"><span class="ident"><a href="/history/\d+/" class="id">([^<]+)</a>', page)


def test_all_orders_of_that_customer_and_month_stand_there_the_oldest_first(monas: Client) -> None:
    partner("77", "Hotel Mirador", country="Spain")
    record("B", at=NOW)
    record("A", at=NOW - timedelta(days=3))
    record("OLDER", at=NOW - timedelta(days=30))
    record("NEWER", at=NOW + timedelta(days=30))
    record("OTHERS", partner_id="78")
    record("NOBODYS", partner_id="")
    record("ANOTHER-ACCOUNTS", destination="elsewhere")
    record("GONE", at=NOW - timedelta(days=1), gone_at=NOW)
    page = monas.get("/statement/?customer=77&month=2026-05").content.decode()
    assert listed(page) == ["A", "GONE", "B"]
    assert "no longer in their list" in page
    assert "list no longer holds 1 of these orders. It counts all the same." in page
    for words in ("Hotel Mirador", "Spain", "Statement of May 2026", "3 orders, the oldest first"):
        assert words in page
    assert listed(monas.get("/statement/?customer=77&month=2026-04").content.decode()) == ["OLDER"]
    assert listed(monas.get("/statement/?customer=77").content.decode()) == ["A", "GONE", "B"], "this month"


def test_what_was_cancelled_or_failed_is_shown_and_not_summed(monas: Client) -> None:
    record("A", status="succeed", currency="USD", amount="10.00", product_id="9", product_name="Linkus")
    record("B", status="pending", currency="USD", amount="0.50", product_id="15", product_name="Connections")
    record("C", status="succeed", currency="RMB", amount="7.00", product_id="9", product_name="Linkus")
    record("D", status="succeed", currency="USD")
    record("E", status="cancelled", currency="USD", amount="500.00")
    record("F", status="FAILED", currency="USD", amount="600.00")
    answer = monas.get("/statement/?customer=77&month=2026-05")
    read, page = answer.context["statement"], answer.content.decode()
    assert [(each.currency, each.words, each.orders, each.unpriced) for each in read.sums] == [
        ("USD", "10.50", 3, 1),
        ("RMB", "7.00", 1, 0),
    ]
    assert [(each.product, each.sum.currency, each.sum.words) for each in read.products] == [
        ("", "USD", "0.00"),
        ("Connections", "USD", "0.50"),
        ("Linkus", "RMB", "7.00"),
        ("Linkus", "USD", "10.00"),
    ]
    assert (read.summed, read.not_summed) == (4, [("cancelled", 1), ("FAILED", 1)])
    assert listed(page) == ["A", "B", "C", "D", "E", "F"]
    assert page.count("not in the sums") == 2
    assert "500.00" in page
    assert "17.50" not in page


def test_mona_sees_on_tanakas_statement_that_the_sum_is_only_pending(monas: Client) -> None:
    partner("77", "Tanaka")
    record("A", status="pending", currency="EUR", amount="1234.56", product_id="9", product_name="Linkus")
    record("B", status="succeed", currency="USD", amount="40.00", product_id="9", product_name="Linkus")
    record("C", status="weird_status", currency="USD", amount="99.00", product_id="15", product_name="Connections")
    record("D", status="", currency="USD")
    page = monas.get("/statement/?customer=77&month=2026-05").content.decode()
    assert page.count("of which 1,234.56 pending<") == 3, "in the sums, of the product, and below the list"
    assert page.count("of which 99.00 of an unknown status<") == 3
    said = re.search(r"In the sums, though perhaps not paid: (.*?)</p>", page)
    assert said
    assert re.sub("<[^>]+>", "", said[1]) == "1 with no status told, 1 pending, 1 weird_status."


@pytest.mark.parametrize("seed", range(5))
def test_sums_are_those_of_the_rows_whatever_the_vendor_tells(monas: Client, seed: int) -> None:
    drawn = random.Random(seed)
    for number in range(80):
        record(
            f"LR{number}",
            at=NOW - timedelta(days=drawn.uniform(0, 19)),
            status=drawn.choice(["succeed", "failed", "Invalid", "cancelled", "refunded", "", "odd"]),
            currency=drawn.choice(["USD", "RMB", "", "odd money"]),
            amount=drawn.choice([None, Decimal("0.1"), Decimal("33.3333"), Decimal("-5")]),
            product_id=drawn.choice(["9", "15", ""]),
        )
    read = monas.get("/statement/?customer=77").context["statement"]
    told: dict[str, Decimal] = {}
    for status, currency, amount in Record.objects.values_list("status", "currency", "amount"):
        if status in ("succeed", "", "odd"):
            told[currency] = told.get(currency, Decimal(0)) + (amount or 0)
    assert {each.currency: each.amount for each in read.sums} == told
    for currency in told:
        assert sum(each.sum.amount for each in read.products if each.sum.currency == currency) == told[currency]
    assert read.summed + sum(count for _, count in read.not_summed) == read.orders == 80


def test_a_month_is_that_of_the_portals_time_zone(monas: Client, settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    zone = ZoneInfo("Pacific/Auckland")
    record("LAST", at=datetime(2026, 4, 30, 23, 59, 59, tzinfo=zone))
    record("FIRST", at=datetime(2026, 5, 1, tzinfo=zone))
    for month, number, day in (("2026-04", "LAST", "30 Apr 2026"), ("2026-05", "FIRST", "1 May 2026")):
        page = monas.get(f"/statement/?customer=77&month={month}").content.decode()
        assert listed(page) == [number]
        assert day in page


def test_our_own_account_has_a_statement_too_and_says_what_may_still_come(monas: Client) -> None:
    record("OURS", partner_id="", amount="3.00", currency="USD")
    record("UNREAD", partner_id="", detail_at=None, created_at=None)
    record("HOTELS")
    page = monas.get("/statement/?customer=-&month=2026-05").content.decode()
    assert listed(page) == ["OURS", "UNREAD"]
    assert "Our own account, or no customer told" in page
    assert "or for a PBX by its serial number, or the details are not read yet" in page
    assert "Of 1 order the details are not read yet" in page
    assert "Of 1 order Yeastar tells no date" in page


def test_monas_linkus_order_for_a_serial_number_is_not_called_unread_once_its_details_are_read(monas: Client) -> None:
    record("LINKUS", partner_id="", product_id="9", product_name="Linkus", product_no="369471667338")
    page = monas.get("/statement/?customer=-&month=2026-05").content.decode()
    assert "ordered for our own account, or for a PBX by its serial number</dd>" in page
    assert "not read yet" not in page


def test_months_are_turned_and_there_is_none_after_this_one(monas: Client) -> None:
    record("A")
    answer = monas.get("/statement/?customer=77&month=2026-04")
    assert answer.context["older"][1] == "/statement/?customer=77&month=2026-03"
    assert answer.context["newer"][1] == "/statement/?customer=77&month=2026-05"
    assert monas.get(answer.context["newer"][1]).context["newer"] is None


def test_the_list_behind_a_statement_holds_as_many(monas: Client) -> None:
    for number in range(3):
        record(f"H{number}")
    record("N", partner_id="")
    for customer, count in (("77", "3"), ("-", "1")):
        url = monas.get(f"/statement/?customer={customer}").context["list_url"]
        assert monas.get(url).context["counted"] == count


def test_an_empty_month_leads_to_the_last_one_with_orders(monas: Client) -> None:
    record("A", at=NOW - timedelta(days=200))
    page = monas.get("/statement/?customer=77&month=2026-05").content.decode()
    assert "No orders in May 2026" in page
    assert "?customer=77&amp;month=2025-11" in page
    record("OWN", at=NOW - timedelta(days=100), partner_id="")
    tallies.rebuild(current_destination())
    assert "?customer=-&amp;month=2026-02" in monas.get("/statement/?customer=-").content.decode()
    partner("78", "Hotel Nuevo")
    assert "None of this customer was read" in monas.get("/statement/?customer=78").content.decode()


def test_a_customer_is_found_by_any_part_of_a_word(monas: Client) -> None:
    partner("1", "Société Générale")
    partner("2", "Hotel Mirador")
    partner("3", "Hotel Nuevo")
    record("A", partner_id="2")
    one = monas.get("/statement/?customer=generale&month=2026-05")
    assert (one.status_code, one.url) == (302, "/statement/?customer=1&month=2026-05")
    several = monas.get("/statement/?customer=hotel&month=2026-05").content.decode()
    for number in (2, 3):
        assert f'href="/statement/?customer={number}&amp;month=2026-05"' in several
    assert "None. Any part of" in monas.get("/statement/?customer=nobody").content.decode()


def test_without_a_customer_those_of_the_month_are_offered(monas: Client) -> None:
    assert "No orders of this month were read" in monas.get("/statement/").content.decode()


@pytest.mark.parametrize("month", ["2026-13", "yesterday", "0000-01", "9" * 9000, "%00", "2026-05-01"])
def test_a_month_that_is_none_is_said(monas: Client, month: str) -> None:
    record("A")
    answer = monas.get(f"/statement/?customer=77&month={month}")
    assert answer.context["notes"]
    assert listed(answer.content.decode()) == ["A"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_text_and_keeps_its_address(monas: Client, text: str) -> None:
    partner(text[:40], text)
    told = {"partner_id": text[:40], "product_name": text, "status": text, "currency": text[:20]}
    record(text, custom_reference_no=text, **told)
    record("OLD", at=NOW - timedelta(days=40), partner_id=text[:40])
    answer = monas.get("/statement/", {"customer": text[:40], "month": "2026-05"})
    page = answer.content.decode()
    assert "<script>alert" not in page
    assert html.escape(text) in page
    assert listed(monas.get(answer.context["older"][1]).content.decode()) == ["OLD"]


def test_of_very_many_the_first_are_listed_and_all_are_summed(monas: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement, "ROWS", 4)
    for number in range(9):
        record(f"LR{number}", currency="USD", amount="1.00", status="succeed")
    answer = monas.get("/statement/?customer=77")
    page = answer.content.decode()
    assert listed(page) == ["LR0", "LR1", "LR2", "LR3"]
    assert answer.context["statement"].sums[0].words == "9.00"
    assert "Only the first 4 are listed; the sums are of all" in page


def test_who_asked_and_our_reference_stand_there(monas: Client, queued: Callable[..., Order], alice: User) -> None:
    order = queued()
    record("LR1", ours=order, owner=alice, custom_reference_no=f"PO-1 · {order.reference}")
    record("LR2")
    page = monas.get("/statement/?customer=77").content.decode()
    for words in (order.reference, "PO-1", "alice", "made elsewhere"):
        assert words in page


def test_a_statement_takes_the_same_few_questions_however_long(monas: Client, django_assert_num_queries: Any) -> None:
    partner("77", "Hotel Mirador")
    for number in range(40):
        record(f"LR{number}", product_id="9")
        if number == 1:
            monas.get("/statement/?customer=77")
            with django_assert_num_queries(10):
                monas.get("/statement/?customer=77")
    with django_assert_num_queries(10):
        monas.get("/statement/?customer=77")


def test_the_list_the_record_and_the_overview_lead_there(monas: Client) -> None:
    partner("77", "Hotel Mirador")
    row = record("A")
    assert "/statement/?customer=77&amp;month=2026-05" in monas.get(f"/history/{row.pk}/").content.decode()
    listed_page = monas.get("/history/?customer=77&period=custom&from=2026-04-01&to=2026-04-30").content.decode()
    assert "/statement/?customer=77&amp;month=2026-04" in listed_page
    assert "/statement/" not in monas.get("/history/").content.decode()


def test_the_field_shows_the_customers_name_and_another_month_is_the_same_customers(monas: Client) -> None:
    for number in ("7", "77"):
        partner(number, "Hotel Mirador")
        record(f"LR{number}", partner_id=number)
    page = monas.get("/statement/?customer=7&month=2026-05").content.decode()
    assert re.search(r'<input type="search" name="customer" [^>]*value="Hotel Mirador"', page)
    assert '<input type="hidden" name="was" value="7">' in page
    answer = monas.get("/statement/?was=7&customer=Hotel+Mirador&month=2026-04")
    assert answer.url == "/statement/?customer=7&month=2026-04"
    answer = monas.get("/statement/?was=7&customer=Hotel&month=2026-04")
    assert len(answer.context["matching"]) == 2, "another one was typed"
    assert monas.get("/statement/?was=-&customer=&month=2026-04").url == "/statement/?customer=-&month=2026-04"
