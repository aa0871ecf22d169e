"""Tokens, lists, pages and users answer as the reference says."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from yeastar_api.sandbox import Sandbox
from yeastar_api.sandbox.catalogue import MODIFIERS, PRODUCTS, SHAPES

from . import kit


@pytest.mark.parametrize("form", ["urlencoded", "multipart"])
def test_a_token_is_had_by_either_form_and_renewed(form: str, api: httpx.Client) -> None:
    def ask(fields: dict[str, str]) -> httpx.Response:
        if form == "urlencoded":
            return api.post(kit.TOKEN, data=fields)
        return api.post(kit.TOKEN, files={name: (None, value) for name, value in fields.items()})

    given = kit.result(ask(kit.CREDENTIALS))
    assert list(given) == ["token", "tokenHead", "expiresIn", "refreshToken"]
    assert given["expiresIn"] == "1800"
    renewed = kit.result(ask({"grant_type": "refresh_token", "refresh_token": given["refreshToken"]}))
    assert renewed["token"] != given["token"]
    for token in (given["token"], renewed["token"]):
        assert api.get(kit.PARTNERS, headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"client_id": "wrong"}, 401),
        ({"client_secret": ""}, 400),
        ({"grant_type": "password"}, 400),
        ({"extra": "1"}, 400),
        ({"grant_type": "refresh_token"}, 400),
        ({"grant_type": "refresh_token", "refresh_token": "wrong"}, 401),
    ],
)
def test_wrong_credentials_get_no_token(change: dict[str, str], status: int, api: httpx.Client) -> None:
    answer = api.post(kit.TOKEN, data=kit.CREDENTIALS | change)
    assert answer.status_code == answer.json()["status"] == status


def test_a_token_ends_after_its_seconds() -> None:
    now = [1_800_000_000.0]
    sandbox = Sandbox(clock=lambda: now[0], client_id="sandbox-client", client_secret="sandbox-secret")
    with kit.client("http://sandbox.test", httpx.WSGITransport(app=sandbox)) as api:
        now[0] += 1799
        assert api.get(kit.PARTNERS).status_code == 200
        now[0] += 2
        assert api.get(kit.PARTNERS).status_code == 401


def test_a_new_token_can_be_made_to_end_the_old(api: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.configure(new_token_ends_old=True)
    api.post(kit.TOKEN, data=kit.CREDENTIALS)
    assert api.get(kit.PARTNERS).status_code == 401


def test_partners_and_contacts_are_whole_lists_of_strings(api: httpx.Client) -> None:
    partners, contacts = kit.result(api.get(kit.PARTNERS)), kit.result(api.get(kit.CONTACTS))
    assert (len(partners), len(contacts)) == (22, 20)
    assert all(isinstance(value, str) for row in partners + contacts for value in row.values())
    assert all(int(row["partnerId"]) > 2**53 for row in partners)
    assert len({row["partnerId"] for row in partners}) == 22
    assert sum(row["company"] == "" for row in partners) == 1
    assert any("'" in row["company"] for row in partners)
    assert max(len(row["company"]) for row in partners) > 100


def test_every_answer_says_that_it_is_the_sandbox(api: httpx.Client) -> None:
    for path in (kit.PARTNERS, "/nowhere", "/_sandbox/", "/_sandbox/calls", "/_sandbox/nowhere"):
        assert api.get(path).headers["X-Sandbox"] == "yeastar-sandbox"


def test_pages_cover_every_row_once_in_both_directions(api: httpx.Client) -> None:
    def walk(sort: str) -> list[str]:
        rows: list[str] = []
        for number in range(1, 4):
            page = kit.result(api.get(kit.PAGE, params={"pageNo": number, "pageSize": 5, "sort": sort}))
            assert (page["count"], page["total"], page["totalPage"]) == (12, 12, 3)
            rows += [row["id"] for row in page["results"]]
        return rows

    assert walk("id") == walk("-id")[::-1]
    assert sorted(walk("id"), key=int) == walk("id")
    assert kit.result(api.get(kit.PAGE, params={"pageNo": 9}))["results"] == []
    assert kit.result(api.get(kit.PAGE, params={"pageNo": 9, "sort": "-id"}))["results"] == []


def test_there_are_more_pbxs_than_one_page_holds(api: httpx.Client) -> None:
    first = kit.result(api.get(kit.DEVICES, params={"productId": 12}))
    assert (first["pageSize"], len(first["results"]), first["total"]) == (25, 25, 35)


def test_a_too_large_page_is_made_smaller_and_says_so(api: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.configure(page_size_max=10)
    page = kit.result(api.get(kit.DEVICES, params={"productId": 12, "pageSize": 500}))
    assert (page["pageSize"], len(page["results"])) == (10, 10)


def test_countries_are_searched_and_sorted_by_name(api: httpx.Client) -> None:
    page = kit.result(api.get("/user/openapi/area/v1/page", params={"name": "land", "sort": "-name"}))
    names = [row["name"] for row in page["results"]]
    assert names == sorted(names, reverse=True)
    assert "Ireland" in names


def test_product_list_names_what_can_be_bought(api: httpx.Client) -> None:
    rows = kit.result(api.get("/pricing/openapi/purchase/v1/product_list"))
    assert {"name": "Remote Management", "productId": "15"} in rows
    assert {row["productId"] for row in rows} == {str(product) for product in PRODUCTS}


def found_ids(value: Any, key: str) -> set[int]:
    """Every id under a key, wherever it lies."""
    if isinstance(value, dict):
        here = {int(value[key])} if key in value else set()
        return here.union(*(found_ids(inner, key) for inner in value.values()))
    return set().union(*(found_ids(inner, key) for inner in value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("product", sorted(PRODUCTS))
@pytest.mark.parametrize("shape", [[shape, *extra] for shape in SHAPES for extra in ([], MODIFIERS)])
def test_every_shape_of_the_catalogue_offers_the_same(
    shape: list[str], product: int, api: httpx.Client, sandbox: Sandbox
) -> None:
    sandbox.configure(catalogue_shape=shape)
    answer = api.get(kit.INFO, params={"productId": product})
    offered, known = kit.result(answer), PRODUCTS[product]
    plans, services = found_ids(offered, "planId"), found_ids(offered, "serviceId")
    assert plans == {plan.id for plan in known.plans}
    assert services == {item.id for plan in known.plans for item in plan.services} | {
        item.id for item in known.services
    }
    assert ("Name" in answer.text) == ("bare" not in shape)


def test_a_user_is_made_found_and_changed(api: httpx.Client) -> None:
    new = {"userType": "Customer", "yeastarId": "zoe@new.example", "country": "Côte d'Ivoire", "firstName": "Zoé"}
    assert kit.result(api.post("/user/openapi/user/v1/client/save_user", json=new)) is True
    again = api.post("/user/openapi/user/v1/client/save_user", json=new).json()
    assert again["code"] == "user_already_exists"
    change = {"userType": "Customer", "yeastarId": "ZOE@new.example", "company": "New & Sons"}
    assert kit.result(api.post("/user/openapi/user/v1/client/edit_user", json=change)) is True
    user = kit.result(api.get("/user/openapi/user/v1/subordinate_user/zoe@new.example"))
    assert (user["company"], user["firstName"], user["country"]) == ("New & Sons", "Zoé", "Côte d'Ivoire")
    assert user in kit.result(api.get(kit.PARTNERS))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"country": "Atlantis"}, "country"),
        ({"yeastarId": "nobody"}, "yeastarId"),
        ({"userType": "Enduser"}, "userType"),
        ({"firstName": ""}, "firstName"),
        ({"taxType": "none"}, "taxType"),
        ({"nickname": "Z"}, "nickname"),
    ],
)
def test_a_wrong_user_is_refused_by_field(change: dict[str, str], field: str, api: httpx.Client) -> None:
    new = {"userType": "Customer", "yeastarId": "zoe@new.example", "country": "France", "firstName": "Zoé"}
    answer = api.post("/user/openapi/user/v1/client/save_user", json=new | change)
    assert answer.json()["result"]["field"] == field


def test_auto_renewal_is_off_until_switched_on(api: httpx.Client) -> None:
    about = {"productNo": "3651E1292455", "productId": 12}
    path = "/order/openapi/order/v1/check/existed_auto_renew"
    assert kit.result(api.get(path, params=about)) == {"autoRenew": False}
    active = "/product/openapi/instance_subscription/v1/active"
    kit.result(api.post(active, json=about | {"planOrServiceId": 3049041101760282624}))
    assert kit.result(api.get(path, params=about)) == {"autoRenew": True}
