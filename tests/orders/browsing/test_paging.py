"""Pages by key: walking all of them there and back sees what fits once, in its order; counts; how far was looked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.browsing import paging
from orders.browsing.asked import SORTS, parse
from orders.browsing.finding import find
from orders.destination import current_destination
from orders.history import tallies
from orders.models import Order, Partner, Record
from orders.text import fold
from tests.orders.browsing.kit import NOW, listed, partner, record, walk


def test_pages_keep_filters_and_sort(monas: Client) -> None:
    Record.objects.bulk_create(
        Record(destination=current_destination(), key=str(n), order_no=f"LR{n:03}", at=NOW, first_seen_at=NOW,
               changed_at=NOW, status="pending")
        for n in range(120)
    )  # fmt: skip
    first = monas.get("/history/?status=pending&sort=order")
    assert "<b>120</b> orders" in first.content.decode()
    assert first.context["counted"] == "120"
    assert first.context["older"].startswith("?status=pending&sort=order&after=")
    second = monas.get("/history/" + first.context["older"])
    third = monas.get("/history/" + second.context["older"])
    assert third.context["older"] == ""
    back = monas.get("/history/" + third.context["newer"])
    assert [row.record.pk for row in back.context["rows"]] == [row.record.pk for row in second.context["rows"]]
    assert monas.get("/history/" + back.context["newer"]).context["newer"] == ""


def test_counts_are_capped_and_say_so(monas: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(60):
        record(f"LR{number}")
    assert monas.get("/history/").context["counted"] == "60"
    monkeypatch.setattr(paging, "COUNTED", 55)
    assert monas.get("/history/").context["counted"] == "55+"


def test_a_page_that_was_looked_for_long_enough_says_how_far(monas: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    partner("1", "Hotel Mirador")
    for number in range(9):
        record(f"LR{number}", partner_id="1", status="pending" if number == 1 else "succeed", at=NOW)
    monkeypatch.setattr("orders.browsing.walking.LOOKED", 5)
    monkeypatch.setattr("orders.browsing.finding.FEW", 4)
    page = monas.get("/history/?customer=1&status=pending")
    assert page.context["rows"] == []
    assert "up to 20 May 2026" in page.content.decode()
    assert "Nothing fits so far" in page.content.decode()
    assert listed(monas, "/history/" + page.context["older"]) == ["LR1"]


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["succeed", "pending", "-"]),
        "currency": st.sampled_from(["USD", "RMB", "-"]),
        "product": st.sampled_from(["9", "15", "-"]),
        "customer": st.sampled_from(["P1", "P3", "P9", "otel", "hotel 2", "-"]),
        "who": st.sampled_from(["alice", "bob", "nobody"]),
        "made": st.sampled_from(["here", "elsewhere"]),
        "ours": st.sampled_from(["PLACED", "UNCERTAIN", "FAILED"]),
        "q": st.sampled_from(["LR0", "LR01", "hotel", "hotel 1", "LR", "LR010", "P1", "clinic", "nothing"]),
        "period": st.sampled_from(["today", "this-year"]),
    },
)


@pytest.fixture
def shelf(alice: User, bob: User) -> None:
    """Ninety records, at few different times; of some columns one value goes with few of another."""
    for number in range(3):
        partner(f"P{number}", f"Hotel {number}")
    orders = Order.objects.bulk_create(
        Order(
            owner=(alice, alice, bob)[number % 3],
            slug="linkus-cloud-service",
            status=("PLACED", "PLACED", "UNCERTAIN")[number % 7 % 3],
            reference=f"YP-{number:04}-0000",
            placed_at=NOW,
        )
        for number in range(30)
    )
    Record.objects.bulk_create(
        Record(
            destination=current_destination() if number % 31 else "elsewhere (account 1)",
            key=f"k{number}",
            order_no=f"LR{number // 2:03}" if number % 9 else "",
            at=NOW - timedelta(hours=number % 4, days=200 * (number > 60)),
            first_seen_at=NOW,
            changed_at=NOW,
            status=("succeed", "pending", "")[number % 6 if number % 6 < 3 else 0],
            currency=("USD", "RMB", "")[number % 10 if number % 10 < 3 else 0],
            product_id=("9", "15", "")[number % 5 % 3],
            partner_id=f"P{number % 4}" if number % 7 else "",
            ours=orders[number // 3] if number % 3 == 0 else None,
            owner=orders[number // 3].owner if number % 3 == 0 else None,
        )
        for number in range(90)
    )
    tallies.rebuild("elsewhere (account 1)")


def naively(query: dict[str, str]) -> set[int]:
    """The keys of what fits, by looking at each record."""
    names = dict(Partner.objects.values_list("remote_id", "search"))

    def is_of(row: Record, words: str) -> bool:
        return row.partner_id in names and all(word in names[row.partner_id] for word in fold(words).split())

    def is_customer(row: Record, told: str) -> bool:
        number = "" if told == "-" else told
        return row.partner_id == number or is_of(row, told)

    def fits(row: Record) -> bool:
        ours = row.ours
        told = {
            "status": row.status or "-",
            "currency": row.currency or "-",
            "product": row.product_id or "-",
            "made": "here" if ours else "elsewhere",
            "who": ours.owner.username if ours else "",
            "ours": ours.status if ours else "",
        }
        at = row.at.date().isoformat()
        begin = {"today": "2026-05-20", "this-year": "2026-01-01"}.get(query.get("period", ""), "")
        q, customer = query.get("q", ""), query.get("customer", "")
        return (
            row.destination == current_destination()
            and all(told[name] == value for name, value in query.items() if name in told)
            and at >= begin
            and (not q or row.order_no.startswith(q) or is_of(row, q))
            and (not customer or is_customer(row, customer))
        )

    return {row.pk for row in Record.objects.select_related("ours__owner") if fits(row)}


@given(
    filters=FILTERS,
    sort=st.sampled_from(sorted(SORTS)),
    few=st.sampled_from([0, 5, 1000]),
    few_customers=st.sampled_from([1, 100]),
    looked=st.sampled_from([3, 10, 1000]),
    mixes=st.sampled_from([2, 1000]),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_walking_all_pages_there_and_back_sees_what_fits_in_its_order(
    shelf: None, filters: dict[str, str], sort: str, few: int, few_customers: int, looked: int, mixes: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paging, "PAGE_SIZE", 7)
        patch.setattr("orders.browsing.walking.LOOKED", looked)
        patch.setattr("orders.browsing.walking.ALL_OF", 10 if few == 5 else 90)
        patch.setattr("orders.browsing.mixes.MOST", mixes)
        patch.setattr("orders.browsing.finding.FEW_CUSTOMERS", few_customers)
        if few:
            patch.setattr("orders.browsing.finding.FEW", few)
        asked = parse({**filters, "sort": sort})
        found = find(asked, NOW)
        there = walk(asked, "after")
        seen = [pk for page in there for pk in page]
        fit = naively(filters)
        assert len(seen) == len(fit)
        assert set(seen) == fit
        assert set(find(asked, NOW, whole=True).rows.values_list("pk", flat=True)) == fit
        counted = paging.count(found, paging.page(found, asked))
        assert int(counted.rstrip("+").replace(",", "")) <= len(fit) if "+" in counted else counted == str(len(fit))
        column, down = SORTS[found.sort]
        rows = Record.objects.in_bulk(seen)
        exact, seen = seen[: len(found.exact)], seen[len(found.exact) :]
        assert exact == [*found.exact]
        assert seen == sorted(seen, key=lambda pk: (getattr(rows[pk], column), pk), reverse=down)
        if found.sort != sort:
            assert len(seen) > few or looked < 1000
        if there[-1] and len(there) > 1:
            back = walk(asked, "before", beginning=there[-1][0])
            # The last page that one comes to is the first of all, and may hold again what the one before held.
            before = [pk for page in there[:-1] for pk in page]
            later = [pk for page in back[-2::-1] for pk in page] if len(back) > 1 else []
            assert later == before[len(before) - len(later) :]
            assert set(before) <= {*later, *back[-1]}
