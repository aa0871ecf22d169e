"""How many rows there are, if it can be told at once."""

from __future__ import annotations

import time
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

SECONDS = 0.3
"""So long somebody waits for a number."""

_STEPS = 20_000
"""After so many steps of its machine SQLite asks whether to go on: less than a millisecond."""


def count_up_to(rows: QuerySet[Any], most: int, seconds: float = SECONDS) -> int | None:
    """How many there are; None if more than `most`, or if it takes longer than `seconds` to tell."""
    some = rows.order_by().values("pk")[: most + 1]
    try:
        number = _on_sqlite(some, seconds) if connection.vendor == "sqlite" else _on_postgresql(some, seconds)
    except OperationalError:
        return None
    return number if number <= most else None


def _on_sqlite(rows: QuerySet[Any], seconds: float) -> int:
    connection.ensure_connection()
    end = time.monotonic() + seconds
    connection.connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        return rows.count()
    finally:
        connection.connection.set_progress_handler(None, 0)


def _on_postgresql(rows: QuerySet[Any], seconds: float) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {round(seconds * 1000)}")
        number = rows.count()
        cursor.execute("SET LOCAL statement_timeout = DEFAULT")
    return number
