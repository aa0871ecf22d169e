"""What values become when they are written. The same ones come again and again, so it is worked out once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MOST = 20_000
"""Values that are kept; then all are forgotten."""


class Kept(dict[Any, Any]):
    """By value. To look one up calls no Python, which is what makes a million rows quick."""

    def __init__(self, become: Callable[[Any], Any]) -> None:
        super().__init__()
        self._become = become

    def __missing__(self, value: Any) -> Any:
        if len(self) >= MOST:
            self.clear()
        self[value] = written = self._become(value)
        return written
