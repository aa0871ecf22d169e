"""Filled histories of some sizes, open beside each other in one process. Import it after `Stage.become_django`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import environ
import psycopg
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from bench import shelf
from bench.figure import note
from orders.models import Record
from tests.services.servers import postgres


class Shelf:
    """A history. Within `with` it is the one that the portal knows."""

    def __init__(self, url: str, count: int) -> None:
        self.url, self.count = url, count
        self._own: BaseDatabaseWrapper = connections.create_connection("default")
        self._own.settings_dict = {**self._own.settings_dict, **_changes(url)}
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


def _changes(url: str) -> dict[str, Any]:
    told = environ.Env.db_url_config(url)
    return {name: told[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}


@contextmanager
def shelves(scratch: Path, counts: tuple[int, ...], told: argparse.Namespace) -> Iterator[list[Shelf]]:
    """One for each count; where they are kept, the next run finds them filled."""
    where: Path = told.keep or scratch
    where.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        server = stack.enter_context(postgres(scratch, kept=told.keep)) if told.postgres else ""
        found = []
        for count in counts:
            url = _database(server, count) if server else f"sqlite:///{where.resolve() / f'history-{count}.sqlite3'}"
            found.append(Shelf(url, count))
            stack.callback(found[-1].close)
            with found[-1]:
                _fill(count)
        yield found


def _database(server: str, count: int) -> str:
    name = f"history_{count}"
    with psycopg.connect(server, autocommit=True) as asking:
        if not asking.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            asking.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return f"{server.rpartition('/')[0]}/{name}"


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
