"""The shared cache, which holds the limits of logins. While Redis is away, each process keeps its own."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

AWAY_SECONDS = 10
"""How long a Redis that failed is left alone: a login asks some twenty times, and must not wait each time."""

logger = logging.getLogger(__name__)


class _Client(RedisCacheClient):
    """Django's, which makes another object for each question, though they share their connections."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._made: dict[bool, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        if write not in self._made:
            self._made[write] = super().get_client(key, write=write)
        return self._made[write]


class ForgivingRedisCache(RedisCache):
    """Django's cache in Redis, and a small one in this process for as long as that fails."""

    _away_until = 0.0  # of the class: each thread has an object of its own

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        quick = {"socket_connect_timeout": 0.5, "socket_timeout": 1, "retry": Retry(NoBackoff(), 0)}
        super().__init__(server, {**params, "OPTIONS": quick | params.get("OPTIONS", {})})
        self._class = _Client
        self._local = LocMemCache("forgiving", {"MAX_ENTRIES": 10_000})

    def _ask(self, redis: Callable[..., Any], local: Callable[..., Any], *given: Any, **more: Any) -> Any:
        if time.monotonic() >= ForgivingRedisCache._away_until:
            try:
                return redis(*given, **more)
            except RedisError as error:
                ForgivingRedisCache._away_until = time.monotonic() + AWAY_SECONDS
                logger.warning("Redis does not answer (%s): limits of logins hold in each process alone", error)
        return local(*given, **more)

    def add(self, *given: Any, **more: Any) -> bool:
        return bool(self._ask(super().add, self._local.add, *given, **more))

    def get(self, *given: Any, **more: Any) -> Any:
        return self._ask(super().get, self._local.get, *given, **more)

    def set(self, *given: Any, **more: Any) -> None:
        self._ask(super().set, self._local.set, *given, **more)

    def touch(self, *given: Any, **more: Any) -> bool:
        return bool(self._ask(super().touch, self._local.touch, *given, **more))

    def delete(self, *given: Any, **more: Any) -> bool:
        return bool(self._ask(super().delete, self._local.delete, *given, **more))

    def get_many(self, *given: Any, **more: Any) -> Any:
        return self._ask(super().get_many, self._local.get_many, *given, **more)

    def set_many(self, *given: Any, **more: Any) -> Any:
        return self._ask(super().set_many, self._local.set_many, *given, **more)

    def delete_many(self, *given: Any, **more: Any) -> None:
        self._ask(super().delete_many, self._local.delete_many, *given, **more)

    def has_key(self, *given: Any, **more: Any) -> bool:
        return bool(self._ask(super().has_key, self._local.has_key, *given, **more))

    def incr(self, *given: Any, **more: Any) -> int:
        return int(self._ask(super().incr, self._local.incr, *given, **more))

    def clear(self) -> None:
        self._local.clear()
        self._ask(super().clear, lambda: None)
