"""What the sandbox's tests share: paths, tutorial bodies, short ways to call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

TOKEN = "/auth/openapi/v1/oauth/token"
PARTNERS = "/user/openapi/user/v1/client/partner_list"
CONTACTS = "/user/openapi/user/v1/client/billing_contact_list"
INFO = "/pricing/openapi/purchase/v1/purchase_product_info"
DEVICES = "/product/openapi/instance_product/v1/client/instance_product_list"
SAVE = "/order/openapi/order/v1/save"
PAGE = "/order/openapi/order/v1/page"
GET = "/order/openapi/order/v1/get/"

CREDENTIALS = {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "grant_type": "pp_credentials"}

TUTORIALS = Path(__file__).parent.parent / "tutorials"
SLUGS = sorted(path.name.removesuffix(".request.json") for path in TUTORIALS.glob("*.request.json"))
LINKUS, REMOTE, RM_PREMIUM, SOFTWARE, TURNKEY = SLUGS


@contextmanager
def client(url: str, transport: httpx.BaseTransport | None = None) -> Iterator[httpx.Client]:
    """A client that holds a token."""
    agent = {"User-Agent": "OpenAPI"}
    with httpx.Client(base_url=url, transport=transport, headers=agent, trust_env=False, timeout=5) as made:
        made.headers["Authorization"] = f"Bearer {result(made.post(TOKEN, data=CREDENTIALS))['token']}"
        yield made


def request_of(slug: str) -> dict[str, Any]:
    return json.loads((TUTORIALS / f"{slug}.request.json").read_text())


def response_of(slug: str) -> dict[str, Any]:
    return json.loads((TUTORIALS / f"{slug}.response.json").read_text())


def new_licence(**changes: Any) -> dict[str, Any]:
    """The Software Edition's sample without its PBX: a new licence."""
    body = request_of(SOFTWARE) | changes
    del body["productNo"]
    return body


def result(response: httpx.Response) -> Any:
    assert response.json()["code"] == "success", response.text
    return response.json()["result"]
