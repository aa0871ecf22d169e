"""Rows that are added and never touched again."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models


class EvidenceIsKept(TypeError):
    """Somebody tried to change or delete what stays on record."""


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """Rows that are added and never touched again."""

    def update(self, **_: Any) -> NoReturn:
        """Refused. Raises EvidenceIsKept."""
        raise EvidenceIsKept("What stays on record is never changed.")

    def delete(self) -> NoReturn:
        """Refused. Raises EvidenceIsKept."""
        raise EvidenceIsKept("What stays on record is never deleted.")


class AppendOnly(models.Model):
    """A model whose rows are added and never touched again."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add it. Raises EvidenceIsKept for one that is there already."""
        if not self._state.adding:
            raise EvidenceIsKept("What stays on record is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        """Refused. Raises EvidenceIsKept."""
        raise EvidenceIsKept("What stays on record is never deleted.")
