"""Live answers for a page that must not wait: asked once, briefly kept, and 'still asking' said at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from yeastar_api.errors import ApiError

Value = TypeVar("Value")

KEPT = 200
"""Answers kept in one process, at most."""


@dataclass(frozen=True)
class Lookup(Generic[Value]):
    """The answer, or the error, or neither: still asking."""

    value: Value | None = None
    error: ApiError | None = None
    seconds: float = 0.0

    @property
    def state(self) -> str:
        """ready · failed · waiting"""
        if self.error:
            return "failed"
        return "waiting" if self.value is None else "ready"


class Lookups:
    """Questions in flight and answers lately got, in this process.

    Every question runs once at a time, in a thread of its own, and goes on when the page has stopped waiting for it;
    the page asks again and finds the answer. A failure is told once; the next question tries anew.
    """

    def __init__(self, threads: int = 8) -> None:
        self._asked: dict[Hashable, tuple[Future[Any], float]] = {}
        self._guard = threading.Lock()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="lookup")

    def ask(self, key: Hashable, load: Callable[[], Value], *, patience: float, max_age: float) -> Lookup[Value]:
        """The answer to `load`, if it is there within `patience` seconds or is younger than `max_age` seconds."""
        future, asked_at = self._question(key, load, max_age)
        wait_for([future], timeout=patience)
        if not future.done():
            return Lookup(seconds=time.monotonic() - asked_at)
        error = future.exception()
        if error is None:
            return Lookup(value=future.result())
        self._forget(key, future)
        if isinstance(error, ApiError):
            return Lookup(error=error)
        raise error

    def clear(self) -> None:
        """Forget every answer."""
        with self._guard:
            self._asked.clear()

    def _question(self, key: Hashable, load: Callable[[], Value], max_age: float) -> tuple[Future[Value], float]:
        now = time.monotonic()
        with self._guard:
            known = self._asked.get(key)
            if known and (not known[0].done() or now - known[1] < max_age):
                return known
            while len(self._asked) >= KEPT:
                self._asked.pop(next(iter(self._asked)))
            self._asked.pop(key, None)
            self._asked[key] = question = (self._pool.submit(load), now)
            return question

    def _forget(self, key: Hashable, future: Future[Any]) -> None:
        with self._guard:
            known = self._asked.get(key)
            if known and known[0] is future:
                del self._asked[key]
