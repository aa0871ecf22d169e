"""Where our orders and the vendor's history do not agree, as the last run of reading it found."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from orders.models.evidence import NUMBER_LENGTH
from orders.models.history import DESTINATION_LENGTH


class Drift(models.Model):
    """One way in which an order of ours differs from its record. Made anew after each run: it proves nothing itself."""

    class Kind(models.TextChoices):
        """In what they do not agree, in the order in which they are shown."""

        CONFLICT = "conflict", "Two answers disagree"
        MISSING = "missing", "Only here"
        GONE = "gone", "No longer at Yeastar"
        STATUS = "status", "Another status"
        NUMBER = "number", "Other numbers"
        BOUGHT = "bought", "Bought after all"

    destination = models.CharField(max_length=DESTINATION_LENGTH)
    kind = models.CharField(max_length=10, choices=Kind)
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="drifts")
    what = models.CharField(max_length=NUMBER_LENGTH, blank=True)  # their status; the names of the numbers
    at = models.DateTimeField()  # when the order was placed: by it they are sorted
    noticed_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, blank=True)  # a manager has seen to it
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "kind"], name="one_drift_of_each_kind")]
        indexes = [models.Index(fields=["destination", "kind", "-at", "-id"], name="drift_kind_at")]

    def __str__(self) -> str:
        return f"{self.order_id} {self.kind} {self.what}".rstrip()
