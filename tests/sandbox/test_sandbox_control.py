"""The control routes do what the README says."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from yeastar_api.sandbox import Sandbox

from . import kit


def test_the_ledger_keeps_exact_bytes_and_refused_attempts(api: httpx.Client) -> None:
    raw = b'{ "operationType":"purchase_plan", "productId":9 }'
    api.post(kit.SAVE, content=raw, headers={"Content-Type": "application/json"})
    receipt = kit.result(api.post(kit.SAVE, json=kit.request_of(kit.LINKUS)))
    ledger = api.get("/_sandbox/ledger").json()
    (bought,) = ledger["orders"]
    assert bought["receipt"] == receipt
    assert bought["json"] == kit.request_of(kit.LINKUS)
    assert ledger["saves"] == 2
    assert [attempt["body"] for attempt in ledger["attempts"]] == [raw.decode(), bought["body"]]
    assert [attempt["order_no"] for attempt in ledger["attempts"]] == [None, receipt["orderNo"]]


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/_sandbox/"), ("POST", "/_sandbox/reset")])
def test_reset_brings_the_pristine_world(method: str, path: str, api: httpx.Client, sandbox: Sandbox) -> None:
    api.post(kit.SAVE, json=kit.new_licence())
    api.delete("/_sandbox/contacts/3197218168379846218")
    sandbox.fault("*", "status", times=None)
    sandbox.configure(echo_po_number=False)
    assert api.request(method, path).json() == {"ok": True}
    assert api.get("/_sandbox/ledger").json() == {"orders": [], "saves": 0, "attempts": []}
    assert api.get("/_sandbox/faults").json() == []
    assert api.get("/_sandbox/settings").json()["echo_po_number"] is True
    assert api.get(kit.CONTACTS).status_code == 401
    assert len(sandbox.world.contacts) == 20
    assert len(sandbox.world.orders) == 12


def test_calls_are_counted(api: httpx.Client) -> None:
    api.get(kit.PARTNERS)
    api.get(kit.PARTNERS)
    api.post(kit.TOKEN, data={"grant_type": "refresh_token", "refresh_token": "x"})
    assert api.get("/_sandbox/calls").json() == {"token": 2, "partner_list": 2, "token_refresh": 1}


def test_tokens_can_be_ended(api: httpx.Client) -> None:
    api.post("/_sandbox/tokens/expire")
    assert api.get(kit.PARTNERS).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"unheard_of": 1},
        {"token_seconds": "1"},
        {"page_size_max": 0},
        {"latency_seconds": -1},
        {"latency_seconds": {"nothing": 1}},
        {"catalogue_shape": "round"},
        {"catalogue_shape": ["nested", "beside"]},
        {"error_http_status": 404},
        {"echo_po_number": 1},
        {"order_status": ""},
    ],
)
def test_a_wrong_setting_is_refused_and_changes_nothing(change: dict[str, Any], api: httpx.Client) -> None:
    before = api.get("/_sandbox/settings").json()
    answer = api.put("/_sandbox/settings", json={"history_lag_seconds": 5} | change)
    assert answer.status_code == 400
    assert next(iter(change)) in answer.json()["error"]
    assert api.get("/_sandbox/settings").json() == before


def test_settings_act(api: httpx.Client) -> None:
    settings = {"echo_po_number": False, "order_status": "pending", "error_http_status": "200", "token_seconds": 7}
    api.put("/_sandbox/settings", json=settings)
    receipt = kit.result(api.post(kit.SAVE, json=kit.request_of(kit.TURNKEY) | {"poNumber": "PO 1"}))
    assert receipt["orderStatus"] == "pending"
    row = kit.result(api.get(kit.PAGE, params={"sort": "-id"}))["results"][0]
    assert (row["customReferenceNo"], row["orderStatus"]) == ("", "pending")
    refused = api.get(kit.INFO)
    assert (refused.status_code, refused.json()["status"]) == (200, 400)
    assert kit.result(api.post(kit.TOKEN, data=kit.CREDENTIALS))["expiresIn"] == "7"


def test_the_history_can_lag_behind_a_save() -> None:
    now = [1_800_000_000.0]
    sandbox = Sandbox(
        clock=lambda: now[0], history_lag_seconds=60, client_id="sandbox-client", client_secret="sandbox-secret"
    )
    with kit.client("http://sandbox.test", httpx.WSGITransport(app=sandbox)) as api:
        receipt = kit.result(api.post(kit.SAVE, json=kit.request_of(kit.TURNKEY)))
        assert kit.result(api.get(kit.PAGE))["total"] == 12
        assert api.get(kit.GET + receipt["orderNo"]).status_code == 404
        now[0] += 61
        assert kit.result(api.get(kit.PAGE))["total"] == 13
        kit.result(api.get(kit.GET + receipt["orderNo"]))


def test_people_are_replaced_removed_and_made_up(api: httpx.Client) -> None:
    api.put("/_sandbox/partners", json=[{"partnerId": 4000000000000000001, "company": "Only"}])
    (partner,) = kit.result(api.get(kit.PARTNERS))
    assert (partner["partnerId"], partner["email"]) == ("4000000000000000001", "")
    api.post("/_sandbox/partners/generate", json={"count": 5000})
    api.post("/_sandbox/partners/generate", json={"count": 10})
    api.post("/_sandbox/contacts/generate", json={"count": 7})
    api.post("/_sandbox/pbxs/generate", json={"count": 3})
    assert len({row["partnerId"] for row in kit.result(api.get(kit.PARTNERS))}) == 5011
    assert len(kit.result(api.get(kit.CONTACTS))) == 27
    assert kit.result(api.get(kit.DEVICES, params={"productId": 12}))["total"] == 38
    api.delete("/_sandbox/partners/4000000000000000001")
    assert len(kit.result(api.get(kit.PARTNERS))) == 5010
    contact = {"billingContactId": "5", "emailAddress": "a@b.example"}
    api.put("/_sandbox/contacts", json=[contact])
    assert kit.result(api.get(kit.CONTACTS))[0]["emailAddress"] == "a@b.example"
    assert api.post(kit.SAVE, json=kit.request_of(kit.LINKUS)).json()["result"]["field"] == "billingId"


def test_an_order_placed_elsewhere_appears_in_the_history_only(api: httpx.Client) -> None:
    made = api.post("/_sandbox/orders", json={"productId": 9, "productNo": "369471667338", "customReferenceNo": "X"})
    row = kit.result(api.get(kit.PAGE, params={"sort": "-id", "pageSize": 1}))["results"][0]
    assert row == {name: value for name, value in made.json().items() if name != "transactionNo"}
    assert api.get("/_sandbox/ledger").json()["orders"] == []
    api.put(f"/_sandbox/orders/{row['orderNo']}", json={"orderStatus": "refunded"})
    assert kit.result(api.get(kit.GET + row["id"]))["orderInformation"]["orderStatus"] == "refunded"


def test_many_orders_can_be_made_up_between_real_ones(api: httpx.Client) -> None:
    for _ in "abc":
        kit.result(api.post(kit.SAVE, json=kit.request_of(kit.TURNKEY)))
        api.post("/_sandbox/orders/generate", json={"count": 100})
    ids, numbers = [], set()
    for number in range(1, 5):
        page = kit.result(api.get(kit.PAGE, params={"pageNo": number, "pageSize": 100}))
        ids += [int(row["id"]) for row in page["results"]]
        numbers |= {row["orderNo"] for row in page["results"]}
    assert ids == sorted(set(ids))
    assert len(ids) == len(numbers) == 12 + 3 * 101


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/_sandbox/nowhere", None, 404),
        ("POST", "/_sandbox/faults", {"call": "save", "kind": "nothing"}, 400),
        ("POST", "/_sandbox/faults", {"call": "nothing", "kind": "delay"}, 400),
        ("POST", "/_sandbox/faults", {"kind": "delay"}, 400),
        ("POST", "/_sandbox/faults", {"call": "save", "kind": "delay", "minutes": 1}, 400),
        ("POST", "/_sandbox/faults", {"call": "save", "kind": "delay", "seconds": "1"}, 400),
        ("POST", "/_sandbox/faults", {"call": "save", "kind": "refuse", "processed": True}, 400),
        ("POST", "/_sandbox/faults", {"call": "save", "kind": "half", "times": -1}, 400),
        ("POST", "/_sandbox/faults", ["save"], 400),
        ("POST", "/_sandbox/faults", {"call": "save", "kind": "garbage", "body": 7}, 400),
        ("POST", "/_sandbox/faults", {"call": "save", "kind": "refuse", "http_status": "200"}, 400),
        ("PUT", "/_sandbox/partners", [{"company": "no id"}], 400),
        ("PUT", "/_sandbox/partners", 7, 400),
        ("PUT", "/_sandbox/orders/none", {"orderStatus": "failed"}, 404),
        ("POST", "/_sandbox/orders", {"colour": "red"}, 400),
        ("POST", "/_sandbox/partners/generate", {"count": "all"}, 400),
        ("DELETE", "/_sandbox/plans/none", None, 400),
    ],
)
def test_a_wrong_control_call_says_what_is_wrong(
    method: str, path: str, body: Any, status: int, api: httpx.Client
) -> None:
    answer = api.request(method, path, json=body)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_the_overview_is_plain_html_and_escapes_what_it_shows(api: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.fault("save", "delay", times=None, seconds=0)
    api.post(kit.SAVE, json=kit.request_of(kit.LINKUS) | {"poNumber": "<script>alert(1)</script>"})
    page = api.get("/_sandbox/")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "<script>" not in page.text
    assert sandbox.ledger[0]["receipt"]["orderNo"] in page.text
