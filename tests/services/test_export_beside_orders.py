"""Large exports are written while orders are sent, by a worker of one thread: no order waits for them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from portal.run import ready
from portal.run.valkey import Valkey
from tests.services.desk import Desk
from tests.services.servers import free_port, listens, running, until

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("export-beside-orders")]

RECORDS = 120_000
"""As Excel they take some ten seconds, several times as long as an order."""

WORKER = [sys.executable, "-m", "portal.run.queue", "worker"]


@pytest.fixture
def env(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Valkey and a sandbox run; nobody works yet."""
    valkey, sandbox_port = Valkey(tmp_path), free_port()
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'portal.sqlite3'}",
        "SECRET_KEY": "only-for-tests-" + "x" * 40,
        "REDIS_URL": valkey.url,
        "YEASTAR_BASE_URL": f"http://127.0.0.1:{sandbox_port}",
        "YEASTAR_CLIENT_ID": "sandbox-client",
        "YEASTAR_CLIENT_SECRET": "sandbox-secret",
        "SANDBOX": "true",
        "EXPORT_STREAM_ROWS": "0",
        "EXPORT_STREAM_ROWS_XLSX": "0",
        "WORKER_THREADS": "1",
        "READY_FILE": str(tmp_path / "worker.ready"),
    }
    with ExitStack() as stack:
        stack.enter_context(running(valkey.command, tmp_path / "valkey.log", env))
        command = [sys.executable, "-m", "yeastar_api.sandbox", "--port", str(sandbox_port)]
        stack.enter_context(running(command, tmp_path / "sandbox.log", env))
        until(lambda: ready.pongs(valkey.port, valkey.password), "Valkey")
        until(lambda: listens(sandbox_port), "the sandbox")
        yield env


def test_an_order_is_sent_while_exports_are_written_and_a_worker_that_stops_puts_them_back(
    env: dict[str, str], tmp_path: Path
) -> None:
    with Desk(env, tmp_path / "desk.log") as desk:
        desk.ask("open_up")
        desk.ask("shelve", records=RECORDS)
        with running(WORKER, tmp_path / "worker.log", env):
            until((tmp_path / "worker.ready").exists, "the worker")
            for kind in ("xlsx", "csv", "jsonl"):
                desk.ask("take_away", kind=kind)

            def states() -> list[str]:
                return [each["state"] for each in desk.ask("exports")]

            def status(order: dict[str, Any]) -> str:
                return str(desk.ask("look")[order["pk"]]["status"])

            until(lambda: desk.ask("exports")[0]["rows"] > 0, "the export's first rows")
            for _ in range(2):
                began, order = time.monotonic(), desk.ask("place")
                until(lambda order=order: status(order) == "PLACED", "the order", 10)
                assert time.monotonic() - began < 3
            assert states() == ["running", "waiting", "waiting"], "they wait for each other, no order for them"
        assert states() == ["waiting", "waiting", "waiting"]
        with running(WORKER, tmp_path / "worker.log", env):
            until((tmp_path / "worker.ready").exists, "the worker")
            desk.ask("ring_for_exports")
            until(lambda: states() == ["ready"] * 3, "the files", 90)
        assert [(each["rows"], each["run"]) for each in desk.ask("exports")] == [
            (RECORDS, 2),
            (RECORDS, 1),
            (RECORDS, 1),
        ]
