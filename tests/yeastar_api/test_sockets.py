"""The same promises on a real network: what a save and a list make of servers that misbehave."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.yeastar_api.kit import RECEIPT, SECRET, envelope, token_value
from tests.yeastar_api.socket_server import UNAUTHORISED, SocketServer, http, reset
from yeastar_api.auth import MemoryTokenStore, Token
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import NotDelivered, Refused, Unanswered

BOUGHT = http(200, envelope(RECEIPT))
TOKEN = http(200, envelope({"token": token_value(1), "expiresIn": "1800"}))
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def portal(url, *, budget=5.0):
    store = MemoryTokenStore()
    store.put(Token("an-older-token-of-some-length", time.time() + 1800))
    return PartnerPortal(
        base_url=url,
        client_id="an-id",
        client_secret=SECRET,
        token_store=store,
        get_budget_seconds=budget,
        save_budget_seconds=budget,
    )


def failed_save(server, *, budget=5.0):
    with portal(server.url, budget=budget) as client, pytest.raises((NotDelivered, Refused, Unanswered)) as caught:
        client.save(b'{"a": 1}')
    return caught.value


def test_a_save_on_a_real_socket_brings_its_receipt():
    with SocketServer(BOUGHT) as server, portal(server.url) as client:
        assert client.save(b'{"a": 1}').order_no == RECEIPT["orderNo"]
    assert len(server.requests) == 1
    assert server.requests[0].endswith(b'\r\n\r\n{"a": 1}')


def test_a_refused_connection_is_not_delivered():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with portal(url) as client, pytest.raises(NotDelivered, match="no connection"):
        client.save(b"{}")


def test_a_host_that_does_not_exist_is_not_delivered(monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with portal("http://no-such-host.invalid") as client, pytest.raises(NotDelivered, match="no connection"):
        client.save(b"{}")


def test_a_server_that_speaks_no_tls_is_not_delivered():
    with SocketServer(b"hello") as server:
        url = server.url.replace("http", "https")
        with portal(url, budget=0.4) as client, pytest.raises(NotDelivered):
            client.save(b"{}")
    assert server.requests == []


ANSWERS = [
    ("reset after the request", reset, Unanswered),
    ("closed after the request", lambda _: None, Unanswered),
    ("half a body", lambda connection: connection.sendall(BOUGHT[:-20]), Unanswered),
    ("half a header", lambda connection: connection.sendall(BOUGHT[:20]), Unanswered),
    ("a reset in the body", lambda connection: (connection.sendall(BOUGHT[:-20]), reset(connection)), Unanswered),
    ("no http at all", lambda connection: connection.sendall(b"220 smtp ready\r\n\r\n"), Unanswered),
    ("garbage", http(200, b"\x00\xff garbage"), Unanswered),
    ("a page", http(502, b"<html>Bad Gateway</html>"), Unanswered),
    ("a redirect", http(307, b"", ["Location: /elsewhere"]), Unanswered),
    ("a redirect to nonsense", http(302, b"", ["Location: http://[::"]), Unanswered),
    ("an error in 200", http(200, envelope(code="bad", status=400)), Refused),
    ("an error in 400", http(400, envelope(code="bad", status=400)), Refused),
    ("429", http(429, envelope(code="slow_down", status=429), ["Retry-After: 3"]), NotDelivered),
    ("too much", http(200, b"[" + b" " * 2_000_000 + b"]"), Unanswered),
]


@pytest.mark.parametrize(("answer", "kind"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
def test_a_save_that_is_answered_badly_is_sent_once(answer, kind):
    with SocketServer(answer) as server:
        error = failed_save(server)
    assert type(error) is kind
    assert len(server.requests) == 1


def test_a_save_without_an_answer_is_unanswered_when_its_time_is_over():
    server = SocketServer(lambda connection: server.silence(connection))
    begun = time.monotonic()
    with server:
        assert isinstance(failed_save(server, budget=0.4), Unanswered)
    assert time.monotonic() - begun < 3.0
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n", b" "),
        (CHUNKED, b"1\r\n \r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["body", "chunks", "header", "headers", "informational"],
)
def test_an_answer_that_drips_cannot_outlast_the_budget(start, drop):
    server = SocketServer(lambda connection: server.drip(start, drop)(connection))
    with server:
        begun = time.monotonic()
        error = failed_save(server, budget=0.4)
        assert time.monotonic() - begun < 3.0
    assert isinstance(error, Unanswered)
    assert len(server.requests) == 1


def test_an_endless_answer_is_given_up_at_its_size_and_not_at_its_time():
    server = SocketServer(lambda connection: server.drip(CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n")(connection))
    with server:
        assert "Oversize" in failed_save(server, budget=10.0).detail


def test_a_401_twice_is_two_saves_and_one_token_call():
    with SocketServer(UNAUTHORISED, TOKEN, UNAUTHORISED) as server:
        error = failed_save(server)
    assert isinstance(error, NotDelivered)
    assert [request.split(b" ")[1].rsplit(b"/")[-1] for request in server.requests] == [b"save", b"token", b"save"]


def test_a_401_once_still_buys():
    with SocketServer(UNAUTHORISED, TOKEN, BOUGHT) as server, portal(server.url) as client:
        assert client.save(b"{}").order_no == RECEIPT["orderNo"]
    assert len(server.requests) == 3


def test_after_a_401_a_token_call_that_breaks_off_is_not_delivered():
    with SocketServer(UNAUTHORISED, reset) as server:
        error = failed_save(server)
    assert isinstance(error, NotDelivered)
    assert error.call == "token"
    assert len(server.requests) == 2


def test_after_a_slow_401_no_second_save_is_begun_in_the_last_moments():
    def late(connection):
        time.sleep(0.55)
        connection.sendall(UNAUTHORISED)

    with SocketServer(late, TOKEN, BOUGHT) as server:
        error = failed_save(server, budget=1.0)
    assert isinstance(error, NotDelivered)
    assert len(server.requests) == 2


def test_every_save_has_a_connection_of_its_own_and_lists_share_theirs():
    with SocketServer(BOUGHT) as server, portal(server.url) as client:
        for _ in range(3):
            client.save(b"{}")
        assert server.connections == 3
    with SocketServer(http(200, envelope([]))) as server, portal(server.url) as client:
        for _ in range(3):
            client.partners()
        assert server.connections == 1


def test_a_list_is_asked_again_after_a_lost_connection():
    with SocketServer(reset, http(200, envelope([{"partnerId": 1}]))) as server, portal(server.url) as client:
        assert len(client.partners()) == 1
    assert len(server.requests) == 2


def test_a_slow_list_ends_with_its_budget():
    server = SocketServer(lambda connection: server.silence(connection))
    with server, portal(server.url, budget=0.3) as client:
        begun = time.monotonic()
        with pytest.raises(Unanswered):
            client.partners()
        assert time.monotonic() - begun < 2.5


def test_a_server_is_never_given_back_its_cookies():
    with SocketServer(http(200, envelope([]), ["Set-Cookie: a=b"])) as server, portal(server.url) as client:
        client.partners()
        client.partners()
    assert not any(b"cookie" in request.lower() for request in server.requests)


def test_many_threads_buy_at_once_and_each_gets_its_receipt():
    number = iter(range(1000))
    lock = threading.Lock()

    def answer(connection):
        with lock:
            each = next(number)
        connection.sendall(http(200, envelope({"orderNo": f"LR{each}"})))

    with SocketServer(answer) as server, portal(server.url) as client, ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(lambda _: client.save(b"{}"), range(48)))
    assert len({receipt.order_no for receipt in receipts}) == 48
    assert len(server.requests) == 48
