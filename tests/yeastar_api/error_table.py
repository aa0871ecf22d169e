"""The design's error table as data: what a server or the network does to a save, and what that has to mean.

`test_error_table.py` beside this file takes each row through the client, `tests/orders/test_error_table.py` through a
worker and the database. Everything happens on real sockets.
"""

import os
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from unittest import mock

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.yeastar_api.kit import RECEIPT, envelope, token_value
from tests.yeastar_api.socket_server import SILENCE, UNAUTHORISED, SocketServer, http, reset
from yeastar_api.errors import ApiError, NotDelivered, Refused, Unanswered

TOKEN = http(200, envelope({"token": token_value(1), "expiresIn": "1800"}))
BOUGHT = http(200, envelope(RECEIPT))
MEGABYTE = 1_000_000


# What waits at the other end: functions that give a context with the `url` to send to and the `requests` that came.


def answering(*answers):
    """The n-th request is read whole and answered by the n-th of these."""
    return lambda: SocketServer(*answers)


def meeting(unread):
    """This happens to a connection before a request was read from it."""
    return lambda: SocketServer(unread=unread)


def at_tls(unread):
    """The same at the other end of an https address."""

    @contextmanager
    def waiting():
        with SocketServer(unread=unread) as server:
            yield SimpleNamespace(url=server.url.replace("http:", "https:"), requests=server.requests)

    return waiting


@contextmanager
def nobody():
    """An address at which nobody listens, kept so that nobody else begins to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield SimpleNamespace(url=f"http://127.0.0.1:{taken.getsockname()[1]}", requests=[])


@contextmanager
def nowhere():
    """A name that no DNS knows, by RFC 6761."""
    yield SimpleNamespace(url="https://openapi.yeastar.invalid", requests=[])


@contextmanager
def crowded():
    """Listens, accepts nobody, and its queue is full: the kernel leaves a new connection without an answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as queue:
        for _ in range(100):
            waiting = queue.enter_context(socket.socket())
            waiting.settimeout(0.2)
            try:
                waiting.connect(listener.getsockname())
            except TimeoutError:
                break
        yield SimpleNamespace(url=f"http://127.0.0.1:{listener.getsockname()[1]}", requests=[])


@contextmanager
def behind_a_proxy_that_refuses():
    with SocketServer(http(403, b"not from here")) as proxy, mock.patch.dict(os.environ, https_proxy=proxy.url):
        yield SimpleNamespace(url="https://openapi.yeastar.invalid", requests=proxy.requests)


# What is done to a connection.


def after(sent, then=lambda _: None):
    """So much of an answer, and then the end."""

    def answer(connection):
        connection.sendall(sent)
        then(connection)

    return answer


def reset_unread(connection):
    """The whole request has come, and is thrown away."""
    connection.settimeout(5)
    # Reset between its head and its body, it would be an end to one reader and a reset to the next.
    while (came := connection.recv(65536, socket.MSG_PEEK)) and not came.partition(b"\r\n\r\n")[2]:
        time.sleep(0.01)
    reset(connection)


def reset_at_hello(connection):
    connection.recv(1)
    reset(connection)


def plain_http(connection):
    """What a web server says to the first bytes of TLS."""
    connection.recv(1)
    connection.sendall(http(400, b"The plain HTTP request was sent to HTTPS port"))


def unknown_certificate(connection):
    """TLS in order, but nobody vouches for the name."""
    with _self_signed().wrap_socket(connection, server_side=True) as secured:
        secured.recv(1)


@cache
def _self_signed():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        both = Path(folder) / "both.pem"
        both.write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + certificate.public_bytes(pem)
        )
        context.load_cert_chain(both)
    return context


def hundred_megabytes(connection):
    """A receipt, were it ever read to its end."""
    start, end = b'{"code":"success","status":200,"result":{"orderNo":"LR1","padding":"', b'"}}'
    length = len(start) + 100 * MEGABYTE + len(end)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + start)
    for _ in range(100):
        connection.sendall(b"x" * MEGABYTE)
    connection.sendall(end)


# The table.

ORDER = b'{"a": 1}'
LARGE = b'{"a": "' + b"x" * 16 * MEGABYTE + b'"}'  # than what the buffers of any two sockets hold


@dataclass(frozen=True)
class Row:
    """One line. `words`: what the error's detail has to say. `arrived`: the calls that came in whole, in order."""

    error: type[ApiError]
    seen: str
    end: Callable
    words: str
    arrived: str
    body: bytes = field(default=ORDER, repr=False)
    retry_after: float | None = None

    @property
    def waits(self):
        """Whether only the end of the time ends it."""
        return "Timeout" in self.words

    @property
    def budget(self):
        return 1.0 if self.waits else 10.0

    @contextmanager
    def other_end(self):
        """What the row tells of, in an environment that knows of no other proxy."""
        with mock.patch.dict(os.environ):
            for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
                del os.environ[name]
            with self.end() as found:
                yield found

    def calls(self, requests):
        """The last word of each request's address."""
        words = [request.split(b" ", 2)[:2] for request in requests]
        return " ".join((verb if verb == b"CONNECT" else path.rsplit(b"/")[-1]).decode() for verb, path in words)


def refusal(status, in_envelope=400):
    return http(status, envelope(code="contract_expired", status=in_envelope, detail="Your contract has expired"))


ASTRAY, NONSENSE = (http(302, b"", [f"Location: {url}"]) for url in ("/elsewhere", "http://[::"))
DENIED = UNAUTHORISED
HTML = b"<html><h1>502 Bad Gateway</h1></html>"
SLOW_DOWN = http(429, envelope(code="too_many_requests", status=429), ["Retry-After: 77"])

# fmt: off
# What is seen, what is at the other end, the words of the error, and the calls that arrived.
ROWS = {
    NotDelivered: [
        ("refused connection",          nobody,                                    "ConnectError",   ""),
        ("unknown name",                nowhere,                                   "ConnectError",   ""),
        ("proxy that refuses",          behind_a_proxy_that_refuses,               "ProxyError",     "CONNECT"),
        ("no TLS at the other end",     at_tls(plain_http),                        "ConnectError",   ""),
        ("unknown certificate",         at_tls(unknown_certificate),               "ConnectError",   ""),
        ("reset in the TLS hello",      at_tls(reset_at_hello),                    "ConnectError",   ""),
        ("timeout while connecting",    crowded,                                   "ConnectTimeout", ""),
        ("timeout in the TLS hello",    at_tls(SILENCE),                           "ConnectTimeout", ""),
        ("401 twice",                   answering(DENIED, TOKEN, DENIED),          "token",          "save token save"),
        ("401, then a reset",           answering(DENIED, reset),                  "ReadError",      "save token"),
        ("401, then a 502",             answering(DENIED, http(502, HTML)),        "no token",       "save token"),
        ("429 with Retry-After",        answering(SLOW_DOWN),                      "come back",      "save", ORDER, 77),
    ],
    Refused: [
        ("200 with an error envelope",  answering(refusal(200)),                   "contract",       "save"),
        ("400 with an error envelope",  answering(refusal(400)),                   "contract",       "save"),
        ("403 with a page",             answering(http(403, HTML)),                "refused",        "save"),
    ],
    Unanswered: [
        ("timeout while sending",       meeting(SILENCE),                          "WriteTimeout",   "", LARGE),
        ("timeout while reading",       answering(SILENCE),                        "ReadTimeout",    "save"),
        ("reset before processing",     meeting(reset_unread),                     "ReadError",      ""),
        ("reset after processing",      answering(reset),                          "ReadError",      "save"),
        ("closed without an answer",    answering(after(b"")),                     "ProtocolError",  "save"),
        ("half a header",               answering(after(BOUGHT[:20])),             "ProtocolError",  "save"),
        ("half a receipt",              answering(after(BOUGHT[:-20])),            "ProtocolError",  "save"),
        ("reset in the receipt",        answering(after(BOUGHT[:-20], reset)),     "ReadError",      "save"),
        ("no HTTP at all",              answering(after(b"220 smtp\r\n\r\n")),     "ProtocolError",  "save"),
        ("100 MB",                      answering(hundred_megabytes),              "Oversize",       "save"),
        ("redirect",                    answering(ASTRAY),                         "redirect",       "save"),
        ("redirect to nonsense",        answering(NONSENSE),                       "redirect",       "save"),
        ("502 with a page",             answering(http(502, HTML)),                "status 502",     "save"),
        ("500 with an envelope",        answering(refusal(500, 500)),              "contract",       "save"),
        ("200 with a 500 in it",        answering(refusal(200, 500)),              "contract",       "save"),
        ("200 with garbage",            answering(http(200, b"\x00\xff garbage")), "envelope",       "save"),
        ("200 with a list",             answering(http(200, b"[1, 2]")),           "envelope",       "save"),
        ("200 without an order number", answering(http(200, envelope({}))),        "names no order", "save"),
    ],
}
# fmt: on

TABLE = [Row(error, *row) for error, rows in ROWS.items() for row in rows]
