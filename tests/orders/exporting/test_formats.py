"""The three formats: they tell the same, each in its way; moments, sheets, and how an Excel file looks."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from orders.exporting import workbook
from orders.exporting.columns import heads
from orders.exporting.moments import Clock
from orders.models import Order
from tests.orders.browsing.kit import record
from tests.orders.exporting.kit import objects, sheets, table, take


def test_all_three_formats_tell_the_same_of_each_record(monas: Client, shelf: Order) -> None:
    lines, [rows], told = table(take(monas, "csv")), sheets(take(monas, "xlsx")), objects(take(monas, "jsonl"))
    for found in (lines, rows, told):
        assert [each["order_no"] for each in found] == ["LR1", "LR2", "LR3"]
        assert [each["order_id"] or "" for each in found] == ["2000000000000000001", "", ""]
        assert [each["product_no"] or "" for each in found] == ["", "369471667338", ""]
        assert [each["po_number"] or "" for each in found] == ["", "2026-11", ""]
        assert [each["customer"] or "" for each in found] == ["", "Société Générale", ""]
        assert [each["asked_by"] or "" for each in found] == ["alice", "", ""]
        assert [each["made"] for each in found] == ["here", "elsewhere", "elsewhere"]
        assert [each["reference"] or "" for each in found] == [shelf.reference, "", ""]
    assert [each["amount"] for each in lines] == ["", "-1234.50", ""]
    assert [each["amount"] for each in rows] == [None, -1234.5, None]
    assert [each["amount"] for each in told] == [None, -1234.5, None]
    assert [lines[0]["our_status"], rows[0]["our_status"], told[0]["our_status"]] == ["Waiting to be sent"] * 2 + [
        "QUEUED"
    ]
    assert lines[0]["at"] == "2026-05-20 12:00:00"
    assert rows[0]["at"] == datetime(2026, 5, 20, 12)  # noqa: DTZ001 - Excel knows no time zones
    assert told[0]["at"] == "2026-05-20T12:00:00+00:00"
    assert lines[2]["gone_at"] == "2026-05-20 12:00:00"
    assert told[0]["raw"] == {"orderNo": "LR1", "id": 2000000000000000001}
    assert told[0]["detail"] == {"orderInformation": {"remark": "=1+1"}}
    assert told[1]["detail"] is None, "it was not read yet"


def test_moments_are_told_in_the_portals_time_zone_and_say_so(monas: Client, shelf: Order) -> None:
    with timezone.override("Europe/Berlin"):
        assert heads()[0] == "When (Europe/Berlin)"
        record("WINTER", at=datetime(2026, 1, 15, 23, 30, 5, tzinfo=UTC))
        lines = {each["order_no"]: each["at"] for each in table(take(monas, "csv"))}
        [rows] = sheets(take(monas, "xlsx"))
        told = {each["order_no"]: each["at"] for each in objects(take(monas, "jsonl"))}
    assert (lines["LR1"], lines["WINTER"]) == ("2026-05-20 14:00:00", "2026-01-16 00:30:05")
    assert (told["LR1"], told["WINTER"]) == ("2026-05-20T14:00:00+02:00", "2026-01-16T00:30:05+01:00")
    assert [row["at"].isoformat() for row in rows if row["order_no"] == "WINTER"] == ["2026-01-16T00:30:05"]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"])
def test_the_quick_clock_goes_like_the_slow_one(zone: str) -> None:
    with timezone.override(zone):
        clock = Clock()
        begin = datetime(2026, 1, 1, tzinfo=UTC)
        moments = [begin + timedelta(minutes=37 * number, seconds=number % 60) for number in range(14_200)]
        texts = [each.strftime("%Y-%m-%d %H:%M:%S.%f") for each in moments]
        slow = [timezone.localtime(each).strftime("%Y-%m-%d %H:%M:%S") for each in moments]
        assert clock.texts(texts) == slow
        assert clock.texts([f"{each}+00" for each in texts]) == slow, "PostgreSQL writes the offset, too"


def test_more_rows_than_a_sheet_holds_stand_on_the_next(
    monas: Client, shelf: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "ROWS", 2)
    first, second = sheets(take(monas, "xlsx"))
    assert [each["order_no"] for each in (*first, *second)] == ["LR1", "LR2", "LR3"]


def test_an_excel_file_has_a_frozen_head_a_filter_and_widths(monas: Client, shelf: Order) -> None:
    sheet = load_workbook(io.BytesIO(take(monas, "xlsx"))).active
    assert sheet.freeze_panes == "C2"
    assert sheet.auto_filter.ref == "A1:T4"
    assert sheet.column_dimensions["B"].width > 20
    assert sheet["A2"].is_date
    assert sheet["Q2"].data_type in ("s", "inlineStr")
