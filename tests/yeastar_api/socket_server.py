"""A server on a real socket that behaves as badly as a test asks it to."""

import json
import socket
import struct
import threading
import time
from contextlib import suppress

from tests.yeastar_api.kit import envelope


def http(status, body=b"", headers=()):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


UNAUTHORISED = http(401, envelope(code="unauthorized", status=401))


def reset(connection):
    """Close so that the other side reads a reset and not an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


SILENCE = object()
"""Instead of an answer: none, until the test is over."""


class SocketServer:
    """Answers the n-th request by the n-th of `answers`, then the last: bytes, a function of the connection, SILENCE.

    `unread` is done to each connection instead, before anything is read from it.
    """

    def __init__(self, *answers, unread=None):
        self.answers = list(answers)
        self.unread = unread
        self.requests = []
        self.connections = 0
        self.stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._listen)]

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *exc):
        self.stopping.set()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _listen(self):
        while not self.stopping.is_set():
            with suppress(TimeoutError):
                connection, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection):
        connection.settimeout(0.05)
        with connection, suppress(OSError):
            if self.unread:
                self._answer(connection, self.unread)
                return
            while (request := self._read(connection)) is not None:
                answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
                self.requests.append(request)
                self._answer(connection, answer)
                if not isinstance(answer, bytes):
                    return

    def _answer(self, connection, answer):
        if answer is SILENCE:
            self.stopping.wait(6)
        elif isinstance(answer, bytes):
            connection.sendall(answer)
        else:
            answer(connection)

    def _read(self, connection):
        data = b""
        while not self.stopping.is_set():
            try:
                chunk = connection.recv(65536)
            except TimeoutError:
                continue
            if not chunk:
                return None
            data += chunk
            head, separator, body = data.partition(b"\r\n\r\n")
            length = next(
                (
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                ),
                0,
            )
            if separator and len(body) >= length:
                return data
        return None

    def drip(self, start, drop=b"x"):
        """After `start`, one `drop` every 20 ms for 6 seconds: longer than any budget here, so a test can fail."""

        def answer(connection):
            connection.sendall(start)
            end = time.monotonic() + 6
            while time.monotonic() < end and not self.stopping.wait(0.02):
                connection.sendall(drop)

        return answer
