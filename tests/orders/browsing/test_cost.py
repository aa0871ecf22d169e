"""What the pages cost: how many questions, and that these are answered from indexes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from orders import prepared
from orders.browsing import kept, own, unread
from orders.destination import current_destination
from orders.history import tallies
from orders.prepared import Query
from tests.orders.browsing.kit import NOW, record


def test_a_page_takes_the_same_few_questions_however_long(
    monas: Client, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(60):
        record(f"LR{number}", partner_id=str(number), at=timezone.now())
    monas.get("/history/")
    with django_assert_max_num_queries(11):
        monas.get("/history/")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads a small table whole.")
@pytest.mark.django_db
def test_what_each_list_needs_is_found_without_reading_all_records(django_assert_max_num_queries: Any) -> None:
    record("HERE")
    tallies.rebuild(current_destination())
    with django_assert_max_num_queries(100) as asked:
        assert kept.kept().destinations == []
    for query in asked.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            plan = "\n".join(row[3] for row in cursor.fetchall())
        assert "TEMP B-TREE" not in plan, (query["sql"], plan)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL goes by what it has counted.")
def test_unread_details_are_counted_in_their_own_indexes(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Query] = []

    def ask(query: Query) -> list[tuple[int]]:
        asked.append(query)
        return [(0,)]

    monkeypatch.setattr(prepared, "rows_by_values", ask)
    unread.words((NOW, NOW), [])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {asked[0][0]}", asked[0][1])
        plan = " ".join(str(row[-1]) for row in cursor.fetchall())
    assert "INDEX record_unread (" in plan, plan
    assert "INDEX record_unreadable" in plan


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads a small table whole.")
def test_our_orders_are_found_by_indexes(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {own.CALLED}", ("x", "X") * 3)
        assert "SCAN" not in str(cursor.fetchall())
