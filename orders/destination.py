"""Where an order goes: host and account. Frozen with the order, for the same bytes buy something else elsewhere."""

import hashlib
from urllib.parse import urlsplit

from django.conf import settings


def current_destination() -> str:
    """The host, and a mark of the client id, that orders go to at this moment."""
    account = hashlib.sha256(settings.YEASTAR_CLIENT_ID.encode()).hexdigest()[:8]
    return f"{urlsplit(settings.YEASTAR_BASE_URL).netloc} (account {account})"
