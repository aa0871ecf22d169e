"""What becomes of an order whose answer was lost: the vendor's history tells, or a manager must."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from orders import settling, submitting
from orders.beside import nearest
from orders.history.reconciling import CONTRADICTED, LOOKED, reconcile
from orders.lifecycle import Status
from orders.models import EchoSighting, Order, Reading, Record
from tests.orders.history.kit import events, now, placed_elsewhere
from tests.orders.test_beside import record
from tests.tutorials import SLUGS
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_lag")]


@pytest.mark.parametrize("slug", SLUGS)
def test_our_reference_in_the_history_settles_the_order_with_all_its_numbers(
    slug: str, lost: Callable[..., Order], look: Callable[..., Any], sandbox: Sandbox
) -> None:
    order = lost(slug, bought=True)
    look()
    found, bought = now(order), sandbox.ledger[-1]["receipt"]
    assert found.status == Status.PLACED
    assert (found.order_no, found.transaction_no, found.instance_id) == (
        bought["orderNo"],
        bought["transactionNo"],
        bought["instanceId"],
    )
    assert found.remote_status == "succeed"
    assert found.look_at is None
    assert events(order)[-1] == "Found at Yeastar"


def test_an_order_that_was_never_bought_is_proven_so_after_three_complete_readings(
    echo_known: None, lost: Callable[..., Order], look: Callable[..., Any], sandbox: Sandbox
) -> None:
    order = lost(bought=False)
    look(2)
    assert now(order).status == Status.UNCERTAIN
    assert now(order).absences == 2
    look()
    assert now(order).status == Status.FAILED
    assert "Certainly not bought" in now(order).problem
    assert now(order).look_at is not None  # it is watched on
    assert order.reference not in str(sandbox.ledger)


def test_without_an_echo_nothing_is_proven_and_a_manager_gets_the_candidates(
    lost: Callable[..., Order], buy: Callable[[str], Order], look: Callable[..., Any], sandbox: Sandbox
) -> None:
    sandbox.configure(echo_po_number=False)
    for _ in range(3):
        buy("linkus-cloud-service")
    bought, not_bought = lost("turnkey-capacity", bought=True), lost("rm-premium-renewal", bought=False)
    look(5)
    assert (now(bought).status, now(not_bought).status) == (Status.UNCERTAIN, Status.UNCERTAIN)
    assert not EchoSighting.objects.filter(echoed=True).exists()
    assert EchoSighting.objects.filter(echoed=False).count() == 3
    [candidate] = nearest(now(bought))[0]
    assert candidate.record.order_no == sandbox.ledger[-1]["receipt"]["orderNo"]
    assert {trait.verdict for trait in candidate.traits} == {"same"}
    assert nearest(now(not_bought)) == ([], 0)


def test_what_mona_reads_among_the_events_and_beside_the_order_does_not_disagree(
    lost: Callable[..., Order], look: Callable[..., Any], sandbox: Sandbox
) -> None:
    sandbox.configure(echo_po_number=False)
    order = lost(bought=True)
    for number in ("LR1", "LR2"):
        record(order, number, product_no="")
    look()
    fitting, untold = nearest(now(order))
    assert (len(fitting), untold) == (1, 2)
    words = now(order).events.filter(title=LOOKED).last().words
    assert "3 orders of its time and product are no other orders of ours" in words
    assert "may be this order" not in words, "of two of them too little is told to say so"


def test_one_order_of_theirs_is_no_candidate_once_it_is_claimed(
    lost: Callable[..., Order], look: Callable[..., Any], sandbox: Sandbox, mona: User
) -> None:
    sandbox.configure(echo_po_number=False)
    one = lost(bought=True)
    other = lost(bought=False, like=one)
    look()
    [theirs] = nearest(now(one))[0]
    assert [each.record for each in nearest(now(other))[0]] == [theirs.record]
    settling.settle_as_record(
        now(one), order_no=theirs.record.order_no, transaction_no="", instance_id="", reason="It is", actor=mona
    )
    assert nearest(now(other)) == ([], 0)


def test_a_single_swallowed_reference_is_enough_to_prove_nothing(
    echo_known: None,
    lost: Callable[..., Order],
    buy: Callable[[str], Order],
    look: Callable[..., Any],
    sandbox: Sandbox,
) -> None:
    order = lost(bought=False)
    sandbox.configure(echo_po_number=False)
    buy("linkus-cloud-service")
    look(6)
    assert now(order).status == Status.UNCERTAIN


def test_a_product_whose_echo_was_never_seen_proves_nothing(
    echo_known: None, lost: Callable[..., Order], look: Callable[..., Any]
) -> None:
    order = lost("turnkey-capacity", bought=False)
    look(6)
    assert now(order).status == Status.UNCERTAIN


def test_a_reading_that_was_cut_short_proves_nothing(
    echo_known: None, lost: Callable[..., Order], look: Callable[..., Any], sandbox: Sandbox
) -> None:
    order = lost(bought=False)
    sandbox.world.generate("orders", 150)
    sandbox.fault("order_page", "status", times=None, skip=1, status=400)
    look(2)
    sandbox.faults.clear()
    assert now(order).absences == 0
    reading = Reading.objects.latest("pk")
    assert not reading.complete
    assert "cut short" in reading.words


def test_before_the_vendors_lag_is_over_nothing_is_proven(
    echo_known: None, lost: Callable[..., Order], look: Callable[..., Any], settings: Any
) -> None:
    settings.HISTORY_LAG = timedelta(minutes=15)
    order = lost(bought=False)
    look(4)
    assert now(order).status == Status.UNCERTAIN
    assert now(order).absences == 0


def test_a_history_that_lags_behind_our_own_receipts_proves_nothing(
    echo_known: None,
    lost: Callable[..., Order],
    buy: Callable[[str], Order],
    look: Callable[..., Any],
    sandbox: Sandbox,
) -> None:
    sandbox.configure(history_lag_seconds=3600)
    buy("linkus-cloud-service")
    order = lost(bought=True)
    look(4)
    assert now(order).status == Status.UNCERTAIN
    assert now(order).absences == 0
    sandbox.configure(history_lag_seconds=0)
    look()
    assert now(order).status == Status.PLACED


def test_a_worker_that_may_still_be_sending_is_waited_for(
    echo_known: None, lost: Callable[..., Order], look: Callable[..., Any], settings: Any
) -> None:
    order = lost(bought=False)
    settings.ORDER_SENDING_LIMIT = timedelta(minutes=5)
    look(4)
    assert now(order).status == Status.UNCERTAIN


def test_a_record_that_appears_after_never_placed_is_a_loud_contradiction(
    echo_known: None, lost: Callable[..., Order], look: Callable[..., Any], sandbox: Sandbox, mona: User
) -> None:
    sandbox.configure(history_lag_seconds=3600)
    order = lost(bought=True)
    settling.settle_as_never_placed(now(order), reason="Not in their portal", actor=mona)
    sandbox.configure(history_lag_seconds=0)
    look()
    settled = now(order)
    assert settled.status == Status.FAILED
    assert "it was bought after all" in settled.conflict
    assert settled.found_as == sandbox.ledger[-1]["receipt"]["orderNo"]
    assert events(order)[-1] == CONTRADICTED
    settling.see_to_conflict(settled, reason="Told the customer", actor=mona)
    look()
    assert now(order).conflict == ""  # said once, seen to once


def test_a_held_order_that_was_bought_after_all_is_not_sent_again(
    lost: Callable[..., Order],
    ordered: Callable[..., Order],
    look: Callable[..., Any],
    portal: PartnerPortal,
    sandbox: Sandbox,
) -> None:
    held = ordered("turnkey-capacity")
    sandbox.fault("save", "status", status=429, processed=True)
    assert submitting.submit(held.pk, portal) == Status.QUEUED
    lost(bought=False)
    look()
    assert now(held).status == Status.PLACED
    assert now(held).order_no == sandbox.ledger[-1]["receipt"]["orderNo"]
    assert submitting.submit(held.pk, portal) is None


def test_a_second_record_with_the_reference_of_a_bought_order_is_a_contradiction(
    lost: Callable[..., Order], buy: Callable[[str], Order], look: Callable[..., Any], sandbox: Sandbox
) -> None:
    order = buy("linkus-cloud-service")
    twice = {"productId": 9, "productNo": order.product_no, "customReferenceNo": order.reference}
    placed_elsewhere(sandbox, **twice)
    lost(bought=False)
    look()
    assert "besides" in now(order).conflict


def test_a_reference_on_something_quite_different_is_not_believed(
    lost: Callable[..., Order], look: Callable[..., Any], sandbox: Sandbox
) -> None:
    order = lost(bought=False)
    placed_elsewhere(sandbox, productId=12, productNo="3651E1292455", customReferenceNo=order.reference)
    look()
    assert now(order).status == Status.UNCERTAIN
    assert "carries this order's reference, but has product 12 instead of 9" in now(order).conflict


def test_a_row_with_two_references_settles_neither_order_and_proves_nothing(
    echo_known: None, lost: Callable[..., Order], look: Callable[..., Any], sandbox: Sandbox
) -> None:
    one, other = lost(bought=False), lost(bought=False)
    both = f"{one.reference} {other.reference}"
    placed_elsewhere(sandbox, productId=9, productNo=one.picked.product_no, customReferenceNo=both)
    look(5)
    assert {now(one).status, now(other).status} == {Status.UNCERTAIN}
    assert now(one).absences == 0


def test_the_other_numbers_are_read_later_if_the_detail_cannot_be_read_now(
    lost: Callable[..., Order], look: Callable[..., Any], sandbox: Sandbox
) -> None:
    order = lost(bought=True)
    sandbox.fault("order_get", "status", times=None, status=404)
    look()
    assert now(order).status == Status.PLACED
    assert now(order).transaction_no == ""
    sandbox.faults.clear()
    look()
    assert now(order).transaction_no == sandbox.ledger[-1]["receipt"]["transactionNo"]
    assert now(order).look_at is None


def test_an_order_of_another_account_is_not_looked_for_in_this_one(
    lost: Callable[..., Order], look: Callable[..., Any]
) -> None:
    order = lost(bought=True)
    Order.objects.filter(pk=order.pk).update(destination="elsewhere (account 12345678)")
    assert look() is None
    assert now(order).status == Status.UNCERTAIN


def test_looking_again_takes_growing_pauses(lost: Callable[..., Order], portal: PartnerPortal, settings: Any) -> None:
    settings.RECONCILE_SECONDS = 30.0
    order = lost(bought=False)
    assert reconcile(portal)
    first = now(order)
    assert 25 < (first.look_at - timezone.now()).total_seconds() <= 30
    assert reconcile(portal) is None
    order.tries.update(started_at=timezone.now() - timedelta(hours=1))
    Order.objects.update(look_at=timezone.now())
    assert reconcile(portal)
    assert timedelta(minutes=59) < now(order).look_at - timezone.now() <= timedelta(minutes=61)
    assert events(order)[-2:] == [LOOKED, LOOKED]


def test_two_readings_never_run_at_once_and_a_dead_one_is_replaced(
    lost: Callable[..., Order], portal: PartnerPortal
) -> None:
    order = lost(bought=True)
    other = Reading.objects.create(
        destination=order.destination or now(order).destination,
        why="Another worker",
        started_at=timezone.now(),
        beat_at=timezone.now(),
    )
    assert reconcile(portal) is None
    Reading.objects.filter(pk=other.pk).update(beat_at=timezone.now() - timedelta(minutes=5))
    assert reconcile(portal)
    assert now(order).status == Status.PLACED
    other.refresh_from_db()
    assert "never came back" in other.words


def test_a_hundred_uncertain_orders_read_the_history_once(
    lost: Callable[..., Order], look: Callable[..., Any], sandbox: Sandbox
) -> None:
    sandbox.world.generate("orders", 950)
    for number in range(100):
        lost("turnkey-capacity", bought=number % 2 == 0)
    reading = look()
    assert Order.objects.filter(status=Status.PLACED).count() == 50
    assert reading.complete
    assert reading.pages == 13  # 1,012 orders in 11 pages, an empty one, and the first once more


def test_unknown_fields_and_statuses_are_kept_and_shown(
    lost: Callable[..., Order], look: Callable[..., Any], sandbox: Sandbox
) -> None:
    order = lost(bought=True)
    sandbox.fault("order_page", "extra_fields", times=None)
    sandbox.fault("order_get", "extra_fields", times=None)
    sandbox.configure(order_status="confusing")
    look()
    assert now(order).status == Status.PLACED
    record = Record.objects.get(order_no=now(order).order_no)
    assert "unknownField" in record.raw
    assert "unknownField" in record.detail


@pytest.fixture(autouse=True)
def every_chain_holds() -> Iterator[None]:
    """Whatever happened, the evidence is whole."""
    from orders.evidence import broken_links

    yield
    assert list(broken_links(Order.objects.all())) == []
