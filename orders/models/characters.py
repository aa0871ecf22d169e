"""Text compared character by character, whatever language the database sorts by."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler

LAST = "\U0010ffff"
"""The highest character: all that begins with a text lies between it and it with this behind."""


class Characters(models.Func):
    """A column in the order of its characters: then all that begins alike lies in one range of an index.

    SQLite sorts so by itself. PostgreSQL does for the collation C; by its own it may pass over hyphens.
    """

    template = '(%(expressions)s) COLLATE "C"'
    arity = 1
    output_field = models.CharField()

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        """The column itself."""
        return self.as_sql(compiler, connection, template="%(expressions)s", **context)
