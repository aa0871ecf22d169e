"""What an answer, or the lack of one, means: the table "may I send it again?" as code."""

from __future__ import annotations

from typing import Any

import httpx

from yeastar_api.client.transport import NoLongerWanted
from yeastar_api.errors import ApiError, NotDelivered, Refused, Unanswered
from yeastar_api.messages import Envelope, as_text, judged_status, retry_after_seconds

# Only these prove that not one byte of the request left; every other failure leaves it open. The first match
# counts. `tests/yeastar_api/test_outcome.py` walks all of httpx's errors through `from_exception`.
_NEVER_SENT: tuple[tuple[type[Exception], str], ...] = (
    (NoLongerWanted, "our machine was held up, and it was too late to begin"),
    (httpx.ConnectTimeout, "no connection in time"),
    (httpx.ConnectError, "no connection"),
    (httpx.PoolTimeout, "all connections are busy"),
    (httpx.ProxyError, "the proxy gave no connection"),
    (httpx.UnsupportedProtocol, "the address is not one of http or https"),
)
_PERHAPS_SENT: tuple[tuple[type[Exception], str], ...] = (
    (httpx.TimeoutException, "no answer in time"),
    (httpx.NetworkError, "the connection was lost"),
    (httpx.ProtocolError, "the answer broke off or broke the rules of HTTP"),
    (httpx.DecodingError, "the answer could not be decoded"),
)
_LONGEST_TOKEN_LEFT_ALONE = 15


def from_exception(call: str, error: Exception) -> ApiError:
    """The error of ours for an exception that sending raised; one of unknown make is Unanswered.

    The exception's own words are left out, for a library may quote a header, and headers hold the token.
    """
    for kind, words in _NEVER_SENT:
        if isinstance(error, kind):
            return NotDelivered(call=call, detail=f"{words} ({type(error).__name__})")
    for kind, words in _PERHAPS_SENT:
        if isinstance(error, kind):
            return Unanswered(call=call, detail=f"{words} ({type(error).__name__})")
    return Unanswered(call=call, detail=f"unexpected {type(error).__name__}")


ANSWER_MOST = 1024 * 1024
"""Bytes of an answer that are kept as text: all of a save's, of which no more is read. A list may have far more."""


def accepted(call: str, response: httpx.Response) -> tuple[Envelope, str]:
    """The envelope of a success, and the answer's text. Raises the error that any other answer amounts to."""
    body = _without_token(response)
    answer = as_text(body[:ANSWER_MOST])
    try:
        envelope = Envelope.read(body)
    except ValueError:
        envelope = None
    status = judged_status(response.status_code, envelope)
    if envelope is not None and envelope.success and 200 <= status <= 299:
        return envelope, answer
    raise _failure(call, status, envelope, answer, retry_after_seconds(response.headers.get("Retry-After")))


def surprising(call: str, status: int, envelope: Envelope, answer: str, why: Exception) -> Unanswered:
    """The error for a success whose `result` is not what this call answers."""
    # pydantic's message quotes the payload at length; its title and count are enough, the answer is kept.
    words = str(why).split("\n", 1)[0]
    return Unanswered(
        call=call,
        code=envelope.code,
        detail=words,
        request_id=envelope.request_id,
        http_status=status,
        answer=answer,
    )


def _failure(call: str, status: int, envelope: Envelope | None, answer: str, retry_after: float | None) -> ApiError:
    kind, ours = _verdict(status, envelope)
    facts: dict[str, Any] = {
        "call": call,
        "http_status": status,
        "answer": answer,
        "retry_after": retry_after,
    }
    if envelope is not None:
        facts |= {"code": envelope.code, "request_id": envelope.request_id}
        if kind is Refused and isinstance(envelope.result, dict | list):
            facts["fields"] = envelope.result
    return kind(detail=envelope.detail if envelope is not None and envelope.detail else ours, **facts)


def _verdict(status: int, envelope: Envelope | None) -> tuple[type[ApiError], str]:
    """The kind of failure, and our words for it. Where anything may have happened, it is Unanswered."""
    if status >= 500:
        return Unanswered, f"the API failed with status {status}"
    if envelope is not None and envelope.success:
        return Unanswered, f"the answer contradicts itself: success, yet status {status}"
    if status == 401:
        return NotDelivered, "a freshly renewed token was not accepted"
    if status == 429:
        return NotDelivered, "the API asks to come back later"
    if status >= 400 or (200 <= status <= 299 and envelope is not None):
        return Refused, "refused without a reason"
    if 300 <= status <= 399:
        return Unanswered, "a redirect, which is never followed"
    return Unanswered, "the answer is not the API's usual envelope"


def _without_token(response: httpx.Response) -> bytes:
    """The body; should it echo the token that was sent, without it."""
    token = response.request.headers.get("Authorization", "").removeprefix("Bearer ")
    # A few letters would be found in honest words; a real token is long.
    if len(token) <= _LONGEST_TOKEN_LEFT_ALONE:
        return response.content
    return response.content.replace(token.encode(), b"[token]")
