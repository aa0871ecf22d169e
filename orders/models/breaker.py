"""The breaker: whether orders are sent at all just now."""

from __future__ import annotations

from django.db import models

from orders.models.history import DESTINATION_LENGTH


class Breaker(models.Model):
    """One row for each destination. Open means: nothing is sent, every order waits, and one probe at a time asks."""

    destination = models.CharField(max_length=DESTINATION_LENGTH, unique=True)
    failures = models.PositiveIntegerField(default=0)  # orders that were not delivered, one after another
    trips = models.PositiveIntegerField(default=0)  # openings since an order last came through
    opened_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)
    probe_at = models.DateTimeField(null=True, blank=True)  # when the next probe is due
    probes = models.PositiveIntegerField(default=0)  # since it opened

    def __str__(self) -> str:
        return f"{self.destination}: {'open' if self.opened_at else 'closed'}"
