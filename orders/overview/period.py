"""The months that one looks at, as the address tells them. Like those of tallies they are of the portal's time zone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from orders.text import storable

MOST = 60
"""Months that are shown at once."""

USUAL = "12-months"

PERIODS = {USUAL: "Last 12 months", "this-year": "This year", "last-year": "Last year"}

EARLIEST, LATEST = date(1971, 1, 1), date(8999, 12, 1)
"""No list goes further."""

_MONTH = re.compile(r"(\d{4})-(\d{1,2})", re.ASCII)


@dataclass(frozen=True)
class Months:
    """Whole months, from the first day of one to the first day of another, both included."""

    first: date
    last: date
    name: str = ""  # that of PERIODS; empty for months of one's own
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[date]:
        """Each by its first day."""
        return (add(self.first, number) for number in range(len(self)))

    def __len__(self) -> int:
        """How many."""
        return distance(self.first, self.last) + 1

    @property
    def words(self) -> str:
        """January 2026 to March 2026."""
        ends = (f"{self.first:%B %Y}", f"{self.last:%B %Y}")
        return ends[0] if len(self) == 1 else " to ".join(ends)

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The moments between which they lie, in the time zone of the portal; the latter is outside of them."""
        return _midnight(self.first), _midnight(add(self.last, 1))


def parse(given: Mapping[str, str]) -> Months:
    """Read an address. What is wrong in it stands in `notes`, and is left out."""
    this = this_month()
    notes: list[str] = []
    first, last = (month(given.get(name, ""), notes) for name in ("from", "to"))
    name = given.get("period", "")
    if name in PERIODS or not (first or last):
        if name not in ("", "custom", *PERIODS):
            notes.append("There is no such period, so these are the last 12 months.")
        elif name == "custom" and not notes:
            notes.append("Give the first or the last month.")
        return _named(name if name in PERIODS else USUAL, this, notes)
    last = last or max(this, first or this)
    first = first or add(last, -11)
    if first > last:
        first, last = last, first
        notes.append("The first month came after the last; they were exchanged.")
    if distance(first, last) >= MOST:
        last = min(last, this) if first <= this else last  # what is still to come holds no orders
        first = max(first, add(last, 1 - MOST))
        notes.append(f"At most {MOST} months are shown at once: these are the last of those.")
    return Months(first, last, notes=tuple(notes))


def _named(name: str, this: date, notes: list[str]) -> Months:
    spans = {
        "this-year": (this.replace(month=1), this),
        "last-year": (date(this.year - 1, 1, 1), date(this.year - 1, 12, 1)),
    }
    first, last = spans.get(name, (add(this, -11), this))
    return Months(first, last, name, tuple(notes))


def month(text: str, notes: list[str]) -> date | None:
    """The first day of a month like 2026-01, or of the nearest one; None for an empty text, or one that is none."""
    text = text.strip()
    if not text:
        return None
    found = _MONTH.fullmatch(text)
    if found and found[1] != "0000" and 1 <= int(found[2]) <= 12:
        asked = date(int(found[1]), int(found[2]), 1)
        nearest = min(max(asked, EARLIEST), LATEST)
        if nearest != asked:
            notes.append(f"“{text}” is too far away: {nearest:%B %Y} was taken.")
        return nearest
    shown = storable(text[:30]) + "…" * (len(text) > 30)
    notes.append(f"“{shown}” is no month like 2026-01, so it was ignored.")
    return None


def this_month() -> date:
    """Its first day."""
    return timezone.localtime().date().replace(day=1)


def add(first: date, months: int) -> date:
    """The first day of the month so many months later."""
    year, number = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, number + 1, 1)


def distance(first: date, last: date) -> int:
    """How many months later the other is."""
    return (last.year - first.year) * 12 + last.month - first.month


def last_day(first: date) -> date:
    """Of the month that begins with this day."""
    return add(first, 1) - timedelta(days=1)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
