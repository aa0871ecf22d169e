"""What lasts across restarts, what holds under many threads, and the program itself."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from yeastar_api.sandbox import Sandbox, Server

from . import kit


def world(state: Path) -> Sandbox:
    return Sandbox(state=state, client_id="sandbox-client", client_secret="sandbox-secret")


def in_process(sandbox: Sandbox) -> AbstractContextManager[httpx.Client]:
    return kit.client("http://sandbox.test", httpx.WSGITransport(app=sandbox))


def test_a_second_start_finds_the_same_world(tmp_path: Path) -> None:
    first = world(tmp_path / "deep" / "state.jsonl")
    with in_process(first) as api:
        for slug in kit.SLUGS:
            kit.result(api.post(kit.SAVE, json=kit.request_of(slug)))
        kit.result(api.post(kit.SAVE, json=kit.new_licence()))
        new = {"userType": "Customer", "yeastarId": "zoe@new.example", "country": "France", "lastName": "Zoé"}
        kit.result(api.post("/user/openapi/user/v1/client/save_user", json=new))
        for what in ("partners", "contacts", "pbxs", "orders"):
            api.post(f"/_sandbox/{what}/generate", json={"count": 4})
        elsewhere = api.post("/_sandbox/orders", json={}).json()
        api.put(f"/_sandbox/orders/{elsewhere['orderNo']}", json={"orderStatus": "refunded"})
        api.delete("/_sandbox/services/3129372068699893760")
    second = world(tmp_path / "deep" / "state.jsonl")
    assert second.ledger == first.ledger
    for part in ("partners", "contacts", "devices", "orders", "withdrawn"):
        assert getattr(second.world, part) == getattr(first.world, part)
    with in_process(second) as api:
        receipt = kit.result(
            api.post(kit.SAVE, json=kit.new_licence(serviceList=kit.request_of(kit.SOFTWARE)["serviceList"][:1]))
        )
    known = {order.order_no for order in first.world.orders} | {order.product_no for order in first.world.orders}
    assert receipt["orderNo"] not in known
    assert receipt["productNo"] not in known


def test_a_line_that_was_being_written_is_cut_off(tmp_path: Path) -> None:
    state = tmp_path / "state.jsonl"
    with in_process(world(state)) as api:
        for _ in "ab":
            kit.result(api.post(kit.SAVE, json=kit.request_of(kit.LINKUS)))
    state.write_bytes(state.read_bytes()[:-20])
    again = world(state)
    assert len(again.ledger) == 1
    with in_process(again) as api:
        kit.result(api.post(kit.SAVE, json=kit.request_of(kit.LINKUS)))
    assert len(world(state).ledger) == 2


def test_a_reset_is_remembered_too(tmp_path: Path) -> None:
    first = world(tmp_path / "state.jsonl")
    with in_process(first) as api:
        kit.result(api.post(kit.SAVE, json=kit.request_of(kit.LINKUS)))
    first.reset()
    assert world(tmp_path / "state.jsonl").ledger == []


def test_saves_at_the_same_time_are_distinct_orders(wire: httpx.Client, sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(lambda _: kit.result(wire.post(kit.SAVE, json=kit.new_licence())), range(64)))
    for name in ("orderNo", "transactionNo", "instanceId", "productNo"):
        assert len({receipt[name] for receipt in receipts}) == 64
    ids = [int(order.id) for order in sandbox.world.orders]
    assert ids == sorted(set(ids))


def test_one_connection_carries_many_calls(wire: httpx.Client) -> None:
    for _ in range(3):
        answer = wire.get(kit.PARTNERS)
        assert answer.headers["Connection"] == "keep-alive"


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"nonsense\r\n\r\n", b"HTTP/1.1 400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"HTTP/1.1 400"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"HTTP/1.1 400"),
        (b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", b"HTTP/1.1 100 Continue"),
        (b"GET /%zz%C3%BC HTTP/1.0\r\n\r\n", b"HTTP/1.1 404"),
    ],
)
def test_odd_requests_are_answered(sent: bytes, answered: bytes, server: Server) -> None:
    with socket.create_connection((server.host, server.port), timeout=5) as raw:
        raw.sendall(sent)
        assert raw.recv(4096).startswith(answered)


def test_a_client_that_leaves_in_the_middle_harms_nobody(server: Server, wire: httpx.Client) -> None:
    with socket.create_connection((server.host, server.port)) as raw:
        raw.sendall(b"POST /x HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
    assert wire.get(kit.PARTNERS).status_code == 200


@pytest.fixture
def program(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "yeastar_api.sandbox", "--port", "0", "--state", str(tmp_path / "state.jsonl")]
    environment = os.environ | {"YEASTAR_CLIENT_ID": "sandbox-client", "YEASTAR_CLIENT_SECRET": "from-env"}
    with subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_the_program_says_when_it_is_ready_and_ends_cleanly(program: subprocess.Popen[str]) -> None:
    assert program.stdout is not None
    ready = program.stdout.readline()
    url = ready.split("ready on ")[1].split()[0]
    answer = httpx.post(
        url + kit.TOKEN,
        data=kit.CREDENTIALS | {"client_secret": "from-env"},
        headers={"User-Agent": "x"},
        trust_env=False,
    )
    kit.result(answer)
    program.send_signal(signal.SIGTERM)
    assert program.wait(timeout=5) == 0
    assert program.stdout.read() == ""
