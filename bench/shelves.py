"""Filled histories of some sizes, open beside each other in one process. Import it after `Stage.become_django`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from bench import shelf
from bench.figure import note
from orders.models import Record


class Shelf:
    """A history in a database of its own. Within `with` it is the one that the portal knows."""

    def __init__(self, name: str, count: int) -> None:
        self.name, self.count = name, count
        self._own: BaseDatabaseWrapper = connections.create_connection("default")
        self._own.settings_dict = {**self._own.settings_dict, "NAME": name}
        self._before: list[Any] = []

    def __enter__(self) -> Self:
        self._before.append((connections["default"], cache.key_prefix))
        connections["default"] = self._own
        cache.key_prefix = str(self.count)
        return self

    def __exit__(self, *_: object) -> None:
        connections["default"], cache.key_prefix = self._before.pop()

    def close(self) -> None:
        """Let go of the database."""
        self._own.close()


@contextmanager
def shelves(where: Path, counts: tuple[int, ...]) -> Iterator[list[Shelf]]:
    """One for each count: files in a folder, or databases of the server; filled, unless they are."""
    where.mkdir(parents=True, exist_ok=True)
    found: list[Shelf] = []
    with ExitStack() as stack:
        for count in counts:
            found.append(Shelf(_database(where, count), count))
            stack.callback(found[-1].close)
            with found[-1]:
                _fill(count)
        yield found


def _database(where: Path, count: int) -> str:
    name = f"history_{count}"
    if connection.vendor == "sqlite":
        return str(where.resolve() / f"{name}.sqlite3")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if not cursor.fetchone():
            cursor.execute(f"CREATE DATABASE {name}")
    return name


def _fill(count: int) -> None:
    began = time.perf_counter()
    call_command("migrate", interactive=False, verbosity=0)
    if Record.objects.count() == count:
        note(f"{count:,} records are there")
        return
    call_command("demo_users", verbosity=0, stdout=sys.stderr)
    shelf.fill(count)
    if not User.objects.filter(username="bench").exists():
        User.objects.create_superuser("bench")
    note(f"{count:,} records written in {time.perf_counter() - began:.0f} s")
