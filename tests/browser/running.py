"""A portal of one's own: started as `make run` starts it, in a directory and on a port of its own, ended by its pid."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "browser-tests-only"


class Vendor:
    """The control routes of the portal's sandbox."""

    def __init__(self, address: str) -> None:
        self.address = address

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(method, f"{self.address}/_sandbox/{path}", json=body, timeout=30)
        assert answer.is_success, answer.text
        return answer.json()

    def fault(self, call: str, kind: str, **options: Any) -> int:
        return int(self.control("POST", "faults", {"call": call, "kind": kind, **options})["id"])

    def heal(self) -> None:
        self.control("DELETE", "faults")

    @property
    def ledger(self) -> list[dict[str, Any]]:
        return list(self.control("GET", "ledger")["orders"])

    def bought(self, order_no: str) -> dict[str, Any]:
        """The body with which the vendor sold this order."""
        found = [order["json"] for order in self.ledger if order["receipt"]["orderNo"] == order_no]
        assert len(found) == 1, f"{order_no} is {len(found)} times in the ledger"
        return dict(found[0])

    def bought_as(self, po_number: str) -> int:
        """How often an order with this PO number was bought."""
        return sum(po_number in (order["body"] or "") for order in self.ledger)


SHELL = """
import io, json, os, sys
from contextlib import redirect_stdout
import django
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what is logged is no answer
django.setup()
for code in sys.stdin:
    said = io.StringIO()
    with redirect_stdout(said):
        exec(json.loads(code), {})
    print(json.dumps(said.getvalue()), file=answers, flush=True)
"""


class RunningPortal:
    """One start of everything."""

    def __init__(self, data: Path, **variables: str) -> None:
        self.data, self.port = data, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = data.with_name(f"{data.name}.out")
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        # Quick hands, so that what happens by itself happens while a test is looking.
        quick = {"SWEEP_SECONDS": "1", "MIRROR_ACCOUNTS_SECONDS": "3600", "YEASTAR_SAVE_BUDGET": "20"}
        quick |= {"BREAKER_PROBE_SECONDS": "1", "EXPORT_STREAM_ROWS_XLSX": "-1"}  # Excel files are made by the worker
        own = {"DATA_DIR": str(data), "PORT": str(self.port), "SANDBOX_PORT": "", "DEMO_PASSWORD": PASSWORD}
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "portal.run"],
                cwd=ROOT,
                env=kept | quick | own | variables,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_ready(120)
        except BaseException:
            self.end()
            raise
        self.children = {name: self._child(words) for name, words in CHILDREN.items()}
        self.vendor = Vendor(self.variables["YEASTAR_BASE_URL"])

    def _wait_until_ready(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while "Ctrl-C stops everything." not in self.output.read_text():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"The portal did not start.\n{self.logs()}")
            time.sleep(0.05)

    def _child(self, words: str) -> psutil.Process:
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next(child for child in children if words in " ".join(child.cmdline()))

    @property
    def variables(self) -> dict[str, str]:
        """The environment that the portal's own processes run in."""
        return self.children["web"].environ()

    def manage(self, *arguments: str) -> str:
        """`manage.py …` in the portal's environment."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @cached_property
    def _shell(self) -> subprocess.Popen[str]:
        with self.output.with_suffix(".shell").open("wb") as errors:
            return subprocess.Popen(
                [sys.executable, "-c", SHELL],
                cwd=ROOT,
                env=self.variables | {"DJANGO_SETTINGS_MODULE": "portal.settings"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def shell(self, code: str) -> str:
        """What this code prints, run in the portal's environment by a process that stays: to start one takes long."""
        assert self._shell.stdin
        assert self._shell.stdout
        self._shell.stdin.write(f"{json.dumps(code)}\n")
        self._shell.stdin.flush()
        said = self._shell.stdout.readline()
        assert said, self.output.with_suffix(".shell").read_text()[-3000:]
        return str(json.loads(said))

    @contextmanager
    def worker_asleep(self) -> Iterator[None]:
        """Nobody sends orders meanwhile."""
        worker = self.children["worker"]
        worker.suspend()
        try:
            yield
        finally:
            worker.resume()

    def logs(self, lines: int = 15) -> str:
        """The last lines of every log."""
        parts = [f"--- portal.run\n{self.output.read_text()}"]
        for path in sorted((self.data / "logs").glob("*.log")):
            said = [line for line in path.read_text(errors="replace").splitlines() if "orders.tasks.sweep" not in line]
            parts.append("\n".join([f"--- {path.name}", *map(shortened, said[-lines:])]))
        return "\n".join(parts)

    def end(self) -> None:
        if "_shell" in self.__dict__:
            self._shell.communicate(timeout=30)  # it ends when it is asked nothing more
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(90)


CHILDREN = {"web": "gunicorn", "worker": "portal.run.queue worker"}


def shortened(line: str) -> str:
    """Of an exception the end tells the most."""
    return line if len(line) < 1_500 else f"{line[:300]} … {line[-1_000:]}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
