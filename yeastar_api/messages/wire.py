"""JSON as the vendor writes it, read without losing a digit, and the envelope around every answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Self

import msgspec
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    PrivateAttr,
    model_validator,
)
from pydantic.alias_generators import to_camel

MAX_DEPTH = 100
_CONTAINERS = ("results", "list", "records", "rows", "items", "data", "result")


def as_text(body: bytes) -> str:
    """The body as text that any database can store: odd bytes and NUL become U+FFFD."""
    return body.decode("utf-8-sig", "replace").replace("\x00", "\ufffd")


def parse_json(body: bytes) -> Any:
    """Read JSON; a number with a point or an exponent stays the text it was written as.

    A float has 53 bits and the API's ids have 64, so no float is ever made here: `3.197e18` stays "3.197e18".
    Raises ValueError, which never quotes the body, when it is not JSON or nested absurdly deep.
    """
    try:
        try:
            value = _usual.decode(body)  # as text a long list would be in memory twice more
        except (msgspec.DecodeError, UnicodeDecodeError):
            value = _unusual(as_text(body))
        _bound_depth(value)
        # Once decoded, only an escape can still name what cannot be stored; to look at each string costs far more.
        return _clean(value) if _NOT_STORABLE.search(body) else value
    except (ValueError, RecursionError):
        # `from None`: a JSONDecodeError carries the whole document, and that may hold a token.
        raise ValueError("the answer is not readable JSON") from None


def _unusual(source: str) -> Any:
    """Odd bytes are replaced already; some write NaN, or half a surrogate pair: that is no JSON, but can be read."""
    try:
        return _usual.decode(source)
    except msgspec.DecodeError:
        return json.loads(source, parse_float=str, parse_constant=str)


_NESTING = frozenset({dict, list})
"""As they are parsed; to ask `isinstance` of every value on a page takes three times as long."""

_usual = msgspec.json.Decoder(float_hook=str)

_NOT_STORABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
"""The escapes of NUL and of halves of surrogate pairs; also of whole pairs, which are then left as they are."""


def _bound_depth(value: Any) -> None:
    """Raise ValueError if containers are nested too deeply for those who walk through them."""
    level = [value]
    for _ in range(MAX_DEPTH):
        inner = [node.values() if isinstance(node, dict) else node for node in level if type(node) in _NESTING]
        if not inner:
            return
        level = [item for items in inner for item in items if type(item) in _NESTING]
    raise ValueError("nested too deeply")


def _clean(value: Any) -> Any:
    """Replace what PostgreSQL and UTF-8 cannot hold: NUL, half a surrogate pair."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "\ufffd")
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value


def text(value: Any) -> str:
    """Any JSON value as text: null is "", a number its exact digits, an object its JSON.

    Raises ValueError for a float: it may already have lost digits of an id, and our own parser makes none.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        raise ValueError("a float may have lost digits of an id; hand in text or an integer")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def id_text(value: Any) -> str:
    """An id as text; "" for null, 0, blank and for anything that is no id (an object, a list, a boolean)."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    found = str(value).strip()
    return "" if found == "0" else found


def whole(value: Any) -> int | None:
    """A whole number from a number or its digits; None when it is neither, or absurdly long."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        digits = value.strip()
        if digits.removeprefix("-").isdecimal() and digits.isascii() and len(digits) <= 20:
            return int(digits)
    return None


def as_list(result: Any) -> list[dict[str, Any]]:
    """The rows of a list answer: an array, or an object that holds one (assumption A: both are accepted).

    null is an empty list; rows that are no objects are left out. Raises ValueError when there is no array
    at all: an unknown shape must not be read as "there are none".
    """
    return [row for row in as_array(result) if isinstance(row, dict)]


def as_array(result: Any) -> list[Any]:
    """The array of a list answer, with all that stands in it. Raises ValueError as `as_list` does."""
    found = [] if result is None else _find_list(result)
    if found is None:
        raise ValueError("the answer holds no list")
    return found


def _find_list(node: Any) -> list[Any] | None:
    if isinstance(node, list):
        return node if not node or any(isinstance(row, dict) for row in node) else None
    if not isinstance(node, dict):
        return None
    known = [node[key] for key in _CONTAINERS if key in node]
    if known and all(value is None for value in known):
        return []
    # Well-known names first, then arrays near the surface: the outer array is the list, not one inside a row.
    others = sorted((node[key] for key in node if key not in _CONTAINERS), key=lambda value: not value)
    for value in [*known, *sorted(others, key=lambda value: not (isinstance(value, list) and value))]:
        found = _find_list(value)
        if found is not None:
            return found
    return None


Text = Annotated[str, BeforeValidator(text)]
"""Text in our code whatever it was on the wire."""


class Message(BaseModel):
    """One object the vendor answered: known fields as text attributes, everything kept in `raw`."""

    model_config = ConfigDict(extra="allow", frozen=True, alias_generator=to_camel, populate_by_name=True)

    _raw: dict[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _keep_raw(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        message = handler(data)
        if isinstance(data, Mapping):
            message._raw = dict(data)
        return message

    @property
    def raw(self) -> dict[str, Any]:
        """The payload as it came, unknown fields included."""
        return self._raw


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """`{code, detailMessage, requestId, result, status}` around every answer (tutorials, reference)."""

    code: str
    detail: str
    request_id: str
    result: Any
    status: int | None

    @property
    def success(self) -> bool:
        """Whether the vendor's code says that it worked; the statuses may still say otherwise."""
        return self.code.strip().casefold() == "success"

    @classmethod
    def read(cls, body: bytes) -> Self:
        """Read an envelope. Raises ValueError when the body is no JSON object with a textual `code`.

        A code of another type is not "some error code" but an answer of a kind never seen, and such an answer
        must not be taken for a refusal.
        """
        payload = parse_json(body)
        if not isinstance(payload, dict) or not isinstance(payload.get("code"), str) or not payload["code"].strip():
            raise ValueError("the answer is not the API's usual envelope")
        return cls(
            code=payload["code"],
            detail=text(payload.get("detailMessage")),
            request_id=text(payload.get("requestId")),
            result=payload.get("result"),
            status=whole(payload.get("status")),
        )


def judged_status(http_status: int, envelope: Envelope | None) -> int:
    """The one status to judge an answer by, since an error may come as HTTP 200 (A: judge by both).

    5xx in either place wins: it is the one that leaves open whether something happened.
    """
    told = envelope.status if envelope is not None else None
    if told is None or 500 <= http_status <= 599:
        return http_status
    if 500 <= told <= 599:
        return told
    if 200 <= http_status <= 299 and 400 <= told <= 499:
        return told
    return told if 400 <= http_status <= 499 and told in (401, 429) else http_status


def retry_after_seconds(header: str | None) -> float | None:
    """Seconds that a `Retry-After` header (seconds or an HTTP date) asks to wait; None if unreadable."""
    if header is None:
        return None
    if re.fullmatch(r"\s*[0-9]{1,9}(\.[0-9]{1,9})?\s*", header):
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
