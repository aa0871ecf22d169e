"""What the doctor says: lines, each with a state, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from django.conf import settings

OK, WARN, BAD = "ok", "warn", "bad"
SIGNS = {OK: "✓", WARN: "!", BAD: "✗"}
CODES = {OK: 0, WARN: 1, BAD: 2}

SHORTEST_SECRET = 6
"""Shorter ones would be found in honest words."""


@dataclass(frozen=True)
class Line:
    """One thing that was looked at."""

    name: str
    state: str
    words: str
    todo: str = ""


def good(name: str, words: str) -> Line:
    """It is as it should be."""
    return Line(name, OK, words)


def warn(name: str, words: str, todo: str = "") -> Line:
    """It works, but somebody should look at it."""
    return Line(name, WARN, words, todo)


def bad(name: str, words: str, todo: str = "") -> Line:
    """Something does not work until it is mended."""
    return Line(name, BAD, words, todo)


def exit_code(lines: Iterable[Line]) -> int:
    """0: all well, 1: somebody should look, 2: something does not work."""
    return max((CODES[line.state] for line in lines), default=0)


def masked(words: str) -> str:
    """Words of others, such as those of an error, on one line and without any secret of the settings."""
    for secret in _secrets():
        words = words.replace(secret, "***")
    return " ".join(words.split())


def _secrets() -> list[str]:
    urls = [settings.REDIS_URL, settings.CELERY_BROKER_URL]
    found = [
        settings.SECRET_KEY,
        settings.YEASTAR_CLIENT_ID,
        settings.YEASTAR_CLIENT_SECRET,
        settings.DEMO_PASSWORD,
        settings.EMAIL_HOST_PASSWORD,
        str(settings.DATABASES["default"].get("PASSWORD") or ""),
        *settings.CREDENTIAL_KEYS,
        *settings.SECRET_KEY_FALLBACKS,
        *(unquote(urlsplit(url).password or "") for url in urls),
        *(urlsplit(url).password or "" for url in urls),
    ]
    return sorted({secret for secret in found if len(secret) >= SHORTEST_SECRET}, key=len, reverse=True)
