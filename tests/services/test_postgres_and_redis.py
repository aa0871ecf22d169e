"""The services of docker-compose.yml, run by hand on a real PostgreSQL and a real Redis: no Docker engine is needed.

The commands are read from the compose file itself, so that it cannot drift away from what is tested.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest
import yaml

from tests.services.servers import ROOT, free_port, listens, postgres, postgres_program, redis, running, until
from tests.tutorials import CHOICES, SLUGS, sample_request, unsigned

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("compose")]

if not (postgres_program("initdb") and shutil.which("redis-server")):
    pytest.skip("PostgreSQL or Redis is not installed here", allow_module_level=True)

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def command_of(service: str, **replaced: str) -> list[str]:
    """The command of a compose service, with this machine's ports and folders."""
    words = [str(word).replace("$$", "$") for word in COMPOSE["services"][service]["command"]]
    return [replaced.get(word, word) for word in words]


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The compose file's services, running; yields the addresses of web and sandbox."""
    where = tmp_path_factory.mktemp("compose")
    web_port, sandbox_port = free_port(), free_port()
    with ExitStack() as stack:
        env = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(where),
            "DATA_DIR": str(where / "data"),
            "SECRET_KEY": "only-for-tests-" + "x" * 40,
            "DATABASE_URL": stack.enter_context(postgres(where)),
            "REDIS_URL": stack.enter_context(redis(where)),
            "YEASTAR_BASE_URL": f"http://127.0.0.1:{sandbox_port}",
            "SANDBOX": "true",
            "YEASTAR_CLIENT_ID": "sandbox-client",
            "YEASTAR_CLIENT_SECRET": "sandbox-secret",
            "SECURE_COOKIES": "false",
            "DEMO_PASSWORD": "a-demo-password",
            "PORT": str(web_port),
            "WEB_CONCURRENCY": "2",
            "SWEEP_SECONDS": "1",
        }
        sandbox = command_of(
            "sandbox", **{"8001": str(sandbox_port), "/tmp/sandbox.jsonl": str(where / "sandbox.jsonl")}
        )
        stack.enter_context(running([sys.executable, *sandbox[1:]], where / "sandbox.log", env))
        until(lambda: listens(sandbox_port), "the sandbox")
        migrate(env, where)
        for service in ("web", "worker", "worker", "beat"):
            command = command_of(service, **{"/tmp/celerybeat-schedule": str(where / "schedule")})
            log = where / f"{service}-{len(list(where.glob('*.log')))}.log"
            stack.enter_context(running(command_on_path(command, env), log, env))
        until(lambda: listens(web_port), "the web service")
        yield f"http://127.0.0.1:{web_port}", f"http://127.0.0.1:{sandbox_port}"


def command_on_path(command: list[str], env: dict[str, str]) -> list[str]:
    program = shutil.which(command[0], path=env["PATH"])
    assert program, command
    return [program, *command[1:]]


def migrate(env: dict[str, str], where: Path) -> None:
    """The one-shot service; static files are collected while the image is built."""
    script = f"{shlex.quote(sys.executable)} manage.py collectstatic --no-input && {command_of('migrate')[-1]}"
    with running(["sh", "-c", f"{script} && touch {where / 'migrated'}"], where / "migrate.log", env):
        until(lambda: (where / "migrated").exists(), "the migrations", 120)


def sign_in(base: str, name: str) -> httpx.Client:
    client = httpx.Client(base_url=base, follow_redirects=True, timeout=20)
    client.get("/accounts/login/")
    form = {"login": name, "password": "a-demo-password", "csrfmiddlewaretoken": client.cookies["csrftoken"]}
    page = client.post("/accounts/login/", data=form, headers={"Referer": base})
    assert page.url.path == "/", page.text
    return client


def post(client: httpx.Client, path: str, **data: object) -> httpx.Response:
    token = {"csrfmiddlewaretoken": client.cookies["csrftoken"]}
    return client.post(path, data={**data, **token}, headers={"Referer": str(client.base_url)})


def review(client: httpx.Client, slug: str, **changed: object) -> tuple[str, dict[str, str]]:
    """Walk a wizard by its POSTs; the path of the order's page, and what the review's form holds."""
    page = post(client, f"/orders/start/{slug}/")
    for _ in range(3):
        page = post(client, page.url.path, **CHOICES[slug] | changed)
    assert page.url.path.endswith("/review/"), page.text
    approved = dict(re.findall(r'name="(approved_\w+)" value="([^"]+)"', page.text))
    assert len(approved) == 2, page.text
    return page.url.path.removesuffix("review/"), approved


def order(client: httpx.Client, slug: str) -> str:
    """Walk a wizard and place the order; the path of its page."""
    path, approved = review(client, slug)
    return post(client, f"{path}place/", **approved, reason="The same is wanted once more").url.path


def test_the_five_orders_are_placed_once_each_on_postgresql_and_redis(addresses: tuple[str, str]) -> None:
    web, sandbox = addresses
    with closing(sign_in(web, "staff")) as staff:
        paths = {slug: order(staff, slug) for slug in SLUGS}
        twins = {slug: f"{path.rstrip('/')}.json" for slug, path in paths.items()}
        until(lambda: all(staff.get(twin).json()["status"] == "PLACED" for twin in twins.values()), "the receipts", 30)
        answers = {slug: staff.get(twin).json() for slug, twin in twins.items()}
    ledger = {each["receipt"]["orderNo"]: each for each in httpx.get(f"{sandbox}/_sandbox/ledger").json()["orders"]}
    assert len(ledger) == len(SLUGS)
    for slug, answer in answers.items():
        bought = ledger[answer["order_no"]]
        assert unsigned(bought["body"]) == sample_request(slug)
        assert json.loads(bought["body"]) == answer["request"]
        assert answer["transaction_no"] == bought["receipt"]["transactionNo"]
        assert answer["instance_id"] == bought["receipt"]["instanceId"]


def lose_the_answer(sandbox: str) -> None:
    """The next order is bought, and its answer is lost."""
    httpx.post(f"{sandbox}/_sandbox/faults", json={"call": "save", "kind": "reset", "processed": True})


def test_a_lost_answer_leaves_one_purchase_which_is_found_again_by_itself(addresses: tuple[str, str]) -> None:
    web, sandbox = addresses
    lose_the_answer(sandbox)
    before = len(httpx.get(f"{sandbox}/_sandbox/ledger").json()["orders"])
    with closing(sign_in(web, "staff")) as staff:
        twin = f"{order(staff, 'turnkey-capacity').rstrip('/')}.json"
        until(lambda: staff.get(twin).json()["status"] == "PLACED", "the order, found in the history", 60)
        *_, bought = httpx.get(f"{sandbox}/_sandbox/ledger").json()["orders"]
        found = staff.get(twin).json()
    assert len(httpx.get(f"{sandbox}/_sandbox/ledger").json()["orders"]) == before + 1
    assert found["order_no"] == bought["receipt"]["orderNo"]
    assert found["transaction_no"] == bought["receipt"]["transactionNo"]


def test_where_references_are_not_told_back_a_manager_decides(addresses: tuple[str, str]) -> None:
    web, sandbox = addresses
    httpx.put(f"{sandbox}/_sandbox/settings", json={"echo_po_number": False})
    lose_the_answer(sandbox)
    with closing(sign_in(web, "staff")) as staff, closing(sign_in(web, "manager")) as manager:
        path = order(staff, "rm-premium-renewal")
        twin = f"{path.rstrip('/')}.json"
        until(lambda: staff.get(twin).json()["status"] == "UNCERTAIN", "the doubt", 30)
        order_no = httpx.get(f"{sandbox}/_sandbox/ledger").json()["orders"][-1]["receipt"]["orderNo"]
        until(lambda: order_no in manager.get(path).text, "the candidate", 60)
        given = {"candidate": order_no, "reason": "Seen in the vendor's portal"}
        assert post(staff, f"{path}settle/", **given).status_code == 403
        post(manager, f"{path}settle/", **given)
        assert staff.get(twin).json()["status"] == "PLACED"
        assert staff.get(twin).json()["order_no"] == order_no
    httpx.put(f"{sandbox}/_sandbox/settings", json={"echo_po_number": True})
