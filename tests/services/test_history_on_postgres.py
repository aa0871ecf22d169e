"""What is asked of the history is found on PostgreSQL as it is on SQLite: the same tests, on the other database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.servers import ROOT, postgres, postgres_program

TESTS = ["tests/orders/test_browsing.py", "tests/orders/test_browsing_numbers.py"]

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("history-on-postgres")]


@pytest.mark.skipif(not postgres_program("initdb"), reason="PostgreSQL is not installed here")
def test_browsing_finds_the_same_on_postgresql(tmp_path: Path) -> None:
    with postgres(tmp_path) as url:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n0", *TESTS],
            cwd=ROOT,
            env=ours | {"DATABASE_URL": url, "DATA_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
