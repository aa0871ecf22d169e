"""What the building itself remembers: who was invited."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from orders.models import Limited


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Invitations."""

    def pending(self) -> InvitationQuerySet:
        """Neither used nor revoked; perhaps expired, and then to be renewed."""
        return self.filter(used_at=None, revoked_at=None)

    def open(self) -> InvitationQuerySet:
        """Those whose link works now."""
        return self.pending().filter(expires_at__gt=timezone.now())


class Invitation(Limited):
    """Somebody is asked in, with a role and perhaps limits. The link's token is only kept as its hash."""

    email = models.EmailField()
    name = models.CharField(max_length=150, blank=True)
    role = models.CharField(max_length=20)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True, blank=True)  # of the link that counts now
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                condition=models.Q(used_at=None, revoked_at=None),
                name="one_pending_invitation_for_each_address",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def pending(self) -> bool:
        """Whether it may still be used, perhaps after it was renewed."""
        return self.used_at is None and self.revoked_at is None

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at <= timezone.now()
