"""manage.py mirror_accounts: fetch partners and billing contacts now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orders import gateway, mirror
from yeastar_api.errors import ApiError


class Command(BaseCommand):
    """Mirrors the subordinate users and the billing contacts."""

    help = "Mirror partners and billing contacts from Yeastar now."

    def handle(self, *args: Any, **options: Any) -> None:
        """Fetch both lists and say what was found."""
        portal = gateway.portal()
        for name, run in (("Partners", mirror.mirror_partners), ("Contacts", mirror.mirror_contacts)):
            try:
                result = run(portal)
            except ApiError as error:
                raise CommandError(f"{name}: {error}") from error
            self.stdout.write(f"{name}: {result.words}")
