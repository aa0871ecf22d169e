"""Bounds on every exchange, in bytes and in total time, around any httpx transport.

httpx's own timeouts count from one byte to the next, so an answer that drips can last for ever. Here a
request carries a deadline, `extensions["deadline"]` in `time.monotonic()` seconds, and nothing is sent or waited
for beyond it: not the headers, not the body. What has arrived by then is still read, for it may be a receipt, and
a process can be stopped while it comes. A name lookup is the one wait that cannot be cut short.

That clock stands still while a machine is suspended. So who sends may also hand in `extensions["still"]`: asked last
before the bytes of the request go out, each time, whether it is still to be sent.
"""

from __future__ import annotations

import ssl
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import httpcore
import httpx

CONNECT_SECONDS = 5.0
DEFAULT_SECONDS = 30.0

QUICK_SECONDS = 5.0
"""What is longer on its way says too little of the time at its other end."""

LATE_BYTES = 2_000_000
"""So much of an answer is still taken from the socket's buffer past the deadline; a flood must end somewhere."""

PIECE = 16 * 1024
"""So much is handed to the socket at a time, as one record of TLS holds: each piece then knows what time is left."""

_deadline: ContextVar[float] = ContextVar("deadline")
_still: ContextVar[Callable[[], bool] | None] = ContextVar("still", default=None)


class NoLongerWanted(httpx.ConnectTimeout):
    """Asked just before the first byte, whoever sends said that it is too late. Nothing was sent."""


class Oversize(httpx.RemoteProtocolError):
    """The answer is longer than any honest one; the rest was not read."""


class BoundedTransport(httpx.BaseTransport):
    """Reads the whole answer of `inner` within the request's deadline and `max_bytes`.

    `extensions["least"]`: seconds that must be left for the request to be started at all. With less,
    httpx.ConnectTimeout says that nothing was sent. `extensions["still"]`: whether it is still to be sent, asked
    before the connection is made and again when it is there; if not, `NoLongerWanted`.

    `dated` is told the `Date` of each answer that came quickly, with the middle of its exchange by our clock.
    """

    def __init__(
        self, inner: httpx.BaseTransport, *, max_bytes: int, dated: Callable[[str, float], None] | None = None
    ) -> None:
        self._inner = inner
        self._max_bytes = max_bytes
        self._dated = dated

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send and read to the end. Raises httpx's errors, `Oversize` and `NoLongerWanted` among them."""
        deadline = float(request.extensions.get("deadline", time.monotonic() + DEFAULT_SECONDS))
        left = deadline - time.monotonic()
        if left <= float(request.extensions.get("least", 0.0)):
            raise httpx.ConnectTimeout("no time left to send it", request=request)
        still = request.extensions.get("still")
        if still is not None and not still():
            raise NoLongerWanted("it came too late to be sent", request=request)
        connect = min(CONNECT_SECONDS, left)
        request.extensions["timeout"] = {"connect": connect, "pool": connect, "read": left, "write": left}
        previous, wanted_before = _deadline.set(deadline), _still.set(still)
        try:
            began = time.time()
            answer = self._inner.handle_request(request)
            self._tell_date(answer, began)
            try:
                body = self._read(answer)
            finally:
                # Once the body is here, trouble in closing must not lose it.
                with suppress(Exception):
                    answer.close()
        finally:
            _deadline.reset(previous)
            _still.reset(wanted_before)
        kept = [(name, value) for name, value in answer.headers.multi_items() if name not in _NOT_KEPT]
        return httpx.Response(answer.status_code, headers=kept, content=body, request=request)

    def close(self) -> None:
        """Close the inner transport and its connections."""
        self._inner.close()

    def _tell_date(self, answer: httpx.Response, began: float) -> None:
        took = time.time() - began
        date, age = answer.headers.get("Date"), answer.headers.get("Age")
        if self._dated and date and not age and 0 <= took <= QUICK_SECONDS:
            self._dated(date, began + took / 2)

    def _read(self, answer: httpx.Response) -> bytes:
        assert isinstance(answer.stream, httpx.SyncByteStream)  # noqa: S101 - for the type checker
        body = bytearray()
        for chunk in answer.stream:
            body += chunk
            if len(body) > self._max_bytes:
                raise Oversize(f"more than {self._max_bytes} bytes")
        encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
        return bytes(body) if encoding in ("", "identity") else self._unzip(bytes(body), encoding)

    def _unzip(self, body: bytes, encoding: str) -> bytes:
        """Only identity is ever asked for, yet a receipt must not be lost to a zealous proxy."""
        if encoding not in ("gzip", "x-gzip"):
            raise httpx.DecodingError(f"unexpected content encoding {encoding[:20]!r}")
        unzip = zlib.decompressobj(wbits=31)
        try:
            plain = unzip.decompress(body, self._max_bytes + 1)
        except zlib.error:
            raise httpx.DecodingError("broken gzip") from None
        if len(plain) > self._max_bytes:
            raise Oversize(f"more than {self._max_bytes} bytes")
        if not unzip.eof:
            raise httpx.DecodingError("the gzip stream ends too early")
        return plain


class Sender:
    """Sends to the end of `auth`'s flow, over a transport whose answers are read already.

    What `httpx.Client` does besides would be in the way: there is no redirect to follow, for a save must never be, and
    no cookie to keep. It took a third of the time that a call costs us.
    """

    def __init__(self, auth: httpx.Auth, transport: BoundedTransport, headers: dict[str, str]) -> None:
        self._auth, self._transport = auth, transport
        self._headers = httpx.Headers(headers)

    def request(self, method: str, address: httpx.URL | str, **options: Any) -> httpx.Request:
        """A request with the usual headers."""
        return httpx.Request(method, address, headers=self._headers, **options)

    def send(self, request: httpx.Request) -> httpx.Response:
        """The answer. Raises what the transport and `auth` raise."""
        flow = self._auth.auth_flow(request)
        try:
            response = self._transport.handle_request(next(flow))
            while True:
                try:
                    again = flow.send(response)
                except StopIteration:
                    return response
                response = self._transport.handle_request(again)
        finally:
            flow.close()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()


# The body is decoded and its length known; a cookie would tie later orders to earlier ones.
_NOT_KEPT = ("content-encoding", "content-length", "transfer-encoding", "set-cookie")


def socket_transport(*, base_url: str, keepalive: int) -> httpx.HTTPTransport:
    """A real transport with at most `keepalive` idle connections; 0 gives each request a fresh one.

    Honours the usual proxy variables of the environment.
    """
    transport = httpx.HTTPTransport(
        verify=_tls(),
        trust_env=False,
        limits=httpx.Limits(max_connections=100, max_keepalive_connections=keepalive, keepalive_expiry=5.0),
        proxy=_proxy_for(httpx.URL(base_url)),
    )
    # httpx has no public way to hand in a network backend. test_transport.py drips headers to notice
    # should another version of httpx stop to look here.
    transport._pool._network_backend = _DeadlineBackend()
    return transport


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """One context for the process: making one costs about 25 ms of CPU."""
    return httpx.create_ssl_context()


def _proxy_for(url: httpx.URL) -> str | None:
    if url.host in ("localhost", "127.0.0.1", "::1") or urllib.request.proxy_bypass(url.host):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _left() -> float:
    return _deadline.get(time.monotonic() + DEFAULT_SECONDS) - time.monotonic()


def _within(timeout: float | None, late: type[Exception]) -> float:
    """The shorter of this step's timeout and what is left of the whole; raises `late` when nothing is."""
    left = _left()
    if left <= 0:
        raise late("the whole call took too long")
    return left if timeout is None else min(timeout, left)


class _DeadlineStream(httpcore.NetworkStream):
    """A connection on which every single read and write knows the deadline of the whole call."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._late_bytes = 0
        self._begun = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = _left()
        if left > 0:
            self._late_bytes = 0
            with suppress(httpcore.ReadTimeout):
                return self._inner.read(max_bytes, left if timeout is None else min(timeout, left))
        return self._read_what_is_there(max_bytes)

    def _read_what_is_there(self, max_bytes: int) -> bytes:
        """What the kernel already holds, without any waiting. Raises ReadTimeout when that is nothing."""
        if self._late_bytes >= LATE_BYTES:
            raise httpcore.ReadTimeout("the answer did not end in time")
        try:
            found = self._inner.read(max_bytes, 0.0)
        except httpcore.ReadError as error:
            # So a socket says that nothing is there, when it is asked not to wait.
            raise httpcore.ReadTimeout("no answer in time") from error
        self._late_bytes += len(found)
        return found

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            return  # so a body ends: all is sent, and only its answer counts now
        still = _still.get()
        if still is not None and not still():
            if self._begun:
                raise httpcore.WriteTimeout("too late for the rest of the request")
            raise NoLongerWanted("it came too late to be sent")
        self._begun = True
        for start in range(0, len(buffer), PIECE):
            self._inner.write(buffer[start : start + PIECE], _within(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        within = _within(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, within))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _DeadlineBackend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        within = _within(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._inner.connect_tcp(host, port, within, local_address, socket_options))
