"""manage.py mirror_orders: bring the mirror of Yeastar's history up to date now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orders import auditing, gateway
from orders.destination import current_destination
from orders.history import tallies
from orders.history.following import follow


class Command(BaseCommand):
    """Reads what is new, or everything; or counts the monthly sums anew."""

    help = "Read what is new in Yeastar's history of orders now; with --whole all of it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the options."""
        parser.add_argument("--whole", action="store_true", help="read every page; a run that was cut is gone on with")
        parser.add_argument("--recount", action="store_true", help="read nothing; count the monthly sums anew")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 1 if another run is reading, or this one was cut short."""
        if options["recount"]:
            right = tallies.rebuild(current_destination())
            self.stdout.write(
                "The monthly sums were right." if right else "The monthly sums were wrong, and are right."
            )
            return
        auditing.note("history.synced", words="Everything once more" if options["whole"] else "What is new")
        reading = follow(gateway.portal(), whole=options["whole"], why="By command")
        if reading is None:
            raise CommandError("Another run is reading now.")
        self.stdout.write(
            f"{reading.words} New: {reading.new}, changed: {reading.changed}, gone: {reading.gone}, "
            f"details: {reading.details}, errors: {reading.errors}."
        )
        if not reading.complete:
            raise CommandError("Not everything was read.")
