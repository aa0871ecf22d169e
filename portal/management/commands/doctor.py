"""manage.py doctor: what is wrong with this installation, on one screen."""

import json
import logging
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from portal.doctor import Line, examine, exit_code
from portal.doctor.report import BAD, OK, SIGNS, WARN


class Command(BaseCommand):
    """Each line begins with ✓, ! or ✗. Exit code 0: all well; 1: somebody should look; 2: something does not work."""

    help = "Tell what is wrong with this installation. Exit code 0: nothing, 1: something to look at, 2: broken."
    requires_system_checks: list[str] = []  # the doctor makes them, and goes on

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How to tell it."""
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.add_argument("--offline", action="store_true", help="ask neither the vendor nor the mail server")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look at everything, and end with the exit code."""
        logging.disable(logging.CRITICAL)  # what goes wrong is told in the lines
        lines = examine(offline=options["offline"])
        if options["json"]:
            state = {0: OK, 1: WARN, 2: BAD}[exit_code(lines)]
            self.stdout.write(json.dumps({"state": state, "lines": [asdict(line) for line in lines]}, indent=2))
        else:
            self.stdout.write("\n".join(self._told(line) for line in lines) + f"\n\n{_sum(lines)}")
        sys.exit(exit_code(lines))  # looks that hang are daemons, and do not keep it from ending

    def _told(self, line: Line) -> str:
        style = {OK: self.style.SUCCESS, WARN: self.style.WARNING, BAD: self.style.ERROR}[line.state]
        todo = f"\n{'':19}→ {line.todo}" if line.todo and line.state != OK else ""
        return f"{style(SIGNS[line.state])} {line.name:<16} {line.words}{todo}"


def _sum(lines: list[Line]) -> str:
    broken = sum(line.state == BAD for line in lines)
    odd = sum(line.state == WARN for line in lines)
    if broken:
        return f"{broken} broken, {odd} to look at."
    return f"Works; {odd} to look at." if odd else "All is well."
