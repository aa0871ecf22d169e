"""The access token: fetched with `pp_credentials`, shared by all, renewed by one at a time and once on 401.

Every failure to get a token is NotDelivered(call="token"), because without one nothing was sent. Neither a
token nor the client secret ever enters a repr, a log line or an error.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from yeastar_api.errors import ApiError, NotDelivered
from yeastar_api.messages import Envelope, judged_status, retry_after_seconds, whole

logger = logging.getLogger(__name__)

MARGIN_SECONDS = 300.0
TOKEN_SECONDS = 10.0
"""The longest a token call may take, so that it cannot eat the time of the call that needs it."""
ASSUMED_LIFETIME = 300.0
"""Used when the answer names no lifetime; the documented one is 30 minutes (reference)."""
POLL_SECONDS = 0.05
QUIET_SECONDS = 30.0
REMEMBERED_SECONDS = 1.0
"""So long a process reads with the token it last saw, without asking the store; a save always asks."""
STORE_AWAY = "the token store is unavailable"
"""How the detail begins when it was not the vendor who kept us from a token."""
_TELLS_401 = re.compile(rb'"status"\s*:\s*"?\s*0*401')
_USABLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class Token:
    """An access token, the epoch second at which it ends, and when we got it. The value is left out of the repr."""

    value: str = field(repr=False)
    expires_at: float
    obtained_at: float | None = None  # not known of tokens that were stored before this was kept


class TokenStoreUnavailable(Exception):
    """The place where the token is shared cannot be reached now. Its words must not quote a token."""


class TokenStore(Protocol):
    """Where all threads and processes share one token. Each method may raise TokenStoreUnavailable."""

    def get(self) -> Token | None:
        """The token last put, expired or not; None when there is none."""

    def put(self, token: Token) -> None:
        """Share this token from now on."""

    def lock(self, *, blocking: bool) -> AbstractContextManager[bool]:
        """The right to renew: True for one holder at a time. A lock whose holder died must end by itself."""


class MemoryTokenStore:
    """A token shared by the threads of one process."""

    def __init__(self) -> None:
        self._token: Token | None = None
        self._lock = threading.Lock()

    def get(self) -> Token | None:
        """The token last put; None when there is none."""
        return self._token

    def put(self, token: Token) -> None:
        """Share this token from now on."""
        self._token = token

    @contextmanager
    def lock(self, *, blocking: bool) -> Iterator[bool]:
        """The right to renew; without `blocking`, False at once when another thread holds it."""
        mine = self._lock.acquire(blocking=blocking)
        try:
            yield mine
        finally:
            if mine:
                self._lock.release()


def _unobserved(_: str, fetch: Callable[[], Token]) -> Token:
    return fetch()


class PortalAuth(httpx.Auth):
    """Puts the shared token on every request. `send` performs the token call, within the request's deadline;
    `observed` is given its name and how to make it.

    A request says how long it may take in `extensions["deadline"]`, a `time.monotonic()` value.
    """

    def __init__(
        self,
        *,
        token_url: str,
        client_id: str,
        client_secret: str,
        store: TokenStore,
        send: Callable[[httpx.Request], httpx.Response],
        user_agent: str,
        observed: Callable[[str, Callable[[], Token]], Token] = _unobserved,
    ) -> None:
        self._token_url = token_url
        self._client_id = client_id
        self._client_secret = client_secret
        self._store = store
        self._send = send
        self._user_agent = user_agent
        self._observed = observed
        self._renewing = threading.Lock()
        self._failure: tuple[float, NotDelivered] | None = None
        self._quiet_until = 0.0
        self._first_seen = ("", 0.0)
        self._lately: tuple[float, Token | None] = (0.0, None)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send with the shared token; on 401, when the vendor did nothing, renew and send once more."""
        deadline = float(request.extensions.get("deadline", time.monotonic() + TOKEN_SECONDS))
        seen_at, token = self._lately
        if token is None or request.method != "GET" or not 0 <= time.time() - seen_at <= REMEMBERED_SECONDS:
            token = self.token(deadline=deadline)
        request.headers["Authorization"] = f"Bearer {token.value}"
        response = yield request
        if _is_unauthorised(response):
            self._lately = (0.0, None)
            token = self.renew(token, deadline=deadline)
            request.headers["Authorization"] = f"Bearer {token.value}"
            yield request

    def token(self, *, deadline: float) -> Token:
        """A valid token: the shared one, or a new one. Raises NotDelivered when none can be had in time."""
        with _as_not_delivered():
            token = self._store.get()
        now = time.time()
        if token is None or token.expires_at <= now:
            return self.renew(token, deadline=deadline)
        # The store keeps no lifetime; what was left when this process first saw the token stands in for it.
        if self._first_seen[0] != token.value:
            self._first_seen = (token.value, now)
        margin = min(MARGIN_SECONDS, (token.expires_at - self._first_seen[1]) / 6)
        if token.expires_at - now <= margin:
            return self._renew_early(token, deadline)
        self._lately = (now, token)
        return token

    def renew(self, stale: Token | None, *, deadline: float) -> Token:
        """A token other than `stale`: one that somebody else got meanwhile, or a new one.

        One thread of this process at a time asks the store, and one process at a time asks the vendor.
        `deadline` is a `time.monotonic()` value. Raises NotDelivered.
        """
        asked = time.monotonic()
        if not self._renewing.acquire(timeout=max(0.0, deadline - asked)):
            raise NotDelivered(call="token", detail="no token in time: another renewal takes too long")
        try:
            # Who waited while a renewal failed shares its failure: a dead token endpoint or a wrong secret
            # would otherwise be asked again by every waiting thread in turn.
            if self._failure is not None and self._failure[0] >= asked:
                failed = self._failure[1]
                raise NotDelivered(
                    call="token",
                    code=failed.code,
                    detail=failed.detail,
                    request_id=failed.request_id,
                    http_status=failed.http_status,
                    retry_after=failed.retry_after,
                )
            with _as_not_delivered():
                return self._renew_or_wait(stale, deadline)
        except NotDelivered as failure:
            self._failure = (time.monotonic(), failure)
            raise
        finally:
            self._renewing.release()

    def held(self) -> Token | None:
        """The shared token as it lies in the store, expired or not. Raises NotDelivered when that is away."""
        with _as_not_delivered():
            return self._store.get()

    def replace(self, *, deadline: float) -> Token:
        """A new token in place of the shared one, even if that still holds. Raises NotDelivered."""
        with _as_not_delivered():
            stale = self._store.get()
        return self.renew(stale, deadline=deadline)

    def _renew_or_wait(self, stale: Token | None, deadline: float) -> Token:
        while True:
            with self._store.lock(blocking=False) as mine:
                latest = self._store.get()
                news = latest is not None and (stale is None or latest.value != stale.value)
                if latest is not None and news and latest.expires_at > time.time():
                    return latest
                if mine:
                    return self._fetch(deadline)
            if time.monotonic() >= deadline:
                raise NotDelivered(call="token", detail="no token in time: another process is renewing it")
            time.sleep(POLL_SECONDS)

    def _renew_early(self, token: Token, deadline: float) -> Token:
        """Renew if nobody else does; a failure costs little yet, since the token still holds."""
        if time.monotonic() < self._quiet_until or not self._renewing.acquire(blocking=False):
            return token
        try:
            with _as_not_delivered(), self._store.lock(blocking=False) as mine:
                latest = self._store.get()
                if latest is not None and latest.value != token.value and latest.expires_at > time.time():
                    return latest
                now = time.monotonic()
                # The call that happens to come by must keep time enough for itself.
                return self._fetch(now + (deadline - now) / 3) if mine else token
        except NotDelivered as failure:
            self._quiet_until = time.monotonic() + QUIET_SECONDS
            logger.warning("The token could not be renewed ahead of its end: %s", failure)
            return token
        finally:
            self._renewing.release()

    def _fetch(self, deadline: float) -> Token:
        """A new token, shared."""
        token = self._observed("token", lambda: self._ask(deadline))
        self._first_seen = (token.value, time.time())
        self._store.put(token)
        return token

    def _ask(self, deadline: float) -> Token:
        """The documented token call (source: reference, "Obtain an access token")."""
        request = httpx.Request(
            "POST",
            self._token_url,
            data={
                "client_id": self._client_id,
                "client_secret": self._client_secret,
                "grant_type": "pp_credentials",
            },
            headers={"User-Agent": self._user_agent, "Accept-Encoding": "identity"},
            extensions={"deadline": min(deadline, time.monotonic() + TOKEN_SECONDS)},
        )
        with _as_not_delivered():
            return self._read(self._send(request))

    def _read(self, response: httpx.Response) -> Token:
        envelope = _envelope(response)
        status = judged_status(response.status_code, envelope)
        if envelope is not None and envelope.success and 200 <= status <= 299:
            result = envelope.result if isinstance(envelope.result, dict) else {}
            value = str(result.get("token") or "").strip().removeprefix("Bearer ")
            # An odd character would be quoted, token and all, by the error of the HTTP library.
            if _USABLE.fullmatch(value):
                lifetime = whole(result.get("expiresIn")) or 0
                now = time.time()
                return Token(value, now + (lifetime if lifetime > 0 else ASSUMED_LIFETIME), obtained_at=now)
            raise NotDelivered(call="token", detail="the API answered without a usable token", http_status=status)
        detail = envelope.detail if envelope is not None else ""
        raise NotDelivered(
            call="token",
            code=envelope.code if envelope is not None else "",
            detail=self._without_secret(detail) or "the API gave no token",
            request_id=envelope.request_id if envelope is not None else "",
            http_status=status,
            retry_after=retry_after_seconds(response.headers.get("Retry-After")),
        )

    def _without_secret(self, words: str) -> str:
        return words.replace(self._client_secret, "[secret]") if self._client_secret else words


def _envelope(response: httpx.Response) -> Envelope | None:
    try:
        return Envelope.read(response.content)
    except ValueError:
        return None


def _is_unauthorised(response: httpx.Response) -> bool:
    """401 in either place, unless the answer also claims success: then it may have happened, so hands off."""
    if response.status_code != 401 and not _TELLS_401.search(response.content):
        return False  # a page of the history is not read twice for this
    envelope = _envelope(response)
    claims_success = envelope is not None and envelope.success
    return judged_status(response.status_code, envelope) == 401 and not claims_success


@contextmanager
def _as_not_delivered() -> Iterator[None]:
    """Whatever keeps us from a token: nothing was sent yet."""
    try:
        yield
    except ApiError:
        raise
    except (httpx.HTTPError, TokenStoreUnavailable) as error:
        words = STORE_AWAY if isinstance(error, TokenStoreUnavailable) else "no answer"
        raise NotDelivered(call="token", detail=f"{words} ({type(error).__name__})") from error
    except Exception as error:
        # Not chained: an error of unknown make may quote what it was handling.
        raise NotDelivered(call="token", detail=f"unexpected {type(error).__name__}") from None
