"""The audit log and the history are kept and found on PostgreSQL as on SQLite: the same tests on the other database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.services.servers import ROOT

TESTS = [
    "tests/orders/browsing",
    "tests/orders/test_audit_page.py",
    "tests/orders/test_prepared.py",
    "tests/portal/test_audit.py",
    "tests/services/postgres_only.py",
]

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("postgresql")]


def test_the_audit_log_and_the_history_are_kept_and_found_on_postgresql(
    postgres_copy: Callable[[str], str], tmp_path: Path
) -> None:
    tests_own = postgres_copy("test_same")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n0", "--reuse-db", *TESTS],
        cwd=ROOT,
        env=ours | {"DATABASE_URL": tests_own.replace("/test_same", "/same"), "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


def test_the_audit_log_cannot_be_emptied_on_postgresql(postgres_copy: Callable[[str], str]) -> None:
    with (
        psycopg.connect(postgres_copy("audited")) as database,
        pytest.raises(psycopg.Error, match="only ever added to"),
    ):
        database.execute("TRUNCATE orders_auditentry")
