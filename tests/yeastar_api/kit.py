"""What the tests of the API client share: a portal on a scripted transport, and honest answers."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from yeastar_api.auth import MemoryTokenStore, Token
from yeastar_api.client import PartnerPortal

TUTORIALS = Path(__file__).parents[1] / "tutorials"
SLUGS = sorted(path.name.removesuffix(".request.json") for path in TUTORIALS.glob("*.request.json"))

SECRET = "a-client-secret-that-must-never-be-shown"
TOKEN_PATH = "/auth/openapi/v1/oauth/token"
SAVE_PATH = "/order/openapi/order/v1/save"
RECEIPT = {"orderNo": "QG3402614624696700928", "orderStatus": "succeed"}

Handler = Callable[[httpx.Request], httpx.Response]


def envelope(result: Any = None, *, code: str = "success", status: Any = 200, detail: str = "") -> dict[str, Any]:
    return {"code": code, "detailMessage": detail, "requestId": "req-1", "result": result, "status": status}


def ok(result: Any = None) -> httpx.Response:
    return httpx.Response(200, json=envelope(result))


class Script:
    """A transport's handler: gives out tokens `token-…-1`, `token-…-2`, …; anything else goes to `answer`."""

    def __init__(self, answer: Handler) -> None:
        self.answer = answer
        self.calls: list[str] = []
        self.requests: list[httpx.Request] = []
        self.bearers: list[str] = []
        self.tokens = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == TOKEN_PATH:
            self.tokens += 1
            return ok({"token": token_value(self.tokens), "tokenHead": "Bearer", "expiresIn": "1800"})
        self.calls.append(request.url.path)
        self.requests.append(request)
        # A renewal rewrites the header of the same request object, so it is noted as it passes.
        self.bearers.append(request.headers["Authorization"].removeprefix("Bearer "))
        return self.answer(request)


def token_value(number: int) -> str:
    return f"token-of-a-length-like-theirs-{number}"


def portal_on(handler: Handler | httpx.BaseTransport, **settings: Any) -> PartnerPortal:
    transport = handler if isinstance(handler, httpx.BaseTransport) else httpx.MockTransport(handler)
    given: dict[str, Any] = {
        "base_url": "https://portal.test",
        "client_id": "an-id",
        "client_secret": SECRET,
        "token_store": MemoryTokenStore(),
        "transport": transport,
        "sleep": lambda _: None,
    }
    return PartnerPortal(**given | settings)


def portal_at(url: str, *, budget: float = 5.0, **settings: Any) -> PartnerPortal:
    """A portal on real sockets that holds a token already."""
    store = MemoryTokenStore()
    store.put(Token("an-older-token-of-some-length", time.time() + 1800))
    given: dict[str, Any] = {
        "base_url": url,
        "client_id": "an-id",
        "client_secret": SECRET,
        "token_store": store,
        "get_budget_seconds": budget,
        "save_budget_seconds": budget,
    }
    return PartnerPortal(**given | settings)


def tutorial(slug: str, kind: str) -> Any:
    return json.loads((TUTORIALS / f"{slug}.{kind}.json").read_text())
