"""The worker of `make run`, killed at one place: `python -m tests.services.mortal_worker PLACE MARK`.

When an order passes PLACE, the process makes the file MARK and sends SIGKILL to itself: no `finally`, no rollback, no
goodbye. Where MARK is there already it is an ordinary worker. Everything else is the real thing.
"""

from __future__ import annotations

import functools
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import django

if __name__ == "__main__":
    django.setup()

from orders import outcomes, submitting
from orders.lifecycle import Status
from orders.models import Order
from portal.run import queue
from yeastar_api.client import PartnerPortal
from yeastar_api.client.portal import SAVE_PATH


def die() -> None:
    """Here and now."""
    Path(sys.argv[2]).touch(exist_ok=False)
    os.kill(os.getpid(), signal.SIGKILL)


def always(*_: Any, **__: Any) -> bool:
    """Every call is the one."""
    return True


def moves(to: Status) -> Callable[..., bool]:
    """Whether this call of `Order.move` moves there."""

    def here(_: Order, status: Status, **__: Any) -> bool:
        return status == to

    return here


def before(owner: Any, name: str, here: Callable[..., bool] = always) -> None:
    """Die instead of calling `owner.name`."""
    real = getattr(owner, name)

    @functools.wraps(real)
    def passing(*args: Any, **kwargs: Any) -> Any:
        if here(*args, **kwargs):
            die()
        return real(*args, **kwargs)

    setattr(owner, name, passing)


def after(owner: Any, name: str, here: Callable[..., bool] = always) -> None:
    """Die when `owner.name` has done its work, before its caller knows."""
    real = getattr(owner, name)

    @functools.wraps(real)
    def passing(*args: Any, **kwargs: Any) -> Any:
        result = real(*args, **kwargs)
        if here(*args, **kwargs):
            die()
        return result

    setattr(owner, name, passing)


def made(owner: Any, name: str, when: Callable[[Any, str], None]) -> None:
    """Die before or after doing what `owner.name` makes ready."""
    real = getattr(owner, name)

    def making(*args: Any, **kwargs: Any) -> Callable[[], Any]:
        ready = SimpleNamespace(do=real(*args, **kwargs))
        when(ready, "do")
        return lambda: ready.do()

    setattr(owner, name, making)


def in_the_post(share: float) -> None:
    """Die when this share of the body of a `save` has left through its socket: its head was a write of its own."""
    real = socket.socket.send
    begun: WeakSet[socket.socket] = WeakSet()

    def send(connection: socket.socket, data: Any, *flags: int) -> int:
        if connection in begun:
            connection.sendall(data[: int(len(data) * share)])
            die()
        if bytes(data).startswith(f"POST {SAVE_PATH} ".encode()):
            begun.add(connection)
        return real(connection, data, *flags)

    socket.socket.send = send  # type: ignore[assignment,method-assign]


PLACES: dict[str, Callable[[], None]] = {
    "before the claim": lambda: before(Order, "move", moves(Status.SENDING)),
    "in the claim, before its attempt is written": lambda: made(submitting, "inserting", before),
    "in the claim, after its attempt is written": lambda: made(submitting, "inserting", after),
    "after the claim, before a socket opens": lambda: before(PartnerPortal, "save"),
    "in the middle of the POST": lambda: in_the_post(0.5),
    "after the POST, before the answer": lambda: in_the_post(1.0),
    "after the answer, before its commit begins": lambda: after(PartnerPortal, "save"),
    "in the commit of the answer": lambda: made(outcomes, "updating", after),
    "after the commit of the answer": lambda: after(Order, "move", moves(Status.PLACED)),
}


if __name__ == "__main__":
    if not Path(sys.argv[2]).exists():
        PLACES[sys.argv[1]]()
    sys.exit(queue.worker())
