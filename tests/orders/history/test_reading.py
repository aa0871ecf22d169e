"""A scan of the history knows whether it has seen everything, however the pages move while it reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.history.reading import Interrupted, Scan, key_of, look_through
from tests.conftest import portal_for
from yeastar_api.messages import OrderRow

PAGE = 100


def row(number: int) -> dict[str, Any]:
    return {"orderNo": f"AB{number:019}", "id": str(number), "orderStatus": "succeed"}


class Vendor(httpx.BaseTransport):
    """A vendor whose list changes between any two pages."""

    def __init__(self, numbers: Sequence[int], *, page_size: int = PAGE, total: Callable[[int], Any] = lambda n: n):
        self.numbers = list(numbers)
        self.page_size = page_size
        self.total = total
        self.pages: list[int] = []
        self.between: dict[int, Callable[[list[int]], None]] = {}
        self.refuses: Callable[[dict[str, str]], bool] = lambda _: False
        self.stubborn = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return self._answer({"token": "x" * 40, "expiresIn": "1800"})
        query = dict(request.url.params)
        if self.refuses(query):
            return self._answer({"field": "sort"}, code="parameter_validation_failed", status=400)
        page_no = int(query["pageNo"])
        size = min(self.page_size, int(query["pageSize"]))
        start = (page_no - 1) * size
        if self.stubborn:  # repeats its last page for ever
            start = min(start, (len(self.numbers) - 1) // size * size)
        page = {
            "results": [row(number) for number in self.numbers[start : start + size]],
            "total": self.total(len(self.numbers)),
            "pageSize": size,
        }
        self.pages.append(page_no)
        self.between.pop(len(self.pages), lambda _: None)(self.numbers)
        return self._answer(page)

    @staticmethod
    def _answer(result: Any, code: str = "success", status: int = 200) -> httpx.Response:
        envelope = {"code": code, "detailMessage": "", "requestId": "r", "result": result, "status": status}
        return httpx.Response(status, content=json.dumps(envelope))


def scan_of(vendor: Vendor, see: Callable[[Sequence[OrderRow], Scan], None] = lambda *_: None) -> Scan:
    with portal_for(vendor, sleep=lambda _: None) as portal:
        return look_through(portal, see, sleep=lambda _: None)


def keys(numbers: Sequence[int]) -> set[str]:
    return {row(number)["orderNo"] for number in numbers}


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250, 1000])
def test_every_row_is_seen_once_and_the_first_page_once_more_for_the_total(count: int) -> None:
    vendor = Vendor(range(count))
    scan = scan_of(vendor)
    assert scan.complete
    assert scan.keys == keys(range(count))
    assert len(vendor.pages) <= count // PAGE + 3


@pytest.mark.parametrize("page_size", [7, 25, 100])
def test_a_vendor_that_lowers_the_page_size_is_read_to_the_end(page_size: int) -> None:
    assert scan_of(Vendor(range(230), page_size=page_size)).keys == keys(range(230))


def test_a_vendor_that_repeats_its_last_page_for_ever_comes_to_an_end() -> None:
    vendor = Vendor(range(230))
    vendor.stubborn = True
    scan = scan_of(vendor)
    assert scan.complete
    assert len(vendor.pages) < 10


def test_a_vendor_that_refuses_pages_beyond_the_last_is_read_to_the_end() -> None:
    vendor = Vendor(range(230))
    vendor.refuses = lambda query: int(query["pageNo"]) > 3
    assert scan_of(vendor).complete


def test_a_vendor_that_refuses_to_sort_is_read_in_its_own_order() -> None:
    vendor = Vendor(range(230))
    vendor.refuses = lambda query: "sort" in query
    assert scan_of(vendor).complete


def test_a_vendor_that_shows_only_its_first_pages_proves_nothing() -> None:
    vendor = Vendor(range(1000))
    vendor.refuses = lambda query: int(query["pageNo"]) > 5
    scan = scan_of(vendor)
    assert not scan.complete
    assert "counts 1,000" in scan.words


@pytest.mark.parametrize("total", [lambda _: None, lambda n: n + 1, lambda _: "many"])
def test_without_a_total_that_is_reached_nothing_is_complete(total: Callable[[int], Any]) -> None:
    assert not scan_of(Vendor(range(150), total=total)).complete


def test_a_row_that_moves_up_because_another_vanished_is_not_missed() -> None:
    vendor = Vendor(range(300))
    vendor.between[1] = lambda numbers: numbers.remove(5)  # row 100 moves to the page that was read already
    scan = scan_of(vendor)
    assert scan.complete
    assert keys([100]) <= scan.keys


def test_a_page_that_cannot_be_read_cuts_the_scan_short_and_says_why() -> None:
    vendor = Vendor(range(300))
    answer = vendor.handle_request

    def fails(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("pageNo") == "2":
            return httpx.Response(502, text="<html>bad gateway</html>")
        return answer(request)

    vendor.handle_request = fails  # type: ignore[method-assign]
    scan = scan_of(vendor)
    assert not scan.complete
    assert "cut short after 100 orders" in scan.words
    assert "502" in scan.words


def test_who_watches_may_end_the_scan() -> None:
    def enough(rows: Sequence[OrderRow], _: Scan) -> None:
        if rows:
            raise Interrupted("Enough.")

    scan = scan_of(Vendor(range(300)), enough)
    assert not scan.complete
    assert scan.pages == 1


def test_rows_without_number_or_id_are_told_apart_by_all_that_they_say() -> None:
    bare = [OrderRow.model_validate({"orderStatus": status}) for status in ("succeed", "failed", "succeed")]
    assert len({key_of(each) for each in bare}) == 2


Change = st.tuples(
    st.integers(min_value=1, max_value=14),
    st.sampled_from(["add", "add", "remove"]),
    st.floats(min_value=0, max_value=1),
)


@given(st.integers(min_value=0, max_value=60), st.lists(Change, max_size=6), st.integers(min_value=3, max_value=9))
def test_whatever_arrives_or_vanishes_a_complete_scan_has_seen_all_that_was_there_all_the_time(
    count: int, changes: list[tuple[int, str, float]], page_size: int
) -> None:
    vendor = Vendor(range(count), page_size=page_size)
    removed: set[int] = set()

    def change(what: str, where: float, number: int) -> Callable[[list[int]], None]:
        def apply(numbers: list[int]) -> None:
            place = int(where * len(numbers))
            if what == "add":
                numbers.insert(place, 1000 + number)
            elif numbers:
                removed.add(numbers.pop(min(place, len(numbers) - 1)))

        return apply

    for number, (after, what, where) in enumerate(changes):
        vendor.between[after] = change(what, where, number)
    scan = scan_of(vendor)
    if scan.complete and not (removed and len(vendor.numbers) + len(removed) > count):
        # An order that arrives and another that vanishes between the same two pages hide each other: that is why
        # it takes several complete scans to prove an absence.
        assert keys(sorted(set(range(count)) - removed)) <= scan.keys
