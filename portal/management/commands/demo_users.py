"""manage.py demo_users: three people to try the portal with."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError

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
            user, _ = get_user_model().objects.get_or_create(username=role, defaults={"email": f"{role}@example.com"})
            if not user.check_password(settings.DEMO_PASSWORD):
                user.set_password(settings.DEMO_PASSWORD)
                user.save(update_fields=["password"])
            user.groups.set([Group.objects.get(name=role)])
        self.stdout.write(f"Demo users: {', '.join(ROLES)}")
