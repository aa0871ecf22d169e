"""An order is sent once, and whatever happens to it is recorded. Which error means what: test_error_table.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from orders import placing, submitting, sweeping
from orders.lifecycle import Status
from orders.models import Order
from tests.conftest import portal_for
from tests.tutorials import SLUGS, sample_request, unsigned
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

Queued = Callable[..., Order]


class Transport(httpx.BaseTransport):
    """Delivers to the sandbox, then does to the save what a test wants."""

    def __init__(self, sandbox: Sandbox, then: Callable[[httpx.Response], httpx.Response]) -> None:
        self.inner, self.then, self.saves = httpx.WSGITransport(app=sandbox), then, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.inner.handle_request(request)
        if not request.url.path.endswith("/order/v1/save"):
            return response
        self.saves += 1
        return self.then(httpx.Response(response.status_code, headers=response.headers, content=response.read()))


def losing(error: Exception) -> Callable[[httpx.Response], httpx.Response]:
    """The order was bought, and the answer got lost."""

    def lose(response: httpx.Response) -> httpx.Response:
        raise error

    return lose


def events(order: Order) -> list[str]:
    return list(order.events.values_list("title", flat=True))


@pytest.mark.parametrize("slug", SLUGS)
def test_each_product_is_bought_with_its_sample_body_and_the_receipt_is_recorded(
    slug: str, queued: Queued, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    order = queued(slug)
    assert submitting.submit(order.pk, portal) == Status.PLACED
    order.refresh_from_db()
    (bought,) = sandbox.ledger
    assert bought["body"] == order.request_body
    assert unsigned(bought["body"], order.reference) == sample_request(slug)
    receipt = bought["receipt"]
    assert (order.order_no, order.transaction_no) == (receipt["orderNo"], receipt["transactionNo"])
    assert (order.instance_id, order.product_no) == (receipt["instanceId"], receipt["productNo"])
    assert order.order_id == receipt.get("orderId", "")
    assert order.remote_status == "succeed"
    assert json.loads(order.answer)["result"] == receipt
    assert order.request_id
    assert events(order) == ["Draft started", "Order placed", "Sending", "Bought"]


def test_a_second_bell_sends_nothing(queued: Queued, portal: PartnerPortal, sandbox: Sandbox) -> None:
    order = queued()
    assert submitting.submit(order.pk, portal) == Status.PLACED
    assert submitting.submit(order.pk, portal) is None
    assert len(sandbox.ledger) == 1


def test_two_workers_that_read_the_same_row_send_once(queued: Queued, portal: PartnerPortal, sandbox: Sandbox) -> None:
    order = queued()
    first, second = Order.objects.get(pk=order.pk), Order.objects.get(pk=order.pk)
    assert first.move(Status.SENDING, title="Sending", sending_since=timezone.now())
    assert not second.move(Status.SENDING, title="Sending", sending_since=timezone.now())
    assert second.status == Status.QUEUED
    assert submitting.submit(order.pk, portal) is None
    assert sandbox.ledger == []


def test_a_bug_of_ours_after_it_was_bought_leaves_the_order_uncertain_and_it_is_never_sent_again(
    queued: Queued, sandbox: Sandbox
) -> None:
    order = queued()
    transport = Transport(sandbox, losing(RuntimeError("a bug of ours while sending")))
    with portal_for(transport) as portal:
        assert submitting.submit(order.pk, portal) == Status.UNCERTAIN
        sweeping.sweep(timezone.now() + timedelta(days=1))
        assert submitting.submit(order.pk, portal) is None
    assert transport.saves == 1
    assert len(sandbox.ledger) == 1
    order.refresh_from_db()
    assert order.status == Status.UNCERTAIN
    assert "no clear answer" in order.problem


@pytest.mark.parametrize("http_status", [200, 400, 403])
def test_a_refusal_fails_the_order_with_their_words(
    http_status: int, queued: Queued, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    order = queued()
    sandbox.fault(
        "save", "refuse", code="contract_expired", detailMessage="Contract <b>expired</b>", http_status=http_status
    )
    assert submitting.submit(order.pk, portal) == Status.FAILED
    order.refresh_from_db()
    assert "Contract <b>expired</b>" in order.problem
    assert "contract_expired" in order.problem
    assert order.request_id
    assert order.request_id in order.problem
    assert sandbox.ledger == []


def test_what_never_left_waits_in_the_row_and_is_sent_later(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    order = queued()

    def unreachable(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with portal_for(httpx.MockTransport(unreachable)) as cut_off:
        assert submitting.submit(order.pk, cut_off) == Status.QUEUED
    order.refresh_from_db()
    assert order.held_since is not None
    assert order.not_before is not None
    assert order.not_before > timezone.now()
    assert submitting.submit(order.pk, portal) is None, "it is not due yet"
    Order.objects.filter(pk=order.pk).update(not_before=timezone.now())
    assert submitting.submit(order.pk, portal) == Status.PLACED
    assert len(sandbox.ledger) == 1
    assert events(order)[2:] == ["Sending", "Held", "Sending", "Bought"]


def test_each_hold_is_longer_up_to_five_minutes(queued: Queued, settings: Any) -> None:
    settings.BREAKER_FAILURES = 100
    order = queued()

    def unreachable(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    waits = []
    with portal_for(httpx.MockTransport(unreachable)) as cut_off:
        for _ in range(9):
            assert submitting.submit(order.pk, cut_off) == Status.QUEUED
            order.refresh_from_db()
            assert order.not_before is not None
            waits.append(round((order.not_before - timezone.now()).total_seconds()))
            Order.objects.filter(pk=order.pk).update(not_before=None)
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_a_worker_that_never_came_back_leaves_the_order_uncertain_and_not_queued(queued: Queued) -> None:
    order = queued()
    assert order.move(Status.SENDING, title="Sending", sending_since=timezone.now())
    assert sweeping.sweep() == (0, 0), "it may still be talking"
    assert sweeping.sweep(timezone.now() + timedelta(minutes=10)) == (0, 1)
    order.refresh_from_db()
    assert order.status == Status.UNCERTAIN


def test_a_receipt_that_comes_after_the_sweep_still_counts(queued: Queued, sandbox: Sandbox) -> None:
    order = queued()

    def swept_meanwhile(response: httpx.Response) -> httpx.Response:
        sweeping.sweep(timezone.now() + timedelta(minutes=10))
        return response

    with portal_for(Transport(sandbox, swept_meanwhile)) as portal:
        assert submitting.submit(order.pk, portal) == Status.PLACED
    order.refresh_from_db()
    assert order.order_no == sandbox.ledger[0]["receipt"]["orderNo"]
    assert order.problem == ""
    assert events(order)[-2:] == ["Lost sight of", "Bought, told late"]


def test_a_receipt_that_contradicts_a_settled_order_is_kept_and_nothing_is_overwritten(
    queued: Queued, sandbox: Sandbox, mona: object
) -> None:
    from orders import settling

    order = queued()

    def settled_meanwhile(response: httpx.Response) -> httpx.Response:
        sweeping.sweep(timezone.now() + timedelta(minutes=10))
        settling.settle_as_never_placed(Order.objects.get(pk=order.pk), reason="I looked", actor=mona)
        return response

    with portal_for(Transport(sandbox, settled_meanwhile)) as portal:
        assert submitting.submit(order.pk, portal) == Status.FAILED
    last = order.events.last()
    assert last is not None
    assert last.title == "Told late: Bought"
    assert last.data["order_no"] == sandbox.ledger[0]["receipt"]["orderNo"]


def test_a_stored_request_that_was_changed_is_not_sent(queued: Queued, portal: PartnerPortal, sandbox: Sandbox) -> None:
    order = queued()
    Order.objects.filter(pk=order.pk).update(request_body=order.request_body.replace("369471667338", "369471667339"))
    assert submitting.submit(order.pk, portal) == Status.FAILED
    assert sandbox.ledger == []


def test_the_sweep_rings_for_due_orders_once_a_minute(queued: Queued, monkeypatch: pytest.MonkeyPatch) -> None:
    due, waiting = queued(), queued()
    Order.objects.filter(pk=waiting.pk).update(not_before=timezone.now() + timedelta(hours=1), rung_at=None)
    now = timezone.now()
    assert sweeping.sweep(now) == (0, 0), "its bell was rung when it was placed"
    assert sweeping.sweep(now + timedelta(seconds=61)) == (1, 0)
    assert sweeping.sweep(now + timedelta(seconds=62)) == (0, 0)
    Order.objects.filter(pk=due.pk).update(rung_at=None)
    assert sweeping.sweep(now + timedelta(seconds=63)) == (1, 0), "a bell that could not be rung is rung at once"


def test_times_that_a_clock_that_was_ahead_has_written_are_not_waited_for(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    held, rung, sending = queued(), queued(), queued()
    far = timezone.now() + timedelta(days=30)
    Order.objects.filter(pk=held.pk).update(not_before=far, rung_at=None)
    Order.objects.filter(pk=rung.pk).update(rung_at=far)
    assert sending.move(Status.SENDING, title="Sending", sending_since=far)
    assert sweeping.sweep() == (2, 1)
    assert sweeping.sweep() == (0, 0)
    assert submitting.submit(held.pk, portal) == Status.PLACED
    assert submitting.submit(rung.pk, portal) == Status.PLACED
    assert submitting.submit(sending.pk, portal) is None
    sending.refresh_from_db()
    assert sending.status == Status.UNCERTAIN, "it may have been sent"
    assert len(sandbox.ledger) == 2


def test_the_longest_hold_that_they_may_ask_for_is_kept(queued: Queued, portal: PartnerPortal) -> None:
    order = queued()
    Order.objects.filter(pk=order.pk).update(not_before=timezone.now() + timedelta(hours=1), rung_at=None)
    assert sweeping.sweep() == (0, 0)
    assert submitting.submit(order.pk, portal) is None


def test_evidence_with_characters_that_no_database_stores_is_still_recorded(queued: Queued, sandbox: Sandbox) -> None:
    order = queued()
    answer = {"code": "refused\x00", "detailMessage": "no \ud800\x00", "requestId": "r1", "status": 400}
    response = httpx.Response(400, content=json.dumps(answer))
    with portal_for(Transport(sandbox, lambda _: response)) as portal:
        assert submitting.submit(order.pk, portal) == Status.FAILED
    order.refresh_from_db()
    assert "refused" in order.problem


def test_a_settled_order_never_moves(queued: Queued, portal: PartnerPortal) -> None:
    order = queued()
    submitting.submit(order.pk, portal)
    order.refresh_from_db()
    for status in Status:
        with pytest.raises(ValueError, match="does not move"):
            order.move(status, title="No")


def test_placing_again_after_it_was_placed_changes_nothing(queued: Queued, alice: object) -> None:
    order = queued()
    sha256 = order.request_sha256
    assert not placing.place(order, approved_sha256=sha256, actor=alice)
    assert events(order).count("Order placed") == 1
