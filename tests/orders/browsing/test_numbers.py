"""What a search by number finds when more numbers begin with it than can be gathered: all of it, page by page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import chain

import pytest
from django.contrib.auth.models import User

from orders.browsing import paging
from orders.browsing.asked import parse
from orders.browsing.finding import find
from orders.destination import current_destination
from orders.history import tallies
from orders.models import Order, Record
from tests.orders.browsing.kit import NOW, SignIn, partner, record, walk

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than five are too many to be gathered."""
    monkeypatch.setattr("orders.browsing.finding.FEW", 5)


def pages(**query: str) -> list[list[str]]:
    """The order numbers on each page; list, count and export have to agree."""
    asked = parse(query)
    shown = walk(asked, "after")
    keys = [key for page in shown for key in page]
    whole = find(asked, NOW, whole=True).rows.values_list("pk", flat=True)
    assert len(keys) == len(set(keys))
    assert set(keys) == set(whole)
    counted = paging.count(find(asked, NOW))
    assert counted in (str(len(keys)), "5+")
    names = dict(Record.objects.values_list("pk", "order_no"))
    return [[names[key] for key in page] for page in shown]


def longer(column: str, beginning: str, count: int = 20, **columns: str) -> None:
    """Numbers that begin so and are longer, all newer than what is looked for."""
    for number in range(count):
        told = {column: f"{beginning}{number:03}"} | columns
        record(told.pop("order_no", f"Y{number}"), at=NOW + timedelta(minutes=number), **told)


@pytest.mark.parametrize(
    "column", ["order_no", "transaction_no", "instance_id", "invoice_no", "product_no", "custom_reference_no"]
)
@pytest.mark.parametrize("text", ["PO-1", "po-1"])
def test_the_order_with_exactly_this_number_stands_first(
    monkeypatch: pytest.MonkeyPatch, column: str, text: str
) -> None:
    monkeypatch.setattr(paging, "PAGE_SIZE", 7)
    wanted = record("X", **{column: "PO-1"})
    longer(column, "PO-1")
    found = pages(q=text)
    assert found[0][0] == wanted.order_no
    assert [*chain.from_iterable(found)].count(wanted.order_no) == 1
    assert len([*chain.from_iterable(found)]) == 21
    asked = parse({"q": text})
    listed = paging.page(find(asked, NOW), asked)
    assert listed.exact == 1
    assert listed.rows[0] == wanted


def test_it_stands_first_of_those_that_can_be_gathered_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders.browsing.finding.FEW", 100)
    monkeypatch.setattr("orders.browsing.numbers.APART", 7)
    monkeypatch.setattr(paging, "PAGE_SIZE", 7)
    record("LR1")
    longer("order_no", "LR1")
    found = pages(q="LR1")
    assert found[0][0] == "LR1"
    assert [*chain.from_iterable(found)].count("LR1") == 1
    back = walk(parse({"q": "LR1"}), "before", beginning=Record.objects.get(order_no="LR1000").pk)
    assert back[-1][0] == Record.objects.get(order_no="LR1").pk


def test_it_stands_there_only_if_it_fits_the_filters() -> None:
    record("LR1", status="failed")
    longer("order_no", "LR1", status="succeed")
    assert "LR1" not in pages(q="LR1", status="succeed")[0]
    assert pages(q="LR1", status="failed") == [["LR1"]]


@pytest.mark.parametrize(
    "filters",
    [{"status": "pending"}, {"product": "9"}, {"made": "elsewhere", "status": "pending"}, {"customer": "otel"}],
)
@pytest.mark.parametrize("sort", ["-at", "order"])
def test_a_filter_beside_a_search_finds_what_fits_both(filters: dict[str, str], sort: str) -> None:
    partner("1", "Hotel Mirador")
    record("LR001", status="pending", product_id="9", partner_id="1")
    longer("order_no", "LR9", status="succeed")
    assert pages(q="LR", sort=sort, **filters) == [["LR001"]]


def test_what_a_customer_ordered_is_found_beside_the_numbers() -> None:
    partner("1", "Hotel LR")
    record("Z1", partner_id="1", status="pending")
    longer("order_no", "LR")
    assert pages(q="LR", status="pending") == [["Z1"]]
    assert "Z1" in pages(q="LR")[0]


def test_a_reference_of_ours_that_theirs_does_not_tell_is_found_beside_them(
    queued: Callable[..., Order], alice: User
) -> None:
    order = queued()
    record("OURS", ours=order, owner=alice)
    longer("custom_reference_no", order.reference)
    assert pages(q=order.reference)[0][0] == "OURS"


def test_numbers_of_another_account_do_not_hide_ours() -> None:
    record("A1", transaction_no="TR1")
    longer("transaction_no", "TR1", destination="elsewhere (account 9)")
    tallies.rebuild("elsewhere (account 9)")
    assert pages(q="TR") == [["A1"]]
    assert pages(q="TR1") == [["A1"]]


def test_what_lies_far_back_is_found_by_looking_further_and_it_is_said_where(
    monkeypatch: pytest.MonkeyPatch, mona: User, sign_in: SignIn
) -> None:
    monkeypatch.setattr("orders.browsing.walking.LOOKED", 10)
    for number in range(8):
        record(f"LR{number}", at=NOW - timedelta(days=400))
    longer("order_no", "Z", 30)
    assert [*chain.from_iterable(pages(q="LR"))] == [f"LR{number}" for number in reversed(range(8))]
    client = sign_in(mona)
    page = client.get("/history/?q=LR")
    assert page.context["rows"] == []
    assert "looked for up to" in page.content.decode()
    assert "15 Apr 2025" in page.content.decode()
    there = client.get("/history/" + page.context["jump"]["url"])
    assert there.context["rows"][0].record.order_no == "LR7"


@pytest.mark.parametrize("text", ["\u0301", "\u0301 \u0308"])
def test_marks_that_stand_on_no_letter_are_found_nowhere(text: str) -> None:
    partner("1", "Hotel")
    record("A", partner_id="1")
    record("B")
    assert pages(q=text) == [[]]
    assert pages(customer=text) == [[]]


def test_what_stands_first_counts_beside_a_full_thousand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders.browsing.finding.FEW", 1_000)
    partner("1", "Kiwi")
    Record.objects.bulk_create(
        Record(destination=current_destination(), key=str(n), order_no=f"LR{n:04}", at=NOW, first_seen_at=NOW,
               changed_at=NOW, partner_id="1", status="succeed",
               custom_reference_no="KIWI" if n < 20 else f"KIWI-{n}" if n < 55 else "")
        for n in range(1_015)
    )  # fmt: skip
    asked = parse({"q": "kiwi", "status": "succeed"})
    found = find(asked, NOW)
    assert paging.count(found, paging.page(found, asked)) in ("1,015", "1,000+")
