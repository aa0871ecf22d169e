"""What was asked of the vendor about a subordinate user, and what became of it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from orders.models.history import DESTINATION_LENGTH


class PartnerChange(models.Model):
    """One form that was sent to the vendor, once: its id stands in the form, so that a second click finds it taken.

    Committed before the call begins. A row that stays ASKED has lost its process: nobody knows whether it was done.
    """

    class State(models.TextChoices):
        """What is known of it."""

        ASKED = "asked", "Asked, no answer yet"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"
        NOT_DELIVERED = "not_delivered", "Not delivered"
        FOUND = "found", "Answer lost, found afterwards"
        NOT_FOUND = "not_found", "Answer lost, not found"
        UNKNOWN = "unknown", "Answer lost, and could not be looked up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    destination = models.CharField(max_length=DESTINATION_LENGTH)
    partner = models.ForeignKey("orders.Partner", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    email = models.CharField(max_length=254)
    asked = models.JSONField(default=dict)  # what went to the vendor
    who = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=13, choices=State, default=State.ASKED)
    words = models.TextField(blank=True)

    class Meta:
        ordering = ("-at",)
        indexes = [models.Index(fields=["partner", "-at"]), models.Index(fields=["email"])]

    def __str__(self) -> str:
        return f"{self.email} {self.state}"
