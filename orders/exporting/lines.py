"""A batch as lines of text: CSV for spreadsheets, JSON for programs."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from json.encoder import encode_basestring
from typing import Any

from orders.exporting.cells import PLAIN, mark
from orders.exporting.columns import COLUMNS, MORE, Column, Kind, heads
from orders.exporting.kept import Kept
from orders.exporting.moments import Clock, local
from orders.exporting.reading import Batch
from orders.lifecycle import Status
from orders.text import storable

_LABELS = {each.value: each.label for each in Status}

_Cells = Callable[[Iterable[Any]], Iterable[Any]]


class CsvLines:
    """Comma-separated, in UTF-8 with the mark by which Excel knows it. Amounts are numbers, moments local."""

    more = False

    def __init__(self) -> None:
        self._by_kind: dict[Kind, _Cells] = {
            Kind.TEXT: _each(Kept(mark).__getitem__),
            Kind.STATUS: _each(Kept(lambda status: _LABELS.get(status, "")).__getitem__),
            Kind.MOMENT: Clock().texts,
            Kind.AMOUNT: lambda amounts: ["" if amount is None else money(amount) for amount in amounts],
        }

    def head(self) -> bytes:
        """The first line."""
        return "\ufeff".encode() + csv_lines([heads()])

    def lines(self, batch: Batch) -> bytes:
        """A line for each record."""
        return csv_lines(zip(*(self._cells(each, batch[each.name]) for each in COLUMNS), strict=True))

    def _cells(self, column: Column, values: Sequence[Any]) -> Iterable[Any]:
        return _marked(values) if column.varied else self._by_kind[column.kind](values)


class JsonLines:
    """One object on each line: typed columns, then what Yeastar told, unchanged. What is not known is null."""

    more = True

    def __init__(self) -> None:
        quoted = Kept(_json).__getitem__
        self._by_kind: dict[Kind, _Cells] = {
            Kind.TEXT: _each(quoted),
            Kind.STATUS: _each(quoted),
            Kind.MOMENT: _each(Kept(local(lambda moment: f'"{moment.isoformat()}"', "null")).__getitem__),
            Kind.AMOUNT: lambda amounts: ["null" if amount is None else money(amount) for amount in amounts],
        }
        names = (*(each.name for each in (*COLUMNS, *MORE)), "raw", "detail")
        self._line = "{" + ", ".join(f'"{name}": %s' for name in names) + "}\n"

    def head(self) -> bytes:
        """There is none."""
        return b""

    def lines(self, batch: Batch) -> bytes:
        """An object for each record."""
        columns = [self._cells(each, batch[each.name]) for each in (*COLUMNS, *MORE)]
        details = [
            payload(text) if read_at else "null"
            for text, read_at in zip(batch["detail"], batch["detail_at"], strict=True)
        ]
        rows = zip(*columns, map(payload, batch["raw"]), details, strict=True)
        return "".join([self._line % row for row in rows]).encode()

    def _cells(self, column: Column, values: Sequence[Any]) -> Iterable[Any]:
        return map(_json, values) if column.varied else self._by_kind[column.kind](values)


def money(amount: Any) -> str:
    """1234.50, with four places where they are needed."""
    text = f"{amount:.4f}"
    return text[:-2] if text.endswith("00") else text


_LONE = r"\\ud[89ab]..(?!\\ud[c-f])|(?<!\\ud[89ab]..)\\ud[c-f]"
_UNUSUAL = re.compile(rf"\n|{_LONE}", re.IGNORECASE)


def payload(text: str) -> str:
    """JSON as it is stored, so that no number of theirs loses a figure; without half characters, or new lines."""
    return json.dumps(storable(json.loads(text))) if _UNUSUAL.search(text) else text


def _marked(texts: Iterable[str | None]) -> list[str]:
    # Nearly all are different, so keeping them helps nobody. What most are is looked for without calling a function.
    return [
        ""
        if not text
        else text
        if text[:2] in PLAIN and text.isalnum() and not text.isalpha()
        else f"'{text}"
        if text.isdigit()
        else mark(text)
        for text in texts
    ]


def _json(text: str | None) -> str:
    return encode_basestring(text) if text else "null"


def _each(function: Callable[[Any], Any]) -> _Cells:
    return lambda values: map(function, values)


def csv_lines(rows: Iterable[Sequence[str]]) -> bytes:
    """Lines of several cells, as the csv module writes them.

    It looks at each character, for what it must quote, so it gets only lines that have such a one.
    """
    lines = []
    for cells in rows:
        line = ",".join(cells)
        if '"' in line or "\n" in line or "\r" in line or line.count(",") >= len(cells):
            out = io.StringIO(newline="")
            csv.writer(out).writerow(cells)
            line = out.getvalue()
        else:
            line += "\r\n"
        lines.append(line)
    return "".join(lines).encode()
