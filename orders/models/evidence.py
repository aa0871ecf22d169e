"""What stays on record: the events of an order, chained by their hashes, and every attempt to send it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC

from django.conf import settings
from django.db import models
from django.utils import timezone

from orders.lifecycle import Status
from orders.models.append_only import AppendOnly

NUMBER_LENGTH = 128
"""Room for any of the vendor's numbers; those seen have 21 characters, request ids 32."""


class OrderEvent(AppendOnly):
    """Something that happened to an order. Each event holds the hash of the one before it."""

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="events")
    number = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    from_status = models.CharField(max_length=10, choices=Status, blank=True)
    to_status = models.CharField(max_length=10, choices=Status, blank=True)
    title = models.CharField(max_length=200)
    words = models.TextField(blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    data = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("order", "number")
        constraints = [models.UniqueConstraint(fields=["order", "number"], name="one_event_of_each_number")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.title}"

    def digest(self) -> str:
        """SHA-256 over everything the event says, and the hash of the event before."""
        said = [
            str(self.order_id),
            self.number,
            self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            str(self.from_status),
            str(self.to_status),
            self.title,
            self.words,
            self.actor_id,
            self.data,
            self.previous_hash,
        ]
        return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


class Outcome(models.TextChoices):
    """How an attempt to send an order ended."""

    OPEN = "", "Not known yet"
    RECEIPT = "RECEIPT", "A receipt came back"
    REFUSED = "REFUSED", "Refused"
    NOT_DELIVERED = "NOT_DELIVERED", "Never reached Yeastar"
    UNANSWERED = "UNANSWERED", "No clear answer"
    LOST = "LOST", "The worker never came back"


class Attempt(models.Model):
    """One attempt to send an order: committed before the socket opens, completed after.

    An order has at most one attempt that is not proven to have been delivered nowhere. The database holds to that, so
    no second worker, doubled message or late riser can send: it cannot write the attempt it would have to write first.
    """

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="tries")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    worker = models.CharField(max_length=200)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=13, choices=Outcome, blank=True, default=Outcome.OPEN)
    call = models.CharField(max_length=40, blank=True)
    code = models.TextField(blank=True)
    detail = models.TextField(blank=True)
    request_id = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    http_status = models.IntegerField(null=True, blank=True)
    answer = models.TextField(blank=True)
    headers = models.JSONField(default=dict)  # sent and received, without secrets

    class Meta:
        ordering = ("order", "number")
        constraints = [
            models.UniqueConstraint(fields=["order", "number"], name="one_attempt_of_each_number"),
            models.UniqueConstraint(
                fields=["order"],
                condition=~models.Q(outcome="NOT_DELIVERED"),
                name="one_attempt_that_may_have_bought",
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number}: {self.get_outcome_display()}"
