"""Statements whose SQL is made once do what Django would do, whatever values come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.test.utils import CaptureQueriesContext

from orders.lifecycle import Status
from orders.models import Attempt, Order, OrderEvent, Outcome
from orders.statements import find, inserting, updating

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
DUE = Q(not_before=None) | Q(not_before__lte=NOW) | Q(not_before__gt=LATER)


@pytest.fixture
def orders(alice: User) -> list[Order]:
    """Of many kinds."""
    kinds: list[dict[str, Any]] = [
        {"not_before": not_before, "conflict": conflict, "attempts": attempts, "destination": "here"}
        for not_before in (None, NOW, LATER, NOW - timedelta(days=3), LATER + timedelta(days=3))
        for conflict in ("", "loud")
        for attempts in (0, 2)
    ]
    return [Order.objects.create(owner=alice, slug="a-product", **kind) for kind in kinds]


CONDITIONS = [
    Q(),
    Q(attempts=2),
    Q(attempts=3),
    Q(conflict=""),
    ~Q(conflict=""),
    Q(not_before=None),
    ~Q(not_before=None),
    Q(not_before=LATER),
    ~Q(not_before=LATER),
    DUE & Q(conflict="", destination="here"),
    ~(DUE & Q(attempts=2)),
    Q(attempts=F("revision")),
    Q(attempts__in=[0, 1]),
    Q(not_before__isnull=True),
]


@pytest.mark.parametrize("where", CONDITIONS, ids=str)
def test_an_update_changes_the_rows_that_django_would_change(orders: list[Order], where: Q) -> None:
    meant = set(Order.objects.filter(where).values_list("pk", flat=True))
    for number in (1, 2):  # the SQL made, and kept
        told: dict[str, Any] = {"problem": f"seen {number}", "held_since": NOW, "summary": [["What", str(number)]]}
        assert updating(Order, where, **told)() == len(meant)
        found = Order.objects.filter(**told)
        assert set(found.values_list("pk", flat=True)) == meant


def test_the_same_sql_takes_other_values(orders: list[Order]) -> None:
    first, second = orders[:2]
    for order, status, when in ((first, Status.QUEUED, None), (second, Status.SENDING, NOW)):
        assert updating(Order, Q(pk=order.pk, status=Status.DRAFT), status=status, not_before=when)() == 1
        order.refresh_from_db()
        assert (order.status, order.not_before) == (status, when)
    assert updating(Order, Q(pk=first.pk, status=Status.DRAFT), status=Status.SENDING, not_before=None)() == 0


def test_a_column_may_be_set_to_what_is_computed(orders: list[Order]) -> None:
    for _ in range(2):
        assert updating(Order, Q(pk=orders[0].pk), revision=F("revision") + 1)() == 1
    orders[0].refresh_from_db()
    assert orders[0].revision == 2


def test_a_row_is_found_with_the_columns_that_were_asked_for(orders: list[Order]) -> None:
    for order in orders[:3]:
        Order.objects.filter(pk=order.pk).update(summary=[["What", str(order.pk)]])
        found = find(Order, Q(pk=order.pk, status=Status.DRAFT), "not_before", "conflict", "summary")
        assert found is not None
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert (found.pk, found.not_before, found.conflict) == (order.pk, order.not_before, order.conflict)
            assert found.summary == [["What", str(order.pk)]]
        assert not asked.captured_queries
        assert found == order
        assert found.reference == order.reference
        assert find(Order, Q(pk=order.pk, status=Status.QUEUED), "not_before", "conflict", "summary") is None


def test_a_row_is_added_as_django_would_add_it(orders: list[Order]) -> None:
    ours, theirs = (
        OrderEvent(order=order, number=1, at=NOW, title="Ünïcode", data={"a": [1, None, "ü"]}, hash="h")
        for order in orders[:2]
    )
    inserting(ours)()
    theirs.save(force_insert=True)
    ours_again, theirs_again = (OrderEvent.objects.filter(pk=event.pk).values().get() for event in (ours, theirs))
    same = OrderEvent.objects.filter(pk=theirs.pk).values().get().keys() - {"id", "order_id"}
    assert {name: ours_again[name] for name in same} == {name: theirs_again[name] for name in same}
    assert ours_again["order_id"] == orders[0].pk
    ours.refresh_from_db()
    assert ours.digest() == OrderEvent.objects.get(pk=ours.pk).digest()


def test_a_row_that_must_not_be_is_not_added(orders: list[Order]) -> None:
    def attempt(number: int) -> Attempt:
        return Attempt(order=orders[0], number=number, sha256="s", worker="w", started_at=NOW)

    inserting(attempt(1))()
    with pytest.raises(IntegrityError), transaction.atomic():
        inserting(attempt(2))()
    Attempt.objects.update(outcome=Outcome.NOT_DELIVERED)
    inserting(attempt(2))()
    assert Attempt.objects.count() == 2


def test_what_is_unusual_is_left_to_django(orders: list[Order], mona: User, alice: User) -> None:
    assert updating(Order, Q(owner=alice, attempts=2), owner=mona)() == 10
    assert updating(Order, Q(owner__username="mona", conflict__in=["loud"]), attempts=7)() == 5
    assert Order.objects.filter(owner=mona, attempts=7, conflict="loud").count() == 5
