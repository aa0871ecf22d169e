"""A table of accounts that came as a file: CSV or XLSX, read within limits and never believed to be what it says."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import IO, Any
from xml.parsers import expat

import openpyxl

from orders.exporting.cells import read_back

FILE_BYTES = 5 * 1024 * 1024
UNPACKED_BYTES = 60 * 1024 * 1024
PARTS = 200
SMALL_PART_BYTES = 512 * 1024
"""Of any part but tables and their texts: styles and the like are read as a whole, at many times their size."""

AT_A_TIME = 20_000
"""Elements of XML that are kept until a row or a text ends; a row of Excel has 16,384 cells."""

ELEMENTS = 2_500_000
"""Of one part; a table of so many rows and columns as are read has some two millions."""

_OF_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main "
_ROW, _ROWS, _STRING = (f"{_OF_SHEETS}{name}" for name in ("row", "sheetData", "si"))

ROWS, COLUMNS, CELL = 25_000, 40, 10_000
EXACT_DIGITS = 15
"""Of a number Excel keeps so many; an id has up to 19."""

LIMITS = f"up to {FILE_BYTES // 1024 // 1024} MB and {ROWS:,} rows"


class Unreadable(Exception):
    """It cannot be read; the words say why, for whoever has sent it."""


@dataclass(frozen=True)
class Table:
    """Its heads, and its rows with their line numbers. Cells are text without blanks around it."""

    heads: list[str]
    rows: list[tuple[int, list[str]]]
    notes: list[str] = field(default_factory=list)


def read(content: bytes) -> Table:
    """Tell by its content what it is, and read it. Raises Unreadable."""
    if len(content) > FILE_BYTES:
        raise Unreadable(f"The file is too large: {LIMITS} are read.")
    if not content.strip(b"\0 \r\n\t"):
        raise Unreadable("The file is empty.")
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable("This is an Excel file of the old kind, or one with a password. Save it as XLSX or CSV.")
    if content.startswith(b"PK"):
        return _table(_of_workbook(content), [])
    return _of_text(content)


def _table(lines: Iterable[tuple[int, list[str]]], notes: list[str]) -> Table:
    heads: list[str] | None = None
    rows: list[tuple[int, list[str]]] = []
    for number, cells in lines:
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        if len(cells) > COLUMNS:
            raise _too_wide(number)
        if any(len(cell) > CELL for cell in cells):
            raise Unreadable(f"Line {number} has a cell of more than {CELL:,} characters.")
        if heads is None:
            heads = cells
        elif len(rows) == ROWS:
            raise Unreadable(f"The file has more than {ROWS:,} rows. Divide it.")
        else:
            rows.append((number, cells))
    if heads is None:
        raise Unreadable("The file is empty.")
    return Table(heads, rows, notes)


def _too_wide(line: int) -> Unreadable:
    return Unreadable(f"Line {line} has more than {COLUMNS} columns, and so many at most are read.")


def _of_text(content: bytes) -> Table:
    text, notes = _decoded(content)
    if "\0" in text or sum(char < " " and char not in "\t\r\n" for char in text[:4096]) > 4:
        raise Unreadable("This is neither CSV nor XLSX.")
    first = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""
    separator = max(",;\t", key=first.count)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        return _table(_lines(reader), notes)
    except csv.Error as error:
        raise Unreadable(f"This is no CSV that can be read: {error}.") from None


def _lines(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Before anything is made of a line it is known not to be too wide; empty cells at its end do not count."""
    for row in reader:
        if len(row) > COLUMNS and "".join(row[COLUMNS:]).strip():
            raise _too_wide(reader.line_num)
        yield reader.line_num, [read_back(cell.strip()) for cell in row[:COLUMNS]]


def _decoded(content: bytes) -> tuple[str, list[str]]:
    """UTF-8, as we write it; UTF-16 with its mark; else what Excel in Western Europe writes."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16"), []
        except UnicodeDecodeError:
            raise Unreadable("This is neither CSV nor XLSX.") from None
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252"), ["The file is not UTF-8. It was read as Windows-1252: look at the accents."]
    except UnicodeDecodeError:
        raise Unreadable("The text is in no alphabet that is known here. Save it as CSV UTF-8.") from None


def _of_workbook(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """The first sheet. What is packed is looked at before anything is made of it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            _look(packed)
    except Unreadable:
        raise
    except Exception:  # beside BadZipFile and ExpatError: EOFError, LZMAError, LookupError of an encoding
        raise Unreadable("This is no Excel file, or it is broken.") from None
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        for number, row in enumerate(sheet.iter_rows(max_col=COLUMNS + 1, values_only=True), 1):
            if number > ROWS * 2:
                raise Unreadable(f"The sheet has more than {ROWS:,} rows. Divide it.")
            yield number, [_cell(value, number) for value in row]
    except Unreadable:
        raise
    except Exception as error:  # openpyxl raises what it likes: KeyError, ValueError, ParseError, EntitiesForbidden
        raise Unreadable(
            f"This Excel file cannot be read ({type(error).__name__}). Save it anew, or take CSV."
        ) from None


def _look(packed: zipfile.ZipFile) -> None:
    """Raises Unreadable for what would need far more room than it seems: as bytes, or as what becomes of them."""
    parts = packed.infolist()
    if "xl/workbook.xml" not in {part.filename for part in parts}:
        raise Unreadable("This is a packed file, but no Excel file.")
    large = [part for part in parts if part.file_size > SMALL_PART_BYTES]
    tables = [part for part in large if part.filename.startswith(("xl/worksheets/", "xl/sharedStrings"))]
    if len(parts) > PARTS or sum(part.file_size for part in parts) > UNPACKED_BYTES or tables != large:
        raise _too_large()
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable("This Excel file has a password. Save it without one.")
    for part in tables:
        with packed.open(part) as opened:
            _count(opened)


def _count(part: IO[bytes]) -> None:
    """Let only tables and texts be large, of which a row or a text is kept at a time. Nothing is built of it here."""
    path: list[str] = []
    since = total = 0

    def begin(name: str, _: Any) -> None:
        nonlocal since, total
        path.append(name)
        since, total = since + 1, total + 1
        if since > AT_A_TIME or total > ELEMENTS:
            raise _too_large()

    def end(name: str) -> None:
        nonlocal since
        path.pop()
        if (name == _ROW and path[1:] == [_ROWS]) or (name == _STRING and len(path) == 1):
            since = 0

    def define(*_: Any) -> None:
        raise expat.ExpatError("it defines entities")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler, parser.EntityDeclHandler = begin, end, define
    parser.ParseFile(part)


def _too_large() -> Unreadable:
    return Unreadable("This Excel file is far larger than it seems. Save only the one table, or take CSV.")


def _cell(value: Any, line: int) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        whole = int(value) if value == value and abs(value) < 10**300 and value == int(value) else None
        if whole is not None and len(str(abs(whole))) > EXACT_DIGITS:
            raise Unreadable(
                f"Line {line} has the long number {whole}, of which Excel has lost the last digits. Format the column "
                "as text, and enter it again; or take our export as a pattern."
            )
        return str(value if whole is None else whole)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value).strip()
