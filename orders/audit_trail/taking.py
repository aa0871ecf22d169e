"""The audit log as a file: exactly what is filtered, newest first, and as safe for spreadsheets as the history's."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import xlsxwriter
from django.utils import timezone

from orders.audit_trail.acts import title
from orders.exporting.cells import mark
from orders.exporting.workbook import cell
from orders.models import AuditEntry, Export

AT_ONCE = 500
"""Lines of one chunk."""

SHEET_ROWS = 100_000
"""So many make an Excel file, which has to be whole before it can be sent; more are taken as CSV or JSON."""

COLUMNS = (
    ("at", "When", 19),
    ("who", "Who", 18),
    ("act", "What", 24),
    ("action", "Action", 18),
    ("target_type", "Kind of target", 12),
    ("target_id", "Target's id", 14),
    ("target_label", "Target", 34),
    ("words", "In words", 50),
    ("data", "Before and after", 50),
    ("address", "Address", 16),
    ("agent", "Browser", 24),
    ("request_id", "Request", 36),
    ("destination", "Yeastar's host and account", 34),
)


class TooManyRows(Exception):
    """An Excel file would take too long. The message says what to do."""


def chunks(entries: Iterable[AuditEntry], kind: Export.Format) -> Iterator[bytes]:
    """The file, piece by piece. Raises TooManyRows before the first one."""
    if kind == Export.Format.XLSX:
        return iter([_sheet(entries)])
    return _lines(entries, _csv if kind == Export.Format.CSV else _json, head=kind == Export.Format.CSV)


def _lines(entries: Iterable[AuditEntry], write: Any, *, head: bool) -> Iterator[bytes]:
    rows = iter(entries)
    if head:
        yield "\ufeff".encode() + _written([_heads()])
    while batch := list(islice(rows, AT_ONCE)):
        yield write(batch)


def _csv(batch: list[AuditEntry]) -> bytes:
    return _written([[_local(each.at).isoformat(" "), *map(mark, _texts(each))] for each in batch])


def _json(batch: list[AuditEntry]) -> bytes:
    lines = []
    for each in batch:
        told: dict[str, Any] = dict(zip([name for name, *_ in COLUMNS[1:]], _texts(each), strict=True))
        told |= {"id": each.pk, "at": timezone.localtime(each.at).isoformat(), "actor_id": each.actor_id}
        lines.append(json.dumps(told | {"data": each.data}, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines).encode()


def _sheet(entries: Iterable[AuditEntry]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.xlsx"
        book = xlsxwriter.Workbook(path, {"constant_memory": True, "tmpdir": folder})
        sheet = book.add_worksheet("Audit log")
        head = book.add_format({"bold": True, "bottom": 1})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"})
        for column, (name, (_, _, width)) in enumerate(zip(_heads(), COLUMNS, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, name, head)
        sheet.freeze_panes(1, 1)
        number = 0
        for number, each in enumerate(entries, 1):
            if number > SHEET_ROWS:
                sheet.row_data_fh.close()
                book.fileclosed = True
                raise TooManyRows(f"An Excel file holds {SHEET_ROWS:,} entries at most. Filter further, or take CSV.")
            sheet.write_datetime(number, 0, _local(each.at), moment)
            for column, text in enumerate(_texts(each), 1):
                sheet.write_string(number, column, cell(text))
        sheet.autofilter(0, 0, number, len(COLUMNS) - 1)
        book.close()
        return path.read_bytes()


def _texts(entry: AuditEntry) -> list[str]:
    """All columns but the first."""
    told = json.dumps(entry.data, ensure_ascii=False) if entry.data else ""
    named = {"who": entry.actor_name, "act": title(entry.action), "data": told}
    return [named[name] if name in named else getattr(entry, name) for name, *_ in COLUMNS[1:]]


def _heads() -> list[str]:
    zone = timezone.get_current_timezone_name()
    return [f"{head} ({zone})" if name == "at" else head for name, head, _ in COLUMNS]


def _local(moment: datetime) -> datetime:
    return timezone.localtime(moment).replace(tzinfo=None, microsecond=0)


def _written(rows: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
