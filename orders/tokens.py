"""The one access token, shared through Redis by every process and thread."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict
from typing import Any

import redis
from redis.exceptions import LockError, RedisError

from yeastar_api.auth import Token, TokenStoreUnavailable
from yeastar_api.errors import NotDelivered

LOCK_SECONDS = 15
"""How long one renewal may hold the others up; longer than a token call may last."""


class RedisTokenStore:
    """A `yeastar_api.auth.TokenStore`. Another host, client or secret has another token."""

    def __init__(self, url: str, *credentials: str) -> None:
        identity = hashlib.sha256("\n".join(credentials).encode()).hexdigest()[:24]
        self._key = f"yeastar:token:{identity}"
        self._redis = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=5)

    def get(self) -> Token | None:
        """The token, also one that has expired. Raises TokenStoreUnavailable."""
        with _unavailable():
            stored = self._redis.get(self._key)
        try:
            found = json.loads(stored) if isinstance(stored, bytes) else None
            return _read(found) if found else None
        except (ValueError, TypeError, KeyError):
            return None  # of another version: a new one is asked for

    def put(self, token: Token) -> None:
        """Share a new token. Raises TokenStoreUnavailable."""
        with _unavailable():
            self._redis.set(self._key, json.dumps(asdict(token)))

    def drop(self) -> None:
        """Keep it no longer. Raises TokenStoreUnavailable."""
        with _unavailable():
            self._redis.delete(self._key)

    @contextmanager
    def lock(self, *, blocking: bool) -> Iterator[bool]:
        """Be the one who renews; yields whether it is us. Raises TokenStoreUnavailable."""
        lock = self._redis.lock(f"{self._key}:lock", timeout=LOCK_SECONDS, blocking_timeout=LOCK_SECONDS)
        with _unavailable():
            acquired = lock.acquire(blocking=blocking)
        try:
            yield acquired
        finally:
            if acquired:
                with suppress(LockError, RedisError):  # it expires by itself
                    lock.release()


class NoToken:
    """A `yeastar_api.auth.TokenStore` of somebody who cannot ask for a token; says why, and Yeastar is not asked."""

    def __init__(self, why: str) -> None:
        self._why = why

    def get(self) -> Token | None:
        """Raises NotDelivered."""
        raise NotDelivered(call="token", detail=self._why)

    def put(self, _: Token) -> None:
        """Raises NotDelivered."""
        raise NotDelivered(call="token", detail=self._why)

    def lock(self, *, blocking: bool) -> AbstractContextManager[bool]:
        """Raises NotDelivered."""
        raise NotDelivered(call="token", detail=self._why)


def _read(found: dict[str, Any]) -> Token:
    value, expires_at = str(found["value"]), float(found["expires_at"])
    obtained_at = found.get("obtained_at")  # tokens stored by an earlier version have none
    return Token(value, expires_at, None if obtained_at is None else float(obtained_at))


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise TokenStoreUnavailable(str(error)) from error
