"""An Excel file, row by row: real dates, real numbers, and every number of an order as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.worksheet import Worksheet

from orders.exporting.columns import COLUMNS, Column, Kind, heads
from orders.exporting.kept import Kept
from orders.exporting.moments import local
from orders.exporting.reading import Batch
from orders.lifecycle import Status

ROWS = 1_048_575
"""Of one sheet, below its head. Excel has no more; what follows stands on another sheet."""

LONGEST = 32_767
"""Characters of one cell, counted as Excel does: those beyond the first plane of Unicode are two."""

ENDING = "…"

_LABELS = {each.value: each.label for each in Status}
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - Excel knows no time zones


class Workbook:
    """Writes to `path`. What it needs meanwhile, many times the size of the file, lies in `folder`."""

    more = False

    def __init__(self, path: Path, folder: Path) -> None:
        self._book = xlsxwriter.Workbook(
            path, {"constant_memory": True, "tmpdir": str(folder), "use_zip64": True, "nan_inf_to_errors": True}
        )
        self._head = self._book.add_format({"bold": True, "bottom": 1, "valign": "top", "text_wrap": True})
        self._formats = {
            Kind.MOMENT: self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"}),
            Kind.AMOUNT: self._book.add_format({"num_format": "#,##0.00##"}),
        }
        self._values: dict[Kind, Callable[[Any], Any]] = {
            Kind.TEXT: Kept(cell).__getitem__,
            Kind.STATUS: Kept(lambda status: _LABELS.get(status, "")).__getitem__,
            Kind.MOMENT: Kept(local(_serial, None)).__getitem__,
            Kind.AMOUNT: lambda amount: None if amount is None else float(amount),
        }
        self._sheets: list[Worksheet] = []
        self._rows = ROWS  # of the last sheet

    def add(self, batch: Batch) -> None:
        """Write a row for each record."""
        for row in zip(*(map(self._value(each), batch[each.name]) for each in COLUMNS), strict=True):
            if self._rows == ROWS:
                self._begin_sheet()
            self._rows += 1
            sheet, number = self._sheets[-1], self._rows
            for column, value in enumerate(row):
                if value is None or value == "":
                    continue
                if type(value) is str:
                    sheet.write_string(number, column, value)
                else:
                    sheet.write_number(number, column, value, self._formats[COLUMNS[column].kind])

    def close(self) -> None:
        """Finish the file. Takes about as long as all the rows took. Raises OSError if it cannot be written."""
        if not self._sheets:
            self._begin_sheet()
        self._end_sheet()
        try:
            self._book.close()
        except FileCreateError as error:
            raise OSError(*error.args[0].args) from error  # not itself, or it would hold itself

    def give_up(self) -> None:
        """Finish nothing: the files in the folder are of no use any more."""
        for sheet in self._sheets:
            sheet.row_data_fh.close()
        self._book.fileclosed = True

    def _value(self, column: Column) -> Callable[[Any], Any]:
        return cell if column.varied else self._values[column.kind]

    def _begin_sheet(self) -> None:
        self._end_sheet()
        number = len(self._sheets) + 1
        sheet = self._book.add_worksheet("History" if number == 1 else f"History {number}")
        self._sheets.append(sheet)
        self._rows = 0
        for column, (told, head) in enumerate(zip(COLUMNS, heads(), strict=True)):
            sheet.set_column(column, column, told.width)
            sheet.write_string(0, column, head, self._head)
        sheet.freeze_panes(1, 2)

    def _end_sheet(self) -> None:
        if self._sheets:
            self._sheets[-1].autofilter(0, 0, self._rows, len(COLUMNS) - 1)


def cell(text: str | None) -> str:
    """A text as a cell can hold it: what XML cannot hold is replaced, what is too long is cut, and says so."""
    if not text or (text.isalnum() and len(text) <= LONGEST // 2):
        return text or ""
    text = _NOT_IN_XML.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    if len(text) > LONGEST // 2 and len(text.encode("utf-16-le")) > 2 * LONGEST:
        text = text.encode("utf-16-le")[: 2 * (LONGEST - 1)].decode("utf-16-le", "ignore") + ENDING
    if text.startswith("<r>") and text.endswith("</r>"):
        text += " "  # else xlsxwriter would take it for markup of its own, and write it as it is
    return text


def _serial(moment: datetime) -> float:
    """Days since the day zero, as Excel counts."""
    return (moment.replace(tzinfo=None) - _DAY_ZERO).total_seconds() / 86_400
