"""The building as an app: roles are made after each migration, and misconfiguration is said at start."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from portal.roles import make_roles


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        """Make the roles when the permissions are there."""
        post_migrate.connect(lambda **_: make_roles(), sender=self, weak=False, dispatch_uid="portal.roles")
