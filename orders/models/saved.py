"""Views of the history that somebody keeps by a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models

NAME_LENGTH = 60

VIEWS = 50
"""One person keeps so many, at most."""


class SavedView(models.Model):
    """Filters, search and sort of the history, as they stand in its address, under a name. Its owner's alone."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=NAME_LENGTH)
    query = models.CharField(max_length=2000, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="one_view_of_each_name")]
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
