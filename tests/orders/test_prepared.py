"""Questions whose SQL is written once answer as the queryset does, whoever asks and whatever for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from orders.destination import current_destination
from orders.history import drift
from orders.models import Drift, Order, Record
from orders.prepared import Prepared
from portal.backend import Backend
from portal.session_store import SessionStore

pytestmark = pytest.mark.django_db

MOMENT = datetime(2026, 5, 20, 12, 30, 15, 123456, tzinfo=UTC)


def record(key: str, **columns: Any) -> Record:
    told = {"order_no": key, "destination": current_destination(), "at": MOMENT}
    return Record.objects.create(key=key, first_seen_at=MOMENT, changed_at=MOMENT, **told | columns)


def by_customer(customer: str) -> Any:
    found = Record.objects.filter(partner_id=customer).exclude(partner_id="").order_by("pk")
    return found.values_list("key", "at", "amount", "raw", "gone_at", "owner_id")


@pytest.mark.parametrize(
    "customer", ["7", "%", "%s", "%%", "_", "\\", "'", '"; DROP', "\0".join("ab")[::2], "ü", "", "\U0001f600", "9" * 40]
)
def test_it_answers_as_the_queryset_does(customer: str) -> None:
    record("A", partner_id=customer, amount=Decimal("12.3400"), raw={"a": ["ü", 1]})
    record("B", partner_id=f"{customer}x"[:40], gone_at=MOMENT + timedelta(days=1))
    question = Prepared(by_customer, str)
    for _ in range(8):  # PostgreSQL keeps a plan of what is asked for the fifth time
        assert question.rows(customer) == list(by_customer(customer))
    assert question.count(customer) == by_customer(customer).count()
    assert question.rows("nobody") == []


def test_words_that_are_part_of_the_question_are_not_taken_for_what_is_asked() -> None:
    record("100%", partner_id="it's %s")
    record("B", partner_id="other")
    question = Prepared(
        lambda key: Record.objects.filter(pk=key, partner_id="it's %s", order_no__contains="0%").values_list("key"), int
    )
    assert question.rows(Record.objects.get(key="100%").pk) == [("100%",)]
    assert question.rows(Record.objects.get(key="B").pk) == []


def test_moments_are_compared_and_told_as_moments() -> None:
    record("A")
    record("B", at=MOMENT + timedelta(microseconds=1))
    question = Prepared(
        lambda since: Record.objects.filter(at__gte=since).order_by("at").values_list("key", "at"), datetime
    )
    assert question.rows(MOMENT) == [("A", MOMENT), ("B", MOMENT + timedelta(microseconds=1))]
    assert question.rows(MOMENT + timedelta(microseconds=1)) == [("B", MOMENT + timedelta(microseconds=1))]
    assert question.rows(MOMENT.astimezone().replace(year=2027)) == []


def test_a_question_goes_on_after_one_that_failed() -> None:
    record("A", partner_id="7")
    question = Prepared(by_customer, str)
    for _ in range(6):
        question.rows("7")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT nothing_of_this_name FROM orders_record")
    assert len(question.rows("7")) == 1


def test_in_a_transaction_that_is_to_be_rolled_back_nothing_is_asked(alice: User) -> None:
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            Backend().get_user(alice.pk)


def test_each_question_is_counted(alice: User, django_assert_num_queries: Any) -> None:
    for _ in range(7):
        with django_assert_num_queries(1):
            Backend().get_user(alice.pk)


@pytest.mark.django_db(transaction=True)
def test_threads_ask_the_same_question_each_on_its_own_connection() -> None:
    record("A", partner_id="7")
    question = Prepared(by_customer, str)
    answers: list[list[tuple[Any, ...]]] = []

    def ask() -> None:
        answers.extend(question.rows("7") for _ in range(10))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 40
    assert all(answer == list(by_customer("7")) for answer in answers)


def test_what_is_counted_follows_the_account_that_is_in_force(queued: Callable[[], Order], settings: Any) -> None:
    here = current_destination()
    Drift.objects.create(destination=here, kind=Drift.Kind.STATUS, order=queued(), at=MOMENT, noticed_at=MOMENT)
    assert drift.count(current_destination()) == "1"
    settings.YEASTAR_CLIENT_ID = "another-account"
    assert drift.count(current_destination()) == ""


ALL_RIGHTS = Permission.objects.values_list("content_type__app_label", "codename")


def django_says(user: User) -> set[str]:
    """What Django's own backend answers."""
    own = {f"{app}.{name}" for app, name in ALL_RIGHTS.filter(user=user)}
    return own | {f"{app}.{name}" for app, name in ALL_RIGHTS.filter(group__user=user)}


def test_rights_come_from_roles_and_from_what_is_given_by_hand(alice: User, mona: User, adam: User) -> None:
    mona.user_permissions.add(Permission.objects.get(codename="see_audit"))
    mona.groups.add(Group.objects.get(name="staff"))
    for user in (alice, mona, adam):
        seen = User.objects.get(pk=user.pk)
        assert Backend().get_all_permissions(seen) == django_says(user) != set()
    assert User.objects.get(pk=mona.pk).has_perm("orders.see_audit")
    assert not User.objects.get(pk=alice.pk).has_perm("orders.see_audit")


def test_who_is_deactivated_or_gone_is_nobody(alice: User) -> None:
    known = Backend().get_user(alice.pk)
    assert known == alice
    assert (known.username, known.date_joined, known.is_staff) == (alice.username, alice.date_joined, False)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert Backend().get_user(alice.pk) is None
    assert Backend().get_all_permissions(User.objects.get(pk=alice.pk)) == set()
    alice.delete()
    assert Backend().get_user(alice.pk or 0) is None


def test_a_superuser_has_every_right() -> None:
    root = User.objects.create_superuser("root")
    assert Backend().get_all_permissions(root) == {f"{app}.{name}" for app, name in ALL_RIGHTS}


def test_a_role_that_is_taken_away_counts_at_the_next_click(mona: User, sign_in: Callable[[User], Client]) -> None:
    client = sign_in(mona)
    assert client.get("/history/").status_code == 200
    mona.groups.clear()
    assert client.get("/history/").status_code == 403


def test_a_session_ends_when_it_has_expired_or_is_taken_away(alice: User, sign_in: Callable[[User], Client]) -> None:
    client = sign_in(alice)
    key = client.session.session_key
    assert SessionStore(key).load()["_auth_user_id"] == str(alice.pk)
    Session.objects.filter(pk=key).update(expire_date=timezone.now() - timedelta(seconds=1))
    assert SessionStore(key).load() == {}
    assert client.get("/").status_code == 302
    assert SessionStore("x" * 32).load() == {}
    assert SessionStore("%s' OR 1=1").load() == {}
