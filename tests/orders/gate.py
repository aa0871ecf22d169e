"""The sandbox behind a gate: a slow vendor without any clock."""

from __future__ import annotations

import threading

import httpx

from yeastar_api.sandbox import Sandbox


class Gate(httpx.BaseTransport):
    """Requests in whose URL `word` stands wait until the test opens the gate; the others pass."""

    def __init__(self, sandbox: Sandbox, word: str = "") -> None:
        self._inner, self._word = httpx.WSGITransport(app=sandbox), word
        self.opened = threading.Event()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The sandbox's answer, once it may be given."""
        if self._word in str(request.url):
            self.opened.wait(30)
        return self._inner.handle_request(request)
