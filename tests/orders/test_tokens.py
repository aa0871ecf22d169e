"""The one access token in a real Valkey: shared, renewed by one, and never a reason to hang."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import redis

from orders.tokens import RedisTokenStore
from portal.run.environment import free_port
from portal.run.valkey import Valkey
from yeastar_api.auth import Token, TokenStoreUnavailable
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError, NotDelivered
from yeastar_api.sandbox import Sandbox

CREDENTIALS = ("http://sandbox.test", "sandbox-client", "sandbox-secret")


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real Valkey, the one that `make run` embeds."""
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    process = subprocess.Popen(server.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with redis.Redis.from_url(server.url) as client:
            for _ in range(200):
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    time.sleep(0.05)
        yield server.url
    finally:
        process.kill()
        process.wait(10)


@pytest.fixture
def store(valkey: str) -> Iterator[RedisTokenStore]:
    """An empty store."""
    with redis.Redis.from_url(valkey) as client:
        client.flushdb()
    made = RedisTokenStore(valkey, *CREDENTIALS)
    yield made
    made._redis.close()


@pytest.fixture
def portals(valkey: str, store: RedisTokenStore, sandbox: Sandbox) -> Iterator[Callable[[], PartnerPortal]]:
    """Clients as separate processes would have them: each with its own store on the same Valkey."""
    opened: list[tuple[PartnerPortal, RedisTokenStore]] = []

    def opening() -> PartnerPortal:
        own = RedisTokenStore(valkey, *CREDENTIALS)
        base_url, client_id, client_secret = CREDENTIALS
        client = PartnerPortal(
            base_url=base_url,
            client_id=client_id,
            client_secret=client_secret,
            token_store=own,
            transport=httpx.WSGITransport(app=sandbox),
        )
        opened.append((client, own))
        return client

    yield opening
    for client, own in opened:
        client.close()
        own._redis.close()


def test_what_one_process_puts_another_gets(store: RedisTokenStore, valkey: str) -> None:
    assert store.get() is None
    other = RedisTokenStore(valkey, *CREDENTIALS)
    store.put(Token("abc", 1234.5))
    assert other.get() == Token("abc", 1234.5)
    other._redis.close()


def test_when_it_was_got_is_kept_and_a_token_of_an_earlier_version_is_still_read(store: RedisTokenStore) -> None:
    store.put(Token("abc", 1234.5, 1200.0))
    assert store.get() == Token("abc", 1234.5, 1200.0)
    store._redis.set(store._key, '{"value": "abc", "expires_at": 1234.5}')
    assert store.get() == Token("abc", 1234.5)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_another_host_client_or_secret_has_another_token(place: int, store: RedisTokenStore, valkey: str) -> None:
    store.put(Token("abc", 1.0))
    credentials = list(CREDENTIALS)
    credentials[place] += "-other"
    other = RedisTokenStore(valkey, *credentials)
    assert other.get() is None
    other._redis.close()


def test_the_secret_is_not_in_the_name_of_the_key(store: RedisTokenStore, valkey: str) -> None:
    store.put(Token("abc", 1.0))
    with redis.Redis.from_url(valkey) as client:
        assert b"secret" not in b"".join(client.keys("*"))


def test_one_at_a_time_renews(store: RedisTokenStore) -> None:
    with store.lock(blocking=False) as mine:
        assert mine
        with store.lock(blocking=False) as second:
            assert not second
    with store.lock(blocking=False) as again:
        assert again


def test_a_lock_that_ended_by_itself_is_no_error(store: RedisTokenStore, valkey: str) -> None:
    with store.lock(blocking=False) as mine, redis.Redis.from_url(valkey) as client:
        assert mine
        client.flushdb()


@pytest.mark.parametrize("threads", [16])
def test_sixteen_threads_of_two_clients_with_an_expired_token_make_one_token_call(
    threads: int, portals: Callable[[], PartnerPortal], store: RedisTokenStore, sandbox: Sandbox
) -> None:
    store.put(Token("ended-long-ago", time.time() - 60))
    clients = [portals(), portals()]
    start = threading.Barrier(threads)
    found: list[object] = []

    def ask(client: PartnerPortal) -> None:
        start.wait(10)
        try:
            found.append(len(client.partners()))
        except ApiError as error:
            found.append(error)

    people = [threading.Thread(target=ask, args=(clients[number % 2],)) for number in range(threads)]
    for person in people:
        person.start()
    for person in people:
        person.join(20)
    assert found == [22] * threads
    assert sandbox.calls["token"] == 1
    token = store.get()
    assert token is not None
    assert token.expires_at > time.time()


def test_a_token_that_the_vendor_ended_is_renewed_once_for_all(
    portals: Callable[[], PartnerPortal], sandbox: Sandbox
) -> None:
    one, other = portals(), portals()
    one.partners()
    sandbox.expire_tokens()
    assert len(one.partners()) == len(other.partners()) == 22
    assert sandbox.calls["token"] == 2


def test_without_a_valkey_the_store_says_so_and_nothing_is_sent(sandbox: Sandbox) -> None:
    store = RedisTokenStore(f"redis://127.0.0.1:{free_port()}/0", *CREDENTIALS)
    for question in (store.get, lambda: store.put(Token("abc", 1.0)), lambda: store.lock(blocking=True).__enter__()):
        with pytest.raises(TokenStoreUnavailable):
            question()
    base_url, client_id, client_secret = CREDENTIALS
    with PartnerPortal(
        base_url=base_url,
        client_id=client_id,
        client_secret=client_secret,
        token_store=store,
        transport=httpx.WSGITransport(app=sandbox),
        get_budget_seconds=0.5,
    ) as client:
        with pytest.raises(NotDelivered, match="token store is unavailable"):
            client.partners()
        with pytest.raises(NotDelivered, match="token store is unavailable"):
            client.save(b"{}")
    assert sandbox.calls == {}
    store._redis.close()


@pytest.mark.parametrize(
    "rubbish", ["", "not json", "[]", "1", "[1]", "null", '{"value": 1}', '{"value": "x", "other": 2}', b"\xff"]
)
def test_rubbish_under_the_key_is_no_token(rubbish: str | bytes, store: RedisTokenStore) -> None:
    store._redis.set(store._key, rubbish)
    assert store.get() is None


def test_the_kept_file_of_the_embedded_valkey_is_private(tmp_path: Path) -> None:
    server = Valkey(tmp_path)
    assert (tmp_path / "valkey").stat().st_mode & 0o077 == 0
    assert (tmp_path / "valkey" / "valkey.conf").stat().st_mode & 0o077 == 0
    assert server.password not in " ".join(server.command)
