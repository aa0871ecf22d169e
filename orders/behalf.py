"""On whose behalf something is done: known for as long as a request or a command lasts, and handed down to nobody."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

PORTAL = "the portal itself"
"""Who does what nobody asked for: a worker, or the clock."""


@dataclass
class Behalf:
    """Who asks, and from where. Person and address are looked up only when something is noted."""

    name: str = PORTAL  # of whoever is no person that has signed in
    person: Callable[[], Any] = lambda: None
    address: Callable[[], str] = lambda: ""
    agent: str = ""
    noted: list[int] = field(default_factory=list)  # keys of the entries written so far


_now: ContextVar[Behalf | None] = ContextVar("behalf", default=None)


def current() -> Behalf:
    """On whose behalf this is; the portal's own if nobody said."""
    return _now.get() or Behalf()


def at_command_line() -> Behalf:
    """Somebody with a shell on this machine, by the name they have there."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        name = "?"
    return Behalf(name=f"command line ({name})")


@contextmanager
def on_behalf_of(behalf: Behalf) -> Iterator[Behalf]:
    """Everything within is done for them."""
    token = _now.set(behalf)
    try:
        yield behalf
    finally:
        _now.reset(token)
