"""What the doctor looks at in database and broker."""

from __future__ import annotations

import os
import time
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from redis import Redis
from redis.exceptions import RedisError

from portal import readiness
from portal.doctor.report import Line, bad, good, masked, warn

OLDEST_POSTGRES = 14_00_00


def database() -> list[Line]:
    """Whether it answers, which it is, and whether it keeps what it says that it keeps. Raises DatabaseError."""
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    took = f"answers in {(time.monotonic() - began) * 1000:.0f} ms"
    return _sqlite(took) if connection.vendor == "sqlite" else _postgres(took)


def _sqlite(took: str) -> list[Line]:
    path = Path(settings.DATABASES["default"]["NAME"])
    size = path.stat().st_size / 1024**2 if path.is_file() else 0
    found = [good("Database", f"SQLite {_one('SELECT sqlite_version()')}, {size:.0f} MB, {took}")]
    journal, synchronous = str(_one("PRAGMA journal_mode")), _one("PRAGMA synchronous")
    if journal != "wal" or synchronous != 2:
        words = f"journal_mode={journal}, synchronous={synchronous} instead of wal and 2 (full)"
        found.append(bad("SQLite", words, "Another program has changed the file, or its disk allows no WAL."))
    if path.is_file() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        found.append(bad("SQLite", f"{path} or its folder cannot be written", "Give this user the right to."))
    if int(os.environ.get("WEB_CONCURRENCY") or 1) > 1:
        found.append(warn("SQLite", "WEB_CONCURRENCY is above 1", "Use PostgreSQL for several web processes."))
    return found


def _postgres(took: str) -> list[Line]:
    version = int(str(_one("SHOW server_version_num")))
    words = f"PostgreSQL {_one('SHOW server_version')}, {took}"
    used, limit = _one("SELECT count(*) FROM pg_stat_activity"), int(str(_one("SHOW max_connections")))
    found = [good("Database", words)]
    if version < OLDEST_POSTGRES:
        found = [bad("Database", words, "PostgreSQL 14 or later is needed.")]
    if int(str(used)) > 0.85 * limit:
        found.append(
            warn(
                "Connections",
                f"{used} of {limit} are in use",
                "Raise max_connections, or use a pooler that knows prepared statements (PgBouncer from 1.21 on).",
            )
        )
    return found


def _one(query: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def migrations() -> Line:
    """Whether program and database belong together. Raises DatabaseError."""
    missing = readiness.unapplied()
    if missing:
        shown = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        return bad("Migrations", f"{len(missing)} are not applied: {shown}", "python manage.py migrate")
    known = MigrationRecorder(connection).applied_migrations()
    return good("Migrations", f"all {len(known)} are applied")


def broker() -> list[Line]:
    """Whether Redis answers, and how it is set up."""
    client = Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2)
    try:
        began = time.monotonic()
        client.ping()
        took = f"{(time.monotonic() - began) * 1000:.0f} ms"
        info = client.info()
        waiting = client.llen(settings.CELERY_TASK_DEFAULT_QUEUE)
    except (RedisError, OSError) as error:
        words = f"Redis does not answer: {masked(str(error))}"
        return [bad("Broker", words, "Start it, or mend REDIS_URL. Orders are kept meanwhile, and sent afterwards.")]
    finally:
        client.close()
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = info.get("valkey_version") or info.get("redis_version")
    found = [good("Broker", f"{name} {version} answers in {took}; {waiting:,} bells wait")]
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        found.append(warn("Broker", f"It may drop bells and the token: maxmemory-policy is {policy}", "noeviction"))
    return found
