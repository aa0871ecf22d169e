"""The audit log: who did what to whom, and when."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from orders.models.append_only import AppendOnly

SEE_AUDIT = "orders.see_audit"
LABEL_LENGTH = 300


class AuditEntry(AppendOnly):
    """Something that somebody did, told so that it can be read when everything it names has changed.

    Rows are added by `orders.auditing.note` alone. Whatever else reaches the database, triggers there refuse every
    change and every deletion (migration 0014_audit). A later migration that makes SQLite build this table anew loses
    them, and must make them again: a test looks.
    """

    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=40)  # dotted: login.failed, role.changed; "request" when nothing said more
    topic = models.CharField(max_length=12)  # the part of the log that the action belongs to, to filter by
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    actor_name = models.CharField(max_length=200)  # as it was then; without an actor: who else it was
    target_type = models.CharField(max_length=40, blank=True)  # a model's name: user, partner, order
    target_id = models.CharField(max_length=64, blank=True)
    target_label = models.CharField(max_length=LABEL_LENGTH, blank=True)  # as it was called then
    words = models.TextField(blank=True)
    data = models.JSONField(default=dict)  # what was before and after, without secrets
    address = models.CharField(max_length=45, blank=True)
    agent = models.CharField(max_length=200, blank=True)  # what the browser calls itself
    request_id = models.CharField(max_length=64, blank=True)  # the same as in the server's own log
    destination = models.CharField(max_length=300, blank=True)  # host and account that were set then

    class Meta:
        verbose_name_plural = "audit entries"
        permissions = [("see_audit", "Can see the audit log")]
        # Newest first, of all or of what is filtered: each is one range of an index.
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_at"),
            models.Index(fields=["actor", "-at", "-id"], name="audit_actor_at"),
            models.Index(fields=["topic", "-at", "-id"], name="audit_topic_at"),
            models.Index(fields=["action", "-at", "-id"], name="audit_action_at"),
            models.Index(fields=["target_type", "target_id", "-at", "-id"], name="audit_target_at"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_name} {self.action} {self.target_label}".rstrip()

    def get_absolute_url(self) -> str:
        """The page of this entry."""
        return reverse("orders:audit_entry", args=[self.pk])
