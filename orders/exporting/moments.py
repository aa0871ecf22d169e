"""Moments, from the text of a database to the portal's time zone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from django.utils import timezone

from orders.exporting.kept import Kept

_HOUR, _MINUTE = len("2026-11-21 10"), len("2026-11-21 10:56")
_SECOND = len("2026-11-21 10:56:05")


def moment(text: str) -> datetime:
    """What the databases write: 2026-11-21 10:56:05.999, in UTC, with or without saying so."""
    told = datetime.fromisoformat(text)
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def local(write: Callable[[datetime], Any], nothing: Any) -> Callable[[str | None], Any]:
    """A function that writes such a moment in the portal's time zone, to the second; `nothing` where there is none."""
    zone = timezone.get_current_timezone()
    return lambda text: nothing if text is None else write(moment(text).astimezone(zone).replace(microsecond=0))


class Clock:
    """Writes 2026-11-21 11:56:05, millions of times: what is the same in each hour is worked out once.

    In a zone that is ever half an hour apart, once in each minute.
    """

    def __init__(self) -> None:
        zone = timezone.get_current_timezone()
        hours = all(
            not (datetime(year, month, 1, tzinfo=zone).utcoffset() or timedelta()) % timedelta(hours=1)
            for year, month in product(range(1970, 2040), range(1, 13))
        )
        self._same = _HOUR if hours else _MINUTE
        write = local("{:%Y-%m-%d %H:%M}".format, "")
        self._begun = Kept(lambda text: write(text if len(text) == _MINUTE else f"{text}:00")[: self._same])

    def texts(self, moments: Iterable[str | None]) -> list[str]:
        """The texts, empty where there is none."""
        begun, same = self._begun, self._same
        return [begun[text[:same]] + text[same:_SECOND] if text else "" for text in moments]
