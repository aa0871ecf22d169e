"""Each strictness rule refuses, names the field, and buys nothing."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yeastar_api.sandbox import Sandbox

from . import kit

DROP = object()
ENTERPRISE = 3049040587724718080
ULTIMATE = 3049041101760282624
DISASTER_RECOVERY = 3129372068699893760

# slug, changes at the top, changes on a line, the field that must be named, the tag
CASES: list[tuple[str, dict[str, Any], tuple[int, dict[str, Any]], str, str]] = [
    (kit.LINKUS, {"extra": 1}, (0, {}), "extra", "unknown"),
    (kit.LINKUS, {"operationType": DROP}, (0, {}), "operationType", "required"),
    (kit.LINKUS, {"operationType": "buy"}, (0, {}), "operationType", "oneof"),
    (kit.LINKUS, {"operationType": "renew_plan"}, (0, {}), "operationType", "oneof"),
    (kit.RM_PREMIUM, {"operationType": "trial_plan"}, (0, {}), "operationType", "oneof"),
    (kit.LINKUS, {"productId": "9"}, (0, {}), "productId", "number"),
    (kit.LINKUS, {"productId": 99}, (0, {}), "productId", "exists"),
    (kit.LINKUS, {"productNo": DROP}, (0, {}), "productNo", "required"),
    (kit.LINKUS, {"productNo": 369471667338}, (0, {}), "productNo", "string"),
    (kit.LINKUS, {"productNo": "no serial"}, (0, {}), "productNo", "serial"),
    (kit.LINKUS, {"partnerId": 3106913644890832897, "productNo": DROP}, (0, {}), "partnerId", "excluded"),
    (kit.LINKUS, {"billingId": DROP}, (0, {}), "billingId", "required"),
    (kit.LINKUS, {"billingId": "3197218168379846218"}, (0, {}), "billingId", "number"),
    (kit.LINKUS, {"billingId": 3197218168379846218.0}, (0, {}), "billingId", "number"),
    (kit.LINKUS, {"billingId": True}, (0, {}), "billingId", "number"),
    (kit.LINKUS, {"billingId": 3197218168379846000}, (0, {}), "billingId", "exists"),
    (kit.LINKUS, {"billingId": 10**30}, (0, {}), "billingId", "int64"),
    (kit.LINKUS, {"poNumber": 7}, (0, {}), "poNumber", "string"),
    (kit.LINKUS, {"poNumber": "x" * 300}, (0, {}), "poNumber", "max"),
    (kit.LINKUS, {"assignId": "1"}, (0, {}), "assignId", "exists"),
    (kit.LINKUS, {"serviceList": DROP}, (0, {}), "serviceList", "required"),
    (kit.LINKUS, {"serviceList": []}, (0, {}), "serviceList", "min"),
    (kit.LINKUS, {"serviceList": [1]}, (0, {}), "serviceList", "array"),
    (kit.LINKUS, {}, (0, {"extra": None}), "serviceList[0].extra", "unknown"),
    (kit.LINKUS, {}, (0, {"serviceType": "service"}), "serviceList[0].serviceType", "plan_first"),
    (kit.LINKUS, {}, (0, {"serviceId": "3048918321840570368"}), "serviceList[0].serviceId", "number"),
    (kit.LINKUS, {}, (0, {"serviceId": ULTIMATE}), "serviceList[0].serviceId", "exists"),
    (kit.LINKUS, {}, (0, {"quantity": 1}), "serviceList[0].quantity", "excluded"),
    (kit.LINKUS, {}, (0, {"connectionPlanId": 1}), "serviceList[0].connectionPlanId", "excluded"),
    (kit.LINKUS, {}, (0, {"purchaseType": "renew"}), "serviceList[0].purchaseType", "oneof"),
    (kit.LINKUS, {}, (0, {"billingModel": "once"}), "serviceList[0].billingModel", "oneof"),
    (kit.LINKUS, {}, (0, {"billingModel": DROP}), "serviceList[0].billingModel", "required"),
    (kit.LINKUS, {}, (0, {"billingCycle": "monthly"}), "serviceList[0].billingCycle", "oneof"),
    (kit.LINKUS, {}, (0, {"multiCycle": 0}), "serviceList[0].multiCycle", "oneof"),
    (kit.LINKUS, {}, (0, {"multiCycle": 6}), "serviceList[0].multiCycle", "oneof"),
    (kit.LINKUS, {}, (0, {"multiCycle": "1"}), "serviceList[0].multiCycle", "number"),
    (kit.REMOTE, {}, (0, {"billingModel": "recurring"}), "serviceList[0].billingModel", "excluded"),
    (kit.REMOTE, {}, (0, {"billingCycle": "annually"}), "serviceList[0].billingCycle", "oneof"),
    (kit.REMOTE, {}, (0, {"multiCycle": 1}), "serviceList[0].multiCycle", "oneof"),
    (kit.REMOTE, {}, (0, {"connectionPlanId": DROP}), "serviceList[0].connectionPlanId", "required"),
    (kit.REMOTE, {}, (0, {"connectionPlanId": ULTIMATE}), "serviceList[0].connectionPlanId", "exists"),
    (kit.REMOTE, {}, (0, {"serviceType": "plan"}), "serviceList[0].serviceType", "oneof"),
    (kit.REMOTE, {"productNo": "369471667338"}, (0, {}), "productNo", "excluded"),
    (kit.REMOTE, {"partnerId": 1}, (0, {}), "partnerId", "exists"),
    (kit.REMOTE, {"partnerId": "3106913644890832897"}, (0, {}), "partnerId", "number"),
    (kit.TURNKEY, {}, (0, {"multiCycle": 1}), "serviceList[0].multiCycle", "oneof"),
    (kit.TURNKEY, {}, (0, {"quantity": DROP}), "serviceList[0].quantity", "required"),
    (kit.TURNKEY, {}, (0, {"quantity": 0}), "serviceList[0].quantity", "min"),
    (kit.TURNKEY, {}, (0, {"quantity": 10_001}), "serviceList[0].quantity", "max"),
    (kit.TURNKEY, {}, (0, {"quantity": 1.5}), "serviceList[0].quantity", "number"),
    (kit.TURNKEY, {}, (0, {"quantity": "50"}), "serviceList[0].quantity", "number"),
    (kit.RM_PREMIUM, {}, (0, {"connectionPlanId": 1}), "serviceList[0].connectionPlanId", "excluded"),
    (kit.RM_PREMIUM, {}, (0, {"purchaseType": "trial"}), "serviceList[0].purchaseType", "oneof"),
    (kit.SOFTWARE, {"productNo": "3651E9999999"}, (0, {}), "productNo", "exists"),
    (kit.SOFTWARE, {"productNo": "369471667338"}, (0, {}), "productNo", "exists"),
    (kit.SOFTWARE, {"productNo": ""}, (0, {}), "productNo", "serial"),
    (kit.SOFTWARE, {"partnerId": 3106913644890832897}, (0, {}), "partnerId", "excluded_with"),
    (kit.SOFTWARE, {}, (0, {"quantity": DROP}), "serviceList[0].quantity", "required"),
    (kit.SOFTWARE, {}, (1, {"quantity": 1}), "serviceList[1].quantity", "excluded"),
    (kit.SOFTWARE, {}, (1, {"multiCycle": 3}), "serviceList[1].multiCycle", "eqfield"),
    (kit.SOFTWARE, {}, (1, {"connectionPlanId": DROP}), "serviceList[1].connectionPlanId", "required"),
    (kit.SOFTWARE, {}, (1, {"connectionPlanId": ENTERPRISE}), "serviceList[1].connectionPlanId", "eqfield"),
    (kit.SOFTWARE, {}, (0, {"serviceId": ENTERPRISE}), "serviceList[1].connectionPlanId", "eqfield"),
    (kit.SOFTWARE, {}, (1, {"serviceId": 3049037245301022720}), "serviceList[1].serviceId", "exists"),
    (kit.SOFTWARE, {}, (1, {"serviceType": "plan"}), "serviceList[1].serviceType", "plan_first"),
]


def changed(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (values | changes).items() if value is not DROP}


@pytest.mark.parametrize(("slug", "top", "line", "field", "tag"), CASES)
def test_a_wrong_body_is_refused_by_the_name_of_its_field(
    slug: str,
    top: dict[str, Any],
    line: tuple[int, dict[str, Any]],
    field: str,
    tag: str,
    api: httpx.Client,
    sandbox: Sandbox,
) -> None:
    body = kit.request_of(slug)
    index, changes = line
    body["serviceList"][index] = changed(body["serviceList"][index], changes)
    answer = api.post(kit.SAVE, json=changed(body, top))
    said = answer.json()
    assert (answer.status_code, said["status"], said["code"]) == (400, 400, "parameter_validation_failed")
    assert said["result"] == {"field": field, "tag": tag}
    assert field in said["detailMessage"]
    assert sandbox.ledger == []
    assert sandbox.attempts[0]["order_no"] is None


def test_disaster_recovery_hangs_only_on_the_ultimate_plan(api: httpx.Client) -> None:
    body = kit.request_of(kit.SOFTWARE)
    body["serviceList"][0]["serviceId"] = body["serviceList"][1]["connectionPlanId"] = ENTERPRISE
    said = api.post(kit.SAVE, json=body).json()
    assert said["result"] == {"field": "serviceList[1].serviceId", "tag": "supported"}
    assert "Disaster Recovery" in said["detailMessage"]


def test_a_service_is_not_ordered_twice_in_one_order(api: httpx.Client) -> None:
    body = kit.request_of(kit.SOFTWARE)
    body["serviceList"].append(body["serviceList"][1])
    assert api.post(kit.SAVE, json=body).json()["result"]["field"] == "serviceList[2].serviceId"


def test_a_renewal_keeps_the_number_of_extensions(api: httpx.Client) -> None:
    body = kit.request_of(kit.SOFTWARE) | {"operationType": "renew_plan", "productNo": "3651E1295466"}
    for line in body["serviceList"]:
        line["purchaseType"] = "renew"
    assert api.post(kit.SAVE, json=body).json()["result"] == {"field": "serviceList[0].quantity", "tag": "eq"}
    body["serviceList"][0]["quantity"] = 40
    kit.result(api.post(kit.SAVE, json=body))


def test_what_was_withdrawn_is_no_longer_sold(api: httpx.Client) -> None:
    api.delete(f"/_sandbox/services/{DISASTER_RECOVERY}")
    assert api.post(kit.SAVE, json=kit.request_of(kit.SOFTWARE)).json()["result"]["field"] == "serviceList[1].serviceId"
    api.delete("/_sandbox/plans/3048918321840570368")
    assert api.post(kit.SAVE, json=kit.request_of(kit.LINKUS)).json()["result"]["field"] == "serviceList[0].serviceId"


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b"\xff\xfe", "body"),
        (b'{"productId": NaN}', "body"),
        (b"[" * 100_000, "body"),
        (b'{"productId": 9, "productId": 9}', "productId"),
    ],
)
def test_a_body_that_is_no_plain_json_object_is_refused(raw: bytes, field: str, api: httpx.Client) -> None:
    answer = api.post(kit.SAVE, content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["result"]["field"] == field


def test_a_save_must_say_that_it_is_json(api: httpx.Client) -> None:
    answer = api.post(kit.SAVE, content=json.dumps(kit.request_of(kit.LINKUS)))
    assert answer.status_code == 415


@pytest.mark.parametrize("path", [kit.PARTNERS, kit.PAGE, kit.SAVE])
@pytest.mark.parametrize(
    "headers",
    [{"User-Agent": ""}, {"Authorization": ""}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic abc"}],
)
def test_no_agent_or_no_token_is_401(path: str, headers: dict[str, str], api: httpx.Client, sandbox: Sandbox) -> None:
    method = "POST" if path == kit.SAVE else "GET"
    content = json.dumps(kit.request_of(kit.LINKUS)) if path == kit.SAVE else None
    answer = api.request(method, path, headers={"Content-Type": "application/json"} | headers, content=content)
    assert answer.status_code == answer.json()["status"] == 401
    assert sandbox.ledger == []


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        (kit.PARTNERS, {"pageNo": 1}, "pageNo"),
        (kit.INFO, {}, "productId"),
        (kit.INFO, {"productId": 77}, "productId"),
        (kit.INFO, {"productId": 12, "productNo": "369471667338"}, "productNo"),
        (kit.DEVICES, {}, "productId"),
        (kit.DEVICES, {"productId": 12, "pageNo": 0}, "pageNo"),
        (kit.PAGE, {"pageSize": "many"}, "pageSize"),
        (kit.PAGE, {"sort": "orderNo"}, "sort"),
    ],
)
def test_a_wrong_query_is_refused_by_name(path: str, params: dict[str, Any], field: str, api: httpx.Client) -> None:
    answer = api.get(path, params=params)
    assert answer.status_code == 400
    assert answer.json()["result"]["field"] == field


def test_an_unknown_path_or_method_is_an_envelope_too(api: httpx.Client) -> None:
    assert api.get("/nowhere").json()["code"] == "not_found"
    assert api.put(kit.SAVE, json={}).json()["code"] == "method_not_allowed"
    assert api.get(kit.GET + "QQ0000000000000000000").json()["status"] == 404


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), slug=st.sampled_from(kit.SLUGS), value=ANYTHING)
def test_whatever_a_field_holds_the_answer_is_an_envelope(
    data: st.DataObject, slug: str, value: Any, api: httpx.Client
) -> None:
    body = kit.request_of(slug)
    place = data.draw(st.sampled_from([body, *body["serviceList"]]))
    place[data.draw(st.sampled_from([*place, "partnerId", "quantity", "poNumber", "assignId"]))] = value
    said = api.post(kit.SAVE, json=body).json()
    assert list(said) == ["code", "detailMessage", "requestId", "result", "status"]
    assert said["status"] in (200, 400)
