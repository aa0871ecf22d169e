"""Pages by key: the next one begins behind the last row of this one, so the thousandth costs what the first does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from orders.browsing.asked import SORTS, Asked
from orders.browsing.finding import Found
from orders.browsing.kept import COUNTED
from orders.browsing.sql import is_record_of, listed
from orders.browsing.terms import Terms
from orders.browsing.walking import Place, Walk, Walked
from orders.models import Characters, Record
from orders.prepared import Prepared

PAGE_SIZE = 50

UNSHOWN = (
    *("raw", "detail", "digest", "created_at", "first_seen_at", "changed_at", "detail_tried_at"),
    *("order_id", "transaction_no", "instance_id", "invoice_no"),
)
"""Columns that no list shows. To make values of them would take a third of the time that a page is read in."""

SHOWN = [field.attname for field in Record._meta.concrete_fields if field.name not in UNSHOWN]


def _by_keys(keys: str) -> QuerySet[Record, Any]:
    """All in one value, so that the SQL is the same however many they are."""
    return Record.objects.filter(is_record_of(keys)).values_list(*SHOWN)


_BY_KEYS = Prepared(_by_keys, str)
_AT = Prepared(lambda key: Record.objects.filter(pk=key).values_list("at"), int)

COUNTED_OF_SOME = 1_000
"""So far rows are counted of what was filtered or searched; beyond it stands a plus."""


@dataclass(frozen=True)
class Page:
    """Some rows in their order, and the keys by which one goes on."""

    rows: list[Record]
    after: int | None = None  # the next page begins behind it
    before: int | None = None  # the page before ends in front of it
    lost: bool = False  # the page that was asked for begins at a record that is not there
    seen: datetime | None = None  # so far was looked, and further on the next page
    exact: int = 0  # so many rows stand first because their number is exactly what was looked for
    further: tuple[datetime, int] | None = None  # when the next of what is known to fit is, and behind which record


def page(found: Found, asked: Asked) -> Page:
    """The page that is asked for. Going back, what is less than a page is the first one."""
    listed = _page(found, asked)
    if not listed.before and found.exact:
        listed = replace(listed, rows=[*_in_turn(found.exact), *listed.rows], exact=len(found.exact))
    if listed.rows or asked.before or not (found.some and listed.seen and listed.after):
        return listed
    return replace(listed, further=_further(found.some, Place(SORTS[found.sort][1], listed.seen, listed.after)))


def _page(found: Found, asked: Asked) -> Page:
    column, down = SORTS[found.sort]
    if found.walk:
        return _walked(found.walk, asked, down)
    if asked.before is not None:
        rows = _beside(found, column, not down, asked.before)
        if rows is not None and len(rows) > PAGE_SIZE:
            shown = rows[:PAGE_SIZE][::-1]
            return Page(shown, after=shown[-1].pk, before=shown[0].pk)
        first = _sorted(found, column, down)[: PAGE_SIZE + 1]
        return _from_the_top(list(first), lost=rows is None)
    if asked.after is not None:
        rows = _beside(found, column, down, asked.after)
        if rows is not None:
            shown = rows[:PAGE_SIZE]
            more = len(rows) > PAGE_SIZE
            return Page(shown, after=shown[-1].pk if more else None, before=shown[0].pk if shown else None)
    return _from_the_top(list(_sorted(found, column, down)[: PAGE_SIZE + 1]), lost=asked.after is not None)


def count(found: Found, listed: Page | None = None) -> str:
    """How many there are: 1,234 or 10,000+. `listed` is a page of them, and perhaps all there is."""
    if listed and not (listed.after or listed.before):
        return f"{len(listed.rows)}"
    if found.at_least >= COUNTED_OF_SOME:
        return f"{COUNTED_OF_SOME:,}+"
    if listed and listed.seen and not listed.before:  # the first page looked further than a count would
        return f"{len(listed.rows)}+"
    if found.number is not None:
        return f"{found.number:,}"
    if found.walk:
        some, all_of_them = found.walk.count(COUNTED_OF_SOME + 1)
        number = max(some + len(found.exact), found.at_least)
        known = all_of_them and number <= COUNTED_OF_SOME
        return f"{number:,}" if known else f"{min(number, COUNTED_OF_SOME):,}+"
    if found.everything and found.known.many:
        return f"{COUNTED:,}+"
    number = found.rows.order_by().values("pk")[: COUNTED + 1].count() + len(found.exact)
    return f"{COUNTED:,}+" if number > COUNTED else f"{number:,}"


def _walked(walk: Walk, asked: Asked, down: bool) -> Page:
    """A page of what is neither few nor everything. Where a walk ended early the page may be short, or empty."""
    key = asked.before or asked.after
    at = _moment(key) if key else None
    if not (key and at):
        return _onwards(walk.first(Place(down), PAGE_SIZE + 1), lost=bool(key))
    if asked.after:
        return _onwards(walk.first(Place(down, at, key), PAGE_SIZE + 1), behind=key)
    back = walk.first(Place(not down, at, key), PAGE_SIZE + 1)
    rows = _in_turn(back.keys[:PAGE_SIZE])[::-1]
    before = rows[0].pk if len(back.keys) > PAGE_SIZE else back.end
    if before is None:
        top = walk.first(Place(down), PAGE_SIZE + 1)
        if top.end is None or not rows:
            return _onwards(top)
    return Page(rows, after=rows[-1].pk if rows else back.end, before=before, seen=_seen(back))


def _onwards(walked: Walked, *, behind: int | None = None, lost: bool = False) -> Page:
    rows = _in_turn(walked.keys[:PAGE_SIZE])
    after = rows[-1].pk if len(walked.keys) > PAGE_SIZE else walked.end
    before = (rows[0].pk if rows else walked.end or behind) if behind else None
    return Page(rows, after=after, before=before, lost=lost, seen=_seen(walked))


def _in_turn(keys: Sequence[int]) -> list[Record]:
    rows = {row[0]: row for row in _BY_KEYS.rows(listed(keys))}
    return [Record.from_db("default", SHOWN, rows[key]) for key in keys if key in rows]


def _further(some: Walk, place: Place) -> tuple[datetime, int] | None:
    """Where the next is of some that are known to fit, though others may stand before it."""
    key = next(iter(some.first(place, 1).keys), None)
    if key is None:
        return None
    at = Record.objects.values_list("at", flat=True).get(pk=key)
    [before] = Walk(Terms()).first(Place(not place.down, at, key), 1).keys
    return at, before


def _seen(walked: Walked) -> datetime | None:
    """How far a walk came that ended early."""
    return _moment(walked.end) if walked.end else None


def _moment(key: int) -> datetime | None:
    return next((at for (at,) in _AT.rows(key)), None)


def _from_the_top(rows: list[Record], *, lost: bool) -> Page:
    shown = rows[:PAGE_SIZE]
    return Page(shown, after=shown[-1].pk if len(rows) > PAGE_SIZE else None, lost=lost)


def in_order(found: Found, asked: Asked) -> QuerySet[Record]:
    """All rows in the order that is asked for."""
    return _sorted(found, *SORTS[asked.sort])


def _sorted(found: Found, column: str, down: bool) -> QuerySet[Record]:
    """The rows in their order; those with the same value in the order of their keys."""
    by: Any = Coalesce(column, column) if found.few else F(column)
    sort = "-" if down else ""
    rows = found.rows.alias(by=Characters(by) if column == "order_no" else by)
    return rows.order_by(f"{sort}by", f"{sort}pk").defer(*UNSHOWN)


def _beside(found: Found, column: str, down: bool, key: int) -> list[Record] | None:
    """A page of rows, and one more, behind the row with this key; None if there is no such row."""
    value = Record.objects.filter(pk=key).values_list(column, flat=True).first()
    if value is None:
        return None
    return list(_behind(_sorted(found, column, down), down, value, key)[: PAGE_SIZE + 1])


def _behind(rows: QuerySet[Record], down: bool, value: Any, key: Any) -> QuerySet[Record]:
    than = "lt" if down else "gt"
    # The first condition is where an index is entered, the second tells equal values apart.
    return rows.filter(**{f"by__{than}e": value}).filter(Q(**{f"by__{than}": value}) | Q(**{f"pk__{than}": key}))
