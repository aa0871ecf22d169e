# ruff: noqa: S608 - no text of somebody's stands in a query: values are handed over beside it
"""The queries of a walk, for SQLite and PostgreSQL. As querysets of dozens of ranges they would take longer to be
written than to be answered.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db import connection
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from orders.browsing.terms import NUMBERS, Values
from orders.models import LAST
from orders.prepared import Query, rows

Condition = tuple[str, Values]

COLUMNS = ("product_id", "status", "currency", "owner_id", "partner_id", *NUMBERS)
"""What conditions may ask of an entry. An index holds all but the numbers, so that no row has to be read."""


@dataclass(frozen=True)
class Ranges:
    """Ranges of one index: a condition with a place, `{}`, for each of the values by which they differ."""

    where: str
    values: list[Values]
    told: Values = ()  # values that stand in the condition itself


@dataclass(frozen=True)
class Order:
    """By date, rows of the same moment by key."""

    down: bool

    def __str__(self) -> str:
        way = "DESC" if self.down else "ASC"
        return f"ORDER BY at {way}, id {way}"


def keys(query: Query) -> list[Any]:
    """The first column of what a query finds."""
    return [row[0] for row in rows(query)]


def count(query: Query) -> int:
    """How many lines a query finds."""
    return int(keys((f"SELECT COUNT(*) FROM ({query[0]}) AS r", query[1]))[0])


def count_fitting(looked: Query, remain: list[Condition]) -> tuple[int, int]:
    """Of some entries how many meet the conditions, and how many there are."""
    where, told = all_of(remain)
    text = f"SELECT COUNT(CASE WHEN {where} THEN 1 END), COUNT(*) FROM ({looked[0]}) AS r"
    [(number, entries)] = rows((text, (*told, *looked[1])))
    return number, entries


def merged(ranges: list[Ranges], always: Condition, order: Order, most: int) -> Query:
    """The first keys of all the ranges together."""
    parts = [part for each in ranges for part in _each(each, always, f"{order} LIMIT {most}", "at, id")]
    return _union(
        [(f"SELECT * FROM ({text}) AS part", values) for text, values in parts], f"{order} LIMIT {most}", "id"
    )


def mixed(ranges: list[Ranges], always: Condition, most: int, remain: Iterable[Condition] = ()) -> Query:
    """Any keys of the ranges, and what conditions ask of them."""
    columns = _columns(remain)
    parts = [_any(each, always, most, columns) for each in ranges]
    return _union(parts, f"LIMIT {most}", columns)


def only_keys(query: Query) -> Query:
    """Without moments, whose values take longer to be made than to be read."""
    return f"SELECT id FROM ({query[0]}) AS r", query[1]


def lined_up(ranges: list[Ranges], always: Condition, order: Order, most: int, remain: Iterable[Condition]) -> Query:
    """The first entries of all the ranges together, each range read as far as it is needed.

    SQLite merges lines that it can see to be in order. PostgreSQL does if each is ordered for itself, or it might sort
    them all.
    """
    behind = f"{order} LIMIT {most}"
    postgresql = connection.vendor == "postgresql"
    columns = _columns(remain)
    parts = [part for each in ranges for part in _one_by_one(each, always, behind if postgresql else "", columns)]
    if len(parts) == 1:
        return (parts[0][0] if postgresql else f"{parts[0][0]} {behind}"), parts[0][1]
    text = " UNION ALL ".join(f"({text})" if postgresql else text for text, _ in parts)
    return f"{text} {behind}", tuple(value for _, values in parts for value in values)


def fitting(looked: Query, remain: list[Condition], most: int, order: Order | Literal[""]) -> Query:
    """Of some entries the first keys that meet the conditions."""
    where, told = all_of(remain)
    return f"SELECT id FROM ({looked[0]}) AS r WHERE {where} {order} LIMIT {most}", (*looked[1], *told)


def fitting_in_line(looked: Query, remain: list[Condition], most: int, order: Order) -> Query:
    """The same of entries that stand in this order already, and no more of them are read than are needed.

    PostgreSQL knows that they do, and would else be free to give them in any. SQLite reads a query within a query
    line by line, but does not know that it need not sort what it read.
    """
    return fitting(looked, remain, most, order if connection.vendor == "postgresql" else "")


def met(looked: Query, remain: list[Condition], most: int, order: Order, last: int) -> tuple[list[int], int | None]:
    """Of entries in line the first keys that meet the conditions; and the key of the entry with the number `last`, if
    there were fewer before it.

    PostgreSQL numbers the entries while it looks. SQLite would take longer for that than to go along them again.
    """
    if connection.vendor != "postgresql":
        found = keys(fitting_in_line(looked, remain, most, order))
        nth = f"SELECT id FROM ({looked[0]}) AS r LIMIT 1 OFFSET {last - 1}"
        return found, next(iter(keys((nth, looked[1]))), None) if len(found) < most else None
    where, told = all_of(remain)
    numbered = f"SELECT id, at, ({where}) AS fits, ROW_NUMBER() OVER () AS number FROM ({looked[0]}) AS r"
    text = f"SELECT id, fits, number FROM ({numbered}) AS r WHERE fits OR number = {last} {order} LIMIT {most}"
    met = rows((text, (*told, *looked[1])))
    found = [key for key, fits, _ in met if fits]
    return found, next((key for key, _, number in met if number == last and len(found) < most), None)


def nearest(ranges: Ranges, always: Condition, order: Order, most: int) -> Query:
    """Of ranges that differ by one value those values whose first rows come first."""
    listing, values = _listing([value for (value,) in ranges.values])
    first = f"FROM orders_record r WHERE {ranges.where.format('v.value')} AND {always[0]} {order} LIMIT 1"
    told = (*ranges.told, *always[1])
    if connection.vendor == "postgresql":
        text = f"SELECT value FROM {listing} CROSS JOIN LATERAL (SELECT at, id {first}) AS each {order} LIMIT {most}"
        return text, (*values, *told)
    text = f"""
        SELECT told.value FROM (SELECT v.value, (SELECT r.id {first}) AS key FROM {listing}) AS told
        JOIN orders_record r ON r.id = told.key {order} LIMIT {most}
    """
    return text, (*told, *values)


def is_one_of(column: str, values: Collection[Any]) -> Condition:
    """Whether a column holds one of many values, of rows that are looked at one after the other.

    PostgreSQL compares with all of them each time, unless they are a query; "is true", or it would make a join of it
    and lose the order.
    """
    if connection.vendor == "postgresql":
        kind = int if any(isinstance(each, int) for each in values) else str
        return f"({column} IN ({_each_of(kind)})) IS TRUE", (listed(values),)
    return among(column, values)


def among(column: str, values: Collection[Any], kind: type = str) -> Condition:
    """Whether a column holds one of many values, handed over as one; an index is followed to them."""
    told = f"= ANY(ARRAY({_each_of(kind)}))" if connection.vendor == "postgresql" else f"IN ({_each_of(kind)})"
    return f"{column} {told}", (listed(values),)


def is_record_of(keys: str) -> RawSQL:
    """For a queryset of records: whether it has one of these keys, which `listed` has made one value."""
    return RawSQL(among("orders_record.id", (), int)[0], (keys,), BooleanField())  # noqa: S611


def listed(values: Collection[Any]) -> str:
    """Many values as one: an array of `psycopg`'s would take as long to be written as the question to be answered."""
    return json.dumps(list(values))


def _each_of(kind: type) -> str:
    """A query of many values that were handed over as one."""
    if connection.vendor == "postgresql":
        return f"SELECT {'told::bigint' if kind is int else 'told'} FROM json_array_elements_text(%s) AS told"
    return "SELECT value FROM json_each(%s)"


def begins(columns: Iterable[str], text: str) -> Condition:
    """Whether what stands in one of the columns begins with a text."""
    told = [characters(column) for column in columns]
    return " OR ".join(f"{each} >= %s AND {each} < %s" for each in told), (text, text + LAST) * len(told)


def characters(column: str) -> str:
    """A column as an index holds it that is searched by the beginning."""
    return f'({column}) COLLATE "C"' if connection.vendor == "postgresql" else column


def all_of(conditions: list[Condition]) -> Condition:
    """Several conditions as one."""
    told = tuple(value for _, values in conditions for value in values)
    return " AND ".join(text for text, _ in conditions) or "TRUE", told


def latest_of(column: str, value: str, what: str = "id") -> Query:
    """Something of the latest record in which a column that may not be told holds this value.

    What is not told is left out word for word as the column's index does, or no plan would follow it.
    """
    where = f"{column} = %s AND NOT ({column} = '')"
    return f"SELECT {what} FROM orders_record WHERE {where} {Order(down=True)} LIMIT 1", (value,)


def customers_with(words: Sequence[str], destination: str, most: int) -> Query:
    """So many customers in whose company, name, email or id each of these words occurs; without a word none."""
    text = f"SELECT remote_id FROM orders_partner p WHERE destination = %s AND {_holds(words)} LIMIT {most}"
    return text, (destination, *words)


def is_customer_with(column: str, words: Sequence[str], destination: str) -> Condition:
    """Whether a column holds the id of such a customer, of rows that are looked at one after the other.

    They are so many that few rows are looked at: so each asks for its own, and not for all of them.
    """
    text = f"SELECT {_holds(words)} FROM orders_partner p WHERE p.remote_id = {column} AND p.destination = %s"
    return f"({text}) IS TRUE", (*words, destination)


def _holds(words: Sequence[str]) -> str:
    stands = "strpos" if connection.vendor == "postgresql" else "instr"
    return " AND ".join([f"{stands}(p.search, %s) > 0"] * len(words)) or "FALSE"


def moment(at: datetime) -> Any:
    """As the database compares it."""
    return connection.ops.adapt_datetimefield_value(at)


def _columns(remain: Iterable[Condition]) -> str:
    asked = " ".join(text for text, _ in remain)
    return ", ".join(["id", "at", *(name for name in COLUMNS if f"r.{name}" in asked)])


def _union(parts: list[Query], behind: str, columns: str) -> Query:
    text = " UNION ALL ".join(text for text, _ in parts)
    return f"SELECT {columns} FROM ({text}) AS r {behind}", tuple(value for _, values in parts for value in values)


def _each(ranges: Ranges, always: Condition, behind: str, columns: str) -> list[Query]:
    """Some rows of each range. PostgreSQL would plan a query of a hundred parts for longer than it runs."""
    if connection.vendor != "postgresql" or len(ranges.values) == 1:
        return _one_by_one(ranges, always, behind, columns)
    listing, names, values = _table(ranges.values)
    where = ranges.where.format(*names)
    rows = f"SELECT {columns} FROM orders_record r WHERE {where} AND {always[0]} {behind}"
    return [(f"SELECT each.* FROM {listing} CROSS JOIN LATERAL ({rows}) AS each", (*values, *ranges.told, *always[1]))]


def _one_by_one(ranges: Ranges, always: Condition, behind: str, columns: str) -> list[Query]:
    where = ranges.where.format(*["%s"] * len(ranges.values[0]))
    text = f"SELECT {columns} FROM orders_record r WHERE {where} AND {always[0]} {behind}"
    return [(text, (*ranges.told, *values, *always[1])) for values in ranges.values]


def _any(ranges: Ranges, always: Condition, most: int, columns: str) -> Query:
    """Rows of the ranges, one range after the other."""
    if len(ranges.values) == 1 or connection.vendor == "postgresql":
        [part] = _each(ranges, always, f"LIMIT {most}", columns)
        return f"SELECT * FROM ({part[0]}) AS part", part[1]
    listing, names, values = _table(ranges.values)
    where = ranges.where.format(*names)
    text = f"SELECT {columns} FROM {listing} CROSS JOIN orders_record r WHERE {where} AND {always[0]}"
    return text, (*values, *ranges.told, *always[1])


def _table(rows: list[Values]) -> tuple[str, list[str], Values]:
    """Rows of values to be read from, the names of their columns, and what is to be handed over."""
    if len(rows[0]) == 1:
        listing, values = _listing([value for (value,) in rows])
        return listing, ["v.value"], values
    if connection.vendor == "postgresql":  # the same text however many they are, so that it is planned once
        columns = list(zip(*rows, strict=True))
        names = [f"column{number + 1}" for number in range(len(columns))]
        listing = f"ROWS FROM ({', '.join(['json_array_elements_text(%s)'] * len(columns))}) AS v({', '.join(names)})"
        return listing, [f"v.{name}" for name in names], tuple(map(listed, columns))
    marks = ", ".join([f"({', '.join(['%s'] * len(rows[0]))})"] * len(rows))
    names = [f"v.column{number + 1}" for number in range(len(rows[0]))]
    return f"(SELECT * FROM (VALUES {marks}) AS told) AS v", names, tuple(value for row in rows for value in row)


def _listing(values: list[Any]) -> Query:
    listing = "json_array_elements_text(%s)" if connection.vendor == "postgresql" else "json_each(%s)"
    return f"(SELECT value FROM {listing}) AS v", (listed(values),)
