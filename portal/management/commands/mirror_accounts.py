"""manage.py mirror_accounts: fetch partners and billing contacts now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orders import gateway
from orders.accounts import syncing
from orders.models import AccountRun, Listed


class Command(BaseCommand):
    """Mirrors the subordinate users and the billing contacts."""

    help = "Mirror customers and billing contacts from Yeastar now."

    def handle(self, *args: Any, **options: Any) -> None:
        """Fetch both lists and say what was found. Exit code 1 if one was not had, or waits for an admin."""
        found = syncing.sync_all(gateway.portal(), why="By command")
        for run in found:
            self.stdout.write(f"{run.get_what_display()}: {run.words}")
        if len(found) < len(Listed):
            raise CommandError("Another run is asking for a list now.")
        if any(run.state != AccountRun.State.DONE for run in found):
            raise CommandError("Not all lists were taken.")
