"""The same promises on a real network: time, connections and repetitions. Which error is which: test_error_table.py."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.yeastar_api.error_table import BOUGHT, TOKEN
from tests.yeastar_api.kit import RECEIPT, envelope, portal_at
from tests.yeastar_api.socket_server import SILENCE, UNAUTHORISED, SocketServer, http, reset
from yeastar_api.errors import NotDelivered, Refused, Unanswered

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def failed_save(server, *, budget=5.0):
    with portal_at(server.url, budget=budget) as client, pytest.raises((NotDelivered, Refused, Unanswered)) as caught:
        client.save(b'{"a": 1}')
    return caught.value


def test_a_save_on_a_real_socket_brings_its_receipt():
    with SocketServer(BOUGHT) as server, portal_at(server.url) as client:
        assert client.save(b'{"a": 1}').order_no == RECEIPT["orderNo"]
    assert len(server.requests) == 1
    assert server.requests[0].endswith(b'\r\n\r\n{"a": 1}')


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


def test_a_401_once_still_buys():
    with SocketServer(UNAUTHORISED, TOKEN, BOUGHT) as server, portal_at(server.url) as client:
        assert client.save(b"{}").order_no == RECEIPT["orderNo"]
    assert len(server.requests) == 3


def test_after_a_slow_401_no_second_save_is_begun_in_the_last_moments():
    def late(connection):
        time.sleep(0.55)
        connection.sendall(UNAUTHORISED)

    with SocketServer(late, TOKEN, BOUGHT) as server:
        error = failed_save(server, budget=1.0)
    assert isinstance(error, NotDelivered)
    assert len(server.requests) == 2


def test_every_save_has_a_connection_of_its_own_and_lists_share_theirs():
    with SocketServer(BOUGHT) as server, portal_at(server.url) as client:
        for _ in range(3):
            client.save(b"{}")
        assert server.connections == 3
    with SocketServer(http(200, envelope([]))) as server, portal_at(server.url) as client:
        for _ in range(3):
            client.partners()
        assert server.connections == 1


def test_a_list_is_asked_again_after_a_lost_connection():
    with SocketServer(reset, http(200, envelope([{"partnerId": 1}]))) as server, portal_at(server.url) as client:
        assert len(client.partners()) == 1
    assert len(server.requests) == 2


def test_a_slow_list_ends_with_its_budget():
    with SocketServer(SILENCE) as server, portal_at(server.url, budget=0.3) as client:
        begun = time.monotonic()
        with pytest.raises(Unanswered):
            client.partners()
        assert time.monotonic() - begun < 2.5


def test_a_server_is_never_given_back_its_cookies():
    with SocketServer(http(200, envelope([]), ["Set-Cookie: a=b"])) as server, portal_at(server.url) as client:
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

    with SocketServer(answer) as server, portal_at(server.url) as client, ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(lambda _: client.save(b"{}"), range(48)))
    assert len({receipt.order_no for receipt in receipts}) == 48
    assert len(server.requests) == 48
