"""manage.py rotate_credentials: seal client id and secret anew, with the first key."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from orders import credentials


class Command(BaseCommand):
    """After it, keys behind the first of `CREDENTIAL_KEYS` (or of SECRET_KEY and its fallbacks) can be taken out."""

    help = "Seal the client id and secret that are kept here with the first of CREDENTIAL_KEYS, or with SECRET_KEY."

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 1 if something is kept that no key opens."""
        resealed, unreadable = credentials.rotate()
        self.stdout.write(f"{resealed} sealed with the first key.")
        if unreadable:
            self.stderr.write(f"{unreadable} cannot be read with any key. Put the former key back, or set them anew.")
            sys.exit(1)
