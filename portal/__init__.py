"""The building: settings, URLs, roles and the way to start it. Nothing below imports it."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
