"""The stage: broker, sandbox, web, two workers and beat as real processes that are started again whenever they die."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing, redirect_stdout
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Self, cast
from uuid import UUID

import httpx
import psycopg

from portal.run import ready
from portal.run.valkey import Valkey
from tests.chaos.verdict import Row
from tests.services.servers import ROOT, free_port, listens, postgres, postgres_program, until

PASSWORD = "chaos-people-only"
DISK = ROOT / "var"
"""Data lies where `make run` keeps it: in a memory file system a commit would cost nothing and lose nothing."""

HISTORY_LAG = 6
"""Seconds for which the absence of an order from the history proves nothing. Longer than any delay of `trouble`."""

QUICK = {
    "SWEEP_SECONDS": "1",
    "YEASTAR_SAVE_BUDGET": "3",
    "YEASTAR_GET_BUDGET": "3",
    "ORDER_SENDING_GRACE": "2",
    "RING_AGAIN_SECONDS": "3",
    "RECONCILE_SECONDS": "1",
    "HISTORY_LAG_SECONDS": str(HISTORY_LAG),
    "ABSENCE_SCANS": "3",
    "BREAKER_PROBE_SECONDS": "1",
    "MIRROR_ACCOUNTS_SECONDS": "15",
}
"""Patience as short as it may be: in minutes must happen what takes a day in earnest."""

LOCKED = 1
"""Seconds that we wait for a lock at most: a frozen worker may hold it, and it is we who let it thaw."""

REST = 0.5
"""Seconds until a supervisor starts again what has died."""


def missing(database: str) -> str:
    """What a run on this database lacks on this machine; empty if nothing."""
    if database == "sqlite" or (postgres_program("initdb") and shutil.which("redis-server")):
        return ""
    return "PostgreSQL or Redis is not installed here"


class Kept:
    """A process in a group of its own, so that -9 takes its children along, as the end of a container does."""

    def __init__(self, name: str, command: list[str], data: Path, variables: dict[str, str]) -> None:
        self.name, self.command, self.variables = name, command, variables | {"READY_FILE": str(data / f"{name}.ready")}
        self.log = data / f"{name}.log"
        self.killed = 0
        self.ended_by_itself: list[int] = []
        self._expected = False
        self._lock = threading.Lock()
        self._start()

    def _start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._expected, self._died_at = False, 0.0

    def send(self, number: signal.Signals) -> bool:
        """A signal to the whole group; False if it is dead already."""
        with self._lock:
            if self.process.poll() is not None:
                return False
            os.killpg(self.process.pid, number)
            if number == signal.SIGKILL:
                self.process.wait()
                self.killed, self._expected = self.killed + 1, True
            return True

    def tend(self) -> None:
        """What a supervisor does: start it again when it has been dead for a moment."""
        with self._lock:
            code = self.process.poll()
            if code is None:
                return
            if not self._died_at:
                self._died_at = time.monotonic()
                if not self._expected:
                    self.ended_by_itself.append(code)
            elif time.monotonic() - self._died_at > REST:
                self._start()

    def end(self) -> None:
        """End it for good, and wait for its end."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Database:
    """The portal's database, by hand: what the judge reads, and what the trouble changes behind everybody's back."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.sqlite = url.startswith("sqlite:///")

    def ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement on a connection of its own, and return its rows."""
        if self.sqlite:
            path = self.url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, timeout=LOCKED, isolation_level=None)) as link:
                return link.execute(sql, values).fetchall()
        with psycopg.connect(self.url, autocommit=True, options=f"-c lock_timeout={LOCKED}s") as link:
            cursor = link.execute(sql.replace("?", "%s").encode(), values)
            return cursor.fetchall() if cursor.description else []

    def rows(self) -> list[Row]:
        """Every order."""
        names = ("reference", "status", "order_no", "transaction_no", "instance_id", "conflict")
        found = self.ask(f"SELECT id, {', '.join(names)} FROM orders_order")  # noqa: S608 - our own names
        return [Row(pk=UUID(str(pk)), **dict(zip(names, values, strict=True))) for pk, *values in found]

    def statuses(self) -> Counter[str]:
        """How many orders there are of each status, drafts left out."""
        return Counter(dict(self.ask("SELECT status, count(*) FROM orders_order WHERE status <> 'DRAFT' GROUP BY 1")))

    def age(self, random: Random) -> bool:
        """Let a row that is being sent look an hour old; False if none is, or somebody holds the lock."""
        sending = self.ask("SELECT id, sending_since FROM orders_order WHERE status = 'SENDING'")
        if not sending:
            return False
        pk, since = random.choice(sending)
        older: Any = (datetime.fromisoformat(since) if self.sqlite else since) - timedelta(hours=1)
        aged = "UPDATE orders_order SET sending_since = ? WHERE id = ? AND status = 'SENDING' AND sending_since = ?"
        try:
            return bool(self.ask(f"{aged} RETURNING id", str(older) if self.sqlite else older, pk, since))
        except (sqlite3.OperationalError, psycopg.OperationalError):
            return False


class Vendor:
    """The control routes of the sandbox."""

    def __init__(self, address: str) -> None:
        self.client = httpx.Client(base_url=f"{address}/_sandbox/", timeout=30)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask; a refusal is a mistake of ours."""
        return self.client.request(method, path, json=body).raise_for_status().json()

    @property
    def ledger(self) -> list[dict[str, Any]]:
        """Everything that was bought."""
        return cast("list[dict[str, Any]]", self.control("GET", "ledger")["orders"])


class Stage:
    """Everything runs, people have logins, and whatever dies is started again until the end."""

    def __init__(self, *, database: str, echo: bool) -> None:
        DISK.mkdir(exist_ok=True)
        self.data = Path(tempfile.mkdtemp(prefix="chaos-", dir=DISK))
        self.postgresql = database == "postgresql"
        self.echo = echo
        self.kept: dict[str, Kept] = {}
        self._stopping = threading.Event()
        self._supervisor = threading.Thread(target=self._tend, name="supervisor", daemon=True)
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._raise_the_curtain()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _raise_the_curtain(self) -> None:
        self.web_port, sandbox_port = free_port(), free_port()
        self.url, vendor = f"http://127.0.0.1:{self.web_port}", f"http://127.0.0.1:{sandbox_port}"
        database = f"sqlite:///{self.data / 'portal.sqlite3'}"
        if self.postgresql:
            database = self._ends.enter_context(postgres(self.data))
        self.database = Database(database)
        broker, broker_port, broker_url = self._broker()
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.variables = (
            kept
            | QUICK
            | {
                "DATA_DIR": str(self.data),
                "DATABASE_URL": database,
                "REDIS_URL": broker_url,
                "SECRET_KEY": os.urandom(32).hex(),
                "YEASTAR_BASE_URL": vendor,
                "SANDBOX": "true",
                "YEASTAR_CLIENT_ID": "sandbox-client",
                "YEASTAR_CLIENT_SECRET": "sandbox-secret",
                "SEND_REFERENCE": "true",
                "DEMO_PASSWORD": PASSWORD,
                "HOST": "127.0.0.1",
                "PORT": str(self.web_port),
                "WEB_CONCURRENCY": "2" if self.postgresql else "1",
                "WORKER_THREADS": "16",
                "SECURE_COOKIES": "false",
                "MALLOC_ARENA_MAX": "2",
                "PYTHONUNBUFFERED": "1",
                "DJANGO_SETTINGS_MODULE": "portal.settings",
            }
        )
        self._start("broker", *broker)
        self._start_python("sandbox", "yeastar_api.sandbox", "--port", str(sandbox_port))
        until(lambda: listens(broker_port), "the broker")
        until(lambda: listens(sandbox_port), "the sandbox")
        self.vendor = Vendor(vendor)
        self._ends.callback(self.vendor.client.close)
        # Seconds in which an order is under way, so that a kill can find it there.
        latency = {"save": 0.3, "*": 0.02}
        self.vendor.control("PUT", "settings", {"echo_po_number": self.echo, "latency_seconds": latency})
        self.run(sys.executable, "-m", "portal.run.prepare", typed="go\n")
        self._start_python("web", "gunicorn", "-c", "portal/gunicorn.py", "portal.wsgi:application")
        for name in ("worker-1", "worker-2"):
            self._start_python(name, "portal.run.queue", "worker")
        self._start_python("beat", "portal.run.queue", "beat", str(self.data / "beat-schedule"))
        self._supervisor.start()
        self.wait_until_up()

    def _broker(self) -> tuple[list[str], int, str]:
        if not self.postgresql:
            valkey = Valkey(self.data)
            return valkey.command, valkey.port, valkey.url
        port = free_port()
        words = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.data)]
        return words, port, f"redis://127.0.0.1:{port}/0"

    def _start(self, name: str, *command: str) -> None:
        self.kept[name] = Kept(name, list(command), self.data, self.variables)

    def _start_python(self, name: str, module: str, *arguments: str) -> None:
        self._start(name, sys.executable, "-m", module, *arguments)

    def _tend(self) -> None:
        while not self._stopping.wait(0.1):
            for kept in self.kept.values():
                kept.tend()

    def run(self, *command: str, typed: str = "") -> str:
        """A command in the portal's environment, to its end; what it said. Raises RuntimeError if it failed."""
        done = subprocess.run(
            command, cwd=ROOT, env=self.variables, input=typed, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def manage(self, *arguments: str, typed: str = "") -> str:
        """`manage.py …`."""
        return self.run(sys.executable, "manage.py", *arguments, typed=typed)

    def wait_until_up(self) -> None:
        """Wait for the pages; workers and beat come by themselves."""
        until(lambda: ready.serves("127.0.0.1", self.web_port, "/healthz"), "the web process")

    def close(self) -> None:
        """End every process by its id, the latest first. The data stays."""
        self._stopping.set()
        if self._supervisor.is_alive():
            self._supervisor.join()
        for kept in reversed(self.kept.values()):
            kept.end()
        with (self.data / "servers.log").open("a") as log, redirect_stdout(log):
            self._ends.close()

    def forget(self) -> None:
        """Remove the data."""
        shutil.rmtree(self.data)
