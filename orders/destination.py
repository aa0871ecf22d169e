"""Where an order goes: host and account. Frozen with the order, for the same bytes buy something else elsewhere."""

import hashlib
from urllib.parse import urlsplit

from django.conf import settings


def account_mark() -> str:
    """A short mark of the client id, by which two accounts can be told apart without naming either."""
    return hashlib.sha256(settings.YEASTAR_CLIENT_ID.encode()).hexdigest()[:8]


def current_destination() -> str:
    """The host, and a mark of the client id, that orders go to at this moment."""
    return f"{urlsplit(settings.YEASTAR_BASE_URL).netloc} (account {account_mark()})"
