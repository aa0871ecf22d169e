"""Reads and writes on the way of every order, turned into SQL once for each shape of them.

From a queryset to its SQL takes Django several times as long as the database takes to do it, and all threads of a
worker stand in line for that. So the SQL is Django's, made the first time; afterwards only values are put in. And what
is to be written is made ready before the transaction begins, in which SQLite lets nobody else write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any, NamedTuple, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import AutoField, CharField, Model, Q, TextField, Value
from django.db.models.sql import InsertQuery, UpdateQuery

M = TypeVar("M", bound=Model)

LOOKUPS = ("", "lt", "lte", "gt", "gte")
"""Of a column of the model itself."""

Shape = tuple[Any, ...]


class _Unusual(Exception):
    """A condition of a kind that is not known here."""


class _Place(NamedTuple):
    """Stands where a value goes while the SQL is made."""

    number: int
    adapt: Callable[..., Any]
    text: bool
    """Whether text goes in as it is, which is what most of `adapt` would come to."""


class _Statement:
    def __init__(self, text: str, params: Any) -> None:
        self._text, self._params = text, tuple(params)

    def filled(self, values: list[Any], connection: Any) -> tuple[str, list[Any]]:
        """What a cursor executes to do it with these values."""
        told = list(self._params)
        for at, place in enumerate(told):
            if type(place) is _Place:
                value = values[place.number]
                told[at] = value if place.text and type(value) is str else place.adapt(value, connection)
        return self._text, told


_statements: dict[Shape, Any] = {}


def _once(make: Callable[[], Any], *shape: Any) -> Any:
    """What `make` makes, kept for each shape; threads that meet here make the same."""
    if shape not in _statements:
        _statements[shape] = make()
    return _statements[shape]


def updating(model: type[M], *where: Q, **columns: Any) -> Callable[[], int]:
    """Ready for `model.objects.filter(*where).update(**columns)`, which tells how many rows were changed."""
    connection = connections[DEFAULT_DB_ALIAS]
    values: list[Any] = []
    try:
        shape = [_shape(each, values) for each in where]
        if any(map(_is_unusual, columns.values())):
            raise _Unusual
    except _Unusual:
        return partial(model._base_manager.filter(*where).update, **columns)

    def make() -> _Statement:
        numbers = count()
        asked = model._base_manager.filter(*(_places(model, each, numbers) for each in where))
        query = cast("UpdateQuery", asked.query.chain(UpdateQuery))
        fields = {name: model._meta.get_field(name) for name in columns}
        query.add_update_values({name: Value(_saved(field, next(numbers))) for name, field in fields.items()})
        return _Statement(*query.get_compiler(connection=connection).as_sql())

    statement = _once(make, connection.vendor, model, "update", *shape, *columns)
    ready = statement.filled([*values, *columns.values()], connection)

    def update() -> int:
        with connection.cursor() as cursor:
            cursor.execute(*ready)
            return int(cursor.rowcount)

    return update


def inserting(row: Model) -> Callable[[], None]:
    """Ready for `row.save(force_insert=True)`, with what it holds now; but no signals are sent."""
    connection, model = connections[DEFAULT_DB_ALIAS], type(row)

    def make() -> tuple[_Statement, list[str]]:
        fields = [field for field in model._meta.local_concrete_fields if not isinstance(field, AutoField)]
        query = InsertQuery(model)
        query.insert_values(fields, [row])
        compiler = query.get_compiler(connection=connection)
        compiler.returning_fields = [model._meta.pk]
        ((text, _),) = compiler.as_sql()
        places = [_saved(field, number) for number, field in enumerate(fields)]
        return _Statement(text, places), [field.attname for field in fields]

    statement, names = _once(make, connection.vendor, model, "insert")
    ready = statement.filled([getattr(row, name) for name in names], connection)

    def insert() -> None:
        with connection.cursor() as cursor:
            cursor.execute(*ready)
            (row.pk,) = cursor.fetchone()
        row._state.adding, row._state.db = False, connection.alias

    return insert


def find(model: type[M], where: Q, *columns: str) -> M | None:
    """As `model.objects.only(*columns).get(where)`; None if there is none. For plain conditions only.

    Without columns it has them all. What a manager would add to a condition must stand in it.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    values: list[Any] = []
    shape = _shape(where, values)

    def make() -> tuple[_Statement, list[str], list[Any]]:
        asked = model._base_manager.filter(_places(model, where, count())).order_by()
        compiler = (asked.only(*columns) if columns else asked).query.get_compiler(connection=connection)
        statement = _Statement(*compiler.as_sql())
        told = [each[0] for each in compiler.select]
        return statement, [each.target.attname for each in told], list(compiler.get_converters(told).items())

    statement, names, readers = _once(make, connection.vendor, model, "find", shape, *columns)
    with connection.cursor() as cursor:
        cursor.execute(*statement.filled(values, connection))
        found = cursor.fetchone()
    if found is None:
        return None
    row = list(found)
    for column, (converters, expression) in readers:
        for convert in converters:
            row[column] = convert(row[column], expression, connection)
    return model.from_db(connection.alias, names, row)


def _shape(where: Q, values: list[Any]) -> Shape:
    """What a condition asks but for its values, which are added to `values`. Raises _Unusual."""
    parts: list[Any] = [where.connector, where.negated]
    for child in where.children:
        if isinstance(child, Q):
            parts.append(_shape(child, values))
        elif not isinstance(child, tuple) or _is_unusual(child[1]) or child[0].partition("__")[2] not in LOOKUPS:
            raise _Unusual
        elif child[1] is None:  # to be NULL is another question than to equal something
            parts.append(child)
        else:
            parts.append(child[0])
            values.append(child[1])
    return tuple(parts)


def _is_unusual(value: Any) -> bool:
    return isinstance(value, Model) or hasattr(value, "resolve_expression")


def _places(model: type[Model], where: Q, numbers: Iterator[int]) -> Q:
    """The condition with places for its values, numbered as `_shape` gathers them."""
    found = Q(_connector=where.connector, _negated=where.negated)
    for child in where.children:
        if isinstance(child, tuple) and child[1] is not None:
            name = child[0].partition("__")[0]
            field: Any = model._meta.pk if name == "pk" else model._meta.get_field(name)
            child = (child[0], Value(_Place(next(numbers), field.get_db_prep_value, _is_text(field))))
        elif isinstance(child, Q):
            child = _places(model, child, numbers)
        found.children.append(child)
    return found


def _saved(field: Any, number: int) -> _Place:
    return _Place(number, field.get_db_prep_save, _is_text(field))


def _is_text(field: Any) -> bool:
    return type(field) in (CharField, TextField)
