"""Whoever watches the calls is told of each exchange, and can neither break one nor learn a token from it."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from tests.conftest import portal_for
from tests.yeastar_api.kit import portal_on
from yeastar_api.auth import MemoryTokenStore, Token
from yeastar_api.errors import ApiError, NotDelivered, Refused, Unanswered
from yeastar_api.sandbox import Sandbox


class Watcher:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ApiError | None, float, float]] = []

    def __call__(self, *told: Any) -> None:
        self.told.append(told)

    @property
    def calls(self) -> list[tuple[str, str]]:
        return [(call, type(error).__name__ if error else "") for call, error, *_ in self.told]


def test_each_exchange_is_told_with_its_time_the_token_call_too(sandbox: Sandbox) -> None:
    watcher = Watcher()
    with portal_for(httpx.WSGITransport(app=sandbox), observe=watcher) as portal:
        portal.products()
        portal.partners()
    assert watcher.calls == [("token", ""), ("product_list", ""), ("partner_list", "")]
    for _, _, seconds, at in watcher.told:
        assert 0 <= seconds < 10
        assert abs(at - time.time()) < 10


def test_each_repetition_is_an_exchange_of_its_own(sandbox: Sandbox) -> None:
    watcher = Watcher()
    sandbox.fault("product_list", "status", status=503, times=2)
    with portal_for(httpx.WSGITransport(app=sandbox), observe=watcher, sleep=lambda _: None) as portal:
        portal.products()
    assert [call for call in watcher.calls if call[0] != "token"] == [
        ("product_list", "Unanswered"),
        ("product_list", "Unanswered"),
        ("product_list", ""),
    ]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"http_status": 400, "kind": "refuse"}, Refused),
        ({"status": 502, "kind": "status"}, Unanswered),
        ({"status": 429, "kind": "status"}, NotDelivered),
    ],
    ids=["refused", "unanswered", "not delivered"],
)
def test_a_save_is_told_once_with_its_error(answer: dict[str, Any], kind: type[ApiError], sandbox: Sandbox) -> None:
    watcher = Watcher()
    sandbox.fault("save", **answer)
    with portal_for(httpx.WSGITransport(app=sandbox), observe=watcher) as portal, pytest.raises(kind) as caught:
        portal.save(b"{}")
    assert watcher.calls == [("token", ""), ("save", kind.__name__)]
    assert watcher.told[-1][1] is caught.value


def test_without_a_token_both_the_token_call_and_the_call_that_needed_it_have_failed(sandbox: Sandbox) -> None:
    watcher = Watcher()
    sandbox.fault("token", "refuse", detailMessage="IP not on the list", times=None)
    with portal_for(httpx.WSGITransport(app=sandbox), observe=watcher) as portal, pytest.raises(NotDelivered):
        portal.save(b"{}")
    assert watcher.calls == [("token", "NotDelivered"), ("save", "NotDelivered")]


def test_a_watcher_that_fails_changes_nothing(sandbox: Sandbox) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("no")

    with portal_for(httpx.WSGITransport(app=sandbox), observe=broken) as portal:
        assert portal.products()
        sandbox.fault("save", "refuse", http_status=400)
        with pytest.raises(Refused):
            portal.save(b"{}")


def test_no_token_is_told(sandbox: Sandbox) -> None:
    watcher = Watcher()
    store = MemoryTokenStore()
    with portal_for(httpx.WSGITransport(app=sandbox), observe=watcher) as portal:
        portal._auth._store = store
        sandbox.fault("product_list", "status", status=401, times=None)
        with pytest.raises(NotDelivered):
            portal.products()
        token = store.get()
    assert token
    told = [[*each[:1], vars(each[1]) if each[1] else None] for each in watcher.told]
    assert token.value not in repr(told)
    assert "sandbox-secret" not in repr(told)


def test_the_tokens_times_are_known_and_its_value_is_not(sandbox: Sandbox) -> None:
    with portal_for(httpx.WSGITransport(app=sandbox)) as portal:
        assert portal.token_times() is None
        assert sandbox.calls.get("token", 0) == 0, "to look is not to ask"
        portal.products()
        times = portal.token_times()
    assert times
    assert times.obtained_at
    assert abs(times.obtained_at - time.time()) < 10
    assert times.expires_at > times.obtained_at


def test_a_token_of_before_is_good_though_nobody_knows_when_it_was_got() -> None:
    store = MemoryTokenStore()
    store.put(Token("a-token-of-some-length", time.time() + 1800))
    with portal_on(lambda _: httpx.Response(500), token_store=store) as portal:
        times = portal.token_times()
    assert times
    assert times.obtained_at is None
