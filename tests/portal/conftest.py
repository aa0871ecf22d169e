"""One of each thing that a URL may name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.utils import timezone

from orders.lifecycle import Status
from orders.models import AuditEntry, Drift, Export, Order, Record, SavedView
from tests.portal.test_roles import TABLE, accounts_for, people_for

World = dict[str, Any]


@pytest.fixture
def world(
    adam: User, mona: User, draft: Callable[[str], Order], queued: Callable[..., Order], uncertain: Callable[[], Order]
) -> World:
    """One of each thing that a URL may name."""
    now = timezone.now()
    people = people_for(TABLE[0], number=0, inviter=mona)
    Authenticator.objects.create(user_id=people["person"], type=Authenticator.Type.TOTP, data={})
    order = queued("turnkey-capacity")
    Order.objects.filter(pk=order.pk).update(status=Status.FAILED)
    return {
        "order": order.pk,
        "waiting": queued("software-edition-license").pk,
        "doubtful": uncertain().pk,
        "draft": draft("turnkey-capacity").pk,
        "own": Order.objects.create(owner=adam, slug="turnkey-capacity").pk,
        "record": Record.objects.create(destination="-", key="1", at=now, first_seen_at=now, changed_at=now).pk,
        "export": Export.objects.create(owner=mona, format="csv", name="h.csv", state="cancelled", asked_at=now).pk,
        "view": SavedView.objects.create(owner=adam, name="his").pk,
        "drift": Drift.objects.create(destination="-", kind="bought", order=order, at=now, noticed_at=now).pk,
        "entry": AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 1,
        **people,
        **accounts_for(mona),
    }
