"""The building as an app: it brings Celery along, hears who comes in, and makes the roles after each migration."""

from importlib import import_module

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate

from portal.celery import app as celery_app
from portal.roles import make_roles


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        """The doorbell rings with our Celery app; logins are noted; roles are made once their permissions are there."""
        celery_app.set_default()
        import_module("portal.checks")  # registers them
        import_module("portal.audit.signals").connect()  # which needs the models, so not before they are there
        orders = apps.get_app_config("orders")
        post_migrate.connect(lambda **_: make_roles(), sender=orders, weak=False, dispatch_uid="portal.roles")
