"""manage.py write_export: write one export that waits. Workers start it; nobody has to."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand

from orders.exporting import apart, making


class Command(BaseCommand):
    """Does nothing if it no longer waits, or another one is being written."""

    help = "Write one export that waits to its file. Workers start this by themselves."
    requires_system_checks = ()  # migrating has checked, and to load all pages costs ten megabytes

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the export."""
        parser.add_argument("pk", type=UUID, help="of the export")

    def handle(self, *args: Any, **options: Any) -> None:
        """Told to stop, it puts the export back: another worker begins anew."""
        stopping = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stopping.set())
        apart.step_back()
        making.make(options["pk"], stopping.is_set)
