"""manage.py demo_users: three people to try the portal with."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from orders.auditing import note
from portal.roles import ROLES
from portal.vendor import host_of, is_vendor


class Command(BaseCommand):
    """Makes `staff`, `manager` and `admin` with the password DEMO_PASSWORD."""

    help = "Make the people staff, manager and admin with the password DEMO_PASSWORD. Never for the vendor's real host."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them, or give them the password again."""
        if is_vendor(settings.YEASTAR_BASE_URL):
            raise CommandError(
                f"Orders go to {host_of(settings.YEASTAR_BASE_URL)}, where each one costs money: no demo users there."
            )
        if not settings.DEMO_PASSWORD:
            raise CommandError("Set DEMO_PASSWORD.")
        for role in ROLES:
            with transaction.atomic():
                _make(role)
        self.stdout.write(f"Demo users: {', '.join(ROLES)}")


def _make(role: str) -> None:
    """The person of this role with the password; noted only if something had to be done."""
    user, new = get_user_model().objects.get_or_create(username=role, defaults={"email": f"{role}@example.com"})
    group = Group.objects.get(name=role)
    known = user.check_password(settings.DEMO_PASSWORD)
    if known and list(user.groups.all()) == [group]:
        return
    if not known:
        user.set_password(settings.DEMO_PASSWORD)
        user.save(update_fields=["password"])
    user.groups.set([group])
    words = "For trying out, with the password of DEMO_PASSWORD."
    note("person.added" if new else "person.changed", target=user, words=words, data={"roles": [role]})
