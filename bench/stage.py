"""The stage of a figure: a data directory and real processes, all ended by their ids. No Django is imported here.

The processes are those of `make run`, started with the same variables; only the order is chosen freely, so that
orders can wait for a worker, and a peer can take its place.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import django

from portal.run import ready
from portal.run.environment import DEMO_PASSWORD, ROOT, free_port
from portal.run.valkey import Valkey

DISK = ROOT / "var"
"""Data lies where `make run` keeps it: in a memory file system a commit would cost nothing."""


def new_directory() -> Path:
    """A data directory for one figure."""
    DISK.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="bench-", dir=DISK))


def sync_seconds() -> float:
    """What the disk takes to make a small write last: every commit waits for it."""
    path = new_directory()
    took = []
    with (path / "probe").open("wb", buffering=0) as file:
        for _ in range(50):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    shutil.rmtree(path)
    return statistics.median(took)


def plain_environment() -> dict[str, str]:
    """Of our own environment only what every program needs."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


def wait_until(test: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not test():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.02)


class Stage:
    """Broker and sandbox run; the database is migrated, demo logins are made; the rest is started as needed."""

    def __init__(self) -> None:
        self.data = new_directory()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        valkey = Valkey(self.data)
        self.sandbox_port, self.web_port = free_port(), free_port()
        self.variables = plain_environment() | {
            "DATA_DIR": str(self.data),
            "DATABASE_URL": f"sqlite:///{self.data / 'portal.sqlite3'}",
            "SECRET_KEY": os.urandom(32).hex(),
            "REDIS_URL": valkey.url,
            "YEASTAR_BASE_URL": f"http://127.0.0.1:{self.sandbox_port}",
            "SANDBOX": "true",
            "YEASTAR_CLIENT_ID": "sandbox-client",
            "YEASTAR_CLIENT_SECRET": "sandbox-secret",
            "DEMO_PASSWORD": DEMO_PASSWORD,
            "HOST": "127.0.0.1",
            "PORT": str(self.web_port),
            "SECURE_COOKIES": "false",
            "MALLOC_ARENA_MAX": "2",
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "portal.settings",
        }
        try:
            self.start("valkey", *valkey.command)
            self.start_python("sandbox", "yeastar_api.sandbox", "--port", str(self.sandbox_port))
            wait_until(lambda: ready.pongs(valkey.port, valkey.password), 20, "valkey")
            wait_until(lambda: ready.serves("127.0.0.1", self.sandbox_port, "/_sandbox/calls"), 20, "sandbox")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every process, the latest first, and remove the data."""
        for name in reversed(list(self.processes)):
            self.stop(name)
        shutil.rmtree(self.data, ignore_errors=True)

    def start(self, name: str, *command: str) -> None:
        """Start a process; what it says goes to its log."""
        with (self.data / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.variables | {"READY_FILE": str(self.data / f"{name}.ready")},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def start_python(self, name: str, module: str, *arguments: str) -> None:
        """Start one of our modules."""
        self.start(name, sys.executable, "-m", module, *arguments)

    def stop(self, name: str) -> None:
        """End one process, and wait for its end."""
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log(self, name: str) -> str:
        """What a process has said."""
        return (self.data / f"{name}.log").read_text(errors="replace")

    def prepare(self) -> None:
        """What `make run` does first: migrations, static files, demo logins, customers and contacts."""
        with (self.data / "prepare.log").open("wb") as log:
            command = [sys.executable, "-m", "portal.run.prepare"]
            done = subprocess.run(command, cwd=ROOT, env=self.variables, input=b"go\n", stdout=log, stderr=log)
        if done.returncode:
            raise RuntimeError(self.log("prepare"))

    def start_web(self) -> None:
        """The web process, as `make run` starts it."""
        self.start_python("web", "gunicorn", "-c", "portal/gunicorn.py", "portal.wsgi:application")
        wait_until(lambda: ready.serves("127.0.0.1", self.web_port, "/healthz"), 60, "web")

    def start_worker(self, module: str = "portal.run.queue") -> None:
        """The worker, as `make run` starts it; or a peer. Returns when it takes messages."""
        flag = self.data / "worker.ready"
        flag.unlink(missing_ok=True)
        self.start_python("worker", module, "worker")
        wait_until(flag.exists, 60, "worker")

    def become_django(self) -> None:
        """Make this process one of the portal's; its log goes where the others' do."""
        os.environ.clear()
        os.environ.update(self.variables)
        terminal, log = sys.stderr, (self.data / "bench.log").open("a")
        sys.stderr = log  # the handler of the logs keeps the stream that it finds
        try:
            django.setup()
        finally:
            sys.stderr = terminal

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the sandbox's control routes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.sandbox_port, timeout=60)
        connection.request(method, f"/_sandbox/{path}", json.dumps(body or {}), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        if response.status != 200:
            raise RuntimeError(f"{method} {path}: {answer}")
        return answer

    def latency(self, seconds: float) -> None:
        """The API takes so long for every answer."""
        self.control("PUT", "settings", {"latency_seconds": seconds})
