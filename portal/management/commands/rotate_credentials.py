"""manage.py rotate_credentials: seal client id and secret, and people's second factors, anew with the first key."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from orders import credentials
from portal import second_factor


class Command(BaseCommand):
    """After it, keys behind the first of `CREDENTIAL_KEYS` (or of SECRET_KEY and its fallbacks) can be taken out."""

    help = (
        "Seal client id, secret and second factors that are kept here with the first of CREDENTIAL_KEYS, or SECRET_KEY."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 1 if something is kept that no key opens."""
        resealed, unreadable = (sum(pair) for pair in zip(credentials.rotate(), second_factor.rotate(), strict=True))
        self.stdout.write(f"{resealed} sealed with the first key.")
        if unreadable:
            self.stderr.write(f"{unreadable} cannot be read with any key. Put the former key back, or set them anew.")
            sys.exit(1)
