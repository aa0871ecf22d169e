"""A vendor who really cannot be reached, seen from real processes: held, not lost, and let go in order."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.services.relay import Relay
from tests.services.servers import free_port, listens, redis, running, until
from tests.services.test_postgres_and_redis import command_of, command_on_path, migrate, post, review, sign_in

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("compose")]

SLUG = "turnkey-capacity"


def test_orders_wait_while_yeastar_cannot_be_reached_and_are_then_bought_once_each_in_order(tmp_path: Path) -> None:
    web_port, sandbox_port = free_port(), free_port()
    wire = Relay(sandbox_port)
    with ExitStack() as stack:
        stack.callback(wire.cut)
        env = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "DATA_DIR": str(tmp_path / "data"),
            "SECRET_KEY": "only-for-tests-" + "x" * 40,
            "REDIS_URL": stack.enter_context(redis(tmp_path)),
            "YEASTAR_BASE_URL": f"http://127.0.0.1:{wire.port}",
            "SANDBOX": "true",
            "YEASTAR_CLIENT_ID": "sandbox-client",
            "YEASTAR_CLIENT_SECRET": "sandbox-secret",
            "SECURE_COOKIES": "false",
            "DEMO_PASSWORD": "a-demo-password",
            "PORT": str(web_port),
            "YEASTAR_GET_BUDGET": "1",
            "SWEEP_SECONDS": "1",
            "BREAKER_PROBE_SECONDS": "1",
            "WORKER_THREADS": "1",  # so that they are sent one after another, as they are rung for
        }
        sandbox = command_of(
            "sandbox", **{"8001": str(sandbox_port), "/tmp/sandbox.jsonl": str(tmp_path / "sold.jsonl")}
        )
        stack.enter_context(running([sys.executable, *sandbox[1:]], tmp_path / "sandbox.log", env))
        until(lambda: listens(sandbox_port), "the sandbox")
        migrate(env, tmp_path)
        for service in ("web", "worker", "beat"):
            command = command_of(service, **{"/tmp/celerybeat-schedule": str(tmp_path / "schedule")})
            stack.enter_context(running(command_on_path(command, env), tmp_path / f"{service}.log", env))
        until(lambda: listens(web_port), "the web service")
        web, vendor = f"http://127.0.0.1:{web_port}", f"http://127.0.0.1:{sandbox_port}"
        staff = stack.enter_context(closing(sign_in(web, "staff")))
        admin = stack.enter_context(closing(sign_in(web, "admin")))

        def told(path: str) -> dict[str, Any]:
            return dict(staff.get(f"{path.rstrip('/')}.json").json())

        drafts = [review(staff, SLUG, quantity=quantity) for quantity in range(11, 17)]
        wire.cut()
        for path, approved in drafts:
            assert post(staff, f"{path}place/", **approved).url.path == path
        until(lambda: "Orders are held" in admin.get("/connection/").text, "the hold", 60)
        for path, _ in drafts:
            page = staff.get(path).text
            assert ">Held</h1>" in page
            assert "Yeastar cannot be reached" in page
            assert told(path)["status"] == "QUEUED"
        assert "Yeastar has taken no orders since" in staff.get("/").text
        assert httpx.get(f"{vendor}/_sandbox/ledger").json()["orders"] == []
        wire.mend()
        until(lambda: all(told(path)["status"] == "PLACED" for path, _ in drafts), "the receipts", 90)
        assert "Orders are sent as they come" in admin.get("/connection/").text
        sold = httpx.get(f"{vendor}/_sandbox/ledger").json()["orders"]
        quantities = [json.loads(each["body"])["serviceList"][-1]["quantity"] for each in sold]
        assert quantities == [11, 12, 13, 14, 15, 16]
