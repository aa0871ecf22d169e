"""A process that is killed in the middle of a run: the next one completes it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from yeastar_api.sandbox import Sandbox
from yeastar_api.sandbox.server import Server

ROOT = Path(__file__).resolve().parents[3]

RUN = """
import os, sys
import django
django.setup()
from django.core.management import call_command
from orders import gateway
from yeastar_api.auth import MemoryTokenStore
from yeastar_api.client import PartnerPortal
client = PartnerPortal(base_url=os.environ["YEASTAR_BASE_URL"], client_id="sandbox-client",
    client_secret="sandbox-secret", token_store=MemoryTokenStore(), get_budget_seconds=1.0)
gateway.portal = lambda: client
call_command(*sys.argv[1:])
"""

TELL = """
from orders.history import tallies
from orders.destination import current_destination as here
from orders.models import Reading, Record
right = tallies.told(here()) == tallies.recount(here())
last = Reading.objects.order_by("-started_at").first()
print("TOLD", Record.objects.count(), right, last.complete if last else None, last.words if last else "")
"""


def test_the_next_run_completes_what_a_killed_one_began(tmp_path: Path, migrated: Callable[[Path], Path]) -> None:
    migrated(tmp_path)
    sandbox = Sandbox()
    sandbox.world.generate("orders", 3000)
    sandbox.configure(latency_seconds={"order_page": 0.15})
    with Server(sandbox, "127.0.0.1", 0) as server:
        variables = {name: os.environ[name] for name in ("PATH", "HOME", "SECRET_KEY") if name in os.environ} | {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path / 'portal.sqlite3'}",
            "YEASTAR_BASE_URL": server.url,
            "YEASTAR_CLIENT_ID": "sandbox-client",
            "YEASTAR_CLIENT_SECRET": "sandbox-secret",
            "YEASTAR_GET_BUDGET": "1",
            "HISTORY_DETAILS": "0",
        }

        def command(*words: str) -> list[str]:
            return [sys.executable, "-c", RUN, *words]

        def manage(*words: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(command(*words), cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60)

        def told() -> str:
            return next(line for line in manage("shell", "-c", TELL).stdout.splitlines() if "TOLD" in line)

        victim = subprocess.Popen(
            command("mirror_orders"), cwd=ROOT, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 60
        while sandbox.calls.get("order_page", 0) < 20 and time.monotonic() < end:
            time.sleep(0.02)
        victim.kill()
        victim.wait()
        assert "True False" in told(), "tallies moved with the rows, and nothing is complete"
        sandbox.configure(latency_seconds=0.0)
        end = time.monotonic() + 60
        while (again := manage("mirror_orders")).returncode and time.monotonic() < end:
            time.sleep(1)  # until the killed one is known to be dead
        assert "Gone on with from page" in again.stdout
        assert told().startswith("TOLD 3012 True True")
