"""The database is the queue, Celery is the doorbell: what happens when nobody can be rung for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery, current_app
from django.test import Client
from django.utils import timezone

from orders import doorbell, gateway, sweeping, tasks
from orders.lifecycle import Status
from orders.models import Order, Partner, Record
from portal.celery import app as celery_app
from portal.run.environment import free_port
from tests.conftest import approval
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

Draft = Callable[[str], Order]
Commits = Callable[..., Any]


def messages() -> int:
    """How many bells wait to be heard; hears them all."""
    heard = 0
    with celery_app.connection_for_read() as connection:
        queue = connection.SimpleQueue(celery_app.conf.task_default_queue)
        while True:
            try:
                queue.get_nowait().ack()
            except queue.Empty:
                queue.close()
                return heard
            heard += 1


@pytest.fixture(autouse=True)
def _silence() -> None:
    messages()


@pytest.fixture
def broker_down() -> Iterator[None]:
    """For the time of the test the broker is a port on which nobody listens."""
    down = Celery("down", set_as_current=False)
    down.config_from_object("django.conf:settings", namespace="CELERY")
    down.conf.broker_url = f"redis://127.0.0.1:{free_port()}/0"
    down.set_current()
    yield
    celery_app.set_current()
    down.close()


def press_place(client: Client, order: Order) -> Any:
    return client.post(f"/orders/{order.pk}/place/", approval(order))


def test_placing_rings_once_after_the_commit(
    draft: Draft, alices: Client, django_capture_on_commit_callbacks: Commits
) -> None:
    order = draft("turnkey-capacity")
    with django_capture_on_commit_callbacks() as callbacks:
        press_place(alices, order)
        press_place(alices, order)
        assert messages() == 0, "a worker that is quicker than the commit would find nothing"
    assert len(callbacks) == 1
    callbacks[0]()
    assert messages() == 1


@pytest.mark.usefixtures("broker_down")
def test_with_the_broker_down_the_order_is_accepted_and_says_so(
    draft: Draft, alices: Client, django_capture_on_commit_callbacks: Commits
) -> None:
    order = draft("turnkey-capacity")
    began = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True):
        answer = press_place(alices, order)
    assert time.monotonic() - began < 1.9, "a person waits for this"
    assert answer.url == f"/orders/{order.pk}/"
    order.refresh_from_db()
    assert (order.status, order.rung_at) == (Status.QUEUED, None)
    page = alices.get(answer.url)
    assert page.status_code == 200
    shown = page.content.decode()
    for words in ("The order is accepted and kept", "queue is down", "Was anything bought? Not yet."):
        assert words in shown
    assert "queue is down" in alices.get(f"/orders/{order.pk}.json").json()["problem"]


def test_the_sweep_rings_when_the_broker_is_back(
    draft: Draft,
    alices: Client,
    portal: PartnerPortal,
    sandbox: Sandbox,
    django_capture_on_commit_callbacks: Commits,
    request: pytest.FixtureRequest,
) -> None:
    order = draft("turnkey-capacity")
    request.getfixturevalue("broker_down")
    with django_capture_on_commit_callbacks(execute=True):
        press_place(alices, order)
    assert sweeping.sweep() == (0, 0), "still down: nothing is written off"
    order.refresh_from_db()
    assert order.rung_at is None
    celery_app.set_current()
    assert sweeping.sweep() == (1, 0)
    assert messages() == 1
    assert sweeping.sweep() == (0, 0), "and not again the next moment"
    tasks.submit(str(order.pk))
    order.refresh_from_db()
    assert (order.status, order.problem) == (Status.PLACED, "")
    assert len(sandbox.ledger) == 1


@pytest.mark.usefixtures("broker_down")
def test_a_bell_that_cannot_be_rung_says_no_and_nothing_else(draft: Draft) -> None:
    assert doorbell.ring([draft("turnkey-capacity").pk]) is False
    assert doorbell.ring([]) is True


def test_lost_doubled_and_late_bells_change_nothing(
    queued: Callable[..., Order], portal: PartnerPortal, sandbox: Sandbox
) -> None:
    order = queued()
    for _ in range(3):
        tasks.submit(str(order.pk))
    tasks.submit("00000000-0000-4000-8000-000000000000")
    assert len(sandbox.ledger) == 1
    order.refresh_from_db()
    assert order.status == Status.PLACED


def test_a_bell_for_a_draft_buys_nothing(draft: Draft, sandbox: Sandbox) -> None:
    order = draft("turnkey-capacity")
    tasks.submit(str(order.pk))
    assert sandbox.saves == 0
    order.refresh_from_db()
    assert order.status == Status.DRAFT


def test_the_beat_knows_every_task_it_calls() -> None:
    scheduled = {entry["task"] for entry in celery_app.conf.beat_schedule.values()}
    celery_app.loader.import_default_modules()
    verbs = ("sweep", "reconcile", "follow_history", "tidy_exports", "mirror_accounts")
    assert scheduled == {f"orders.tasks.{verb}" for verb in verbs}
    assert scheduled | {doorbell.SUBMIT} <= set(celery_app.tasks)
    assert current_app.conf.broker_url == "memory://"


def test_the_tasks_are_the_verbs(queued: Callable[..., Order], portal: PartnerPortal, sandbox: Sandbox) -> None:
    order = queued()
    Order.objects.filter(pk=order.pk).update(rung_at=timezone.now() - timedelta(hours=1))
    tasks.sweep()
    assert messages() == 1
    sandbox.fault("save", "reset", processed=True)
    tasks.submit(str(order.pk))
    tasks.reconcile()
    order.refresh_from_db()
    assert order.status == Status.PLACED
    Record.objects.all().delete()
    tasks.follow_history()
    assert Record.objects.count() > 1
    Partner.objects.all().delete()
    tasks.mirror_accounts()
    assert Partner.objects.count() == len(gateway.portal().partners())
