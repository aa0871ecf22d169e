"""An order that the vendor lists without its number first, and with it later, is one order with one record."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from orders.destination import current_destination
from orders.history import records, tallies
from orders.history.following import follow
from orders.models import Drift, Order, Record, Tally
from yeastar_api.client import PartnerPortal
from yeastar_api.messages import OrderRow, Page

pytestmark = pytest.mark.django_db(transaction=True)

Rows = list[dict[str, Any]]


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Rows:
    """What the vendor lists, a hundred on a page."""
    settings.HISTORY_DETAILS = 0
    rows: Rows = []

    def page(self: PartnerPortal, page_no: int, *_: Any) -> Page[OrderRow]:
        some = rows[100 * (page_no - 1) : 100 * page_no]
        return Page(tuple(OrderRow(dict(row)) for row in some), total=len(rows))

    monkeypatch.setattr(PartnerPortal, "order_page", page)
    return rows


def waiting(number: int) -> dict[str, Any]:
    return {"id": number, "orderStatus": "pending", "orderAmount": "10.00", "createTime": 1_700_000_000 + number}


def money() -> float:
    return float(sum(tally.amount for tally in Tally.objects.filter(kind="product")))


def right() -> bool:
    here = current_destination()
    return tallies.told(here) == tallies.recount(here)


def test_it_stays_one_record_and_its_money_is_counted_once(portal: PartnerPortal, listed: Rows) -> None:
    listed[:] = [waiting(7), {"orderNo": "B", "id": 8}]
    follow(portal, whole=True)
    before = Record.objects.get(key="id:7").pk
    listed[0] |= {"orderNo": "A", "orderStatus": "succeed"}
    reading = follow(portal, whole=True)
    assert reading is not None
    assert (reading.complete, reading.new, reading.changed, reading.gone) == (True, 0, 1, 0)
    record = Record.objects.get(order_no="A")
    assert (record.pk, record.key, record.status, record.gone_at) == (before, "A", "succeed", None)
    assert Record.objects.count() == 2
    assert money() == 10
    assert right()
    assert (again := follow(portal, whole=True)) is not None
    assert (again.new, again.changed) == (0, 0)


def test_many_of_them_at_once_among_rows_that_never_get_a_number(portal: PartnerPortal, listed: Rows) -> None:
    listed[:] = [waiting(number) for number in range(1, 701)] + [{"orderNo": "id:1"}]
    follow(portal, whole=True)
    for row in listed[:650]:
        row["orderNo"] = f"A{row['id']}"
    follow(portal, whole=True)
    assert Record.objects.count() == 701
    assert Record.objects.filter(gone_at=None, order_no__startswith="A").count() == 650
    assert right()


def test_one_that_gets_its_number_while_it_is_read_is_seen_twice_and_kept_once(
    portal: PartnerPortal, listed: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed[:] = [waiting(number) for number in range(1, 251)]
    asked, pages = PartnerPortal.order_page, []

    def page(self: PartnerPortal, page_no: int, *rest: Any) -> Any:
        if len(pages) == 1:  # between the first page and the second it moves onto the latter, and has its number
            listed.insert(150, listed.pop(5) | {"orderNo": "A"})
        pages.append(page_no)
        return asked(self, page_no, *rest)

    monkeypatch.setattr(PartnerPortal, "order_page", page)
    reading = follow(portal, whole=True)
    assert reading is not None
    assert (reading.complete, reading.seen) == (True, 250), "the one that moved onto the first page was read, too"
    assert Record.objects.count() == 250
    assert money() == 2500
    assert right()


def test_our_order_stays_linked_and_what_was_found_by_the_id_is_found_by_the_number(
    buy: Any, portal: PartnerPortal, listed: Rows, settings: Any
) -> None:
    settings.HISTORY_LAG = settings.HISTORY_LAG * 0
    order = buy()
    here = current_destination()
    records.keep(here, [OrderRow({"id": 7, "customReferenceNo": order.reference})], timezone.now())
    Record.objects.update(ours=order, owner=order.owner)
    tallies.rebuild(here)
    Order.objects.filter(pk=order.pk).update(found_as="id:7")
    listed[:] = [{"id": 7, "orderNo": order.order_no, "customReferenceNo": order.reference}]
    follow(portal, whole=True)
    record = Record.objects.get()
    order.refresh_from_db()
    assert (record.key, record.ours, record.owner) == (order.order_no, order, order.owner)
    assert order.found_as == order.order_no
    assert not Drift.objects.exists()
    assert right()
