"""A real PostgreSQL that goes away while somebody places an order: the page leads to the order, and the order knows.

Between the portal and its database stands a relay that can be cut: at once, or when a commit was carried out and its
acknowledgement is on the way back.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.services.relay import Relay
from tests.services.servers import free_port, listens, redis, running, until
from tests.services.test_postgres_and_redis import command_of, command_on_path, migrate, post, review, sign_in

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("postgresql")]

SLUG = "turnkey-capacity"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, postgres_copy: Callable[[str], str]) -> Iterator[dict[str, Any]]:
    """Web, PostgreSQL behind a relay, Redis and sandbox; how to start a worker."""
    where = tmp_path_factory.mktemp("away")
    web_port, sandbox_port = free_port(), free_port()
    with ExitStack() as stack:
        database = urlsplit(postgres_copy("away"))
        assert database.port
        relay = Relay(database.port)
        env = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(where),
            "DATA_DIR": str(where / "data"),
            "SECRET_KEY": "only-for-tests-" + "x" * 40,
            "DATABASE_URL": f"postgresql://portal@127.0.0.1:{relay.port}/away",
            "REDIS_URL": stack.enter_context(redis(where)),
            "YEASTAR_BASE_URL": f"http://127.0.0.1:{sandbox_port}",
            "SANDBOX": "true",
            "YEASTAR_CLIENT_ID": "sandbox-client",
            "YEASTAR_CLIENT_SECRET": "sandbox-secret",
            "SECURE_COOKIES": "false",
            "DEMO_PASSWORD": "a-demo-password",
            "PORT": str(web_port),
            "SWEEP_SECONDS": "1",
            "RING_AGAIN_SECONDS": "2",
        }
        sandbox = command_of("sandbox", **{"8001": str(sandbox_port), "/tmp/sandbox.jsonl": str(where / "sold.jsonl")})
        stack.enter_context(running([sys.executable, *sandbox[1:]], where / "sandbox.log", env))
        until(lambda: listens(sandbox_port), "the sandbox")
        migrate(env, where)

        def start(service: str) -> None:
            command = command_of(service, **{"/tmp/celerybeat-schedule": str(where / "schedule")})
            stack.enter_context(running(command_on_path(command, env), where / f"{service}.log", env))

        start("web")
        until(lambda: listens(web_port), "the web service")
        web, vendor = f"http://127.0.0.1:{web_port}", f"http://127.0.0.1:{sandbox_port}"
        yield {"web": web, "vendor": vendor, "relay": relay, "start": start}
        relay.cut()


def test_who_places_while_the_database_goes_away_is_led_to_the_order_and_what_is_committed_is_sent_once(
    portal: dict[str, Any],
) -> None:
    relay: Relay = portal["relay"]
    with closing(sign_in(portal["web"], "staff")) as staff:
        for cut, status in ((relay.cut, "DRAFT"), (lambda: relay.cut_after(b"COMMIT"), "QUEUED")):
            path, approved = review(staff, SLUG)
            cut()
            answer = post(staff, f"{path}place/", **approved)
            assert answer.status_code == 503, status
            assert "not known yet whether your order was accepted" in answer.text
            assert "Look there before you order it again" in answer.text
            assert f'href="{path}"' in answer.text
            assert staff.get(path).status_code == 503, "it does not pretend to know"
            relay.mend()
            assert staff.get(f"{path.rstrip('/')}.json").json()["status"] == status
        shown = staff.get(path).text
        assert "Was anything bought? Not yet." in shown
        assert "accepted and kept" in shown
        for service in ("worker", "beat"):
            portal["start"](service)
        until(lambda: staff.get(f"{path.rstrip('/')}.json").json()["status"] == "PLACED", "the receipt", 60)
    assert len(httpx.get(f"{portal['vendor']}/_sandbox/ledger").json()["orders"]) == 1
