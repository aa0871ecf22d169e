"""A receipt that has arrived is read, however late the reader wakes; nothing is ever sent or waited for that late."""

import os
import select
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, nullcontext

import httpcore
import pytest

from tests.yeastar_api.error_table import BOUGHT
from tests.yeastar_api.kit import RECEIPT, envelope, portal_at
from tests.yeastar_api.socket_server import SocketServer, http
from tests.yeastar_api.test_sockets import CHUNKED
from yeastar_api.client import transport
from yeastar_api.client.transport import NoLongerWanted
from yeastar_api.errors import NotDelivered, Unanswered

BUDGET = 0.6

BUYER = """
import sys
from tests.yeastar_api.kit import portal_at
print("receipt", portal_at(sys.argv[1], budget=1.5).save(b"{}").order_no)
"""


@contextmanager
def asleep_until(seconds):
    """This thread is interrupted soon, and wakes only after so many seconds."""
    begun = time.monotonic()

    def sleep(*_):
        time.sleep(max(0.0, begun + seconds - time.monotonic()))

    previous = signal.signal(signal.SIGALRM, sleep)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def answering(answer):
    """An answer that is sent while the reader sleeps."""

    def late(connection):
        time.sleep(0.3)
        connection.sendall(answer)
        # The connection stays open: only the answer's own end says that it is complete.
        select.select([connection], [], [], 5)

    return late


def chunks(body, size=20):
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return CHUNKED + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


PADDED = http(200, envelope(RECEIPT | {"padding": "x" * 100_000}))


@pytest.mark.parametrize(
    "answer", [BOUGHT, PADDED, chunks(BOUGHT.partition(b"\r\n\r\n")[2])], ids=["short", "long", "in chunks"]
)
def test_a_receipt_that_came_while_the_reader_slept_past_its_budget_is_read(answer):
    server = SocketServer(answering(answer))
    with server, portal_at(server.url, budget=BUDGET) as client, asleep_until(BUDGET + 0.3):
        assert client.save(b"{}").order_no == RECEIPT["orderNo"]
    assert len(server.requests) == 1


def test_a_receipt_whose_head_came_in_time_and_whose_body_while_asleep_is_read():
    head, _, body = BOUGHT.partition(b"\r\n\r\n")

    def in_two(connection):
        connection.sendall(head + b"\r\n\r\n")
        answering(body)(connection)

    with SocketServer(in_two) as server, portal_at(server.url, budget=BUDGET) as client, asleep_until(BUDGET + 0.3):
        assert client.save(b"{}").order_no == RECEIPT["orderNo"]


def test_half_a_receipt_is_not_waited_for_by_one_who_wakes_too_late():
    with SocketServer(answering(BOUGHT[:-20])) as server, portal_at(server.url, budget=BUDGET) as client:
        begun = time.monotonic()
        with asleep_until(BUDGET + 0.3), pytest.raises(Unanswered, match="no answer in time"):
            client.save(b"{}")
        assert time.monotonic() - begun < BUDGET + 2


def test_a_flood_of_preliminary_answers_ends_however_fast_it_comes():
    server = SocketServer(lambda connection: server.drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000)(connection))
    with server, portal_at(server.url, budget=BUDGET) as client:
        begun = time.monotonic()
        with pytest.raises(Unanswered):
            client.save(b"{}")
        assert time.monotonic() - begun < 30  # else never


def test_a_process_that_was_stopped_beyond_its_budget_reads_its_receipt():
    def late(connection):
        time.sleep(0.5)
        connection.sendall(BOUGHT)
        select.select([connection], [], [], 10)

    with SocketServer(late) as server:
        buyer = subprocess.Popen(
            [sys.executable, "-c", BUYER, server.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        end = time.monotonic() + 30
        while not server.requests and time.monotonic() < end:
            time.sleep(0.01)
        os.kill(buyer.pid, signal.SIGSTOP)
        time.sleep(2.5)
        os.kill(buyer.pid, signal.SIGCONT)
        said, trouble = buyer.communicate(timeout=30)
    assert said.strip() == f"receipt {RECEIPT['orderNo']}", trouble
    assert len(server.requests) == 1


@contextmanager
def connected():
    """A connection as the transport makes it, and the other end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stream = transport._DeadlineBackend().connect_tcp("127.0.0.1", listener.getsockname()[1])
        other, _ = listener.accept()
        with other:
            yield stream, other
        stream.close()


@contextmanager
def past_the_deadline():
    before = transport._deadline.set(time.monotonic() - 1)
    try:
        yield
    finally:
        transport._deadline.reset(before)


def test_past_the_deadline_nothing_is_sent():
    with connected() as (stream, other):
        with past_the_deadline(), pytest.raises(httpcore.WriteTimeout):
            stream.write(b"POST / HTTP/1.1\r\n\r\n")
        other.settimeout(0.1)
        with pytest.raises(TimeoutError):
            other.recv(1)


@contextmanager
def asked(still):
    before = transport._still.set(still)
    try:
        yield
    finally:
        transport._still.reset(before)


def test_what_is_no_longer_wanted_when_the_connection_stands_is_not_begun():
    with connected() as (stream, other):
        with asked(lambda: False), pytest.raises(NoLongerWanted):
            stream.write(b"POST / HTTP/1.1\r\n\r\n")
        other.settimeout(0.1)
        with pytest.raises(TimeoutError):
            other.recv(1)


def test_what_was_begun_and_is_no_longer_wanted_is_not_ended_and_not_called_unsent():
    answers = iter([True, False])
    with connected() as (stream, other):
        with asked(lambda: next(answers)):
            stream.write(b"POST / HTTP/1.1\r\n\r\n")
            with pytest.raises(httpcore.WriteTimeout):
                stream.write(b"{}")
        assert other.recv(100) == b"POST / HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize(
    ("wanted", "error", "heard"),
    [(2, NotDelivered, 0), (3, Unanswered, 0), (4, None, 1)],
    ids=["while it connects", "between head and body", "all the time"],
)
def test_a_save_that_is_given_up_at_any_moment_tells_what_it_knows(wanted, error, heard):
    """It is asked three times: before the connection, before the head, before the body."""
    times = iter(range(1, 10))
    expected = pytest.raises(error) if error else nullcontext()
    with SocketServer(BOUGHT) as server, portal_at(server.url) as client, expected:
        client.save(b"{}", still=lambda: next(times) < wanted)
    assert len(server.requests) == heard


def test_a_reader_who_takes_a_long_body_slowly_cannot_outlast_the_deadline():
    with connected() as (stream, other):
        stop = threading.Event()

        def sip():
            while not stop.wait(0.02):
                other.recv(200_000)

        reader = threading.Thread(target=sip)
        reader.start()
        begun = time.monotonic()
        before = transport._deadline.set(begun + 0.5)
        try:
            with pytest.raises(httpcore.WriteTimeout):
                stream.write(bytes(64 * 1024 * 1024))
        finally:
            transport._deadline.reset(before)
            took = time.monotonic() - begun
            stop.set()
            reader.join()
    assert took < 0.8


def test_past_the_deadline_no_connection_is_begun():
    with connected() as (stream, _), past_the_deadline():
        with pytest.raises(httpcore.ConnectTimeout):
            stream.start_tls(ssl.create_default_context())
        with pytest.raises(httpcore.ConnectTimeout):
            transport._DeadlineBackend().connect_tcp("127.0.0.1", 9)


def test_past_the_deadline_an_open_and_silent_connection_is_not_waited_for():
    with connected() as (stream, _), past_the_deadline():
        begun = time.monotonic()
        with pytest.raises(httpcore.ReadTimeout):
            stream.read(100)
        assert time.monotonic() - begun < 1


def test_past_the_deadline_what_is_there_is_read_and_the_end_seen():
    with connected() as (stream, other):
        other.sendall(b"there")
        other.shutdown(socket.SHUT_WR)
        time.sleep(0.1)
        with past_the_deadline():
            assert (stream.read(100), stream.read(100)) == (b"there", b"")
