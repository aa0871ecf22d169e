"""What the address of the list asks for, and back again. What cannot be meant is said and ignored, never an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from django.http import QueryDict
from django.utils import timezone
from django.utils.http import urlencode

from orders.lifecycle import Status
from orders.text import storable

LONGEST = 100
"""Characters of one filter; a longer text is cut."""

SORTS = {"-at": ("at", True), "at": ("at", False), "-order": ("order_no", True), "order": ("order_no", False)}
"""How a list may be sorted: the column, and whether downwards."""

NEWEST_FIRST = "-at"

NOT_TOLD = "-"
"""As product, customer, status or currency: those of which none is told, or not known yet."""

NONE_TOLD = {
    "status": "not told",
    "product": "not told or not yet known",
    "customer": "not told or not yet known",
    "currency": "not told",
}
"""What that is called. Product and customer stand in the details, which may not have been read yet."""

PERIODS = {
    "today": "Today",
    "7-days": "7 days",
    "this-month": "This month",
    "last-month": "Last month",
    "this-year": "This year",
    "custom": "From … to …",
}

MADE = {"here": "Made here", "elsewhere": "Made elsewhere"}

OURS = {status.value: status.label for status in Status if status != Status.DRAFT}

ALLOWED: dict[str, Mapping[str, object]] = {"ours": OURS, "made": MADE, "period": PERIODS, "sort": SORTS}

NAMES = {
    "q": "Search",
    "status": "Status",
    "ours": "Our status",
    "product": "Product",
    "customer": "Customer",
    "who": "Asked by",
    "made": "Made",
    "currency": "Currency",
    "period": "Period",
    "from": "From",
    "to": "To",
    "sort": "Sort",
    "after": "Page",
    "before": "Page",
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What one wants to see of the history. Empty means everything."""

    q: str = ""
    status: str = ""
    ours: str = ""
    product: str = ""
    customer: str = ""
    who: str = ""
    made: str = ""
    currency: str = ""
    period: str = ""
    first: date | None = None
    last: date | None = None
    sort: str = NEWEST_FIRST
    after: int | None = None  # the record behind which the page begins
    before: int | None = None  # the record in front of which it ends
    notes: tuple[str, ...] = ()

    @property
    def filters(self) -> dict[str, str]:
        """What narrows the list, by the names of the address."""
        told = {name: getattr(self, name) for name in ("q", *FILTERS)}
        if self.period == "custom":
            told |= {"from": self.first.isoformat() if self.first else "", "to": self.last and self.last.isoformat()}
        return {name: value for name, value in told.items() if value}

    @property
    def alone(self) -> bool:
        """Whether nothing but one text narrows the list."""
        return [*self.filters] in (["q"], ["customer"])

    @property
    def query(self) -> str:
        """Its address, without the page."""
        return urlencode(self.filters | ({"sort": self.sort} if self.sort != NEWEST_FIRST else {}))

    @property
    def here(self) -> str:
        """Its address, of this very page."""
        return self.page(**{name: key for name in ("after", "before") if (key := getattr(self, name))})[1:]

    def page(self, **cursor: int) -> str:
        """The address of one page of it."""
        return "?" + "&".join(part for part in (self.query, urlencode(cursor)) if part)

    def but(self, **changes: str) -> str:
        """The address of the same with some changes, from its first page on."""
        if changes.get("period") == "":
            return "?" + replace(self, period="", first=None, last=None).query
        return "?" + replace(self, **changes).query  # type: ignore[arg-type]

    def span(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """The moments between which the period lies, in the time zone of the portal; the latter is outside of it."""
        today = timezone.localtime(now).date()
        month = today.replace(day=1)
        before = month - timedelta(days=1)
        spans: dict[str, tuple[date | None, date | None]] = {
            "today": (today, today),
            "7-days": (today - timedelta(days=6), today),
            "this-month": (month, today),
            "last-month": (before.replace(day=1), before),
            "this-year": (today.replace(month=1, day=1), today),
        }
        begin, end = spans.get(self.period, (self.first, self.last))
        return _midnight(begin) if begin else None, _midnight(end + timedelta(days=1)) if end else None


FILTERS = ("status", "ours", "product", "customer", "who", "made", "currency", "period")
TEXTS = ("q", *FILTERS, "sort", "after", "before")


def parse(given: Mapping[str, str]) -> Asked:
    """Read an address. What is wrong in it stands in `notes`."""
    notes: list[str] = []
    told = {name: text for name in TEXTS if (text := _text(given, name, notes))}
    after, before = _key(told.pop("after", ""), notes), _key(told.pop("before", ""), notes)
    period, first, last = _period(told.pop("period", ""), given, notes)
    return Asked(
        **told,
        period=period,
        first=first,
        last=last,
        after=after,
        before=None if after else before,
        notes=tuple(notes),
    )


def came_from(given: Mapping[str, str]) -> str:
    """The list that one came from to another page, as that page's address tells it."""
    return parse(QueryDict(given.get("back", "")[:2000])).here


def with_back(here: str) -> str:
    """The end of the address of a page from which one goes back to a list."""
    return f"?{urlencode({'back': here})}" if here else ""


def _text(given: Mapping[str, str], name: str, notes: list[str]) -> str:
    text = cleaned(given.get(name, ""))
    if len(text) > LONGEST:
        text = text[:LONGEST]
        notes.append(f"{NAMES[name]}: only the first {LONGEST} characters were taken.")
    if text and text not in ALLOWED.get(name, {text: ""}):
        notes.append(f"{NAMES[name]}: there is no “{_short(text)}”, so it was ignored.")
        return ""
    return text


def _period(name: str, given: Mapping[str, str], notes: list[str]) -> tuple[str, date | None, date | None]:
    """A named period, or one of the person's own. Days mean the latter: without a name, and where the form that they
    were typed into stood at that name already.
    """
    before = len(notes)
    first, last = _day(given, "from", notes), _day(given, "to", notes)
    stood = given.get("stood", "")
    if name not in ("", "custom") and not ((first or last) and stood == name):
        if (first or last) and not stood:
            notes.append(f"Period: it is “{PERIODS[name]}”, so the days were ignored.")
        return name, None, None
    if first and last and first > last:
        first, last = last, first
        notes.append("Period: the first day came after the last; they were exchanged.")
    if first or last:
        return "custom", first, last
    if name and len(notes) == before:
        notes.append("Period: give the first or the last day of it.")
    return "", None, None


def cleaned(text: str) -> str:
    """Text of one line that a database can store."""
    return " ".join(str(storable(text)).split())


def _day(given: Mapping[str, str], name: str, notes: list[str]) -> date | None:
    text = given.get(name, "").strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if 1970 <= day.year <= 9000:
        return day
    notes.append(f"{NAMES[name]}: “{_short(text)}” is no date like 2026-01-31, so it was ignored.")
    return None


def _key(text: str, notes: list[str]) -> int | None:
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    if text:
        notes.append("There is no such page; this is the first one.")
    return None


def _short(text: str) -> str:
    text = storable(text)
    return text if len(text) <= 30 else f"{text[:30]}…"


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
