#!/usr/bin/env python
"""Django's command line for the portal. Beside a running `make run` it uses the same broker, database and API."""

import os
import sys

from django.core.management import execute_from_command_line

from orders.behalf import at_command_line, on_behalf_of
from portal.run import beside

if __name__ == "__main__":
    for name, value in beside.variables().items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    with on_behalf_of(at_command_line()):
        execute_from_command_line(sys.argv)
