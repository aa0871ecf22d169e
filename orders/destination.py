"""Where an order goes: host and account. Frozen with the order, for the same bytes buy something else elsewhere."""

from urllib.parse import urlsplit

from django.conf import settings

from orders import credentials
from yeastar_api.client import PartnerPortal

CHANGED = "The credentials were changed since this was asked for."
"""Why what was asked for one account is not done with another."""


def account_mark() -> str:
    """A short mark of the client id in force."""
    return credentials.in_force().mark


def destination(base_url: str, mark: str) -> str:
    """A host, and the mark of the client id that is used there."""
    return f"{urlsplit(base_url).netloc} (account {mark})"


def current_destination() -> str:
    """The host, and a mark of the client id, that orders go to at this moment."""
    return destination(settings.YEASTAR_BASE_URL, account_mark())


def destination_of(portal: PartnerPortal) -> str:
    """Where this client goes, whatever is put in force meanwhile. One without a name goes where orders go now."""
    return portal.name or current_destination()
