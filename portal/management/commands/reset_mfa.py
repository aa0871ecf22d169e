"""manage.py reset_mfa: the way back for somebody who lost the second factor."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from orders import auditing
from portal.people import keeping


class Command(BaseCommand):
    """Takes away the app, the passkeys and the recovery codes of a person, and signs them out everywhere."""

    help = "Take away somebody's second factor, passkeys and recovery codes, and end their sessions."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose."""
        parser.add_argument("username")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        """At the next login the password is enough, and a new factor is asked for where one is needed."""
        person = get_user_model().objects.filter(username=username).first()
        if person is None:
            raise CommandError(f"There is nobody called {username}.")
        with transaction.atomic():
            theirs = Authenticator.objects.filter(user=person)
            kinds = sorted(str(each.type) for each in theirs)
            theirs.delete()
            auditing.note("mfa.reset", target=person, words="By command", data={"factors": kinds})
        ended = keeping.sign_out(person, actor=None)
        self.stdout.write(f"{username}: {', '.join(kinds) or 'nothing'} taken away; sessions ended: {ended}.")
