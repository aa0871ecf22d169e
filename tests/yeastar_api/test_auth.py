"""The token: shared, renewed by one, never shown."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from tests.yeastar_api.kit import RECEIPT, SECRET, TOKEN_PATH, Script, envelope, ok, portal_on, token_value
from yeastar_api.auth import MemoryTokenStore, Token, TokenStoreUnavailable
from yeastar_api.errors import NotDelivered, Refused


def stored(seconds, value="an-older-token-of-some-length"):
    store = MemoryTokenStore()
    store.put(Token(value, time.time() + seconds))
    return store


def later(monkeypatch, seconds):
    """Let the clock on the wall show a later time."""
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + seconds)


def bearer(request):
    return request.headers["Authorization"].removeprefix("Bearer ")


def test_the_token_call_is_the_documented_form():
    seen = []

    def handler(request):
        seen.append(request)
        return ok({"token": token_value(1), "expiresIn": "1800"}) if request.url.path == TOKEN_PATH else ok([])

    portal_on(handler, client_id="id&1", user_agent="OpenAPI").partners()
    call = seen[0]
    assert (call.method, call.url.path) == ("POST", TOKEN_PATH)
    assert call.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert call.headers["User-Agent"] == "OpenAPI"
    assert "Authorization" not in call.headers
    assert dict(httpx.QueryParams(call.content.decode())) == {
        "client_id": "id&1",
        "client_secret": SECRET,
        "grant_type": "pp_credentials",
    }


def test_one_token_serves_many_calls():
    script = Script(lambda _: ok([]))
    portal = portal_on(script)
    for _ in range(3):
        portal.partners()
    assert script.tokens == 1


def test_a_token_that_another_process_stored_is_used():
    script = Script(lambda _: ok([]))
    portal_on(script, token_store=stored(1800, "theirs")).partners()
    assert (script.bearers[0], script.tokens) == ("theirs", 0)


def test_sixteen_threads_with_an_expired_token_make_one_token_call():
    script = Script(lambda _: ok([]))

    def slowly(request):
        if request.url.path == TOKEN_PATH:
            time.sleep(0.05)
        return script(request)

    portal = portal_on(slowly, token_store=stored(-1))
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: portal.partners(), range(16)))
    assert script.tokens == 1
    assert set(script.bearers) == {token_value(1)}


def test_sixteen_threads_of_as_many_processes_make_one_token_call():
    script = Script(lambda _: ok([]))
    store = stored(-1)
    portals = [portal_on(script, token_store=store) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda portal: portal.partners(), portals))
    assert script.tokens == 1


def test_sixteen_threads_that_meet_a_401_together_make_one_token_call():
    together = threading.Barrier(16, timeout=5)

    def answer(request):
        if bearer(request) == token_value(1):
            return ok([])
        together.wait()
        return httpx.Response(401)

    script = Script(answer)
    portal = portal_on(script, token_store=stored(1800))
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: portal.partners(), range(16)))
    assert script.tokens == 1
    assert len(script.calls) == 32


def test_sixteen_threads_with_a_wrong_secret_ask_once_together():
    calls = []
    asked = threading.Barrier(16, timeout=5)

    def refuse(request):
        calls.append(request.url.path)
        time.sleep(0.5)
        return httpx.Response(401, json=envelope(code="invalid_client", detail=f"not {SECRET}", status=401))

    portal = portal_on(refuse)

    def call(_):
        asked.wait()
        with pytest.raises(NotDelivered) as caught:
            portal.partners()
        return caught.value

    with ThreadPoolExecutor(16) as pool:
        errors = list(pool.map(call, range(16)))
    assert calls == [TOKEN_PATH]
    assert {(error.call, error.code, error.detail) for error in errors} == {("token", "invalid_client", "not [secret]")}


def test_after_a_401_a_token_that_somebody_renewed_meanwhile_is_used():
    store = stored(1800, "the-old-one")

    def answer(request):
        if bearer(request) == "the-old-one":
            store.put(Token("the-new-one", time.time() + 1800))
            return httpx.Response(401)
        return ok([])

    script = Script(answer)
    portal_on(script, token_store=store).partners()
    assert script.bearers == ["the-old-one", "the-new-one"]
    assert script.tokens == 0


def test_near_its_end_the_token_is_renewed_by_one_while_others_go_on_with_it(monkeypatch):
    store = stored(1800, "still-good")
    renewing, go_on = threading.Event(), threading.Event()
    script = Script(lambda _: ok([]))

    def handler(request):
        if request.url.path == TOKEN_PATH:
            renewing.set()
            assert go_on.wait(5)
        return script(request)

    portal = portal_on(handler, token_store=store)
    portal.partners()
    later(monkeypatch, 1550)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(portal.partners)
        assert renewing.wait(5)
        portal.partners()
        go_on.set()
        first.result()
    assert script.bearers == ["still-good", "still-good", token_value(1)]
    assert script.tokens == 1


def test_a_short_lived_token_is_not_renewed_all_the_time():
    script = Script(lambda _: ok([]))
    portal = portal_on(script, token_store=stored(60))
    portal.partners()
    portal.partners()
    assert script.tokens == 0


def test_a_renewal_ahead_of_time_that_fails_costs_nothing_and_is_not_repeated_at_once(caplog, monkeypatch):
    store = stored(1800, "still-good-and-secret")
    token_calls = []

    def handler(request):
        if request.url.path == TOKEN_PATH:
            token_calls.append(request)
            raise httpx.ConnectError("no")
        return ok([])

    portal = portal_on(handler, token_store=store)
    portal.partners()
    later(monkeypatch, 1550)
    with caplog.at_level(logging.DEBUG):
        portal.partners()
        portal.partners()
    assert len(token_calls) == 1
    assert "still-good-and-secret" not in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "respond",
    [
        lambda: httpx.Response(401, json=envelope(code="invalid_client", detail="wrong secret", status=401)),
        lambda: httpx.Response(400, json=envelope(code="invalid_client", status=400)),
        lambda: httpx.Response(200, json=envelope(code="invalid_client", status=400)),
        lambda: httpx.Response(302, headers={"Location": "/"}),
        lambda: httpx.Response(200, html="<html>"),
        lambda: ok({}),
        lambda: ok({"token": None}),
        lambda: ok({"token": "with a blank"}),
        lambda: ok({"token": "line\nbreak"}),
        lambda: ok(["token"]),
    ],
)
def test_a_token_call_that_is_answered_without_a_token_is_asked_once_and_not_delivered(respond):
    calls = []

    def handler(request):
        calls.append(request.url.path)
        return respond()

    portal = portal_on(handler)
    with pytest.raises(NotDelivered) as caught:
        portal.partners()
    assert caught.value.call == "token"
    assert caught.value.detail
    assert calls == [TOKEN_PATH]


def test_a_lifetime_that_is_not_told_is_taken_to_be_short():
    portal = portal_on(lambda _: ok({"token": token_value(1), "expiresIn": None}))
    assert portal.check_token() == pytest.approx(time.time() + 300, abs=5)


class BrokenStore(MemoryTokenStore):
    """Fails in one of its three methods."""

    def __init__(self, broken, error):
        super().__init__()
        self.broken, self.error = broken, error

    def get(self):
        return self.fail("get") or super().get()

    def put(self, token):
        self.fail("put")
        super().put(token)

    @contextmanager
    def lock(self, *, blocking):
        self.fail("lock")
        with super().lock(blocking=blocking) as mine:
            yield mine

    def fail(self, method):
        if self.broken == method:
            raise self.error


@pytest.mark.parametrize("method", ["get", "put", "lock"])
@pytest.mark.parametrize("error", [TokenStoreUnavailable("redis is away"), RuntimeError(token_value(1))])
def test_a_token_store_in_trouble_means_not_delivered(method, error):
    script = Script(lambda _: ok(RECEIPT))
    with pytest.raises(NotDelivered) as caught:
        portal_on(script, token_store=BrokenStore(method, error)).save(b"{}")
    assert caught.value.call == "token"
    assert script.calls == []
    assert token_value(1) not in f"{caught.value} {vars(caught.value)} {caught.value.__cause__}"


def test_waiting_for_another_process_that_never_finishes_ends_with_the_budget():
    store = stored(-1)
    with store.lock(blocking=True), pytest.raises(NotDelivered, match="another process"):
        portal_on(Script(lambda _: ok([])), token_store=store, get_budget_seconds=0.2).partners()


def test_a_token_shows_itself_in_no_repr_log_or_error(caplog):
    caplog.set_level(logging.DEBUG)
    script = Script(lambda _: httpx.Response(400, json=envelope(code="bad", status=400)))
    portal = portal_on(script)
    with pytest.raises(Refused) as caught:
        portal.partners()
    shown = f"{Token(token_value(1), 1.0)!r} {portal!r} {vars(caught.value)} {caplog.text}"
    assert token_value(1) not in shown
    assert SECRET not in shown


def test_renew_token_replaces_a_token_that_still_holds():
    store = stored(1800, "still-good")
    script = Script(lambda _: ok([]))
    portal = portal_on(script, token_store=store)
    assert portal.check_token() == pytest.approx(time.time() + 1800, abs=5)
    assert script.tokens == 0
    portal.renew_token()
    assert store.get().value == token_value(1)
