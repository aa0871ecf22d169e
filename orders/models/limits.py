"""For whom somebody may order: everybody, unless an admin has said otherwise."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from orders.models.accounts import Partner


class Limited(models.Model):
    """What somebody may order for. While `limited` is off the rest is only remembered."""

    limited = models.BooleanField(default=False)
    own_account = models.BooleanField(default=False)
    any_pbx = models.BooleanField(default=False)  # a serial number does not tell whose the PBX is
    partners = models.ManyToManyField(Partner, blank=True, related_name="+")

    class Meta:
        abstract = True


class Limits(Limited):
    """The limits of a person. Nobody needs them: who has none may order for everybody."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="limits"
    )

    def __str__(self) -> str:
        return f"limits of {self.person_id}"
