"""Is this process ready to serve? Asked by load balancers and containers, often, by anybody: cheap, without details."""

from __future__ import annotations

import threading
import time

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from redis import Redis
from redis.exceptions import RedisError

LOOK_SECONDS = 1.0
"""For so long an answer serves all who ask, so that nobody can make us work by asking."""

OK, AWAY, MISSING, UNKNOWN = "ok", "away", "missing", "unknown"

_looking = threading.Lock()
_seen: tuple[float, dict[str, str]] | None = None
_migrated = False


def forget() -> None:
    """Look anew; for tests."""
    global _seen, _migrated
    _seen, _migrated = None, False


def look() -> dict[str, str]:
    """The state of what is needed, as it was a second ago at most."""
    global _seen
    with _looking:
        if _seen is None or time.monotonic() - _seen[0] >= LOOK_SECONDS:
            database = _database()
            found = {
                "database": database,
                "migrations": _migrations() if database == OK else UNKNOWN,
                "broker": _broker(),
            }
            _seen = (time.monotonic(), found)
        return _seen[1]


def ready(found: dict[str, str]) -> bool:
    """Whether requests may come. Not for want of a broker: orders are kept without it, and rung for later."""
    return found["database"] == found["migrations"] == OK


def unapplied() -> list[str]:
    """The migrations that the database has not had yet. Raises DatabaseError."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return AWAY
    return OK


def _migrations() -> str:
    """What is applied stays applied, so that is asked until it is so."""
    global _migrated
    try:
        _migrated = _migrated or not unapplied()
    except DatabaseError:
        return AWAY
    return OK if _migrated else MISSING


def _broker() -> str:
    broker = Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=0.5)
    try:
        broker.ping()
    except (RedisError, OSError):
        return AWAY
    finally:
        broker.close()
    return OK
