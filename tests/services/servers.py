"""Real servers for tests: PostgreSQL, Redis and the portal's own processes, each ended by its pid."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for `condition`; say what did not come."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come within {seconds} s")
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Whether somebody answers on a port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(
    command: list[str], log: Path, env: dict[str, str] | None = None, user: str | None = None
) -> Iterator[None]:
    """A process, ended by its pid at the end; its last words are shown if a test fails."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=env, user=user, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        sys.stdout.write(f"--- {' '.join(command[:4])}: {log.read_text(errors='replace')[-2000:]}\n")


def postgres_program(name: str) -> str | None:
    """A program of PostgreSQL's server: on the PATH, or where Debian puts it."""
    found = shutil.which(name)
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(debian[-1]) if debian else found


@contextmanager
def postgres(where: Path, kept: Path | None = None) -> Iterator[str]:
    """A PostgreSQL cluster of its own; yields the URL of its database. It does not run as root, so we step down.

    Its data are removed in the end, unless they are `kept` in a folder.
    """
    port, user = free_port(), "postgres" if os.geteuid() == 0 else None
    initdb, server = postgres_program("initdb"), postgres_program("postgres")
    assert initdb
    assert server
    # Not below pytest's own folder, which only its owner may enter.
    data = kept / "postgres" if kept else Path(tempfile.mkdtemp(prefix="portal-postgres-"))
    data.mkdir(parents=True, exist_ok=True)
    if user:
        shutil.chown(data, user)
    init = [
        initdb,
        "--pgdata",
        str(data),
        "--auth",
        "trust",
        "--username",
        "portal",
        "--no-sync",
        "--locale",
        "C.UTF-8",
    ]
    try:
        if not (data / "PG_VERSION").exists():
            subprocess.run(init, check=True, user=user, capture_output=True, cwd="/")
        yield from _serve_postgres(server, data, port, where / "postgres.log", user)
    finally:
        if not kept:
            shutil.rmtree(data)


def _serve_postgres(server: str, data: Path, port: int, log: Path, user: str | None) -> Iterator[str]:
    command = [server, "-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-k", ""]
    with running(command, log, user=user):
        until(lambda: listens(port), "PostgreSQL")
        url = f"postgresql://portal@127.0.0.1:{port}/postgres"
        until(lambda: _answers(url), "PostgreSQL's answer")
        yield url


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def redis(where: Path) -> Iterator[str]:
    """A Redis of its own; yields its URL."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--dir", str(where), "--bind", "127.0.0.1"]
    with running(command, where / "redis.log"):
        until(lambda: listens(port), "Redis")
        yield f"redis://127.0.0.1:{port}/0"
