"""Live answers for a page that must not wait: asked once, briefly kept, and 'still asking' said at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from yeastar_api.errors import ApiError, NotDelivered

Value = TypeVar("Value")

KEPT = 200
"""Answers kept in one process, at most."""

OPEN = 32
"""Questions in flight in one process, at most."""

OPEN_FOR_ONE = 3
"""Questions in flight for one person, at most: so nobody can keep everybody else waiting."""

TOO_MANY = "Too many questions at once. Try again in a moment."


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


@dataclass(frozen=True)
class _Question:
    answer: Future[Any]
    asked_at: float
    asker: Hashable

    @property
    def open(self) -> bool:
        return not self.answer.done()


class Lookups:
    """Questions in flight and answers lately got, in this process.

    Every question runs once at a time, in a thread of its own, and goes on when the page has stopped waiting for it;
    the page asks again and finds the answer. A failure is told once; the next question tries anew. Beyond so many
    questions in flight, in all or for one person, a new one is not asked but failed at once.
    """

    def __init__(self, threads: int = 8) -> None:
        self._asked: dict[Hashable, _Question] = {}
        self._guard = threading.Lock()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="lookup")

    def ask(
        self,
        key: Hashable,
        load: Callable[[], Value],
        *,
        patience: float,
        max_age: float,
        asker: Hashable,
    ) -> Lookup[Value]:
        """The answer to `load`, if it is there within `patience` seconds or is younger than `max_age` seconds."""
        question = self._question(key, load, max_age, asker)
        if question is None:
            return Lookup(error=NotDelivered(call="", detail=TOO_MANY))
        wait_for([question.answer], timeout=patience)
        if question.open:
            return Lookup(seconds=time.monotonic() - question.asked_at)
        error = question.answer.exception()
        if error is None:
            return Lookup(value=question.answer.result())
        self._forget(key, question)
        if isinstance(error, ApiError):
            return Lookup(error=error)
        raise error

    def clear(self) -> None:
        """Forget every answer."""
        with self._guard:
            self._asked.clear()

    def _question(self, key: Hashable, load: Callable[[], Any], max_age: float, asker: Hashable) -> _Question | None:
        """The question that was asked already, or a new one; None if too many are open for that."""
        now = time.monotonic()
        with self._guard:
            known = self._asked.get(key)
            if known and (known.open or now - known.asked_at < max_age):
                return known
            askers = [each.asker for each in self._asked.values() if each.open]
            if len(askers) >= OPEN or askers.count(asker) >= OPEN_FOR_ONE:
                return None
            self._asked.pop(key, None)
            self._make_room()
            self._asked[key] = question = _Question(self._pool.submit(load), now, asker)
            return question

    def _make_room(self) -> None:
        """Forget the oldest answers. A question in flight is never forgotten: it would be asked twice."""
        answered = [key for key, each in self._asked.items() if not each.open]
        for key in answered[: max(0, len(self._asked) + 1 - KEPT)]:
            del self._asked[key]

    def _forget(self, key: Hashable, question: _Question) -> None:
        with self._guard:
            if self._asked.get(key) is question:
                del self._asked[key]
