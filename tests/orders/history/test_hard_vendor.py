"""A vendor who lags, cuts, swallows, repeats itself and answers for another order: nothing false is believed of it."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from orders import placing, settling, submitting, verdict
from orders.duplicates import twins
from orders.history import runs
from orders.history.following import follow
from orders.history.reconciling import reconcile
from orders.lifecycle import Status
from orders.likeness import wanted_by
from orders.models import EchoSighting, Order, Reading, Record
from tests.orders.history.kit import now, placed_elsewhere
from tests.tutorials import CHOICES
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import Refused
from yeastar_api.messages import OrderRow
from yeastar_api.sandbox import records

pytestmark = pytest.mark.django_db(transaction=True)


def test_that_another_order_is_due_does_not_hurry_the_proof_of_this_one(lost, buy, portal, sandbox) -> None:
    """Real settings and schedule. The vendor lags 25 minutes, no receipt tells of it, and new doubts arise each minute:
    each of them starts a reading, which must not count as one more look at the first."""
    with time_machine.travel(timezone.now() - timedelta(hours=3), tick=True) as clock:
        for _ in range(3):
            buy()
        follow(portal)
        assert EchoSighting.objects.filter(echoed=True).count() == 3
        clock.shift(timedelta(minutes=30))
        sandbox.configure(history_lag_seconds=1500)
        victim = lost(bought=True)
        for second in range(0, 24 * 60, 10):
            if second % 60 == 0 and second >= 960:
                lost(bought=True)  # the outage goes on
            reconcile(portal)
            order = now(victim)
            if order.status != Status.UNCERTAIN:
                break
            clock.shift(timedelta(seconds=10))
        assert victim.reference in str(sandbox.ledger), "it was bought"
        assert now(victim).status != Status.FAILED, now(victim).problem


def test_an_order_that_the_vendor_tells_of_late_is_found(lost, buy, portal, sandbox) -> None:
    with time_machine.travel(timezone.now() - timedelta(hours=3), tick=True) as clock:
        for _ in range(3):
            buy()
        follow(portal)
        clock.shift(timedelta(minutes=30))
        sandbox.configure(history_lag_seconds=1500)
        victim = lost(bought=True)
        for _ in range(0, 70 * 60, 10):
            reconcile(portal)
            if now(victim).status != Status.UNCERTAIN:
                break
            clock.shift(timedelta(seconds=10))
        assert now(victim).status == Status.PLACED


def test_a_history_frozen_for_more_than_a_day_proves_nothing(no_lag, lost, buy, look, sandbox) -> None:
    """A receipt that the history has never shown dates its lag, however old it is."""
    for _ in range(4):
        buy()
    look_all(lost, look)
    sandbox.configure(history_lag_seconds=7 * 86400)
    witness = buy()
    victim = lost(bought=True)
    ago = timezone.now() - timedelta(hours=25)
    Order.objects.filter(pk=witness.pk).update(settled_at=ago)
    Order.objects.filter(pk=victim.pk).update(placed_at=ago, sending_since=ago)
    victim.tries.update(started_at=ago, finished_at=ago)
    look(3)
    assert not Record.objects.filter(order_no=witness.order_no).exists()
    assert now(victim).status == Status.UNCERTAIN, now(victim).problem


def look_all(lost, look) -> None:
    order = lost(bought=True)
    look()
    assert now(order).status == Status.PLACED


def test_a_vendor_that_cuts_long_po_numbers_proves_nothing_about_them(
    no_lag, lost, buy, look, sandbox, draft, alice, portal, monkeypatch
) -> None:
    """Learnt with short PO numbers; this one is long. The detail tells ids of its own for lines, so that the true
    record resembles the order little."""
    row, detail = records.Order.row, records.Order.detail
    monkeypatch.setattr(
        records.Order, "row", lambda s, *, echo: row(s, echo=echo) | {"customReferenceNo": s.reference[:32]}
    )

    def told(s, contact, partner, *, echo):
        found = detail(s, contact, partner, echo=echo)
        for line in found["orderSummary"]["serviceList"]:
            line["serviceId"] = "99" + line["serviceId"]
        return found

    monkeypatch.setattr(records.Order, "detail", told)
    for _ in range(3):
        buy()
    look_all(lost, look)
    order = draft("linkus-cloud-service")
    mine = CHOICES["linkus-cloud-service"] | {
        "product_no": "369471677777",
        "po_number": "PO 2026/000123 Hotel Vier Jahreszeiten",
    }
    placing.answer(order, mine)
    assert placing.place(order, approved_sha256=placing.preview(order)[2], actor=alice)
    sandbox.fault("save", "reset", processed=True)
    assert submitting.submit(order.pk, portal) == Status.UNCERTAIN
    look(3)
    assert Record.objects.filter(product_no="369471677777").exists()
    assert now(order).status == Status.UNCERTAIN, now(order).problem


def test_what_is_nobodys_blocks_the_proof_however_little_it_resembles_the_order(
    no_lag, lost, buy, look, sandbox, monkeypatch
) -> None:
    """One reference is swallowed; the detail also names the present plan of the PBX."""
    row, detail = records.Order.row, records.Order.detail

    def told(s, contact, partner, *, echo):
        found = detail(s, contact, partner, echo=echo)
        found["basicInformation"]["currentPlan"] = {"planId": "3049041101760282624"}
        return found

    monkeypatch.setattr(records.Order, "detail", told)
    for _ in range(3):
        buy()
    look_all(lost, look)
    victim = lost(bought=True)
    swallowed = victim.reference
    monkeypatch.setattr(records.Order, "row", lambda s, *, echo: row(s, echo=echo and s.reference != swallowed))
    monkeypatch.setattr(
        records.Order, "detail", lambda s, c, p, *, echo: told(s, c, p, echo=echo and s.reference != swallowed)
    )
    look(3)
    assert now(victim).status == Status.UNCERTAIN, now(victim).problem


def test_a_second_contradiction_stands_beside_the_first(lost, buy, look, sandbox, mona) -> None:
    order = buy("linkus-cloud-service")
    for _ in range(2):
        placed_elsewhere(sandbox, productId=9, productNo=order.product_no, customReferenceNo=order.reference)
    lost(bought=False)
    look()
    records = Record.objects.filter(reference=order.reference).exclude(order_no=order.order_no)
    numbers = sorted(records.values_list("order_no", flat=True))
    assert len(numbers) == 2
    shown = now(order).conflict
    settling.see_to_conflict(now(order), reason="That one was refunded", actor=mona)
    look(2)
    shown_later = now(order).conflict
    assert all(number in shown + shown_later for number in numbers), "one of two extra purchases was never loud"


def test_numbers_typed_by_a_manager_are_not_overwritten(lost, look, sandbox, mona) -> None:
    """The detail could not be read; a manager typed what the vendor's own portal shows, but no transaction number."""
    sandbox.configure(echo_po_number=False)
    sandbox.fault("order_get", "status", times=None, status=404)
    order = lost(bought=True)
    look()
    number = sandbox.ledger[-1]["receipt"]["orderNo"]
    settling.settle_as_record(now(order), order_no=number, instance_id="INSTANCE-BY-HAND", reason="Seen", actor=mona)
    assert now(order).instance_id == "INSTANCE-BY-HAND"
    sandbox.faults.clear()
    look()
    assert now(order).instance_id == "INSTANCE-BY-HAND"


def test_a_reference_in_a_remark_of_something_quite_different_is_not_believed(lost, look, sandbox) -> None:
    """The same product, but failed, a year ago, for another customer, and of another service and quantity."""
    order = lost("turnkey-capacity", bought=False)
    year_ago = int((timezone.now() - timedelta(days=365)).timestamp() * 1000)
    placed_elsewhere(
        sandbox,
        productId=14,
        orderStatus="failed",
        createTime=year_ago,
        partnerId=next(iter(sandbox.world.partners)),
        customReferenceNo=f"not {order.reference} but the other one",
        serviceList=[{"serviceType": "service", "serviceId": 1, "quantity": 9999, "purchaseType": "purchase"}],
    )
    look()
    assert now(order).status == Status.UNCERTAIN
    assert "its status is “failed”" in now(order).conflict


def test_a_held_order_that_stands_in_the_history_without_a_number_is_loud_and_not_sent(
    lost, ordered, look, portal, sandbox, monkeypatch, mona
) -> None:
    held = ordered("turnkey-capacity")
    sandbox.fault("save", "status", status=429, processed=True)
    assert submitting.submit(held.pk, portal) == Status.QUEUED
    lost(bought=False)
    row = records.Order.row
    nameless = {"orderNo": ""}
    monkeypatch.setattr(
        records.Order,
        "row",
        lambda s, *, echo: row(s, echo=echo) | (nameless if s.reference == held.reference else {}),
    )
    look()
    assert "has no order number" in now(held).conflict
    Order.objects.filter(pk=held.pk).update(not_before=None)
    assert submitting.submit(held.pk, portal) is None
    with pytest.raises(settling.CannotSettle, match="Cancel"):  # else it would be sent, and bought twice
        settling.see_to_conflict(now(held), reason="Seen", actor=mona)
    assert submitting.submit(held.pk, portal) is None
    settling.cancel(now(held), reason="Yeastar has it already", actor=mona)
    settling.see_to_conflict(now(held), reason="Told the customer", actor=mona)
    assert "Yeastar has it as order id:" in verdict.problem(now(held))
    assert not verdict.can_order_again(now(held))
    assert len([each for each in sandbox.ledger if held.reference in each["body"]]) == 1


def test_a_detail_of_another_order_is_not_believed(lost, look, sandbox, mona, monkeypatch) -> None:
    """The vendor's cache mixes two orders up."""
    sandbox.configure(echo_po_number=False)
    one = lost(bought=True)
    lost(bought=True)
    asked = PartnerPortal.order_detail
    receipts = [each["receipt"] for each in sandbox.ledger[-2:]]
    ones, twos = (each["orderNo"] for each in receipts)
    monkeypatch.setattr(
        PartnerPortal, "order_detail", lambda self, no: asked(self, {ones: twos, twos: ones}.get(no, no))
    )
    look()
    settling.settle_as_candidate(now(one), key=ones, reason="It is", actor=mona)
    assert now(one).transaction_no in ("", receipts[0]["transactionNo"])


@pytest.mark.parametrize("total", [-1, 2**63])
def test_a_senseless_total_ends_no_search(total, lost, look, sandbox, portal, monkeypatch) -> None:
    asked = PartnerPortal.order_page
    monkeypatch.setattr(PartnerPortal, "order_page", lambda *a, **k: dataclasses.replace(asked(*a, **k), total=total))
    monkeypatch.setattr(runs, "BEAT", timedelta(0))  # a history that takes longer than two seconds
    order = lost(bought=False)
    look()
    assert now(order).looks == 1
    assert not Reading.objects.filter(finished_at=None).exists()


def test_an_order_number_of_dots_does_not_stop_the_following(portal, sandbox, monkeypatch) -> None:
    asked = PartnerPortal.order_page
    ms = int(timezone.now().timestamp() * 1000)
    bad = OrderRow.model_validate({"orderNo": "...", "id": "7", "createTime": ms})

    def page(*a, **k):
        found = asked(*a, **k)
        return dataclasses.replace(found, results=(bad, *found.results))

    monkeypatch.setattr(PartnerPortal, "order_page", page)
    reading = follow(portal)
    assert reading is not None
    assert Record.objects.filter(order_no="...").exists()


def test_one_detail_that_cannot_be_read_keeps_no_other_unread(portal, sandbox, monkeypatch) -> None:
    """The newest order's detail fails for ever."""
    follow(portal)
    ms = int(timezone.now().timestamp() * 1000)
    for n in range(5):
        placed_elsewhere(sandbox, productId=9, productNo=f"36947169990{n}", createTime=ms + n)
    asked = PartnerPortal.order_detail
    poison = []

    def detail(self, number):
        poison.append(number) if not poison else None
        if number == poison[0]:
            raise Refused(call="order_detail", detail="not found")
        return asked(self, number)

    monkeypatch.setattr(PartnerPortal, "order_detail", detail)
    for _ in range(3):
        follow(portal)
    unread = Record.objects.filter(detail_at=None, created_at__gte=timezone.now() - timedelta(hours=1)).count()
    assert unread == 1, f"{unread} unread"


def test_a_hole_in_the_following_is_filled_by_the_next_run(portal, sandbox, draft, alice) -> None:
    """Of three new pages the second fails. The next run knows the first page, and misses rows all the same."""
    follow(portal)
    order = draft("linkus-cloud-service")
    placed_elsewhere(sandbox, productId=9, productNo=order.picked.product_no)
    sandbox.world.generate("orders", 150)
    sandbox.fault("order_page", "status", times=20, skip=1, status=400)
    follow(portal)
    sandbox.faults.clear()
    for _ in range(3):
        follow(portal)
    assert twins(order, wanted_by(placing.preview(order)[0])), "ordered elsewhere a minute ago, and the guard is silent"


def test_a_vendor_that_refuses_to_sort_is_followed(portal, sandbox, draft, monkeypatch) -> None:
    asked = PartnerPortal.order_page

    def page(self, page_no, page_size=100, sort=""):
        if sort:
            raise Refused(call="order_page", code="parameter_validation_failed", detail="sort")
        return asked(self, page_no, page_size)

    monkeypatch.setattr(PartnerPortal, "order_page", page)
    follow(portal)
    order = draft("linkus-cloud-service")
    placed_elsewhere(sandbox, productId=9, productNo=order.picked.product_no)
    for _ in range(3):
        follow(portal)
    assert twins(order, wanted_by(placing.preview(order)[0]))


def test_a_vendor_that_ignores_sort_is_followed(portal, sandbox, draft, monkeypatch) -> None:
    asked = PartnerPortal.order_page
    monkeypatch.setattr(PartnerPortal, "order_page", lambda self, no, size=100, _sort="": asked(self, no, size, "id"))
    sandbox.world.generate("orders", 250)
    follow(portal)
    order = draft("linkus-cloud-service")
    placed_elsewhere(sandbox, productId=9, productNo=order.picked.product_no)
    for _ in range(3):
        follow(portal)
    assert twins(order, wanted_by(placing.preview(order)[0]))


def test_two_rows_of_one_order_do_not_lose_its_reference(lost, look, sandbox, monkeypatch) -> None:
    """One row for each line of an order; only the first carries the customer's reference."""
    asked = PartnerPortal.order_page
    order = lost(bought=True)

    def page(*a, **k):
        found, rows = asked(*a, **k), []
        for row in found.results:
            rows += (
                [row, OrderRow.model_validate(row.raw | {"customReferenceNo": ""})]
                if row.custom_reference_no
                else [row]
            )
        return dataclasses.replace(found, results=tuple(rows))

    monkeypatch.setattr(PartnerPortal, "order_page", page)
    sandbox.fault("order_get", "status", times=None, status=404)
    look(2)
    assert now(order).status == Status.PLACED
