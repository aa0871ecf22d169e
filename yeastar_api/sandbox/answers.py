"""What the fake says: the envelope of every answer, and the one exception that refuses.

    {"code": "success", "detailMessage": "", "requestId": "...", "result": ..., "status": 200}

The five keys stand in every sample of the vendor's tutorials.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

SANDBOX_HEADER = ("X-Sandbox", "yeastar-sandbox")


class Refusal(Exception):
    """The call is refused in the vendor's words: an envelope whose code is not `success`."""

    def __init__(self, code: str, detail: str, *, status: int = 400, result: dict[str, str] | None = None):
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.result = result or {}


def invalid(name: str, tag: str, why: str) -> Refusal:
    """A `parameter_validation_failed` naming one field and the validation tag it broke.

    The reference says that `result` then holds such details; the names of its keys are our reading.
    """
    detail = f"Parameter validation failed: {name} {why}"
    return Refusal("parameter_validation_failed", detail, result={"field": name, "tag": tag})


class ConnectionCut(ConnectionError):
    """The sandbox was told to cut the connection.

    The real server catches it and does it on the socket: `abort` sends a TCP RST, otherwise the socket is
    closed in the middle of the answer. In process (WSGI) it leaves the application or its body iterator, and
    whoever called the application decides what a lost connection means.
    """

    def __init__(self, why: str, *, abort: bool):
        super().__init__(why)
        self.abort = abort


@dataclass(slots=True)
class Reply:
    """One HTTP answer, before it is written out."""

    status: int
    chunks: Iterable[bytes]
    content_type: str = "application/json;charset=UTF-8"
    length: int | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    payload: Any = None
    """What the body says, when it is JSON: faults and the ledger look at it."""

    @property
    def status_line(self) -> str:
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return f"{self.status} Unknown"

    @property
    def header_list(self) -> list[tuple[str, str]]:
        known = [("Content-Type", self.content_type), SANDBOX_HEADER]
        if self.length is not None:
            known.append(("Content-Length", str(self.length)))
        return known + self.headers

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)


def text_reply(status: int, text: str, content_type: str) -> Reply:
    """An answer of plain text, HTML, or anything that is not an envelope."""
    data = text.encode()
    return Reply(status, [data], content_type, len(data))


def json_reply(status: int, payload: Any) -> Reply:
    """An answer in JSON, UTF-8, as the vendor's samples are."""
    data = json.dumps(payload, ensure_ascii=False).encode()
    return Reply(status, [data], length=len(data), payload=payload)


def success(result: Any, request_id: str) -> dict[str, Any]:
    """The envelope of a success."""
    return {"code": "success", "detailMessage": "", "requestId": request_id, "result": result, "status": 200}


def refused(refusal: Refusal, request_id: str) -> dict[str, Any]:
    """The envelope of a refusal."""
    return {
        "code": refusal.code,
        "detailMessage": refusal.detail,
        "requestId": request_id,
        "result": refusal.result,
        "status": refusal.status,
    }


def pieces(data: bytes, count: int) -> Iterator[bytes]:
    """`data` in about `count` pieces of equal size."""
    size = max(1, -(-len(data) // max(1, count)))
    for start in range(0, len(data), size):
        yield data[start : start + size]
