"""What the tests of exports share: asking for one, making it as a worker does, reading its file."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from django.test import Client
from openpyxl import load_workbook

from orders.exporting import cells, making
from orders.exporting.columns import COLUMNS, heads
from orders.models import Export


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


def asked(client: Client, kind: str = "csv", query: str = "") -> Export:
    assert client.post("/history/exports/ask/", {"format": kind, "query": query}).status_code == 302
    return Export.objects.order_by("-asked_at")[0]


def made(export: Export) -> None:
    """As the process does that a worker starts."""
    making.make(export.pk, stopping=lambda: False)
