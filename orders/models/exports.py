"""Exports of the history: who took what away, when, and how the file comes about."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.dispatch import receiver

SEE_ALL_EXPORTS = "orders.see_all_exports"


class ExportQuerySet(models.QuerySet["Export"]):
    """Exports, always started from who may see them."""

    def visible_to(self, user: User) -> ExportQuerySet:
        """One's own; with permission everybody's."""
        return self if user.has_perm(SEE_ALL_EXPORTS) else self.filter(owner=user)


class Export(models.Model):
    """One export of what somebody had filtered. The row stays when its file is removed.

    A small one goes straight to the browser; a large one is written to a file by a worker. `run` counts the workers
    that began it: only the latest may write to the row.
    """

    class Format(models.TextChoices):
        """What it is written as. The value is the file's ending."""

        CSV = "csv", "CSV"
        XLSX = "xlsx", "Excel (XLSX)"
        JSONL = "jsonl", "JSON lines"

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", "Waiting for a worker"
        RUNNING = "running", "Being written"
        READY = "ready", "Ready"
        SENT = "sent", "Downloaded"  # straight away, no file was kept
        FAILED = "failed", "Not finished"
        CANCELLED = "cancelled", "Cancelled"

    MOVING = (State.WAITING, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="exports")
    format = models.CharField(max_length=5, choices=Format)
    query = models.TextField(blank=True)  # the address of the list, without its page
    told = models.TextField(blank=True)  # the same in words, as they were then
    name = models.CharField(max_length=100)  # the file's, for whoever downloads it
    straight = models.BooleanField(default=False)  # to the browser, without a file
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    asked_at = models.DateTimeField()  # the moment that "today" and "this month" mean
    rung_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    alive_until = models.DateTimeField(null=True, blank=True)  # whoever writes it and is silent for longer has died
    finished_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)  # the file, not the row
    run = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True, blank=True)  # rows there are to write, once they are counted
    rows = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)  # bytes
    words = models.TextField(blank=True)  # why it was not finished

    objects = ExportQuerySet.as_manager()

    class Meta:
        permissions = [("see_all_exports", "Can see everybody's exports")]
        indexes = [
            models.Index(fields=["owner", "-asked_at"]),
            models.Index(fields=["-asked_at"]),
            models.Index(fields=["state"], condition=models.Q(state__in=["waiting", "running"]), name="export_moving"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def file_name(self) -> str:
        """Of its file among all others."""
        return f"{self.pk}.{self.format}"

    @property
    def path(self) -> Path:
        """Its file, once it is ready."""
        return Path(settings.EXPORT_DIR) / self.file_name

    @property
    def moving(self) -> bool:
        """Whether it is still to be written."""
        return self.state in self.MOVING

    def lost(self, now: datetime) -> bool:
        """Whether whoever wrote it has died, and nobody has said so yet."""
        return self.state == self.State.RUNNING and self.alive_until is not None and self.alive_until < now

    @property
    def percent(self) -> int | None:
        """0 to 100; None while nobody knows of how much."""
        return min(100, 100 * self.rows // self.total) if self.total else None

    @property
    def downloadable(self) -> bool:
        """Whether there is a file."""
        return self.state == self.State.READY and self.removed_at is None


@receiver(models.signals.post_delete, sender=Export)
def remove_file(instance: Export, **_: Any) -> None:
    """With its row a file goes, too."""
    instance.path.unlink(missing_ok=True)
