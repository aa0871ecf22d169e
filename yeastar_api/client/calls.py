"""One exchange with the API, and the repetition of those that may be repeated."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random,
    wait_random_exponential,
)

from yeastar_api.client import outcome
from yeastar_api.client.transport import Sender
from yeastar_api.errors import ApiError, NotDelivered, Unanswered

T = TypeVar("T")

Headers = dict[str, dict[str, str]]
"""`sent` and `received`, each name with its value."""

ATTEMPTS = 4

_SECRET = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
_LEFT_OUT = "[left out]"

_KEPT = frozenset(
    {
        "age",
        "cf-ray",
        "content-length",
        "content-type",
        "date",
        "location",
        "retry-after",
        "server",
        "traceparent",
        "via",
        "x-request-id",
        "x-trace-id",
    }
)
"""Of the answer's headers these are evidence. Any other may hold a token, whatever it is called: its name is told."""

_QUERY = re.compile(r"[?#].*", re.DOTALL)
_LOGIN = re.compile(r"//[^/]*@")

_jitter = wait_random(0, 0.25)
_backoff = wait_random_exponential(multiplier=0.2, max=2.0)


def exchange(call: str, client: Sender, request: httpx.Request, read: Callable[[Any, str, str, Headers], T]) -> T:
    """Send once and read the answer; whatever goes wrong becomes one of our errors."""
    response = None
    try:
        response = client.send(request)
        envelope, answer = outcome.accepted(call, response)
        try:
            return read(envelope.result, envelope.request_id, answer, told_headers(request, response))
        except Exception as why:
            # Here the answer is at hand, and whatever the matter with it, it must be kept.
            raise outcome.surprising(call, response.status_code, envelope, answer, why) from why
    except ApiError as error:
        if error.call == call:  # a token call that failed has left this request unsent
            error.headers = told_headers(request, response)
        raise
    except Exception as error:
        # Broad on purpose: once it may have left, an unforeseen exception must not look like "not bought".
        lost = outcome.from_exception(call, error)
        lost.headers = told_headers(request, response)
        raise lost from error


def told_headers(request: httpx.Request, response: httpx.Response | None) -> Headers:
    """The headers that went and came, for the evidence: without the token, and of the answer's the harmless ones."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    sent = {name: _LEFT_OUT if name.lower() in _SECRET else value for name, value in request.headers.items()}
    came = response.headers.items() if response is not None else ()
    received = {name: _harmless(name.lower(), value) for name, value in came}
    return {"sent": _without(token, sent), "received": _without(token, received)}


def _harmless(name: str, value: str) -> str:
    if name == "location":  # the place is told; a query, or a login before the host, may be a secret
        return _LOGIN.sub("//", _QUERY.sub("", value))
    return value if name in _KEPT else _LEFT_OUT


def _without(token: str, headers: dict[str, str]) -> dict[str, str]:
    return {name: value.replace(token, _LEFT_OUT) if token else value for name, value in headers.items()}


def repeating(once: Callable[[], T], *, seconds: float, sleep: Callable[[float], None]) -> T:
    """Call `once`, and again while that may help and fits into `seconds`; the last error otherwise.

    Never for a save. Pauses have jitter, so that workers spread out, and are as long as the server asks; a
    pause that would outlast `seconds` is not begun.
    """
    asking = Retrying(
        retry=retry_if_exception(_worth_repeating),
        wait=_pause,
        stop=stop_before_delay(seconds) | stop_after_attempt(ATTEMPTS),
        sleep=sleep,
        reraise=True,
    )
    return asking(once)


def _worth_repeating(error: BaseException) -> bool:
    if isinstance(error, NotDelivered):
        status = error.http_status
        answered_no = status is not None and status != 429 and status < 500
        # A refused token will be refused again, and a wrong secret too often may lock the account.
        return not answered_no
    return isinstance(error, Unanswered)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    asked = error.retry_after if isinstance(error, ApiError) else None
    return _backoff(state) if asked is None else asked + _jitter(state)
