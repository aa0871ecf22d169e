"""One PostgreSQL for each worker of the test run, and databases of their own for its tests."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.services.servers import ROOT, postgres, postgres_program

VENDORS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))]


@pytest.fixture(scope="session")
def postgres_copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Makes a database of a name, in which nothing is but what the migrations make; its URL."""
    if not postgres_program("initdb"):
        pytest.skip("PostgreSQL is not installed here")
    where = tmp_path_factory.mktemp("postgresql")
    with postgres(where) as url:
        env = os.environ | {"DATABASE_URL": url, "DATA_DIR": str(where), "SECRET_KEY": "x" * 50}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)
        server, _, template = url.rpartition("/")

        def copy(name: str) -> str:
            with psycopg.connect(f"{server}/template1", autocommit=True) as database:
                database.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
            return f"{server}/{name}"

        yield copy


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    """Of databases."""
    return itertools.count()


@pytest.fixture
def database(vendor: str, request: pytest.FixtureRequest, numbers: Iterator[int], tmp_path: Path) -> str:
    """The URL of a migrated database of one of VENDORS."""
    if vendor == "postgresql":
        return str(request.getfixturevalue("postgres_copy")(f"of_test_{next(numbers)}"))
    return f"sqlite:///{request.getfixturevalue('migrated')(tmp_path)}/portal.sqlite3"
