"""Questions that pages ask again and again, turned into SQL once.

From a queryset to its SQL takes Django two to five times as long as the database takes to answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache, partialmethod
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, NotSupportedError, connection, connections
from django.db.models import QuerySet

if TYPE_CHECKING:  # 8 MB in every process that needs none on SQLite
    import psycopg

Values = tuple[Any, ...]
Query = tuple[str, Values]

PLACES: dict[type, Callable[[int], Any]] = {
    int: lambda number: -987_654_321 - number,
    str: lambda number: f"\0{number}",
    datetime: lambda number: datetime(8000 + number, 1, 1, tzinfo=UTC),
}
"""What stands for a value while the SQL is made: nothing that a question itself would hold."""


class Prepared:
    """A question made of a queryset of `values_list`; `kinds` are those of the values that differ, in their order.

    Only those: whatever else the queryset is made of is asked as it was the first time.
    """

    def __init__(self, make: Callable[..., QuerySet[Any, Any]], *kinds: type) -> None:
        self._make, self._kinds = make, kinds
        # How much lies between two moments only they tell: without them PostgreSQL would guess, and read all.
        self._ask = rows_by_values if datetime in kinds else rows
        self._written: dict[str, _Written] = {}  # by kind of database

    def rows(self, *values: Any) -> list[Values]:
        """What is found, as Django would tell it."""
        written = self._get()
        found = self._ask((written.text, written.told(values)))
        return list(map(written.read, found)) if written.readers else found

    def count(self, *values: Any) -> int:
        """How many rows are found."""
        written = self._get()
        text = f"SELECT COUNT(*) FROM ({written.text}) AS found"  # noqa: S608 - SQL by Django
        return int(self._ask((text, written.told(values)))[0][0])

    def _get(self) -> _Written:
        vendor = connection.vendor
        if vendor not in self._written:
            places = tuple(PLACES[kind](number) for number, kind in enumerate(self._kinds))
            self._written[vendor] = _Written(self._make(*places), places)
        return self._written[vendor]


class _Written:
    """The SQL of a question, where its values stand, and how the columns of an answer are read."""

    def __init__(self, asked: QuerySet[Any, Any], places: Values) -> None:
        compiler = asked.query.get_compiler(connection=connection)
        text, params = compiler.as_sql()
        places = tuple(map(_adapted, places))
        self.text, self.values = _written_out(text, params, places)
        self.places = [(number, places.index(value)) for number, value in enumerate(self.values) if value in places]
        self.readers = list(compiler.get_converters([told[0] for told in compiler.select or []]).items())

    def told(self, values: Values) -> Values:
        """What goes along with the SQL."""
        told = list(self.values)
        for number, place in self.places:
            told[number] = _adapted(values[place])
        return tuple(told)

    def read(self, row: Values) -> Values:
        """A row of the database as Django's fields tell it."""
        told = list(row)
        for column, (converters, expression) in self.readers:
            for convert in converters:
                told[column] = convert(told[column], expression, connection)
        return tuple(told)


def _written_out(text: str, params: Iterable[Any], places: Values) -> Query:
    """SQL in which words that never differ stand themselves: only so does a plan know how rare they are, and which
    index holds just them.
    """
    given, left = iter(params), []

    def write(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return found[0]
        value = next(given)
        if isinstance(value, str) and value not in places:
            return "'" + value.replace("'", "''").replace("%", "%%") + "'"
        left.append(value)
        return found[0]

    return re.sub("%%|%s", write, text), tuple(left)


def _adapted(value: Any) -> Any:
    """As a field hands it over: SQLite has no moments."""
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


def rows_by_values(query: Query) -> list[Values]:
    """What a query finds, planned anew for its values."""
    with connection.cursor() as cursor:
        cursor.execute(*query)
        return list(cursor.fetchall())


def rows(query: Query) -> list[Values]:
    """What a query finds.

    PostgreSQL plans it once for each connection: that takes longer than to answer it. Nothing is lost, for no plan
    of what is asked so is to depend on the values.
    """
    database = connections[DEFAULT_DB_ALIAS]  # by `connection` each of its attributes would be looked for anew
    if database.vendor != "postgresql":
        return rows_by_values(query)
    database.close_if_health_check_failed()
    database.ensure_connection()
    theirs: psycopg.Connection[Values] = database.connection
    wrap = database.make_debug_cursor if database.queries_logged else database.make_cursor
    try:
        with wrap(_planning(database.Database.Cursor)(theirs)) as cursor:  # type: ignore[attr-defined]
            cursor.execute(*query)
            found: list[Values] = cursor.fetchall()
            return found
    except NotSupportedError:  # a migration has given a column another type since then
        database.close_at = 0  # ends it, and its plans with it, behind this request
        if database.in_atomic_block:
            raise
        return rows_by_values(query)


@cache
def _planning(plain: type[psycopg.Cursor[Values]]) -> Any:
    """A cursor whose questions PostgreSQL keeps planned. Django's own bind their values here, so that none is."""
    return type("PlanningCursor", (plain,), {"execute": partialmethod(plain.execute, prepare=True)})


def keep_plans(connection: Any, **_: Any) -> None:
    """For each new connection: while no transaction is open, for a rollback would take it back."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET plan_cache_mode = force_generic_plan")
        connection.connection.prepare_threshold = 5  # Django has set that nothing may be kept
