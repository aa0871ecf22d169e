"""Each row of the design's error table, from an order in the database over a real socket to what is recorded of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from orders import outcomes, submitting, sweeping
from orders.lifecycle import Status
from orders.models import Order, Outcome
from tests.yeastar_api.error_table import LARGE, TABLE, Row
from tests.yeastar_api.kit import portal_at
from yeastar_api.errors import NotDelivered, Refused, Unanswered

pytestmark = pytest.mark.django_db(transaction=True)

MEANING = {
    NotDelivered: (Status.QUEUED, Outcome.NOT_DELIVERED, "Nothing was bought. It is tried again by itself."),
    Refused: (Status.FAILED, Outcome.REFUSED, "Nothing was bought."),
    Unanswered: (Status.UNCERTAIN, Outcome.UNANSWERED, "no clear answer"),
}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.seen)
def test_what_comes_of_a_save_decides_what_is_recorded_and_whether_it_may_be_sent_again(
    row: Row, queued: Callable[..., Order], settings: Any
) -> None:
    status, outcome, words = MEANING[row.error]
    order = queued()
    if row.body is LARGE:
        body = LARGE.decode()
        Order.objects.filter(pk=order.pk).update(
            request_body=body, request_sha256=hashlib.sha256(LARGE).hexdigest(), summary=[]
        )
    settings.YEASTAR_SAVE_BUDGET = row.budget
    # How much time must be left to begin is reckoned from the client's own budget: here, hardly any.
    with row.other_end() as other, portal_at(other.url, budget=0.2) as portal:
        assert submitting.submit(order.pk, portal) == status
        order.refresh_from_db()
        sweeping.sweep(timezone.now() + timedelta(days=1))
        assert submitting.submit(order.pk, portal) is None, "it is sent again only when it is due"
    assert row.calls(other.requests) == row.arrived
    assert order.status == status
    assert words in order.problem
    assert row.words in order.problem
    tried = order.tries.get()
    assert (tried.outcome, tried.call) == (outcome, "token" if row.arrived.endswith("token") else "save")
    assert row.words in tried.detail
    assert tried.finished_at is not None
    if status == Status.QUEUED:
        assert order.not_before is not None
        wait = order.not_before - tried.finished_at
        assert wait.total_seconds() == pytest.approx(row.retry_after or outcomes.HOLD[0], abs=1)
