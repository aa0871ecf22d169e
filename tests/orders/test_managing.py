"""What a manager does by hand beside settling: cancel, and see to a contradiction; and the evidence that stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from orders import submitting
from orders.lifecycle import Status
from orders.models import EvidenceIsKept, Order, OrderEvent
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

Queued = Callable[..., Order]
SignIn = Callable[[User], Client]


def test_a_manager_cancels_what_no_worker_has_taken(
    queued: Queued, mona: User, sign_in: SignIn, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    order, browser = queued(), sign_in(mona)
    assert "Cancel this order" in browser.get(order.get_absolute_url()).content.decode()
    browser.post(f"/orders/{order.pk}/cancel/", {"reason": "The customer changed his mind"})
    order.refresh_from_db()
    assert order.status == Status.FAILED
    assert "The customer changed his mind" in order.problem
    assert submitting.submit(order.pk, portal) is None
    assert sandbox.ledger == []


def test_an_order_that_is_being_sent_is_not_cancelled(queued: Queued, mona: User, sign_in: SignIn) -> None:
    order, browser = queued(), sign_in(mona)
    assert order.move(Status.SENDING, title="Sending", sending_since=timezone.now())
    assert "Cancel this order" not in browser.get(order.get_absolute_url()).content.decode()
    answer = browser.post(f"/orders/{order.pk}/cancel/", {"reason": "Too late"}, follow=True)
    assert "can no longer be cancelled" in answer.content.decode()
    order.refresh_from_db()
    assert order.status == Status.SENDING


def test_cancelling_needs_a_reason(queued: Queued, mona: User, sign_in: SignIn) -> None:
    order = queued()
    answer = sign_in(mona).post(f"/orders/{order.pk}/cancel/", {"reason": " "})
    assert answer.status_code == 422
    assert "Write why" in answer.content.decode()
    order.refresh_from_db()
    assert order.status == Status.QUEUED


def test_a_contradiction_is_loud_until_a_manager_has_seen_to_it(queued: Queued, mona: User, sign_in: SignIn) -> None:
    order, browser = queued(), sign_in(mona)
    order.note(title="Told late", conflict="Settled as “Not bought”, but then Yeastar answered: bought.")
    assert "Two answers disagree" in browser.get(order.get_absolute_url()).content.decode()
    browser.post(f"/orders/{order.pk}/conflict/", {"reason": "Refunded by Yeastar"})
    order.refresh_from_db()
    assert order.conflict == ""
    last = order.events.last()
    assert last is not None
    assert (last.actor, last.words) == (mona, "Refunded by Yeastar")
    assert "Settled as" in last.data["contradiction"]


def test_the_chain_of_events_holds(queued: Queued, portal: PartnerPortal, capsys: pytest.CaptureFixture[str]) -> None:
    order = queued()
    submitting.submit(order.pk, portal)
    call_command("verify_evidence")
    assert "every chain of events holds" in capsys.readouterr().out


TAMPERING = {
    "changed": ("UPDATE orders_orderevent SET words = 'nothing' WHERE number = 2", "event 2: is not what was written"),
    "taken out": ("DELETE FROM orders_orderevent WHERE number = 2", "event 2: is missing"),
    "cut off": ("DELETE FROM orders_orderevent WHERE number = 4", "event 4: is missing at the end"),
    "moved": ("UPDATE orders_orderevent SET at = '2020-01-01 00:00:00' WHERE number = 3", "event 3: is not what"),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_past_the_models_is_found(
    how: str, queued: Queued, portal: PartnerPortal, capsys: pytest.CaptureFixture[str]
) -> None:
    order = queued()
    submitting.submit(order.pk, portal)
    statement, said = TAMPERING[how]
    with connection.cursor() as cursor:
        cursor.execute(statement)
    with pytest.raises(CommandError, match="1 broken"):
        call_command("verify_evidence")
    assert f"{order.reference}: {said}" in capsys.readouterr().err


def test_events_are_neither_changed_nor_deleted(queued: Queued) -> None:
    event = queued().events.first()
    assert event is not None
    for forbidden in (event.save, event.delete, OrderEvent.objects.all().delete):
        with pytest.raises(EvidenceIsKept):
            forbidden()
    with pytest.raises(EvidenceIsKept):
        OrderEvent.objects.update(words="nothing")


def test_two_who_write_at_once_write_one_after_the_other(queued: Queued) -> None:
    order = queued()
    mine, theirs = Order.objects.get(pk=order.pk), Order.objects.get(pk=order.pk)
    theirs.note(title="First")
    mine.note(title="Second")
    assert list(order.events.values_list("number", flat=True)) == [1, 2, 3, 4]
    call_command("verify_evidence")


def test_the_evidence_is_one_file_without_a_token(queued: Queued, portal: PartnerPortal, alices: Client) -> None:
    order = queued()
    submitting.submit(order.pk, portal)
    answer = alices.get(f"/orders/{order.pk}/evidence.json")
    assert order.reference in answer["Content-Disposition"]
    told = answer.json()
    assert told["request_body"] == order.request_body
    assert [event["title"] for event in told["events"]] == ["Draft started", "Order placed", "Sending", "Bought"]
    assert [attempt["outcome"] for attempt in told["attempts"]] == ["RECEIPT"]
    assert "Bearer" not in answer.content.decode()


def test_every_order_has_a_reference_of_its_own(queued: Queued, alices: Client) -> None:
    orders = [queued() for _ in range(3)]
    assert len({order.reference for order in orders}) == 3
    for order in orders:
        assert order.reference in alices.get(order.get_absolute_url()).content.decode()
