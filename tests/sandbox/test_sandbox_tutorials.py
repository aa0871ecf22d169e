"""The five tutorials are the oracle: their requests are accepted, their answers have the samples' shape."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from yeastar_api.sandbox import Sandbox

from . import kit


@pytest.mark.parametrize("slug", kit.SLUGS)
def test_a_tutorials_request_is_answered_with_exactly_the_samples_keys(slug: str, api: httpx.Client) -> None:
    sample = kit.response_of(slug)
    answer = api.post(kit.SAVE, json=kit.request_of(slug))
    said = answer.json()
    assert answer.status_code == 200
    assert list(said) == list(sample)
    assert list(said["result"]) == list(sample["result"])
    assert all(isinstance(value, str) for value in said["result"].values())
    assert said["result"]["productNo"] == sample["result"]["productNo"]
    assert said["result"]["orderStatus"] == "succeed"
    for name in ("orderNo", "transactionNo"):
        assert re.fullmatch(r"[A-Z]{2}[0-9]{19}", said["result"][name])
    assert re.fullmatch(r"[0-9a-f]{32}", said["requestId"])


@pytest.mark.parametrize("slug", kit.SLUGS)
def test_the_ids_a_tutorial_uses_are_offered(slug: str, api: httpx.Client) -> None:
    body = kit.request_of(slug)
    info = json.dumps(kit.result(api.get(kit.INFO, params={"productId": body["productId"]})))
    for line in body["serviceList"]:
        assert f'"{line["serviceId"]}"' in info
        assert f'"{line.get("connectionPlanId", line["serviceId"])}"' in info
    contacts = kit.result(api.get(kit.CONTACTS))
    assert str(body["billingId"]) in [contact["billingContactId"] for contact in contacts]


@pytest.mark.parametrize("slug", [kit.REMOTE, kit.RM_PREMIUM, kit.TURNKEY])
def test_an_account_product_can_be_bought_for_a_subordinate(slug: str, api: httpx.Client) -> None:
    partner = int(kit.result(api.get(kit.PARTNERS))[3]["partnerId"])
    receipt = kit.result(api.post(kit.SAVE, json=kit.request_of(slug) | {"partnerId": partner}))
    detail = kit.result(api.get(kit.GET + receipt["orderNo"]))
    assert detail["basicInformation"]["partnerId"] == str(partner)


def test_a_new_licence_becomes_a_new_pbx(api: httpx.Client) -> None:
    partner = int(kit.result(api.get(kit.PARTNERS))[0]["partnerId"])
    receipt = kit.result(api.post(kit.SAVE, json=kit.new_licence(partnerId=partner)))
    assert "orderId" not in receipt
    devices = kit.result(api.get(kit.DEVICES, params={"productId": 12, "pageNo": 2}))
    assert devices["total"] == 36
    new = next(row for row in devices["results"] if row["productNo"] == receipt["productNo"])
    assert new["activationStatus"] == "unactivated"
    assert new["partnerId"] == str(partner)


def test_a_licence_for_a_pbx_changes_that_pbx(api: httpx.Client) -> None:
    kit.result(api.post(kit.SAVE, json=kit.request_of(kit.SOFTWARE)))
    detail = kit.result(
        api.get("/product/openapi/instance_product/v1/detail", params={"productId": 12, "productNo": "3651E1292455"})
    )
    assert (detail["currentPlan"], detail["extensions"]) == ("Ultimate Plan", 100)


def test_the_same_body_twice_buys_twice(api: httpx.Client, sandbox: Sandbox) -> None:
    first, second = (kit.result(api.post(kit.SAVE, json=kit.request_of(kit.LINKUS))) for _ in "ab")
    assert first["orderNo"] != second["orderNo"]
    assert len(sandbox.ledger) == 2


def test_the_history_tells_of_the_order_and_of_its_po_number(api: httpx.Client) -> None:
    receipt = kit.result(api.post(kit.SAVE, json=kit.request_of(kit.TURNKEY) | {"poNumber": "PO 7/ü"}))
    row = kit.result(api.get(kit.PAGE, params={"sort": "-id", "pageSize": 1}))["results"][0]
    assert row["orderNo"] == receipt["orderNo"]
    assert row["id"] == receipt["orderId"]
    assert row["customReferenceNo"] == "PO 7/ü"
    assert row["createTime"] > 10**11
    detail = kit.result(api.get(kit.GET + receipt["orderId"]))
    assert list(detail) == ["basicInformation", "billingInformation", "orderInformation", "orderSummary"]
    assert detail["orderInformation"]["transactionNo"] == receipt["transactionNo"]
    assert detail["orderSummary"]["serviceList"][0]["serviceId"] == "3049032137219817472"


@pytest.mark.parametrize(
    ("product", "operation", "line"),
    [
        (9, "switch_plan", {"serviceId": 3048918690155954177, "multiCycle": 2}),
        (11, "renew_plan", {"serviceId": 3048929411652976641, "billingCycle": "monthly", "multiCycle": 0}),
        (12, "renew_plan", {"serviceId": 3049041101760282624, "quantity": 60, "multiCycle": 1}),
        (14, "purchase_plan", {"serviceId": 3048941892189077504, "multiCycle": 0}),
        (15, "renew_plan", {"serviceId": 3049036224189325312, "multiCycle": 1}),
    ],
)
def test_operations_beyond_the_tutorials_are_accepted(
    product: int, operation: str, line: dict[str, object], api: httpx.Client
) -> None:
    usual = {"serviceType": "plan", "purchaseType": operation.split("_")[0], "billingModel": "recurring"}
    body = {"operationType": operation, "productId": product, "billingId": 3197218168379846218}
    body["serviceList"] = [usual | {"billingCycle": "annually"} | line]
    serial = {9: "369471667338", 11: "3631A2204417", 12: "3651E1298477"}.get(product)
    kit.result(api.post(kit.SAVE, json=body | ({"productNo": serial} if serial else {})))


def test_a_trial_takes_no_billing_fields(api: httpx.Client) -> None:
    line = {"serviceType": "service", "serviceId": 3375819276601303040, "purchaseType": "trial"}
    body = {"operationType": "trial_service", "productId": 21, "serviceList": [line]}
    kit.result(api.post(kit.SAVE, json=body))
    refused = api.post(kit.SAVE, json=body | {"serviceList": [line | {"multiCycle": 0}]}).json()
    assert refused["result"]["field"] == "serviceList[0].multiCycle"


def test_a_cloud_pbx_needs_its_special_request(api: httpx.Client) -> None:
    line = {"serviceType": "plan", "serviceId": 3049040155694428161, "quantity": 20, "purchaseType": "purchase"}
    line |= {"billingModel": "recurring", "billingCycle": "annually", "multiCycle": 1}
    body = {"operationType": "purchase_plan", "productId": 13, "billingId": 3197218168379846218, "serviceList": [line]}
    assert api.post(kit.SAVE, json=body).json()["result"]["field"] == "orderPceSpecialRequest"
    special = {"pbxName": "north", "regionId": 3, "pbxSubDomainId": 8}
    assert kit.result(api.post(kit.SAVE, json=body | {"orderPceSpecialRequest": special}))["productNo"].startswith(
        "3641P"
    )
