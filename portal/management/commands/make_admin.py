"""manage.py make_admin: the way back in, when no admin is left who can sign in."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.people import keeping
from portal.roles import ADMIN_ROLE


class Command(BaseCommand):
    """Makes somebody an admin who has a login already."""

    help = "Make somebody an admin who has a login already, and let them in again. For anybody new: add_person."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whom."""
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        """Give the role; whoever was deactivated may sign in again."""
        person = get_user_model().objects.filter(username__iexact=options["username"]).first()
        if person is None:
            raise CommandError(f"There is nobody called {options['username']}. Add them: manage.py add_person")
        keeping.reactivate(person, actor=None)
        keeping.give_role(person, ADMIN_ROLE, actor=None)
        self.stdout.write(f"{person.get_username()} may sign in as admin.")
