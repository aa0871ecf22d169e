"""What is different on PostgreSQL alone. Run by `test_same_on_postgres.py`: no other run finds a file of this name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.db import close_old_connections, connection, transaction
from django.test import Client

from portal.backend import Backend


@pytest.fixture
def widened(transactional_db: None) -> Iterator[Callable[[str], None]]:
    """Another process gives a column another type, as a migration would."""
    migrating = connection.copy()
    migrating.connect()

    def run(kind: str) -> None:
        with migrating.cursor() as cursor:
            cursor.execute(f"ALTER TABLE auth_user ALTER COLUMN first_name TYPE {kind}")

    yield run
    connection.close()
    run("varchar(150)")
    migrating.close()


def test_pages_go_on_after_a_migration_has_changed_a_column(widened: Callable[[str], None]) -> None:
    root = User.objects.create_superuser("root")
    client = Client(raise_request_exception=False)
    client.force_login(root)
    assert client.get("/").status_code == 200
    kept = connection.connection
    widened("varchar(200)")
    close_old_connections()
    assert connection.connection is kept, "the connection works, so it stays, and with it its plans"
    assert client.get("/").status_code == 200
    close_old_connections()
    assert connection.connection is None, "it ends behind the request, so that plans are made anew"
    assert client.get("/").status_code == 200


def test_within_a_transaction_such_a_question_fails_once(widened: Callable[[str], None]) -> None:
    root = User.objects.create_superuser("root")
    Backend().get_user(root.pk)
    widened("varchar(200)")
    with pytest.raises(Exception, match="cached plan"), transaction.atomic():
        Backend().get_user(root.pk)
    close_old_connections()
    with transaction.atomic():
        assert Backend().get_user(root.pk) == root


def test_plans_for_any_values_are_kept_by_a_connection_whose_first_transaction_failed(transactional_db: None) -> None:
    connection.close()
    with transaction.atomic():
        Backend().get_user(1)
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("SHOW plan_cache_mode")
        assert cursor.fetchone() == ("force_generic_plan",)


def test_a_server_that_was_restarted_costs_nobody_a_page(transactional_db: None) -> None:
    root = User.objects.create_superuser("root")
    client = Client(raise_request_exception=False)
    client.force_login(root)
    assert client.get("/").status_code == 200
    killer = connection.copy()
    with killer.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    killer.close()
    close_old_connections()  # as a request begins
    assert client.get("/").status_code == 200
