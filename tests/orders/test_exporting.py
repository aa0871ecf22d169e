"""Managers take exactly what is filtered away: as CSV, as an Excel file, as JSON lines."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.signals import request_finished
from django.db import close_old_connections
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

from orders import doorbell, tasks
from orders.browsing.asked import parse
from orders.browsing.finding import find
from orders.destination import current_destination
from orders.exporting import apart, cells, counting, files, making, reading, workbook, writing
from orders.exporting.columns import COLUMNS, heads
from orders.exporting.lines import csv_lines, payload
from orders.exporting.moments import Clock
from orders.models import Export, Order, Record
from tests.conftest import person
from tests.orders.test_browsing import partner, record

SignIn = Callable[[User], Client]

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)

HOSTILE = [
    "=1+1",
    "@SUM(A1)",
    "-2+3",
    "+49 89 123",
    "  =cmd|' /C calc'!A0",
    "\t=1",
    "\r\n=1",
    "\uff1d1+1",
    "\u200b=1",
    "\u202e=1",
    "Hotel;=1+1",
    "<script>alert(1)</script>",
    "<r><t>markup</t></r>",
    'He said "no", twice',
    "two\nlines",
    "שלום ‏RTL",
    "'already",
    "_x0041_",
    "x" * 128,
    "\x01\x1b\x7f\ufffe",
    "1234567890123456789",
    "00123",
    "12E5",
    "3-4",
    "DEC 2026",
    "März 26",
]


@pytest.fixture
def monas(mona: User, sign_in: SignIn) -> Client:
    """Mona's browser."""
    return sign_in(mona)


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Path) -> None:
    settings.EXPORT_DIR = tmp_path / "exports"


@pytest.fixture(autouse=True)
def bells(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The exports that a worker was called for. No worker runs."""
    rung: list[str] = []

    def ring(pks: list[Any], task: str) -> bool:
        assert task == doorbell.EXPORT
        rung.extend(map(str, pks))
        return True

    monkeypatch.setattr(making.doorbell, "ring", ring)
    return rung


@pytest.fixture
def large(settings: Any) -> None:
    """Every export is too large to be sent straight away."""
    settings.EXPORT_STREAM_ROWS = settings.EXPORT_STREAM_ROWS_XLSX = -1


def take(client: Client, kind: str, query: str = "") -> bytes:
    """What a click downloads."""
    answer = client.post("/history/exports/ask/", {"format": kind, "query": query})
    assert answer.status_code == 200, answer
    return b"".join(answer.streaming_content)


def table(data: bytes) -> list[dict[str, str]]:
    """A CSV file as the csv module reads it, and each text as it was."""
    text = data.decode("utf-8-sig")
    assert data.startswith(b"\xef\xbb\xbf")
    rows = [[cells.read_back(cell) for cell in row] for row in csv.reader(io.StringIO(text, newline=""))]
    assert rows[0] == heads()
    return [dict(zip((each.name for each in COLUMNS), row, strict=True)) for row in rows[1:]]


def sheets(data: bytes) -> list[list[dict[str, Any]]]:
    book = load_workbook(io.BytesIO(data))
    found = []
    for sheet in book.worksheets:
        head, *rows = sheet.iter_rows(values_only=True)
        assert list(head) == heads()
        found.append([dict(zip((each.name for each in COLUMNS), row, strict=True)) for row in rows])
    return found


def objects(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.decode().splitlines()]


@pytest.fixture
def shelf(db: None, queued: Callable[..., Order], alice: User) -> Order:
    """An order of ours, one of a known customer, one of which little is known."""
    order = queued()
    partner("3000000000000000001", "Société Générale")
    record(
        "LR1", at=NOW, ours=order, owner=alice, status="succeed", order_id="2000000000000000001", product_id="15",
        product_name="Linkus", instance_id="3049041101760282624", created_at=NOW, detail_at=NOW,
        raw={"orderNo": "LR1", "id": 2000000000000000001}, detail={"orderInformation": {"remark": "=1+1"}},
    )  # fmt: skip
    record(
        "LR2", at=NOW - timedelta(days=1), partner_id="3000000000000000001", status="pending", currency="USD",
        amount=Decimal("-1234.5"), product_no="369471667338", custom_reference_no="2026-11",
    )  # fmt: skip
    record("LR3", at=NOW - timedelta(days=400), status="succeed", gone_at=NOW)
    return order


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


@pytest.mark.parametrize(
    "query",
    [
        "status=succeed",
        "q=LR2",
        "customer=generale",
        "sort=order",
        "sort=at",
        "made=here",
        "from=2026-05-01&to=2026-05-31",
        "status=none",
    ],
)
def test_what_is_filtered_is_what_is_exported_in_the_same_order(monas: Client, shelf: Order, query: str) -> None:
    page = monas.get(f"/history/?{query}").content.decode()
    shown = re.findall(r'data-copy="([^"]+)"', page)
    for found in (
        table(take(monas, "csv", query)),
        *sheets(take(monas, "xlsx", query)),
        objects(take(monas, "jsonl", query)),
    ):
        assert [each["order_no"] for each in found] == shown
    assert ('id="export"' in page) == bool(shown)


def test_a_number_that_very_many_begin_with_is_exported_whole(monas: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders.browsing.finding.FEW", 3)
    for number in range(9):
        record(f"LR{number}", at=NOW - timedelta(hours=number), partner_id=str(number))
    record("XX", invoice_no="lr-7")
    record("YY", invoice_no="Lr-7")
    partner("99", "Lrxx")
    record("ZZ", partner_id="99")
    found = [each["order_no"] for each in table(take(monas, "csv", "q=LR"))]
    assert sorted(found) == [f"LR{number}" for number in range(9)] + ["ZZ"]
    found = [each["order_no"] for each in table(take(monas, "csv", "q=lr&sort=order"))]
    assert found == [f"LR{number}" for number in range(9)] + ["XX", "ZZ"]


@given(seed=st.randoms(use_true_random=False), sort=st.sampled_from(["-at", "at", "order", "-order"]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_row_comes_once_however_it_is_read(db: None, seed: Any, sort: str) -> None:
    Record.objects.all().delete()
    for number in range(40):
        at = NOW + timedelta(microseconds=seed.choice([0, 0, 1, 1_000_000]), hours=seed.randrange(4))
        record(f"k{number}", order_no=seed.choice(["", f"LR{number // 2}"]), at=at)
    asked = parse({"sort": sort})
    found = find(asked, NOW, whole=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BATCH", 7)
        keys = [key for batch in reading.batches(reading.keys(found, asked)) for key in batch["key"]]
    column, sign = ("order_no", "-") if "order" in sort else ("at", "-")
    sign = "-" if sort.startswith("-") else ""
    assert keys == list(Record.objects.order_by(f"{sign}{column}", f"{sign}pk").values_list("pk", flat=True))


def test_hostile_text_comes_back_as_it_was_and_calculates_nothing(monas: Client) -> None:
    for number, text in enumerate(HOSTILE):
        partner(str(number), text)
        record(f"K{number:02}", at=NOW, partner_id=str(number), product_no=text, custom_reference_no=text,
               product_name=text, status=text, raw={"remark": text * 100})  # fmt: skip
    names = ("product_no", "po_number", "product", "status")
    data = take(monas, "csv", "sort=order")
    for cell in (cell for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")) for cell in row):
        assert not begins_like_a_formula(cell), cell
    found = table(data)
    assert [each["product_no"] for each in found] == HOSTILE
    assert all(each[name] == each["product_no"] for each in found for name in names)
    assert [each["customer"] for each in found] == HOSTILE
    told = objects(take(monas, "jsonl", "sort=order"))
    assert [each["product_no"] for each in told] == HOSTILE
    assert [each["raw"]["remark"] for each in told] == [text * 100 for text in HOSTILE]
    [rows] = sheets(take(monas, "xlsx", "sort=order"))
    for row, text in zip(rows, HOSTILE, strict=True):
        assert isinstance(row["product_no"], str)
        assert readable(unescape(row["product_no"])) == readable(text)


def begins_like_a_formula(cell: str) -> bool:
    """After all that a spreadsheet might take away."""
    seen = cell.lstrip("".join(map(chr, range(33))) + "\u00a0\u200b\u200e\u200f\u202d\u202e\u2028\u2029\u3000\ufeff")
    return (bool(seen) and seen[0] in "=+-@\uff1d\uff0b\uff0d\uff20") or cell[:1] in ("\t", "\r", "\n")


def readable(text: str) -> str:
    """Without what a workbook cannot hold, and the blank behind what looks like its markup."""
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "\ufffd", text.replace("\r\n", "\n")).rstrip(" ")


@given(
    st.lists(
        st.lists(
            st.text(alphabet=st.sampled_from("a,;\"'\r\n\t \u2028\x85\0é")) | st.text(st.characters(codec="utf-8")),
            min_size=3,
            max_size=3,
        )
    )
)
def test_lines_are_those_that_the_csv_module_writes(rows: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    assert csv_lines(rows) == out.getvalue().encode()


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_comes_back_from_csv_and_never_begins_like_a_formula(text: str) -> None:
    marked = cells.mark(text)
    out = io.StringIO(newline="")
    csv.writer(out).writerow(["before", marked, "behind"])
    [row] = csv.reader(io.StringIO(out.getvalue(), newline=""))
    assert row == ["before", marked, "behind"]
    assert cells.read_back(marked) == text.replace("\0", "\ufffd")
    assert not begins_like_a_formula(marked)
    for part in re.split("[;\t\n\r]", marked):
        assert not begins_like_a_formula(part) or part[:1] not in "=+-@\uff1d\uff0b\uff0d\uff20"


def test_nothing_unseen_hides_a_formula() -> None:
    unseen = [chr(code) for code in range(1, sys.maxunicode + 1) if unicodedata.category(chr(code)) in UNSEEN]
    for character in [*unseen, "\u115f", "\u2800", "\u3164", "\ufe0f"]:
        for text in (
            f"{character}=1",
            f" {character}\u200b+1",
            f"a;{character}@SUM(1)",
            f"a\n{character}{character}-1",
        ):
            marked = cells.mark(text)
            assert marked != text, ascii(text)
            assert cells.read_back(marked) == text


UNSEEN = {"Cc", "Cf", "Zs", "Zl", "Zp"}

PARTS = st.lists(st.sampled_from([*"=+-@\uff1d'; \t\r\n,\"\0x1E.:", "\u200b", "\ufeff", "DEC", "12"]), max_size=12)


@given(text=PARTS.map("".join))
@settings(max_examples=500)
def test_hostile_texts_put_together_come_back_too(text: str) -> None:
    marked = cells.mark(text)
    assert cells.read_back(marked) == text.replace("\0", "\ufffd")
    assert not begins_like_a_formula(marked)
    assert not re.search("[;\t\n\r][=+@-]", marked)


@pytest.mark.parametrize(
    "text",
    [
        "1234567890123456",
        "00123",
        "12E5",
        "3-4",
        "1/2/26",
        "12:30",
        "1,5",
        "DEC 2026",
        "1-Mar",
        "MAR1",
        "\uff11\uff12\uff13",
        *("½", "5½", "\uff12\uff10\uff05", "1.234,5 €", "\uffe55", "(5)", "10%", "1 1/2"),
        *(
            "2026-11-21",
            "2026-11-21T10:00",
            "2026-11-21T10:00:05.5Z",
            "20261121T1000",
            "2026年11月21日",
            "1E+5",
            "10 a.m.",
        ),
        *("sept 5", "déc 26", "26 Août", "LUG26", "Märzen 5", "ENE-26"),
        *("TRUE", "false", "Wahr ", "VRAI", "FAŁSZ", "epätosi", "ИСТИНА", "#N/A", "#REF!", " #DIV/0!"),
        "5 %",
        "3651E12",
    ],
)
def test_what_a_spreadsheet_would_change_is_marked(text: str) -> None:
    assert cells.mark(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    [
        *("LR20260101", "TR123456789", "PO-4711", "Hotel 5", "succeed", "YP-7F3K-9QX2", "3651X1292455", "May", "Élan"),
        *("a;b", "True Hotel", "truehotel", "L5", "T", "x" * 70, "5 EUR", "1h", "0x1F", "Room #5"),
    ],
)
def test_what_it_would_not_change_stays_as_it_is(text: str) -> None:
    assert cells.mark(text) == text


def test_a_very_long_number_of_nothing_is_looked_at_in_no_time() -> None:
    cells.mark("1" * 200_000 + "x")
    cells.mark(" " * 200_000 + "x")
    cells.mark(";" * 200_000 + "x")


def test_a_cell_of_excel_holds_what_it_can_and_says_what_it_cannot() -> None:
    assert workbook.cell("x" * 32_767) == "x" * 32_767
    cut = workbook.cell("😀" * 20_000)
    assert cut.endswith("…")
    assert len(cut.encode("utf-16-le")) // 2 <= 32_767
    assert workbook.cell("<r>a</r>") == "<r>a</r> "


def test_half_characters_in_what_was_told_stay_readable() -> None:
    assert json.loads(payload('{"a": "\\ud800 \\u0000"}')) == {"a": "? \ufffd"}
    whole = '{"a": "\\ud83d\\ude00", "price": 1.10, "id": 3049041101760282624}'
    assert payload(whole) is whole, "not a figure is changed"


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


def test_a_small_export_leaves_a_row_of_who_what_and_how_much(monas: Client, mona: User, shelf: Order) -> None:
    data = take(monas, "csv", "status=succeed")
    export = Export.objects.get()
    assert (export.owner, export.format, export.query) == (mona, "csv", "status=succeed")
    assert export.told == "Status: succeed"
    assert (export.state, export.rows, export.size) == (Export.State.SENT, 2, len(data))
    assert not list(files.folder().iterdir()), "nothing stays behind"
    shown = monas.get("/history/exports/").content.decode()
    assert "Downloaded" in shown
    assert "straight to the browser; no file of it is kept" in shown, "so Mona looks for none"


def test_the_name_says_what_and_when_and_takes_nothing_from_the_filters(monas: Client, shelf: Order) -> None:
    query = 'q=LR1"; filename=evil\r\nX-Evil: 1'
    answer = monas.post("/history/exports/ask/", {"format": "csv", "query": query})
    assert re.fullmatch(r'attachment; filename="history-\d{4}-\d\d-\d\d-\d{6}\.csv"', answer["Content-Disposition"])
    assert "X-Evil" not in answer
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Cache-Control"] == "no-store, private"


def test_mona_who_exports_three_filters_in_one_minute_has_three_names(monas: Client, shelf: Order) -> None:
    names, begin = set(), timezone.now()
    for second, status in enumerate(("succeed", "pending", "failed")):
        with time_machine.travel(begin + timedelta(seconds=second), tick=False):
            answer = monas.post("/history/exports/ask/", {"format": "csv", "query": f"status={status}"})
        b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        names.add(answer["Content-Disposition"])
    assert len(names) == 3, names


def test_chunks_are_of_a_size(monas: Client, db: None) -> None:
    Record.objects.bulk_create(
        Record(destination=current_destination(), key=str(n), at=NOW, first_seen_at=NOW, changed_at=NOW)
        for n in range(6000)
    )
    answer = monas.post("/history/exports/ask/", {"format": "csv", "query": ""})
    chunks = list(answer.streaming_content)
    assert {len(each) for each in chunks[:-1]} == {writing.CHUNK}
    assert len(table(b"".join(chunks))) == 6000


def test_a_download_that_is_broken_off_says_so(mona: User, shelf: Order) -> None:
    export = making.ask(mona, parse({}), Export.Format.CSV, "")
    assert export is not None
    chunks = writing.send(export)
    next(chunks)
    chunks.close()
    assert Export.objects.get().words == writing.BROKEN_OFF


def close(answer: HttpResponse) -> None:
    """As a server does, but not with the database, which a test holds open: a test's client closes it so, too."""
    request_finished.disconnect(close_old_connections)
    answer.close()
    request_finished.connect(close_old_connections)


@pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl"])
def test_a_download_that_nobody_takes_is_broken_off_at_once(monas: Client, shelf: Order, kind: str) -> None:
    answer = monas.post("/history/exports/ask/", {"format": kind, "query": ""})
    assert Export.objects.get().state == Export.State.RUNNING
    close(answer)
    assert (Export.objects.get().state, Export.objects.get().words) == (Export.State.FAILED, writing.BROKEN_OFF)
    assert "The download was broken off" in monas.get("/history/exports/").content.decode()
    assert not list(files.folder().iterdir())


@pytest.mark.parametrize("sort", ["at", "-at"])
def test_what_moves_in_the_order_meanwhile_comes_once_all_the_same(
    monas: Client, db: None, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    """A record stands where it was first seen until Yeastar tells when it was created."""
    monkeypatch.setattr(reading, "BATCH", 3)
    monkeypatch.setattr(writing, "CHUNK", 1)
    for number in range(10):
        record(f"D{number}", at=NOW - timedelta(days=number), status="pending")
    answer = monas.post("/history/exports/ask/", {"format": "csv", "query": f"sort={sort}&status=pending"})
    stream = iter(answer.streaming_content)
    data = b"".join(next(stream) for _ in range(300))
    Record.objects.filter(key="D1").update(at=NOW - timedelta(days=100))
    Record.objects.filter(key="D8").update(at=NOW + timedelta(days=100), status="succeed")
    record("D10", at=NOW + timedelta(days=200), status="pending")
    record("D11", at=NOW - timedelta(days=200), status="pending")
    names = [each["order_no"] for each in table(data + b"".join(stream))]
    assert names == [f"D{number}" for number in (range(10) if sort == "-at" else range(9, -1, -1))]
    assert Export.objects.get().rows == Export.objects.get().total == 10


def test_a_format_that_does_not_exist_is_asked_back(monas: Client, shelf: Order) -> None:
    page = monas.post("/history/exports/ask/", {"format": "exe", "query": ""}, follow=True).content.decode()
    assert "Choose CSV" in page
    assert not Export.objects.exists()


# Large ones: a worker writes them.


def made(export: Export) -> None:
    """As the process does that a worker starts."""
    making.make(export.pk, stopping=lambda: False)


def asked(client: Client, kind: str = "csv", query: str = "") -> Export:
    assert client.post("/history/exports/ask/", {"format": kind, "query": query}).status_code == 302
    return Export.objects.order_by("-asked_at")[0]


@pytest.mark.parametrize(("kind", "read"), [("csv", table), ("xlsx", lambda data: sheets(data)[0]), ("jsonl", objects)])
def test_a_large_export_is_made_by_a_worker_and_downloaded(
    monas: Client, shelf: Order, large: None, bells: list[str], kind: str, read: Callable[[bytes], Any]
) -> None:
    export = asked(monas, kind, "status=succeed")
    assert bells == [str(export.pk)]
    page = monas.get("/history/exports/").content.decode()
    assert "Waiting for a worker" in page
    assert "every 1s" in page
    assert 'http-equiv="refresh"' in page, "without JavaScript the page reloads"
    made(export)
    made(export)  # a message that comes twice changes nothing
    export.refresh_from_db()
    assert (export.state, export.rows, export.total, export.run) == (Export.State.READY, 2, 2, 1)
    page = monas.get("/history/exports/").content.decode()
    assert "every 1s" not in page
    answer = monas.get(f"/history/exports/{export.pk}/file/")
    data = b"".join(answer.streaming_content)
    assert len(data) == export.size == int(answer["Content-Length"])
    assert [each["order_no"] for each in read(data)] == ["LR1", "LR3"]
    assert [each.name for each in files.folder().iterdir()] == [export.file_name]


def test_the_same_asked_for_twice_is_made_once(monas: Client, shelf: Order, large: None) -> None:
    first = asked(monas)
    assert asked(monas) == first
    assert asked(monas, "xlsx") != first


def test_nobody_waits_for_many(monas: Client, shelf: Order, large: None) -> None:
    for number in range(making.AT_ONCE):
        asked(monas, query=f"q=LR{number}")
    page = monas.post("/history/exports/ask/", {"format": "csv", "query": "q=one+more"}, follow=True)
    assert "You wait for 5 exports already" in page.content.decode()
    assert Export.objects.count() == making.AT_ONCE


def test_one_is_written_at_a_time_and_the_next_is_called_for(
    monas: Client, shelf: Order, large: None, bells: list[str]
) -> None:
    first, second = asked(monas), asked(monas, "jsonl")
    assert making.claim(first.pk) is not None
    made(second)
    assert Export.objects.get(pk=second.pk).state == Export.State.WAITING, "it waits its turn"
    Export.objects.filter(pk=first.pk).update(state=Export.State.WAITING)
    bells.clear()
    made(first)
    assert bells == [str(second.pk)]


def test_a_worker_starts_a_process_only_for_one_whose_turn_it_is(
    monas: Client, shelf: Order, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(apart, "start", started.append)
    first, second = asked(monas), asked(monas, "jsonl")
    tasks.export(str(first.pk))
    assert making.claim(first.pk) is not None
    for each in (first, second):
        tasks.export(str(each.pk))
    assert started == [first.pk]


def test_progress_is_told_while_it_is_written(
    monas: Client, shelf: Order, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = asked(monas)
    monkeypatch.setattr(writing, "BEAT", 0)
    monkeypatch.setattr(reading, "BATCH", 1)
    pages: list[str] = []
    wrote = writing._Row.wrote

    def looked_at(row: Any, rows: int) -> None:
        wrote(row, rows)
        pages.append(monas.get("/history/exports/").content.decode())

    monkeypatch.setattr(writing._Row, "wrote", looked_at)
    made(export)
    assert "1 of 3 rows" in pages[0]
    assert 'value="33"' in pages[0]
    assert "3 of 3 rows" in pages[2]


def test_a_cancelled_export_stops_and_leaves_nothing(
    monas: Client, shelf: Order, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = asked(monas)
    monkeypatch.setattr(writing, "BEAT", 0)
    wrote = writing._Row.wrote

    def cancelled(row: Any, rows: int) -> None:
        monas.post(f"/history/exports/{export.pk}/cancel/")
        wrote(row, rows)

    monkeypatch.setattr(writing._Row, "wrote", cancelled)
    made(export)
    export.refresh_from_db()
    assert export.state == Export.State.CANCELLED
    assert not list(files.folder().iterdir())
    assert "It had ended already" in monas.post(f"/history/exports/{export.pk}/cancel/", follow=True).content.decode()
    monkeypatch.undo()


@pytest.mark.filterwarnings("ignore:Exception ignored in. <function ZipFile.__del__")  # it tries once more
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_full_disk_says_so_and_leaves_nothing(
    monas: Client, shelf: Order, large: None, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """/dev/full is a disk that is full: the operating system says so itself."""
    export = asked(monas, kind)
    place = files.folder() / f"{export.pk}.1{files.PART}"
    place.mkdir()
    (place / export.file_name).symlink_to("/dev/full")
    made(export)
    export.refresh_from_db()
    assert (export.state, export.words) == (Export.State.FAILED, writing.DISK_FULL)
    assert not list(files.folder().iterdir())
    assert "The disk is full" in monas.get("/history/exports/").content.decode()


def test_a_folder_that_cannot_be_written_says_so(monas: Client, shelf: Order, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings.EXPORT_DIR = tmp_path / "file"
    page = monas.post("/history/exports/ask/", {"format": "xlsx", "query": ""}, follow=True)
    assert writing.NOT_WRITTEN in page.content.decode()
    assert Export.objects.get().state == Export.State.FAILED


def test_a_killed_workers_export_is_noticed_and_started_again_with_one_click(
    monas: Client, shelf: Order, large: None, bells: list[str]
) -> None:
    export = asked(monas)
    claimed = making.claim(export.pk)
    assert claimed is not None
    with files.workshop(claimed) as place:
        (place / "half").write_text("half of it")
        Export.objects.filter(pk=export.pk).update(alive_until=timezone.now() - timedelta(seconds=1))
        page = monas.get("/history/exports/").content.decode()
        assert "was not heard of any more" in page
        assert "Start again" in page
        assert "every 1s" not in page, "nobody waits for the dead"
        making.tidy()
        export.refresh_from_db()
        assert (export.state, export.words) == (Export.State.FAILED, making.NEVER_CAME_BACK)
        bells.clear()
        monas.post(f"/history/exports/{export.pk}/again/")
        assert bells == [str(export.pk)]
        made(export)
        writing.write(claimed, stopping=lambda: False)  # the dead one wakes up
    export.refresh_from_db()
    assert (export.state, export.run, export.rows) == (Export.State.READY, 2, 3)
    assert len(table(b"".join(monas.get(f"/history/exports/{export.pk}/file/").streaming_content))) == 3


def test_a_worker_that_stops_puts_it_back(monas: Client, shelf: Order, large: None) -> None:
    export = asked(monas)
    making.make(export.pk, stopping=lambda: True)
    export.refresh_from_db()
    assert (export.state, export.rows) == (Export.State.WAITING, 0)
    assert not list(files.folder().iterdir())


def test_who_waits_is_called_again_by_the_beat(monas: Client, shelf: Order, large: None, bells: list[str]) -> None:
    export = asked(monas)
    bells.clear()
    tasks.tidy_exports()
    assert bells == [str(export.pk)]


def test_files_go_after_their_time_and_the_row_stays(monas: Client, shelf: Order, large: None, settings: Any) -> None:
    export = asked(monas)
    made(export)
    tasks.tidy_exports()
    assert export.path.exists()
    settings.EXPORT_KEEP = timedelta(0)
    tasks.tidy_exports()
    assert not export.path.exists()
    page = monas.get("/history/exports/").content.decode()
    assert "File removed" in page
    assert monas.get(f"/history/exports/{export.pk}/file/", follow=True).status_code == 200
    monas.post(f"/history/exports/{export.pk}/again/")
    made(export)
    assert export.path.exists()


def test_with_its_row_a_file_goes_too_and_strays_are_swept(
    monas: Client, shelf: Order, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = asked(monas)
    made(export)
    stray = files.folder() / "11111111-1111-4111-8111-111111111111.1.part"
    stray.mkdir()
    Export.objects.all().delete()
    assert not export.path.exists()
    tasks.tidy_exports()
    assert stray.exists(), "it may be of a row that is being written just now"
    monkeypatch.setattr(files, "FRESH", -1)
    tasks.tidy_exports()
    assert not stray.exists()


def test_a_file_is_thrown_away_by_hand(monas: Client, shelf: Order, large: None) -> None:
    export = asked(monas)
    made(export)
    monas.post(f"/history/exports/{export.pk}/delete/")
    assert not export.path.exists()
    assert Export.objects.get().removed_at


def test_a_file_that_somebody_else_removed_is_said(monas: Client, shelf: Order, large: None) -> None:
    export = asked(monas)
    made(export)
    export.path.unlink()
    page = monas.get(f"/history/exports/{export.pk}/file/", follow=True).content.decode()
    assert "no longer there" in page


def test_an_export_is_its_owners_and_admins_may(
    monas: Client, adam: User, sign_in: SignIn, alices: Client, shelf: Order, large: None
) -> None:
    mara = sign_in(person("mara", "manager"))
    export = asked(monas)
    made(export)
    for client, code in ((mara, 404), (alices, 403), (sign_in(adam), 200)):
        answer = client.get(f"/history/exports/{export.pk}/file/")
        assert answer.status_code == code
        assert not answer.streaming or len(table(b"".join(answer.streaming_content))) == 3
        for verb in ("cancel", "again", "delete"):
            answer = client.post(f"/history/exports/{export.pk}/{verb}/")
            assert answer.status_code == (302 if code == 200 else code)
    assert export.name not in mara.get("/history/exports/").content.decode()
    page = sign_in(adam).get("/history/exports/").content.decode()
    assert export.name in page
    assert "mona" in page


def test_today_is_the_day_when_it_was_asked_for(monas: Client, shelf: Order, large: None) -> None:
    now = timezone.now()
    record("TODAY", at=now)
    export = asked(monas, query="period=today")
    Export.objects.filter(pk=export.pk).update(asked_at=now)
    record("TOMORROW", at=now + timedelta(days=1))
    made(export)
    data = b"".join(monas.get(f"/history/exports/{export.pk}/file/").streaming_content)
    assert [each["order_no"] for each in table(data)] == ["TODAY"]


def test_counting_ends_when_it_takes_too_long_and_the_database_goes_on(db: None) -> None:
    Record.objects.bulk_create(
        Record(destination="-", key=str(n), at=NOW, first_seen_at=NOW, changed_at=NOW) for n in range(5_000)
    )
    assert counting.count_up_to(Record.objects.all(), 10_000) == 5_000
    assert counting.count_up_to(Record.objects.all(), 4_999) is None
    pairs = "(SELECT COUNT(*) FROM orders_record a, orders_record b WHERE a.id + b.id < orders_record.id) >= 0"
    slow = Record.objects.extra(where=[pairs])  # noqa: S610
    began = datetime.now(tz=UTC)
    assert counting.count_up_to(slow, 10_000, seconds=0.05) is None
    assert datetime.now(tz=UTC) - began < timedelta(seconds=2)
    assert Record.objects.count() == 5_000
