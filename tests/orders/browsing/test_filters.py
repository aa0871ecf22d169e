"""What each filter leaves, alone and beside others."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from orders.browsing.asked import parse
from orders.destination import current_destination
from orders.history import linking, records
from orders.models import Order, Partner, Record
from tests.orders.browsing.kit import NOW, listed, partner, record
from yeastar_api.messages import OrderRow


def test_each_filter_leaves_only_what_fits(monas: Client, queued: Callable[..., Order], alice: User) -> None:
    order = queued()
    record("OURS", ours=order, owner=alice, status="pending", reference=order.reference)
    record("THEIRS", status="succeed", currency="RMB", product_id="9", product_name="Linkus", partner_id="77")
    record("ODD", status="con<b>", currency="USD", partner_id="78", at=NOW - timedelta(days=900))
    for query, found in {
        "status=pending": ["OURS"],
        "status=succeed": ["THEIRS"],
        "status=con%3Cb%3E": ["ODD"],
        "ours=QUEUED": ["OURS"],
        "ours=PLACED": [],
        "ours=QUEUED&made=elsewhere": [],
        "ours=QUEUED&made=here": ["OURS"],
        "product=9": ["THEIRS"],
        "customer=77": ["THEIRS"],
        "who=alice": ["OURS"],
        "who=nobody": [],
        "made=here": ["OURS"],
        "made=elsewhere": ["THEIRS", "ODD"],
        "currency=RMB": ["THEIRS"],
        "currency=USD": ["ODD"],
        "from=2026-05-20&to=2026-05-20": ["THEIRS", "OURS"],
        "to=2026-05-19": ["ODD"],
        "status=succeed&currency=RMB&made=elsewhere&sort=order": ["THEIRS"],
        "status=succeed&currency=USD": [],
        "product=-": ["OURS", "ODD"],
        "customer=-": ["OURS"],
        "currency=-&made=here": ["OURS"],
        "status=-": [],
    }.items():
        assert listed(monas, f"/history/?{query}") == found, query


def test_what_stands_together_for_the_first_time_is_found_at_once(monas: Client, queued: Callable[..., Order]) -> None:
    def told(**row: Any) -> None:
        records.keep(current_destination(), [OrderRow(row)], timezone.now())

    fillers = [{"orderNo": f"USUAL{number}", "orderStatus": "succeed", "currencyCode": "USD"} for number in range(400)]
    told(orderNo="FIRST", orderStatus="pending", currencyCode="RMB")
    assert listed(monas, {"status": "pending", "currency": "RMB"}) == ["FIRST"]
    assert listed(monas, {"status": "pending", "currency": "EUR"}) == []
    assert listed(monas, {"status": "pending", "made": "here"}) == []
    told(orderNo="SECOND", orderStatus="pending", currencyCode="EUR")
    records.keep(current_destination(), [OrderRow(row) for row in fillers], timezone.now())
    assert listed(monas, {"status": "pending", "currency": "EUR"}) == ["SECOND"]
    order = queued()
    Order.objects.filter(pk=order.pk).update(order_no="FIRST")
    linking.link(current_destination())
    assert listed(monas, {"status": "pending", "made": "here"}) == ["FIRST"]


def test_periods_are_days_of_the_portals_time_zone() -> None:
    begin = {name: parse({"period": name}).span(NOW) for name in ("today", "7-days", "last-month", "this-year")}
    assert {name: (span[0].date().isoformat(), span[1].date().isoformat()) for name, span in begin.items()} == {
        "today": ("2026-05-20", "2026-05-21"),
        "7-days": ("2026-05-14", "2026-05-21"),
        "last-month": ("2026-04-01", "2026-05-01"),
        "this-year": ("2026-01-01", "2026-05-21"),
    }


@pytest.mark.parametrize(
    ("query", "period", "says"),
    [
        ("period=this-year&from=2026-03-01&to=2026-05-31&stood=this-year", "custom", False),  # typed beside a preset
        ("period=this-year&from=2026-03-01&stood=custom", "this-year", False),  # a preset chosen instead of the days
        ("period=this-year&from=2026-03-01", "this-year", True),  # an address that somebody wrote
        ("period=this-year&stood=this-year", "this-year", False),
    ],
)
def test_days_beside_a_named_period_are_never_dropped_in_silence(query: str, period: str, says: bool) -> None:
    asked = parse(QueryDict(query))
    assert asked.period == period
    assert (asked.first is not None) == (period == "custom")
    assert any("days were ignored" in note for note in asked.notes) == says


def test_the_form_tells_at_which_period_it_stood(monas: Client) -> None:
    assert 'name="stood" value="this-year"' in monas.get("/history/?period=this-year").content.decode()
    assert 'name="stood"' not in monas.get("/history/").content.decode()


@pytest.mark.parametrize(
    ("number", "company", "shows"),
    [("77", "Kiwi Orchards", "Kiwi Orchards"), ("77", "K  <b> " + "x" * 130, "K &lt;b&gt; " + "x" * 94), ("-", "", "")],
)
def test_mona_who_clicked_a_customer_reads_the_name_and_keeps_just_that_customer(
    monas: Client, number: str, company: str, shows: str
) -> None:
    partner("77", company)
    partner("78", f"{company} of the south")
    record("A", partner_id="" if number == "-" else number, status="succeed")
    record("B", partner_id="78", status="succeed")
    page = monas.get("/history/", {"customer": number}).content.decode()
    [value] = re.findall(r'<input name="customer" id="id_customer" value="([^"]*)"', page)
    [was] = re.findall(r'<input type="hidden" name="was" value="([^"]*)">', page)
    assert (value, was) == (shows or "not told or not yet known", number)
    form = {"customer": html.unescape(value), "was": was, "status": "succeed"}
    answer = monas.get("/history/", form, headers={"HX-Request": "true"})
    assert answer["HX-Push-Url"] == f"/history/?status=succeed&customer={number}"
    assert listed(monas, form) == ["A"]
    assert listed(monas, form | {"customer": "south"}) == ["B"]
    assert listed(monas, form | {"customer": ""}) == ["B", "A"]


def test_two_words_that_share_no_customer_find_nothing_with_a_filter_either(monas: Client, mona: User) -> None:
    for name in ("hotel", "clinic"):
        Partner.objects.create(remote_id=name, company=name, search=name, mirrored_at=NOW)
        told = {"destination": current_destination(), "partner_id": name, "at": NOW, "status": "succeed"}
        Record.objects.bulk_create(
            Record(key=f"{name}{n}", order_no=f"{name}{n}", first_seen_at=NOW, changed_at=NOW, **told)
            for n in range(1_001)
        )
    for query in ("q=hotel&customer=clinic", "q=hotel&customer=clinic&status=succeed"):
        page = monas.get(f"/history/?{query}")
        assert (page.context["rows"], page.context["counted"]) == ([], "0")
