"""Details are read little by little: which come first, and at what cost they are found."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.destination import current_destination
from orders.history import details
from orders.history.following import follow
from orders.models import Record
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


def record(key: str, days: float, **columns: Any) -> Record:
    """One that was made so many days ago."""
    at = timezone.now() - timedelta(days=days)
    told = {"order_no": key, "destination": current_destination(), "first_seen_at": at, "changed_at": at}
    return Record.objects.create(key=key, at=at, created_at=at, **told | columns)


def wanted(most: int = 20) -> list[str]:
    return [each.key for each in details._wanted(current_destination(), most)]


def test_the_guards_come_first_then_ours_then_what_is_pending_then_the_rest_the_newest_first(
    db: None, alice: User
) -> None:
    now, long_ago = timezone.now(), timezone.now() - timedelta(hours=1)
    record("old", 9)
    record("older", 10)
    record("lately", 0.1)
    record("later", 0.05)
    record("pending, asked long ago", 5, status="pending", detail_at=long_ago)
    record("pending, asked longer ago", 4, status="pending", detail_at=long_ago - timedelta(hours=1))
    record("pending, asked now", 5, status="pending", detail_at=now)
    record("pending", 30, status="pending")
    record("pending, tried now", 3, status="pending", detail_tried_at=now)
    record("tried", 2, detail_tried_at=now - timedelta(minutes=1))
    record("tried before", 1, detail_tried_at=long_ago)
    record("read", 2, detail_at=now)
    record("gone", 2, gone_at=now)
    record("another account's", 2, destination="elsewhere")
    record("nameless", 2, order_no="")
    record("ours", 0.01, owner=alice)
    record("ours before", 3, owner=alice)
    first = ["later", "lately", "ours", "ours before"]
    pending = ["pending", "pending, asked longer ago", "pending, asked long ago"]
    last = ["old", "older", "tried before", "tried", "pending, tried now"]
    assert wanted() == [*first, *pending, *last]
    assert wanted(3) == first[:3]
    assert wanted(0) == []


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL reads a small table as a whole")
def test_they_are_found_by_walking_an_index_whatever_there_is_to_read(db: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        wanted()
    assert len(asked) == 6
    with connection.cursor() as cursor:
        for query in asked.captured_queries:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            [step] = [row[3] for row in cursor.fetchall()]
            assert re.search(r"USING INDEX record_(unread|unread_here|unreadable|pending)\b", step), query["sql"]


def test_pending_ones_that_cannot_be_read_keep_nobody_from_the_rest(
    portal: PartnerPortal, sandbox: Sandbox, settings: Any
) -> None:
    follow(portal, whole=True)
    settings.HISTORY_DETAILS = 3
    sandbox.world.generate("orders", 20)
    follow(portal)
    long_ago = timezone.now() - timedelta(hours=1)
    Record.objects.update(status="succeed")
    for record in Record.objects.order_by("at")[:5]:
        Record.objects.filter(pk=record.pk).update(status="pending", detail_at=long_ago, detail_tried_at=None)
    sandbox.fault("order_get", "status", times=3, status=404)
    read = Record.objects.filter(detail_at__gt=long_ago).count()
    follow(portal)
    assert Record.objects.filter(detail_at__gt=long_ago).count() == read, "three in a row end the run's reading"
    follow(portal)
    assert Record.objects.filter(detail_at__gt=long_ago).count() == read + 3
