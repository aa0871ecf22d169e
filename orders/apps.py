"""The app of what we sell, ask, remember and show."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"
