"""How a call to the Partner Portal can fail, named after the answer to "may I send it again?".

ApiError
├── NotDelivered   the vendor certainly did nothing: send it again, later
│                  (no connection, no token, 401 that survived one renewal, 429)
├── Refused        the vendor certainly did nothing and said why: change it, then order anew
│                  (4xx, or an envelope whose code is not "success" with no 5xx)
└── Unanswered     perhaps it happened, perhaps not: a save is never sent again by a machine
                   (lost, late, 3xx, 5xx, unreadable, oversize or self-contradicting answers)

Nothing else leaves `yeastar_api.client`, except the plain TypeError or ValueError of a caller's mistake,
which is raised before anything was sent.
"""

from __future__ import annotations

from typing import Any

ANSWER_LIMIT = 64 * 1024
"""How much of an answer an error keeps, in bytes of UTF-8."""


class ApiError(Exception):
    """A call that brought no usable answer. Its attributes hold no token: safe to show, log and store."""

    def __init__(
        self,
        *,
        call: str,
        code: str = "",
        detail: str = "",
        request_id: str = "",
        http_status: int | None = None,
        answer: str = "",
        retry_after: float | None = None,
    ) -> None:
        """Keep what is known.

        `call`: which endpoint, e.g. "save", "partner_list" or "token". `code` and `detail`: the envelope's,
        or our own plain words in `detail` when they said none. `answer`: the answer's text, cut to 64 KB.
        `retry_after`: seconds the server asked us to wait.
        """
        super().__init__(call, code, detail)
        self.call = call
        self.code = code
        self.detail = detail
        self.request_id = request_id
        self.http_status = http_status
        self.answer = answer.encode("utf-8", "replace")[:ANSWER_LIMIT].decode("utf-8", "ignore")
        self.retry_after = retry_after
        self.headers: dict[str, dict[str, str]] = {}
        """Those `sent` and `received`, without secrets; empty if the call itself was never sent."""

    def __str__(self) -> str:
        """One readable line: call, code, words, then the numbers that support would ask for."""
        said = ": ".join(part for part in (self.call, self.code, self.detail) if part)
        notes = []
        if self.http_status is not None:
            notes.append(f"HTTP {self.http_status}")
        if self.request_id:
            notes.append(f"request {self.request_id}")
        return f"{said} ({', '.join(notes)})" if notes else said


class NotDelivered(ApiError):
    """Certainly not acted upon; the same request may be sent again later."""


class Refused(ApiError):
    """Certainly not acted upon, and the same request would be refused again."""

    def __init__(
        self,
        *,
        call: str,
        code: str = "",
        detail: str = "",
        request_id: str = "",
        http_status: int | None = None,
        answer: str = "",
        retry_after: float | None = None,
        fields: dict[str, Any] | list[Any] | None = None,
    ) -> None:
        """As `ApiError`; `fields` is the envelope's `result`, e.g. the field's name and the rule it broke."""
        super().__init__(
            call=call,
            code=code,
            detail=detail,
            request_id=request_id,
            http_status=http_status,
            answer=answer,
            retry_after=retry_after,
        )
        self.fields = fields


class Unanswered(ApiError):
    """Perhaps acted upon. After a save only evidence or a person may say whether anything was bought."""
