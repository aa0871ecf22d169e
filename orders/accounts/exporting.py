"""The list of accounts as a file, in the shape that an import reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import xlsxwriter

from orders.accounts.lists import List
from orders.exporting.cells import mark
from orders.exporting.workbook import cell
from orders.models import MirroredQuerySet, Partner

HEADS = (
    *("Id", "Company", "First name", "Last name", "Email", "Country", "Type", "At Yeastar"),
    *("Hidden", "Note", "Tags", "Owner"),
)
OF_PARTNERS = ("Preferred contact", "Preferred contact is")

AT_ONCE = 1_000


def heads(kind: List) -> list[str]:
    """The first line."""
    return [*HEADS, *(OF_PARTNERS if kind.model is Partner else ())]


def _lines(kind: List, rows: MirroredQuerySet) -> Iterator[list[str]]:
    related = ["owner", *(["preferred_contact"] if kind.model is Partner else [])]
    for row in rows.select_related(*related).defer("raw", "search").iterator(AT_ONCE):
        line = [row.remote_id, row.company, row.first_name, row.last_name, row.email, row.country, row.user_type]
        line += ["gone" if row.gone_at else "in the list", "yes" if row.hidden else "no", row.note]
        line += [", ".join(row.tag_list), row.owner.get_username() if row.owner else ""]
        if isinstance(row, Partner):
            preferred = row.preferred_contact
            line += [preferred.remote_id, str(preferred)] if preferred else ["", ""]
        yield line


def as_csv(kind: List, rows: MirroredQuerySet) -> bytes:
    """Comma-separated, in UTF-8 with the mark by which Excel knows it; what it would calculate gets an apostrophe."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(heads(kind))
    writer.writerows([mark(value) for value in line] for line in _lines(kind, rows))
    return out.getvalue().encode("utf-8-sig", "replace")


def as_xlsx(kind: List, rows: MirroredQuerySet) -> bytes:
    """An Excel file, in which all is text: no formula, and no id that loses digits."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet(kind.what.label)
    bold = book.add_format({"bold": True, "bottom": 1})
    text = book.add_format({"num_format": "@"})
    sheet.set_column(0, len(heads(kind)) - 1, 22, text)
    for column, head in enumerate(heads(kind)):
        sheet.write_string(0, column, head, bold)
    for number, line in enumerate(_lines(kind, rows), 1):
        for column, value in enumerate(line):
            if value:
                sheet.write_string(number, column, cell(value), text)
    sheet.freeze_panes(1, 2)
    book.close()
    return out.getvalue()
