"""What happened, one JSON line each, so that a second start finds the same world."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Journal:
    """An append-only file of events. Without a path it remembers nothing."""

    def __init__(self, path: str | Path | None):
        self._path = Path(path) if path else None
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)

    def events(self) -> Iterator[dict[str, Any]]:
        """The events so far, oldest first.

        A last line without its end was being written when the process was killed. Its order was never
        answered, and it is cut off, so that the next line does not grow onto it.
        """
        if not self._path or not self._path.exists():
            return
        whole = 0
        with self._path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                yield json.loads(line)
        with self._path.open("r+b") as file:
            file.truncate(whole)

    def append(self, event: dict[str, Any]) -> None:
        """Remember one more; it has left this process when the call returns."""
        if self._path:
            with self._path.open("ab") as file:
                file.write(json.dumps(event, ensure_ascii=False).encode() + b"\n")

    def forget(self) -> None:
        """Start anew: the pristine world has no past."""
        if self._path:
            self._path.write_bytes(b"")
