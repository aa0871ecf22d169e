"""A row of the table: what was measured, beside its limit or its peer. No Django in here."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """`ratio` is measured / limit; it is to be at least or at most so much, or is only told."""

    figure: str
    measured: float
    unit: str
    limit: float
    limit_is: str = "limit"
    at_least: float | None = None
    at_most: float | None = None

    @property
    def ratio(self) -> float:
        """How much of the limit it is."""
        return self.measured / self.limit

    @property
    def missed(self) -> bool:
        """Whether a goal was set and is not met."""
        low = self.at_least is not None and self.ratio < self.at_least
        return low or (self.at_most is not None and self.ratio > self.at_most)

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text: figure, measured, limit or peer, ratio, goal, verdict."""
        goal = f"≥ {self.at_least:.2f}" if self.at_least is not None else ""
        goal = f"≤ {self.at_most:.2f}" if self.at_most is not None else goal
        verdict = ("over" if self.missed else "ok") if goal else ""
        limit = f"{self.limit:,.1f} {self.unit}"
        if self.limit_is != "limit":
            limit += f" ({self.limit_is})"
        return self.figure, f"{self.measured:,.1f} {self.unit}", limit, f"{self.ratio:.2f}", goal, verdict


HEADS = ("figure", "measured", "limit or peer", "ratio", "goal", "verdict")


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table whose columns also line up in a terminal."""
    cells = [HEADS, *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADS))]
    right = {1, 3, 4}

    def line(texts: Sequence[str]) -> str:
        padded = (
            text.rjust(width) if column in right else text.ljust(width)
            for column, (text, width) in enumerate(zip(texts, widths, strict=True))
        )
        return f"| {' | '.join(padded)} |"

    rule = (f"{'-' * (width - 1)}{':' if column in right else '-'}" for column, width in enumerate(widths))
    return "\n".join([line(cells[0]), f"| {' | '.join(rule)} |", *(line(each) for each in cells[1:])])


def p95(samples: Sequence[float]) -> float:
    """The value that 95 of 100 samples do not exceed."""
    ordered = sorted(samples)
    return ordered[-(-95 * len(ordered) // 100) - 1]


def note(text: str) -> None:
    """Something to read meanwhile."""
    print(f"  {text}", file=sys.stderr, flush=True)


def hand_over(measure: Callable[[], Iterable[Row]]) -> None:
    """Run a figure's measurement; its rows leave as lines of JSON on standard output."""
    for row in measure():
        print(json.dumps(asdict(row)), flush=True)


def received(output: str) -> list[Row]:
    """The rows that another process handed over. What servers that it started said on the same output is passed on."""
    rows = []
    for line in output.splitlines():
        if line.startswith('{"figure":'):
            rows.append(Row(**json.loads(line)))
        else:
            note(line)
    return rows
