"""manage.py add_person: let somebody in."""

from getpass import getpass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction

from orders.auditing import note
from portal.roles import ROLES


class Command(BaseCommand):
    """Adds a person with a role; asks for the password."""

    help = "Add a person with a role. The password is asked for, or read from standard input with --stdin."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name, email and role."""
        parser.add_argument("username")
        parser.add_argument("email")
        parser.add_argument("--role", choices=list(ROLES), action="append", required=True)
        parser.add_argument("--stdin", action="store_true", help="read the password from standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        """Add them; a name or address that is taken, or a bad password, changes nothing."""
        users = get_user_model().objects
        username, email = options["username"], options["email"]
        if users.filter(username__iexact=username).exists():
            raise CommandError(f"There is somebody called {username} already.")
        if users.filter(email__iexact=email).exists():
            raise CommandError(f"There is somebody with {email} already.")
        password = input() if options["stdin"] else getpass("Password: ")
        try:
            validate_email(email)
            validate_password(password, get_user_model()(username=username, email=email))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        with transaction.atomic():
            user = users.create_user(username, email, password)
            user.groups.set(Group.objects.filter(name__in=options["role"]))
            note("person.added", target=user, data={"email": email, "roles": options["role"]})
        self.stdout.write(f"{user.username} may sign in as {', '.join(options['role'])}.")
