"""What stands in a cell: any text comes back as it was, calculates nothing, and no spreadsheet changes it."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import unicodedata

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from orders.exporting import cells, workbook
from orders.exporting.lines import csv_lines, payload
from tests.orders.browsing.kit import NOW, partner, record
from tests.orders.exporting.kit import objects, sheets, table, take

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
