"""What admins set and saw of the connection: credentials, tests of it, and the signs of life of worker and beat."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from orders.models.history import DESTINATION_LENGTH


class Credentials(models.Model):
    """Client id and secret as somebody set them here. The latest row is in force; those before it are the history.

    `sealed` is encrypted, and emptied as soon as another row follows: of what was in force before only who, when and
    the mark are kept. A row without `tail` says that they were taken away; its mark is that of the account before.
    """

    at = models.DateTimeField()
    who = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    mark = models.CharField(max_length=8, blank=True)  # of the client id, as destinations have it
    tail = models.CharField(max_length=4, blank=True)  # its last characters, to know it again by
    sealed = models.TextField(blank=True)
    tested = models.BooleanField(default=False)  # Yeastar gave a token for them before they were saved

    class Meta:
        verbose_name_plural = "credentials"
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"…{self.tail}" if self.tail else "none"


class ConnectionTest(models.Model):
    """One test of the connection, written as it goes on, so that any web process can show how far it is."""

    destination = models.CharField(max_length=DESTINATION_LENGTH)
    who = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    results = models.JSONField(default=list)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.destination} {self.started_at:%Y-%m-%d %H:%M:%S}"


class Heartbeat(models.Model):
    """A process that works for us, and when it was last heard of."""

    class Kind(models.TextChoices):
        """What it does."""

        WORKER = "worker", "Worker"
        BEAT = "beat", "Beat"
        SWEEP = "sweep", "Sweep"  # no process, but the task that beat rings for and a worker does

    kind = models.CharField(max_length=6, choices=Kind)
    name = models.CharField(max_length=200, unique=True)
    since = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["kind", "at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
