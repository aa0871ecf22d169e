"""Mirrored partners and billing contacts."""

from __future__ import annotations

from django.db import models

from orders.text import fold


class MirroredQuerySet(models.QuerySet["Mirrored"]):
    """Rows of a mirrored list."""

    def on_offer(self) -> MirroredQuerySet:
        """Those that a new order may name: still in the vendor's list, and not hidden by us."""
        return self.filter(gone_at=None, hidden=False)

    def matching(self, query: str) -> MirroredQuerySet:
        """Those in which each word of `query` occurs: company, name, email or id; case and accents are ignored."""
        found = self
        for word in fold(query).split():
            found = found.filter(search__contains=word)
        return found


class Mirrored(models.Model):
    """Somebody as the vendor's list tells it. `mirror.py` is the only writer of all columns but `hidden`."""

    remote_id = models.CharField(max_length=40, unique=True)
    email = models.CharField(max_length=254, blank=True)
    company = models.CharField(max_length=255, blank=True)
    first_name = models.CharField(max_length=255, blank=True)
    last_name = models.CharField(max_length=255, blank=True)
    country = models.CharField(max_length=100, blank=True)
    raw = models.JSONField(default=dict)
    search = models.TextField(blank=True)
    mirrored_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)
    hidden = models.BooleanField(default=False)

    objects = MirroredQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("company", "last_name", "remote_id")

    def __str__(self) -> str:
        return self.company or self.person or self.email or self.remote_id

    @property
    def person(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def detail(self) -> str:
        """What tells two of the same company apart, in one line."""
        return " · ".join(part for part in (self.person, self.email, self.country) if part)

    @property
    def address(self) -> str:
        """The postal address in one line, of what the vendor sent."""
        parts = (self.raw.get(key) for key in ("street", "zipCode", "city", "stateProvince", "country"))
        return ", ".join(str(part) for part in parts if part)


class Partner(Mirrored):
    """A subordinate user: a customer that we may order for. `remote_id` is the API's partnerId."""

    class Meta(Mirrored.Meta):
        indexes = [models.Index(fields=["gone_at", "hidden", "company", "last_name", "remote_id"])]


class Contact(Mirrored):
    """A billing contact: who gets the invoice. `remote_id` is the API's billingContactId."""

    class Meta(Mirrored.Meta):
        indexes = [models.Index(fields=["gone_at", "hidden", "company", "last_name", "remote_id"])]
