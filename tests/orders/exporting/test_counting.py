"""Counting how much there is to export, which must not take long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from orders.exporting import counting
from orders.models import Record
from tests.orders.browsing.kit import NOW


def test_counting_ends_when_it_takes_too_long_and_the_database_goes_on(db: None) -> None:
    Record.objects.bulk_create(
        Record(destination="-", key=str(n), at=NOW, first_seen_at=NOW, changed_at=NOW) for n in range(5_000)
    )
    assert counting.count_up_to(Record.objects.all(), 10_000) == 5_000
    assert counting.count_up_to(Record.objects.all(), 4_999) is None
    pairs = "(SELECT COUNT(*) FROM orders_record a, orders_record b WHERE a.id + b.id < orders_record.id) >= 0"
    slow = Record.objects.extra(where=[pairs])  # noqa: S610
    began = datetime.now(tz=UTC)
    assert counting.count_up_to(slow, 10_000, seconds=0.05) is None
    assert datetime.now(tz=UTC) - began < timedelta(seconds=2)
    assert Record.objects.count() == 5_000
