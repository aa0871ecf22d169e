"""Reading a request: the WSGI environ as a small value, queries and forms without surprises."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from .answers import Refusal, invalid
from .numbers import request_id


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the sandbox sees it."""

    method: str
    path: str
    query: str
    body: bytes
    content_type: str
    user_agent: str
    authorization: str
    id: str
    text: str
    """The body as text; bytes that are not UTF-8 are written as escapes. Made once, to be kept once."""

    @property
    def media_type(self) -> str:
        return self.content_type.partition(";")[0].strip().lower()


def read_request(environ: dict[str, Any]) -> Request:
    """Take from a WSGI environ what the sandbox looks at."""
    path = environ.get("PATH_INFO", "")
    # By the letter of WSGI the path is UTF-8 disguised as Latin-1; httpx's transport hands it in plainly.
    with contextlib.suppress(UnicodeError):
        path = path.encode("latin-1").decode()
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return Request(
        method=environ["REQUEST_METHOD"],
        path=path,
        query=environ.get("QUERY_STRING", ""),
        body=body,
        text=body.decode(errors="backslashreplace"),
        content_type=environ.get("CONTENT_TYPE", ""),
        user_agent=environ.get("HTTP_USER_AGENT", ""),
        authorization=environ.get("HTTP_AUTHORIZATION", ""),
        id=request_id(),
    )


def query_of(request: Request, *allowed: str) -> dict[str, str]:
    """The query's parameters; unknown or repeated ones are refused."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        if name not in allowed:
            raise invalid(name, "unknown", "is not a parameter of this call")
        if name in found:
            raise invalid(name, "duplicate", "occurs twice")
        found[name] = value
    return found


def needed(query: dict[str, str], name: str) -> str:
    """A query parameter that the call cannot do without."""
    if not query.get(name):
        raise invalid(name, "required", "is required")
    return query[name]


def number_in(query: dict[str, str], name: str, default: int | None = None) -> int:
    """A whole positive number out of the query."""
    if default is not None and name not in query:
        return default
    text = needed(query, name)
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise invalid(name, "number", "must be a whole number from 1")
    return int(text)


def form_of(request: Request) -> dict[str, str]:
    """The fields of the token call, which the reference shows in both kinds of form."""
    if request.media_type == "application/x-www-form-urlencoded":
        pairs = parse_qsl(request.text, keep_blank_values=True)
    elif request.media_type == "multipart/form-data":
        pairs = _multipart(request)
    else:
        raise Refusal("unsupported_media_type", "The token call takes a form", status=415)
    form = dict(pairs)
    if len(form) != len(pairs):
        raise invalid("body", "duplicate", "names a field twice")
    return form


def _multipart(request: Request) -> list[tuple[str, str]]:
    boundary = re.search(r'boundary="?([^";]+)"?', request.content_type)
    if not boundary:
        raise invalid("Content-Type", "boundary", "has no boundary")
    pairs = []
    for part in request.body.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'[; ]name="([^"]*)"', head)
        if not name:
            raise invalid("body", "multipart", "has a part without a name")
        pairs.append((name[1].decode(), value.removesuffix(b"\r\n").decode(errors="replace")))
    return pairs
