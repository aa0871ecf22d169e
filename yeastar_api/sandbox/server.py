"""The sandbox on a real socket: one small threaded HTTP/1.1 server.

Written by hand because faults must reach the socket (half an answer, a reset), and to stay light.
"""

from __future__ import annotations

import contextlib
import io
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Iterable
from typing import Any

from .answers import ConnectionCut
from .app import Sandbox

_BACKLOG = 1024
_MOST_HEAD = 65_536
_MOST_BODY = 64 * 1_048_576


class _BadRequest(Exception):
    """The bytes are no request that this server reads."""


class Server:
    """A running sandbox. Use as a context manager, or call `close`."""

    def __init__(self, sandbox: Sandbox, host: str, port: int):
        self._sandbox = sandbox
        self._listener = socket.create_server((host, port), backlog=_BACKLOG)
        self.host, self.port = self._listener.getsockname()[:2]
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._closing = False
        self._acceptor = threading.Thread(target=self._accept, name="sandbox-accept", daemon=True)
        self._acceptor.start()

    @property
    def url(self) -> str:
        """Where it listens, such as `http://127.0.0.1:8001`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def close(self) -> None:
        """Stop listening and end every connection."""
        self._closing = True
        # Closing a listening socket does not wake a thread that waits in accept(); a visitor does.
        with contextlib.suppress(OSError):
            socket.create_connection((self.host, self.port), timeout=1).close()
        self._acceptor.join(timeout=2)
        self._listener.close()
        with self._lock:
            threads = list(self._open.values())
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(timeout=1)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, address = self._listener.accept()
            except OSError:
                return
            if self._closing:
                connection.close()
                return
            thread = threading.Thread(target=self._serve, args=(connection, address[0]), daemon=True)
            with self._lock:
                self._open[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket, peer: str) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(self._sandbox.settings.keep_alive_seconds or None)
            buffer = bytearray()
            while not self._closing and self._exchange(connection, buffer, peer):
                pass
        except ConnectionCut as cut:
            if cut.abort:
                # Lingering for zero seconds makes close() send a reset instead of a polite end.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass  # the client left, or stayed silent too long
        except Exception:
            traceback.print_exc(file=sys.stderr)
        finally:
            with self._lock:
                self._open.pop(connection, None)
            connection.close()

    def _exchange(self, connection: socket.socket, buffer: bytearray, peer: str) -> bool:
        """One request and its answer; whether the connection stays open."""
        try:
            environ = _read(connection, buffer, peer)
        except _BadRequest as problem:
            text = str(problem).encode()
            head = f"HTTP/1.1 400 Bad Request\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode() + text)
            return False
        if environ is None:
            return False
        answer: list[Any] = []
        chunks = self._sandbox(environ, lambda status, headers: answer.extend((status, headers)))
        status, headers = answer
        keep = (
            environ["SERVER_PROTOCOL"] == "HTTP/1.1"
            and environ.get("HTTP_CONNECTION", "").lower() != "close"
            and any(name == "Content-Length" for name, _ in headers)
        )
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
        lines.append(f"Connection: {'keep-alive' if keep else 'close'}")
        _write(connection, ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"), chunks)
        return keep


def serve(sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> Server:
    """Start serving in threads; port 0 takes a free one. `.url` says where, `.close()` ends it."""
    return Server(sandbox, host, port)


def _read(connection: socket.socket, buffer: bytearray, peer: str) -> dict[str, Any] | None:
    """The next request as a WSGI environ; None when the client has no more."""
    while (end := buffer.find(b"\r\n\r\n")) < 0:
        if len(buffer) > _MOST_HEAD:
            raise _BadRequest("the headers are too large")
        if not _more(connection, buffer):
            return None
    first, *rows = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    del buffer[: end + 4]
    try:
        method, target, protocol = first.split(" ")
    except ValueError:
        raise _BadRequest("the first line is no request") from None
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "SERVER_PROTOCOL": protocol, "REMOTE_ADDR": peer}
    for row in rows:
        name, _, value = row.partition(":")
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value.strip()
    if "HTTP_TRANSFER_ENCODING" in environ:
        raise _BadRequest("a chunked body is not read here; send a Content-Length")

    size = environ.get("CONTENT_LENGTH", "0")
    if not size.isdigit() or int(size) > _MOST_BODY:
        raise _BadRequest("the Content-Length is no number, or too large")
    if environ.get("HTTP_EXPECT", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    while len(buffer) < int(size):
        if not _more(connection, buffer):
            return None
    path, _, query = target.partition("?")
    environ |= {
        "PATH_INFO": _unquoted(path),
        "QUERY_STRING": query,
        "wsgi.input": io.BytesIO(bytes(buffer[: int(size)])),
    }
    del buffer[: int(size)]
    return environ


def _unquoted(path: str) -> str:
    """The path as WSGI wants it: percent-decoded bytes disguised as Latin-1."""
    first, *rest = path.encode("latin-1").split(b"%")
    decoded = first
    for part in rest:
        try:
            decoded += bytes.fromhex(part[:2].decode()) + part[2:]
        except ValueError:
            decoded += b"%" + part
    return decoded.decode("latin-1")


def _more(connection: socket.socket, buffer: bytearray) -> bool:
    data = connection.recv(65_536)
    buffer += data
    return bool(data)


def _write(connection: socket.socket, head: bytes, chunks: Iterable[bytes]) -> None:
    """The head travels with the first piece of the body, so that a small answer is one packet."""
    pending = head
    for chunk in chunks:
        connection.sendall(pending + chunk)
        pending = b""
    if pending:
        connection.sendall(pending)
