"""Rows are gathered before they are kept: nothing that was told is lost by it, and no run's row tells of more than is
kept."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from orders.destination import current_destination
from orders.history import following, records, runs
from orders.history.following import follow
from orders.models import Reading, Record
from tests.orders.history.test_numbered_later import Rows, right
from tests.orders.history.test_numbered_later import listed as listed
from yeastar_api.client import PartnerPortal
from yeastar_api.messages import OrderRow
from yeastar_api.messages.wire import parse_json
from yeastar_api.sandbox import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows wait for as long as a run takes, unless something else makes it keep them."""
    monkeypatch.setattr(following, "PATIENCE", 60)
    monkeypatch.setattr(runs, "BEAT", timedelta(minutes=5))


def test_what_was_told_first_is_kept_though_it_is_told_otherwise_while_it_waits(
    portal: PartnerPortal, listed: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first page names a PO number; a moment later the row has moved on, and names none."""
    listed[:] = [{"orderNo": f"A{number}", "orderStatus": "pending"} for number in range(150)]
    listed[99]["customReferenceNo"] = "PO-1"
    asked, pages = PartnerPortal.order_page, []

    def page(self: PartnerPortal, page_no: int, *rest: Any) -> Any:
        pages.append(page_no)
        if len(pages) == 2:
            listed.insert(0, {"orderNo": "NEW"})
            listed[100] = {"orderNo": "A99", "orderStatus": "succeed"}
        return asked(self, page_no, *rest)

    monkeypatch.setattr(PartnerPortal, "order_page", page)
    follow(portal, whole=True)
    record = Record.objects.get(order_no="A99")
    assert (record.custom_reference_no, record.status) == ("PO-1", "succeed")
    assert right()


def test_a_run_whose_rows_cannot_be_kept_is_gone_on_with_where_they_begin(
    portal: PartnerPortal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.world.generate("orders", 1000 - len(sandbox.world.orders))
    monkeypatch.setattr(following, "MANY", 300)
    kept, times = records.keep_gathered, []

    def keep(*args: Any) -> records.Kept:
        times.append(1)
        if len(times) == 2:
            raise OperationalError("database is locked")
        return kept(*args)

    with monkeypatch.context() as locked:
        locked.setattr(records, "keep_gathered", keep)
        with pytest.raises(OperationalError):
            follow(portal)
    assert Record.objects.count() == 300
    assert Reading.objects.get().next_page == 4
    resumed = follow(portal)
    assert resumed is not None
    assert (resumed.complete, Record.objects.count()) == (True, 1000), resumed.words


def test_a_runs_row_never_tells_of_more_than_is_kept(
    portal: PartnerPortal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever kills the worker between two pages leaves behind what is true."""
    sandbox.world.generate("orders", 500)
    monkeypatch.setattr(runs, "BEAT", timedelta(0))
    asked, seen = PartnerPortal.order_page, []

    def page(self: PartnerPortal, *args: Any) -> Any:
        seen.append(Reading.objects.get().seen)
        assert seen[-1] <= Record.objects.count()
        return asked(self, *args)

    monkeypatch.setattr(PartnerPortal, "order_page", page)
    reading = follow(portal, whole=True)
    assert reading is not None
    assert reading.complete
    assert seen[:3] == [0, 100, 200]


def test_what_came_while_a_whole_run_read_is_not_gone(portal: PartnerPortal, listed: Rows, monkeypatch: Any) -> None:
    """Somebody else kept it meanwhile, and the vendor's list does not hold it yet."""
    listed[:] = [{"orderNo": f"A{number}"} for number in range(150)]
    follow(portal, whole=True)
    del listed[3]
    asked = PartnerPortal.order_page

    def page(self: PartnerPortal, *args: Any) -> Any:
        records.keep(current_destination(), [OrderRow({"orderNo": "NEW"})], timezone.now())
        return asked(self, *args)

    monkeypatch.setattr(PartnerPortal, "order_page", page)
    reading = follow(portal, whole=True)
    assert reading is not None
    assert (reading.complete, reading.gone) == (True, 1)
    assert Record.objects.exclude(gone_at=None).get().order_no == "A3"


def test_a_worker_that_stops_while_the_last_rows_are_kept_calls_nothing_complete_that_it_did_not_finish(
    portal: PartnerPortal, listed: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed[:] = [{"orderNo": f"A{number}"} for number in range(150)]
    follow(portal, whole=True)
    del listed[3]
    listed.append({"orderNo": "NEW"})
    stop, kept = [], records.keep_gathered

    def keep(*args: Any) -> records.Kept:
        stop.append(1)
        return kept(*args)

    monkeypatch.setattr(records, "keep_gathered", keep)
    reading = follow(portal, whole=True, stopping=lambda: bool(stop))
    assert reading is not None
    assert not reading.complete or Record.objects.get(order_no="A3").gone_at


@pytest.mark.parametrize("odd", ["H7\ud800", "nul\x00", "x" * 200, " LR 1 ", "LR1\x85", "id:7", "#"])
def test_odd_order_numbers_are_told_apart_from_what_is_gone(portal: PartnerPortal, listed: Rows, odd: str) -> None:
    wire = json.dumps([{"orderNo": "A1"}, {"orderNo": "A2"}, {"orderNo": odd}])
    listed[:] = parse_json(wire.encode())
    follow(portal, whole=True)
    del listed[0]
    follow(portal, whole=True)
    assert Record.objects.exclude(gone_at=None).get().order_no == "A1"
    assert Record.objects.count() == 3
    assert right()
