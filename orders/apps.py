"""The app of what we sell, ask, remember and show."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from orders.prepared import keep_plans


class OrdersConfig(AppConfig):
    name = "orders"

    def ready(self) -> None:
        """Before anybody is connected, whatever a process loads later."""
        connection_created.connect(keep_plans, dispatch_uid="orders.prepared")
