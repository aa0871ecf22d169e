"""Access and refresh tokens. They live in memory only: a restart ends them all."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

from .answers import Refusal, invalid
from .settings import Settings


class Tokens:
    """Gives tokens against the credentials and knows which are alive."""

    def __init__(self, client_id: str, client_secret: str, settings: Settings, clock: Callable[[], float]):
        self._credentials = (client_id, client_secret)
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._access: dict[str, float] = {}
        self._refresh: dict[str, float] = {}

    def grant(self, form: dict[str, str]) -> dict[str, str]:
        """The `result` of the token call: four strings (reference, "Obtain an access token").

        How a refresh is asked for is not documented. By the vendor's sister products it is
        `grant_type=refresh_token&refresh_token=...`; the client's credentials may come along.
        """
        kind = form.get("grant_type", "")
        if kind not in ("pp_credentials", "refresh_token"):
            raise invalid("grant_type", "oneof", "must be pp_credentials or refresh_token")
        needed = ("client_id", "client_secret") if kind == "pp_credentials" else ("refresh_token",)
        for name in needed:
            if not form.get(name):
                raise invalid(name, "required", "is required")
        for name in form:
            if name not in (*needed, "grant_type", "client_id", "client_secret"):
                raise invalid(name, "unknown", "is not a parameter of this call")
        given = (form.get("client_id"), form.get("client_secret"))
        if given != (None, None) and given != self._credentials:
            raise Refusal("invalid_client", "The client id or the client secret is wrong", status=401)
        if kind == "refresh_token" and not self._alive(self._refresh, form["refresh_token"]):
            raise Refusal("invalid_grant", "The refresh token is unknown or expired", status=401)
        return self._issue()

    def accepts(self, authorization: str) -> bool:
        """Whether an Authorization header holds a living access token."""
        scheme, _, token = authorization.partition(" ")
        return scheme == "Bearer" and self._alive(self._access, token)

    def expire(self, *, refresh_too: bool = False) -> None:
        """End every access token; with `refresh_too` the refresh tokens as well."""
        with self._lock:
            self._access.clear()
            if refresh_too:
                self._refresh.clear()

    def _alive(self, kind: dict[str, float], token: str) -> bool:
        with self._lock:
            return kind.get(token, 0.0) > self._clock()

    def _issue(self) -> dict[str, str]:
        settings, now = self._settings, self._clock()
        access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        with self._lock:
            if settings.new_token_ends_old:
                self._access.clear()
            for kind in (self._access, self._refresh):
                for token in [token for token, end in kind.items() if end <= now]:
                    del kind[token]
            self._access[access] = now + settings.token_seconds
            self._refresh[refresh] = now + settings.refresh_seconds
        return {
            "token": access,
            "tokenHead": "Bearer",
            "expiresIn": str(settings.token_seconds),
            "refreshToken": refresh,
        }
