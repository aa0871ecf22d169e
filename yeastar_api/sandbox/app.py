"""The sandbox as one WSGI application: authorise, count, spoil on demand, wrap in the envelope."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any

from . import control
from .answers import Refusal, Reply, json_reply, refused, success
from .endpoints import CALLS, Endpoints, route
from .faults import Fault, Faults, after, before, spoil
from .reading import Request, form_of, read_request
from .records import Order
from .settings import Settings
from .tokens import Tokens
from .world import World

REMEMBERED_ATTEMPTS = 5_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """One save call that arrived, whatever became of it. `order_no` says whether it bought."""

    time: float
    request_id: str
    body: str
    outcome: str
    order_no: str | None
    fault: str | None


class Sandbox:
    """A strict, stateful fake of the vendor's server; the object itself is the WSGI application.

    `httpx.Client(transport=httpx.WSGITransport(app=Sandbox()), base_url="http://sandbox")` talks to it in
    process; `serve(sandbox)` gives it a real socket. With `state`, what was bought survives a restart.
    """

    def __init__(
        self,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        state: str | Path | None = None,
        clock: Callable[[], float] = time.time,
        **settings: Any,
    ):
        self.client_id = client_id or os.environ.get("YEASTAR_CLIENT_ID") or "sandbox-client"
        self.client_secret = client_secret or os.environ.get("YEASTAR_CLIENT_SECRET") or "sandbox-secret"
        self.world = World(state, clock=clock)
        self.settings = Settings()
        self.faults = Faults((*CALLS, "token_refresh"))
        self._tokens = Tokens(self.client_id, self.client_secret, self.settings, clock)
        self._endpoints = Endpoints(self.world, self._tokens, self.settings)
        self._clock = clock
        self._counting = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._attempts: deque[Attempt] = deque(maxlen=REMEMBERED_ATTEMPTS)
        self.configure(**settings)

    # --- for tests ------------------------------------------------------------------------------------------

    @property
    def ledger(self) -> list[dict[str, Any]]:
        """Every order bought through `save`: exact body text, body parsed, receipt, time, requestId."""
        with self.world.lock:
            return [_bought(order) for order in self.world.bought()]

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """The latest save calls that were answered or cut, refused ones too."""
        with self._counting:
            return [asdict(attempt) for attempt in self._attempts]

    @property
    def calls(self) -> dict[str, int]:
        """How often each call was made; a refresh counts as `token` and as `token_refresh`."""
        with self._counting:
            return dict(self._calls)

    @property
    def saves(self) -> int:
        """How many save calls arrived, bought or not."""
        return self.calls.get("save", 0)

    def fault(self, call: str, kind: str, **options: Any) -> int:
        """Arm a fault (see `faults.KINDS`) and return its id."""
        return self.faults.add(call, kind, **options).id

    def configure(self, **changes: Any) -> None:
        """Change settings (see `settings.Settings`)."""
        latency = changes.get("latency_seconds")
        if isinstance(latency, dict) and (unknown := latency.keys() - {*CALLS, "*"}):
            raise ValueError(f"latency_seconds: no call is named {', '.join(sorted(unknown))}")
        self.settings.change(changes)

    def expire_tokens(self, *, refresh_too: bool = False) -> None:
        """End every access token given so far."""
        self._tokens.expire(refresh_too=refresh_too)

    def reset(self) -> None:
        """The pristine world: nothing bought, no faults, no tokens, usual settings."""
        self.world.reset()
        self.faults.clear()
        self.settings.change(Settings().as_dict())
        self._tokens.expire(refresh_too=True)
        with self._counting:
            self._calls.clear()
            self._attempts.clear()

    # --- WSGI -----------------------------------------------------------------------------------------------

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = read_request(environ)
        if request.path.startswith("/_sandbox"):
            reply = control.answer(self, request)
        else:
            reply = self._answer(request)
        start_response(reply.status_line, [*reply.header_list, ("Date", self._date())])
        return reply.chunks

    def _date(self) -> str:
        """The time, as HTTP tells it."""
        return formatdate(self.world.now_ms() / 1000 + self.settings.clock_ahead_seconds, usegmt=True)

    def _answer(self, request: Request) -> Reply:
        try:
            name, parts = route(request.method, request.path)
        except Refusal as refusal:
            return self._refused(refusal, request)
        names = self._names(name, request)
        with self._counting:
            self._calls.update(names)
        acting = self.faults.take(names)
        if wait := self.settings.latency(name):
            time.sleep(wait)
        ending = before(acting)
        reply = None if ending else self._process(name, parts, request)
        if name == "save":
            self._note(request, reply, acting)
        if reply is None:
            assert ending is not None  # noqa: S101 - one of the two exists
            return spoil(ending, None, request.id)
        return after(acting, reply, request.id)

    def _names(self, name: str, request: Request) -> tuple[str, ...]:
        if name == "token":
            with contextlib.suppress(Refusal):
                if form_of(request).get("grant_type") == "refresh_token":
                    return name, "token_refresh"
        return (name,)

    def _process(self, name: str, parts: tuple[str, ...], request: Request) -> Reply:
        try:
            self._authorise(name, request)
            return json_reply(200, success(getattr(self._endpoints, name)(request, *parts), request.id))
        except Refusal as refusal:
            return self._refused(refusal, request)

    def _authorise(self, name: str, request: Request) -> None:
        if not request.user_agent.strip():
            # The reference asks for a User-Agent on every call; what its absence brings is our guess.
            raise Refusal("user_agent_required", "The User-Agent header is missing", status=401)
        if name == "token":
            return
        if not self._tokens.accepts(request.authorization):
            raise Refusal("unauthorized", "The access token is missing, wrong or expired", status=401)
        if request.method == "POST" and request.media_type != "application/json":
            raise Refusal("unsupported_media_type", "Content-Type must be application/json", status=415)

    def _refused(self, refusal: Refusal, request: Request) -> Reply:
        status = 200 if self.settings.error_http_status == "200" else refusal.status
        return json_reply(status, refused(refusal, request.id))

    def _note(self, request: Request, reply: Reply | None, acting: list[Fault]) -> None:
        order_no = None
        if reply is None:
            outcome = "not processed"
        elif reply.payload["code"] == "success":
            outcome, order_no = "bought", reply.payload["result"]["orderNo"]
        else:
            outcome = f"refused: {reply.payload['code']}: {reply.payload['detailMessage']}"
        faults = ", ".join(fault.kind for fault in acting) or None
        with self._counting:
            self._attempts.append(Attempt(self._clock(), request.id, request.text, outcome, order_no, faults))


def _bought(order: Order) -> dict[str, Any]:
    return {
        "time": order.created_ms / 1000,
        "requestId": order.request_id,
        "body": order.body,
        "json": json.loads(order.body or "null"),
        "receipt": order.receipt(),
        "orderId": order.id,
        "status": order.status,
    }
