"""The audit log is kept and found on PostgreSQL as it is on SQLite: the same tests, and the trigger on TRUNCATE."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.services.servers import ROOT, postgres, postgres_program

TESTS = ["tests/portal/test_audit.py", "tests/orders/test_audit_page.py"]

pytestmark = [
    pytest.mark.services,
    pytest.mark.xdist_group("audit-on-postgres"),
    pytest.mark.skipif(not postgres_program("initdb"), reason="PostgreSQL is not installed here"),
]


def test_the_log_is_kept_and_found_on_postgresql(tmp_path: Path) -> None:
    with postgres(tmp_path) as url:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
        ours |= {"DATABASE_URL": url, "DATA_DIR": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n0", *TESTS], cwd=ROOT, env=ours, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout[-3000:]
        assert " passed" in done.stdout
        migrated = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(migrated, cwd=ROOT, env=ours | {"SECRET_KEY": "x" * 50}, check=True, capture_output=True)
        with psycopg.connect(url) as database, pytest.raises(psycopg.Error, match="only ever added to"):
            database.execute("TRUNCATE orders_auditentry")
