"""A pristine sandbox and a bare HTTP client: nothing of the portal."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from yeastar_api.sandbox import Sandbox, Server, serve

from . import kit


@pytest.fixture
def sandbox() -> Sandbox:
    """A pristine world."""
    return Sandbox(client_id="sandbox-client", client_secret="sandbox-secret")


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """A client in process that holds a token."""
    with kit.client("http://sandbox.test", httpx.WSGITransport(app=sandbox)) as client:
        yield client


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[Server]:
    """The same world on a real socket."""
    with serve(sandbox) as running:
        yield running


@pytest.fixture
def wire(server: Server) -> Iterator[httpx.Client]:
    """A client over a real socket that holds a token."""
    with kit.client(server.url) as client:
        yield client
