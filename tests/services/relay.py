"""A wire that can be cut: between the portal and its database, or the vendor."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from tests.services.servers import free_port


class Relay:
    """Hands bytes on to the server that listens on `port`, until it is cut."""

    def __init__(self, port: int) -> None:
        self.server_port = port
        self.port = free_port()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._until: bytes | None = None
        self._listener: socket.socket | None = None
        self.mend()

    def mend(self) -> None:
        """Let the server be reached."""
        self._until = None
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """From now on nobody gets through."""
        listener, self._listener = self._listener, None
        if listener:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for pair in self._pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def cut_after(self, words: bytes) -> None:
        """Cut when the server has done what these words ask it to do; who asked does not hear of it."""
        self._until = words

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.server_port))
            self._pairs.append((client, server))
            doomed = threading.Event()
            for source, sink, asks in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._hand_on, args=(source, sink, asks, doomed), daemon=True).start()

    def _hand_on(self, source: socket.socket, sink: socket.socket, asks: bool, doomed: threading.Event) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if asks and self._until and self._until in data:
                    doomed.set()
                elif not asks and doomed.is_set():
                    break
                sink.sendall(data)
        if doomed.is_set():
            self.cut()
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        source.close()
