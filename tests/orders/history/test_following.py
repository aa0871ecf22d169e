"""The history is followed: what is made elsewhere is known here a few minutes later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from orders import settling, submitting
from orders.history.following import follow
from orders.lifecycle import Status
from orders.models import Order, Reading, Record
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


def pages_of(reading: Reading | None) -> int:
    assert reading is not None
    return reading.pages


def test_the_first_run_reads_all_and_the_next_ones_only_what_is_new(portal: PartnerPortal, sandbox: Sandbox) -> None:
    sandbox.world.generate("orders", 1000)
    first = follow(portal)
    assert first is not None
    assert first.complete
    assert Record.objects.count() == first.seen == 1012
    assert pages_of(follow(portal)) == 1
    sandbox.world.generate("orders", 150)
    assert pages_of(follow(portal)) == 3
    assert Record.objects.count() == 1162
    Reading.objects.update(started_at=timezone.now() - timedelta(days=2))
    assert pages_of(follow(portal)) > 10


def test_a_run_says_what_it_read_of_one_order_as_of_many(portal: PartnerPortal, sandbox: Sandbox) -> None:
    def said(*, whole: bool = False) -> str:
        reading = follow(portal, whole=whole)
        assert reading is not None
        return reading.words

    assert said() == "Read to the end: 12 orders in 3 pages."
    sandbox.world.generate("orders", 1)
    assert said() == "What is new was read: 1 new order, 0 changed."
    del sandbox.world.orders[1:]
    assert said(whole=True) == "Read to the end: 1 order in 3 pages."


def test_a_changed_status_is_kept_and_an_unchanged_row_is_not_written(portal: PartnerPortal, sandbox: Sandbox) -> None:
    follow(portal)
    before = dict(Record.objects.values_list("order_no", "changed_at"))
    [pending] = Record.objects.filter(status="pending")
    world = sandbox.world
    world.happen({"event": "order_status", "orderNo": pending.order_no, "status": "held_for_review"})
    again = follow(portal)
    assert again is not None
    assert (again.new, again.changed) == (0, 1)
    assert Record.objects.get(pk=pending.pk).status == "held_for_review"
    after = dict(Record.objects.values_list("order_no", "changed_at"))
    assert {number for number in after if after[number] != before[number]} == {pending.order_no}


def test_the_details_of_orders_made_elsewhere_today_are_read_first_and_then_those_of_our_own(
    portal: PartnerPortal, sandbox: Sandbox, queued: Callable[..., Order], settings: Any
) -> None:
    settings.HISTORY_DETAILS = 1
    ours = queued()
    assert submitting.submit(ours.pk, portal) == Status.PLACED
    sandbox.world.generate("orders", 3)
    follow(portal)
    day = timezone.now() - timedelta(days=1)
    [first] = Record.objects.filter(detail_at__isnull=False)
    assert first.owner_id is None
    assert first.created_at > day
    settings.HISTORY_DETAILS = 5
    follow(portal)
    lately = Record.objects.filter(created_at__gte=day)
    assert ours.pk in {record.ours_id for record in lately}
    assert all(record.detail_at and record.transaction_no for record in lately)


def test_a_record_that_appears_after_never_placed_is_noticed_without_any_search(
    portal: PartnerPortal, sandbox: Sandbox, queued: Callable[..., Order], mona: Any
) -> None:
    order = queued()
    sandbox.configure(history_lag_seconds=3600)
    sandbox.fault("save", "reset", processed=True)
    assert submitting.submit(order.pk, portal) == Status.UNCERTAIN
    order.refresh_from_db()
    settling.settle_as_never_placed(order, reason="Not there", actor=mona)
    follow(portal)
    sandbox.configure(history_lag_seconds=0)
    follow(portal)
    order.refresh_from_db()
    assert "it was bought after all" in order.conflict


def test_while_yeastar_does_not_answer_nothing_is_lost_and_the_run_says_so(
    portal: PartnerPortal, sandbox: Sandbox
) -> None:
    follow(portal)
    known = Record.objects.count()
    sandbox.fault("order_page", "status", times=None, status=400)
    reading = follow(portal)
    assert reading is not None
    assert not reading.complete
    assert "cut short" in reading.words
    assert Record.objects.count() == known


def test_two_runs_never_read_at_once(portal: PartnerPortal) -> None:
    first = follow(portal)
    assert first is not None
    Reading.objects.update(finished_at=None, beat_at=timezone.now())
    assert follow(portal) is None


def test_a_po_number_that_was_told_once_stays_when_they_stop_telling_it(
    portal: PartnerPortal, sandbox: Sandbox
) -> None:
    follow(portal)
    told = Record.objects.exclude(custom_reference_no="").order_by("pk")
    before = list(told.values_list("order_no", "custom_reference_no"))
    assert before
    sandbox.configure(echo_po_number=False)
    follow(portal, whole=True)
    assert list(told.values_list("order_no", "custom_reference_no")) == before
    assert not any(record.raw.get("customReferenceNo") for record in told)
