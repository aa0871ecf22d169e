"""The building as an app: it makes the roles after each migration."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate

from portal.roles import make_roles


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        """Make the roles once the permissions of the orders are there. (An app without models gets no signal.)"""
        orders = apps.get_app_config("orders")
        post_migrate.connect(lambda **_: make_roles(), sender=orders, weak=False, dispatch_uid="portal.roles")
