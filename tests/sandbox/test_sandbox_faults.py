"""Every fault, over a real socket: what the client sees, and whether anything was bought beneath it."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from yeastar_api.sandbox import ConnectionCut, Sandbox

from . import kit


def arm(wire: httpx.Client, **fault: Any) -> None:
    answer = wire.post("/_sandbox/faults", json={"call": "save", "times": 1} | fault)
    assert answer.status_code == 200, answer.text


def save(wire: httpx.Client, **options: Any) -> httpx.Response:
    return wire.post(kit.SAVE, json=kit.request_of(kit.LINKUS), **options)


def test_refuse_buys_nothing(wire: httpx.Client, sandbox: Sandbox) -> None:
    arm(wire, kind="refuse", code="balance_too_low", detailMessage="Top up", status=402, http_status=200)
    answer = save(wire)
    assert answer.status_code == 200
    assert answer.json()["code"] == "balance_too_low"
    assert (answer.json()["status"], answer.json()["detailMessage"]) == (402, "Top up")
    assert sandbox.ledger == []
    assert sandbox.attempts[0]["fault"] == "refuse"
    kit.result(save(wire))


def test_refuse_after_has_bought(wire: httpx.Client, sandbox: Sandbox) -> None:
    arm(wire, kind="refuse_after", status=500)
    assert save(wire).status_code == 500
    assert len(sandbox.ledger) == 1


@pytest.mark.parametrize("processed", [True, False])
def test_status_is_html_from_a_gateway(processed: bool, wire: httpx.Client, sandbox: Sandbox) -> None:
    arm(wire, kind="status", status=503, retry_after=7, processed=processed)
    answer = save(wire)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert answer.text.startswith("<html>")
    assert answer.headers["X-Sandbox"] == "yeastar-sandbox"
    assert len(sandbox.ledger) == processed


@pytest.mark.parametrize("processed", [True, False])
def test_garbage_is_not_json(processed: bool, wire: httpx.Client, sandbox: Sandbox) -> None:
    arm(wire, kind="garbage", processed=processed)
    answer = save(wire)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match="Unterminated"):
        answer.json()
    assert len(sandbox.ledger) == processed


def test_half_an_answer_is_a_protocol_error_and_has_bought(wire: httpx.Client, sandbox: Sandbox) -> None:
    arm(wire, kind="half")
    with pytest.raises(httpx.RemoteProtocolError):
        save(wire)
    assert len(sandbox.ledger) == 1


@pytest.mark.parametrize("processed", [True, False])
def test_reset_is_a_read_error(processed: bool, wire: httpx.Client, sandbox: Sandbox) -> None:
    arm(wire, kind="reset", processed=processed)
    with pytest.raises(httpx.ReadError, match="reset by peer"):
        save(wire)
    assert len(sandbox.ledger) == processed
    kit.result(save(wire))


def test_redirect_leads_elsewhere(wire: httpx.Client, sandbox: Sandbox) -> None:
    arm(wire, kind="redirect", status=307, location="/login")
    answer = save(wire)
    assert (answer.status_code, answer.headers["Location"]) == (307, "/login")
    assert sandbox.ledger == []


def test_huge_streams_without_a_length(wire: httpx.Client) -> None:
    arm(wire, kind="huge", megabytes=3, processed=True)
    with wire.stream("POST", kit.SAVE, json=kit.request_of(kit.LINKUS)) as answer:
        assert "Content-Length" not in answer.headers
        assert sum(map(len, answer.iter_bytes())) > 3 * 1_048_576


def test_extra_fields_are_everywhere(wire: httpx.Client) -> None:
    arm(wire, call="*", kind="extra_fields")
    said = wire.get(kit.PARTNERS).json()
    assert "unknownField" in said
    assert all("unknownField" in row for row in said["result"])


@pytest.mark.parametrize("kind", ["delay", "delay_after"])
def test_a_delayed_save_times_out_and_has_bought(kind: str, wire: httpx.Client, sandbox: Sandbox) -> None:
    arm(wire, kind=kind, seconds=0.4)
    with pytest.raises(httpx.ReadTimeout):
        save(wire, timeout=0.1)
    assert len(sandbox.ledger) == (kind == "delay_after")
    time.sleep(0.6)
    assert len(sandbox.ledger) == 1


def test_slow_body_drips(wire: httpx.Client) -> None:
    arm(wire, kind="slow_body", seconds=0.3, pieces=3)
    begin = time.monotonic()
    kit.result(save(wire))
    assert time.monotonic() - begin > 0.25


def test_latency_is_for_all_or_per_call(wire: httpx.Client, sandbox: Sandbox) -> None:
    wire.put("/_sandbox/settings", json={"latency_seconds": {"partner_list": 0.2, "*": 0}})
    begin = time.monotonic()
    wire.get(kit.CONTACTS)
    assert time.monotonic() - begin < 0.15
    wire.get(kit.PARTNERS)
    assert time.monotonic() - begin > 0.2


def test_faults_play_in_order_and_modifiers_join_them(wire: httpx.Client) -> None:
    arm(wire, kind="delay", seconds=0, times=None)
    arm(wire, kind="refuse", code="first")
    arm(wire, kind="refuse", code="second")
    assert [save(wire).json()["code"] for _ in "abc"] == ["first", "second", "success"]
    (left,) = wire.get("/_sandbox/faults").json()
    assert (left["kind"], left["hits"]) == ("delay", 3)
    wire.delete(f"/_sandbox/faults/{left['id']}")
    assert wire.get("/_sandbox/faults").json() == []


def test_a_fault_can_let_the_first_calls_pass(wire: httpx.Client) -> None:
    arm(wire, call="order_page", kind="status", skip=1)
    assert [wire.get(kit.PAGE).status_code for _ in "abc"] == [200, 502, 200]


def test_a_fault_can_be_for_renewals_of_the_token_only(wire: httpx.Client) -> None:
    arm(wire, call="token_refresh", kind="refuse")
    assert wire.post(kit.TOKEN, data=kit.CREDENTIALS).status_code == 200
    assert (
        wire.post(kit.TOKEN, data={"grant_type": "refresh_token", "refresh_token": "x"}).json()["code"] == "system_busy"
    )


def test_control_routes_work_beneath_a_fault_on_every_call(wire: httpx.Client) -> None:
    arm(wire, call="*", kind="reset", times=None)
    assert wire.delete("/_sandbox/faults").json() == {"ok": True}
    kit.result(save(wire))


def test_in_process_a_cut_connection_is_an_exception(api: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.fault("save", "reset")
    with pytest.raises(ConnectionCut) as cut:
        save(api)
    assert cut.value.abort
    assert sandbox.ledger == []
    sandbox.fault("save", "half")
    with pytest.raises(ConnectionCut):
        save(api)
    assert len(sandbox.ledger) == 1
