"""Rows of what is too much to be gathered, each page found by a bounded walk along indexes in the order of the dates.

Whatever is asked for is turned into ranges of an index. In each of them the rows stand in the order of their dates, so
the first rows of each hold the first rows of all. Where conditions remain that no range holds, the walk looks at
`LOOKED` entries and then says how far it came, and the next page goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from orders.browsing import sql
from orders.browsing.mixes import mixes
from orders.browsing.sql import Condition, Order, Ranges
from orders.browsing.terms import NUMBERS, Customers, Terms, Values
from orders.destination import current_destination

LOOKED = 2_000
"""Entries of an index that one page looks at, at most, where conditions remain."""

ALL_OF = 2_000
"""Entries that are looked at without an order, at most: as many as can be gathered by numbers and names together."""

TRIED, TRIED_FOR_CUSTOMERS = 300, 800
"""Records that are looked at first, by date, whatever is asked for; the latter before customers' lines are merged."""

COUNTED_AMONG = 500
"""Entries that the count above a page looks at, at most, where conditions remain."""

OF_CUSTOMER = "r.partner_id = {} AND NOT (r.partner_id = '')"
"""Word for word as the index leaves out what is not told, else SQLite would not follow it."""


class Place(NamedTuple):
    """A place in the order of the list, going down or up: its beginning, or behind a row."""

    down: bool
    at: datetime | None = None
    key: int = 0


@dataclass(frozen=True)
class Walked:
    """Keys in the order of the list; and where the walk ended, if it found less and did not come to the end."""

    keys: list[int]
    end: int | None = None


@dataclass(frozen=True)
class _Way:
    """Ranges in which all lies that fits, and what else must be so."""

    ranges: list[Ranges]
    remain: list[Condition]
    gathered: bool = False  # the entries are few enough to look at all of them, in whatever order


class Walk:
    """Where records that fit are looked for: chosen once, for a page and for the count above it."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms

    def first(self, place: Place, most: int) -> Walked:
        """The first records behind a place."""
        always, order = _always(self.terms, place), Order(place.down)
        if most <= TRIED and self._may_be_common and len(found := self._by_date(always, order, most)) == most:
            return Walked(found)
        way = self._way
        if not way.remain:
            ranges = _nearest(way.ranges, always, order, most)
            return Walked(sql.keys(sql.merged(ranges, always, order, most)) if ranges else [])
        if not way.ranges:
            return Walked([])
        if way.gathered:
            looked = sql.mixed(way.ranges, always, ALL_OF, way.remain)
            return Walked(sql.keys(sql.fitting(looked, way.remain, most, order)))
        looked = sql.lined_up(way.ranges, always, order, LOOKED, way.remain)
        return Walked(*sql.met(looked, way.remain, most, order, LOOKED))

    def some(self, most: int) -> tuple[list[int], bool]:
        """So many of them at most, in no order; and whether those are all."""
        place = Place(down=True)
        if self._way.remain or not self._way.ranges:
            walked = self.first(place, most)
            return walked.keys, len(walked.keys) < most and walked.end is None
        found = sql.keys(sql.only_keys(sql.mixed(self._way.ranges, _always(self.terms, place), most)))
        return found, len(found) < most

    def count(self, most: int) -> tuple[int, bool]:
        """How many there are, and whether that is all: so many are counted at most, among `COUNTED_AMONG`."""
        place, way = Place(down=True), self._way
        always = _always(self.terms, place)
        if not way.ranges:
            return 0, True
        if not way.remain:
            number = sql.count(sql.mixed(way.ranges, always, most))
            return number, number < most
        if way.gathered:
            looked, entries = sql.mixed(way.ranges, always, ALL_OF, way.remain), ALL_OF + 1
        else:
            line = Order(place.down)
            looked, entries = sql.lined_up(way.ranges, always, line, COUNTED_AMONG, way.remain), COUNTED_AMONG
        number, seen = sql.count_fitting(looked, way.remain)
        return min(number, most), number < most and seen < entries

    @property
    def _may_be_common(self) -> bool:
        """Whether nothing is asked for that has an index of its own."""
        told = self.terms.customers[:1]
        return self.terms.owner is None and not self.terms.partner and not any(each.gathered for each in told)

    def _by_date(self, always: Condition, order: Order, most: int) -> list[int]:
        """Perhaps so much fits that it is met soon among all records: then no ranges have to be merged."""
        remain = _remain(self.terms) or [("TRUE", ())]
        tried = TRIED_FOR_CUSTOMERS if self.terms.customers else TRIED
        looked = sql.lined_up([Ranges("TRUE", [()])], always, order, tried, remain)
        return sql.keys(sql.fitting_in_line(looked, remain, most, order))

    @cached_property
    def _way(self) -> _Way:
        """By what is the rarest, or holds all conditions."""
        terms = self.terms
        if any(each.gathered and len(each.keys) <= ALL_OF for each in terms.customers[:1]):
            return _Way(_of_customers(terms.customers[0]), _remain(terms, customers=1), gathered=True)
        if terms.owner is not None:
            return _Way([Ranges("r.owner_id = {}", [(terms.owner,)])], _remain(terms, owner=False))
        if terms.partner:
            return _Way([Ranges(OF_CUSTOMER, [(terms.partner,)])], _remain(terms, partner=False))
        if terms.customers and terms.customers[0].in_ranges:
            first = terms.customers[0]
            way = _Way(_of_customers(first), _remain(terms, customers=1), gathered=True)
            if not way.remain or self._are_few(way.ranges):
                return way
        if terms.here and not (terms.equal or terms.customers or terms.partner is not None):
            return _Way([Ranges("r.owner_id IS NOT NULL", [()])], [])
        if (terms.equal or terms.here is not None) and (all_of_them := mixes()) is not None:
            fit: list[Values] = [each for each in all_of_them if each.fits(terms)]
            alike = "r.product_id = {} AND r.status = {} AND r.currency = {}"
            made = {True: f"r.owner_id IS NOT NULL AND {alike}", False: f"r.owner_id IS NULL AND {alike}"}
            ranges = [Ranges(where, fit) for here, where in made.items() if fit and terms.here in (None, here)]
            return _Way(ranges, _remain(terms, mixed=False))
        return _Way([Ranges("TRUE", [()])], _remain(terms))

    def _are_few(self, ranges: list[Ranges]) -> bool:
        looked = sql.mixed(ranges, _always(self.terms, Place(down=True)), ALL_OF + 1)
        return not ranges or sql.count(looked) <= ALL_OF


def _of_customers(customers: Customers) -> list[Ranges]:
    found = [Ranges(OF_CUSTOMER, [(each,) for each in customers.ids])]
    if customers.keys:
        among, values = sql.among("r.id", customers.keys, int)
        found.append(Ranges(among, [()], values))
    return [each for each in found if each.values]


def _nearest(ranges: list[Ranges], always: Condition, order: Order, most: int) -> list[Ranges]:
    """The first rows of all lie in the ranges whose own first rows come first, so no more than `most` are needed."""
    found = []
    for each in ranges:
        if len(each.values) > most and len(each.values[0]) == 1:
            each = Ranges(each.where, [(value,) for value in sql.keys(sql.nearest(each, always, order, most))])
        found.append(each)
    return [each for each in found if each.values]


def _always(terms: Terms, place: Place) -> Condition:
    """What is nearly always so, or ends a range."""
    parts: list[Condition] = []
    if terms.begin:
        parts.append(("r.at >= %s", (sql.moment(terms.begin),)))
    if terms.end:
        parts.append(("r.at < %s", (sql.moment(terms.end),)))
    if place.at:
        than, at = "<" if place.down else ">", sql.moment(place.at)
        # The first condition is where an index is entered, the second tells equal values apart.
        parts.append((f"r.at {than}= %s AND (r.at {than} %s OR r.id {than} %s)", (at, at, place.key)))
    if terms.ours:
        parts.append(("EXISTS (SELECT 1 FROM orders_order o WHERE o.id = r.ours_id AND o.status = %s)", (terms.ours,)))
    if terms.but:
        among, values = sql.is_one_of("r.id", terms.but)
        parts.append((f"NOT ({among})", values))
    if terms.strange:
        among, values = sql.is_one_of("r.destination", terms.strange)
        parts.append((f"NOT ({among})", values))
    return sql.all_of(parts)


def _remain(
    terms: Terms, *, owner: bool = True, partner: bool = True, customers: int = 0, mixed: bool = True
) -> list[Condition]:
    """The conditions but those that ranges hold."""
    parts: list[Condition] = []
    if owner and terms.owner is not None:
        parts.append(("r.owner_id = %s", (terms.owner,)))
    if partner and terms.partner is not None:
        parts.append(("r.partner_id = %s", (terms.partner,)))
    if mixed:
        parts += [(f"r.{column} = %s", (value,)) for column, value in terms.equal.items()]
        if terms.here is not None and terms.owner is None:
            parts.append((f"r.owner_id IS {'NOT ' if terms.here else ''}NULL", ()))
    return parts + [_is_one_of(each) for each in terms.customers[customers:]]


def _is_one_of(customers: Customers) -> Condition:
    parts = []
    if customers.ids:
        parts.append(sql.is_one_of("r.partner_id", customers.ids))
    if customers.words:
        parts.append(sql.is_customer_with("r.partner_id", customers.words, current_destination()))
    if customers.keys:
        parts.append(sql.is_one_of("r.id", customers.keys))
    parts += [sql.begins([f"r.{column}" for column in NUMBERS], each) for each in customers.beginnings]
    text = " OR ".join(text for text, _ in parts) or "FALSE"
    return f"({text})", tuple(value for _, each in parts for value in each)
