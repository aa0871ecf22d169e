"""The Celery application. The database is the queue; Celery is the doorbell."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
# Django's checks load every page and what pages need, 28 MB that no worker needs; migrating has run them before.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.Task.Request = "portal.run.bell:Bell"  # by name: only a worker loads it
