"""The mirror equals the vendor's ledger at rest, whatever happened meanwhile; its tallies equal a recount."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from orders import placing, submitting
from orders.destination import current_destination
from orders.history import following, linking, records, tallies
from orders.history.following import follow, roll
from orders.history.reading import Interrupted
from orders.models import Order, Partner, Reading, Record, Tally
from orders.overview import figures
from orders.overview.period import Months
from tests.orders.history.kit import placed_elsewhere
from yeastar_api.client import PartnerPortal
from yeastar_api.messages import OrderRow, Page
from yeastar_api.sandbox import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

STATUSES = ("succeed", "pending", "cancelled", "refunded", "a word never seen")


def assert_tallies_are_right() -> None:
    here = current_destination()
    assert tallies.told(here) == tallies.recount(here)
    kinds = Tally.objects.values_list("kind", flat=True).distinct()
    assert all(
        sum(Tally.objects.filter(kind=k).values_list("count", flat=True)) == Record.objects.count() for k in kinds
    )


def ledger(sandbox: Sandbox) -> dict[str, tuple[str, str]]:
    return {each.order_no: (each.status, each.amount) for each in sandbox.world.orders}


def mirrored() -> dict[str, tuple[str, str]]:
    return {
        record.order_no: (record.status, f"{record.amount:.2f}")
        for record in Record.objects.filter(gone_at=None)
        if record.amount is not None
    }


def after(times: int) -> Callable[[], bool]:
    """A worker that is told to stop when it has asked so often whether it shall: twice for each page."""
    asked = itertools.count(1)
    return lambda: next(asked) >= times


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_vendor_does_the_mirror_is_its_ledger_at_rest(
    seed: int, portal: PartnerPortal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Orders arrive and change between any two pages, answers are lost, the page size is lowered, workers stop."""
    chance = random.Random(seed)
    settings.HISTORY_DETAILS = 7
    asked = PartnerPortal.order_page

    def page(self: PartnerPortal, *args: Any, **options: Any) -> Any:
        what = chance.random()
        if what < 0.1:
            sandbox.world.generate("orders", chance.randint(1, 30))
        elif what < 0.2:
            order = chance.choice(sandbox.world.orders)
            status = chance.choice(STATUSES)
            sandbox.world.happen({"event": "order_status", "orderNo": order.order_no, "status": status})
        elif what < 0.25:
            sandbox.fault("order_page", "status", times=chance.choice((1, 30)), status=chance.choice((400, 429)))
        elif what < 0.3:
            sandbox.configure(page_size_max=chance.choice((7, 25, 100)))
        elif what < 0.33:
            raise Interrupted("The worker stops")
        return asked(self, *args, **options)

    sandbox.world.generate("orders", 300)
    with monkeypatch.context() as rough:
        rough.setattr(PartnerPortal, "order_page", page)
        rough.setattr("orders.history.reading.wait_random_exponential", lambda **_: lambda _: 0.0)
        for _ in range(5):
            follow(portal, whole=chance.random() < 0.4)
            roll(portal)
            assert_tallies_are_right()
            sandbox.faults.clear()
    for _ in range(2):  # one that was cut is gone on with, and may have to begin anew
        follow(portal, whole=True)
    assert mirrored() == ledger(sandbox)
    assert_tallies_are_right()


def test_tallies_follow_a_changed_status_an_amount_a_customer_and_an_owner(
    portal: PartnerPortal, sandbox: Sandbox, queued: Any, alice: User
) -> None:
    follow(portal)
    [pending] = Record.objects.filter(status="pending")
    sandbox.world.happen({"event": "order_status", "orderNo": pending.order_no, "status": "succeed"})
    placed_elsewhere(sandbox, partnerId=next(iter(sandbox.world.partners)), cents=1050)
    follow(portal)
    assert_tallies_are_right()
    assert not Tally.objects.filter(status="pending").exists()
    assert Tally.objects.filter(kind="partner", key=next(iter(sandbox.world.partners))).get().amount == 10.50
    order = queued()
    Order.objects.filter(pk=order.pk).update(order_no=pending.order_no)
    linking.link(current_destination())
    assert Record.objects.get(pk=pending.pk).owner == alice
    assert Tally.objects.filter(kind="owner", key=str(alice.pk)).get().count == 1
    assert_tallies_are_right()


def test_money_is_added_without_an_error_that_grows(portal: PartnerPortal, sandbox: Sandbox) -> None:
    for _ in range(40):
        placed_elsewhere(sandbox, cents=10)
        follow(portal)
    assert_tallies_are_right()


def test_sums_of_great_amounts_are_exact_to_the_last_place(portal: PartnerPortal) -> None:
    """Orders in dong come to more than the fifteen digits that SQLite holds of a decimal."""
    here, chance = current_destination(), random.Random(1)
    for _ in range(3):
        rows = [
            {"orderNo": f"A{number}", "currencyCode": "VND", "createTime": 1_700_000_000, "orderAmount": amount}
            for number in range(1_000)
            for amount in [f"{chance.choice((-1, 1, 1))}{chance.randint(0, 10**10)}.{chance.randint(0, 9999):04}"]
        ]
        records.keep(here, [OrderRow(row) for row in rows], timezone.now())
    assert_tallies_are_right()
    [tally] = Tally.objects.filter(kind="product")
    assert tally.amount == sum(Decimal(row["orderAmount"]) for row in rows) > 10**12
    months = Months(tally.month, tally.month)
    assert [each.amount for each in figures.read(months).sums] == [tally.amount]


def test_tallies_that_are_wrong_are_rebuilt(portal: PartnerPortal) -> None:
    follow(portal)
    assert tallies.rebuild(current_destination())
    Tally.objects.update(count=7)
    assert not tallies.rebuild(current_destination())
    assert_tallies_are_right()


def test_an_order_is_linked_by_its_number_as_soon_as_its_row_comes(buy: Any, portal: PartnerPortal) -> None:
    order = buy()
    follow(portal)
    record = Record.objects.get(order_no=order.order_no)
    assert (record.ours, record.owner) == (order, order.owner)
    assert_tallies_are_right()


def test_an_order_whose_number_comes_later_is_linked_by_its_reference_and_the_number_has_the_last_word(
    lost: Any, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    order = lost(bought=True)
    here = current_destination()
    records.keep(here, [OrderRow({"orderNo": "AB1", "customReferenceNo": order.reference})], timezone.now())
    linking.link(here)
    assert Record.objects.get(order_no="AB1").ours == order
    assert Record.objects.get(order_no="AB1").product_id == "9", "as our order has it"
    records.keep(here, [OrderRow({"orderNo": "AB2"})], timezone.now())
    Order.objects.filter(pk=order.pk).update(order_no="AB2", status="PLACED")
    linking.link(here)
    assert Record.objects.get(order_no="AB2").ours == order
    parted = Record.objects.get(order_no="AB1")
    assert (parted.ours, parted.product_id) == (None, "")
    assert_tallies_are_right()


def test_the_customer_of_an_order_of_ours_is_known_before_its_details_are_read(
    draft: Callable[[str], Order], portal: PartnerPortal, settings: Any, mona: User, sign_in: Callable[[User], Client]
) -> None:
    settings.HISTORY_DETAILS = 0
    order, customer = draft("turnkey-capacity"), Partner.objects.on_offer()[0]
    placing.answer(order, {"partner_id": customer.remote_id})
    assert placing.place(order, approved_sha256=placing.preview(order)[2], actor=order.owner)
    submitting.submit(order.pk, portal)
    follow(portal)
    order.refresh_from_db()
    record = Record.objects.get(ours=order)
    assert (record.detail_at, record.partner_id, record.product_id) == (None, customer.remote_id, "14")
    assert_tallies_are_right()
    monas, month = sign_in(mona), timezone.localdate().strftime("%Y-%m")
    assert order.order_no in monas.get(f"/statement/?customer={customer.remote_id}&month={month}").content.decode()
    assert f"customer={customer.remote_id}" in monas.get(f"/history/{record.pk}/").content.decode()
    records.keep(record.destination, [OrderRow({**record.raw, "orderStatus": "refunded"})], timezone.now())
    record.refresh_from_db()
    assert (record.status, record.partner_id) == ("refunded", customer.remote_id), "it stays while they are silent"
    told = OrderRow({**record.raw, "partnerId": "99", "productId": "9"})
    records.keep(record.destination, [told], timezone.now())
    record.refresh_from_db()
    assert (record.partner_id, record.product_id) == ("99", "9"), "what they tell counts"
    assert_tallies_are_right()


def test_an_order_for_our_own_account_says_so_on_its_record(
    buy: Any, portal: PartnerPortal, settings: Any, mona: User, sign_in: Callable[[User], Client]
) -> None:
    settings.HISTORY_DETAILS = 0
    order = buy("turnkey-capacity")
    follow(portal)
    page = sign_in(mona).get(f"/history/{Record.objects.get(ours=order).pk}/").content.decode()
    assert '<dt>Customer</dt><dd dir="auto">Our own account' in page


def test_a_run_that_was_cut_is_gone_on_with_and_marks_nothing_as_gone(
    portal: PartnerPortal, sandbox: Sandbox, settings: Any
) -> None:
    settings.HISTORY_DETAILS = 0
    sandbox.world.generate("orders", 1000)
    cut = follow(portal, stopping=after(13))
    assert cut is not None
    assert (cut.complete, cut.next_page) == (False, 7)
    resumed = follow(portal)
    assert resumed is not None
    assert resumed.complete, resumed.words
    assert resumed.gone == 0
    assert resumed.pages < 11
    assert mirrored() == ledger(sandbox)


def test_a_run_whose_last_rows_could_not_be_kept_is_not_complete(
    portal: PartnerPortal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(following, "PATIENCE", 60)
    with monkeypatch.context() as locked:
        locked.setattr(records, "keep_gathered", refused)
        with pytest.raises(OperationalError):
            follow(portal)
    reading = Reading.objects.get()
    assert not reading.complete
    assert "proves nothing: Something" in reading.words
    follow(portal)
    assert mirrored() == ledger(sandbox)


def test_a_cut_run_marks_none_of_the_known_as_gone_and_one_that_returns_is_back(
    portal: PartnerPortal, sandbox: Sandbox, settings: Any
) -> None:
    settings.HISTORY_DETAILS = 0
    sandbox.world.generate("orders", 500)
    follow(portal)
    gone = sandbox.world.orders.pop(0)
    follow(portal, whole=True, stopping=after(7))
    assert not Record.objects.exclude(gone_at=None).exists()
    for _ in range(2):
        follow(portal, whole=True)
    assert Record.objects.exclude(gone_at=None).get().order_no == gone.order_no
    sandbox.world.orders.insert(0, gone)
    follow(portal, whole=True)
    assert not Record.objects.exclude(gone_at=None).exists()


def test_an_order_that_vanished_counts_as_before_in_list_statement_overview_and_recount(
    portal: PartnerPortal, sandbox: Sandbox, mona: User, sign_in: Callable[[User], Client]
) -> None:
    customer = next(iter(sandbox.world.partners))
    placed_elsewhere(sandbox, partnerId=customer, cents=1050)
    follow(portal, whole=True)
    sandbox.world.orders.pop()
    reading = follow(portal, whole=True)
    assert reading is not None
    assert reading.gone == 1
    assert_tallies_are_right()
    browser = sign_in(mona)
    statement = browser.get("/statement/", {"customer": customer}).context["statement"]
    [told] = browser.get("/overview/", {"period": "this-month"}).context["figures"].customers[:1]
    [row] = browser.get(told.url).context["rows"]
    assert (told.count, statement.orders, statement.gone) == (1, 1, 1)
    assert [each.amount for each in (*told.sums, *statement.sums)] == [Decimal("10.50")] * 2
    assert row.record.gone_at
    assert "list no longer holds count all the same" in browser.get("/overview/").content.decode()


def test_of_a_vendor_with_the_oldest_first_what_is_new_is_read_though_the_numbers_agree(
    portal: PartnerPortal, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.HISTORY_DETAILS = 0
    rows = [{"orderNo": f"A{number}", "createTime": 1_700_000_000 + number} for number in range(250)]

    def page(self: PartnerPortal, page_no: int, *_: Any) -> Page[OrderRow]:
        return Page(tuple(map(OrderRow, rows[100 * (page_no - 1) : 100 * page_no])), total=len(rows))

    monkeypatch.setattr(PartnerPortal, "order_page", page)
    follow(portal, whole=True)
    del rows[120]
    rows.append({"orderNo": "NEW", "createTime": 1_700_000_999})
    follow(portal)
    assert Record.objects.filter(order_no="NEW").exists()


def test_what_does_not_add_up_after_a_run_that_was_gone_on_with_begins_anew(
    portal: PartnerPortal, sandbox: Sandbox
) -> None:
    sandbox.world.generate("orders", 500)
    follow(portal, stopping=after(7))
    gone = sandbox.world.orders.pop()  # it was read before the cut, and is no longer there
    resumed = follow(portal)
    assert resumed is not None
    assert not resumed.complete
    assert resumed.gone == 0
    again = follow(portal)
    assert again is not None
    assert (again.complete, again.gone) == (True, 1)
    assert Record.objects.get(order_no=gone.order_no).gone_at


def test_a_run_that_was_cut_long_ago_is_not_gone_on_with(portal: PartnerPortal, sandbox: Sandbox) -> None:
    sandbox.world.generate("orders", 500)
    follow(portal, stopping=after(7))
    Reading.objects.update(beat_at=timezone.now() - timedelta(hours=2), started_at=timezone.now() - timedelta(hours=2))
    assert "Gone on" not in str(getattr(follow(portal), "words", ""))


def test_of_a_short_history_no_older_page_is_said_to_be_read(portal: PartnerPortal) -> None:
    follow(portal)
    rolled = roll(portal)
    assert rolled is not None
    assert rolled.words == "There was no page 2: no older orders are left to be read again."


def test_older_pages_are_read_again_round_and_round(portal: PartnerPortal, sandbox: Sandbox, settings: Any) -> None:
    settings.HISTORY_DETAILS, settings.HISTORY_ROLLING_PAGES = 0, 2
    sandbox.world.generate("orders", 500)
    assert roll(portal) is None, "nothing has been read yet"
    follow(portal)
    old = sandbox.world.orders[3]
    sandbox.world.happen({"event": "order_status", "orderNo": old.order_no, "status": "refunded at last"})
    pages = []
    for _ in range(4):
        rolled = roll(portal)
        assert rolled is not None
        pages.append((rolled.next_page, rolled.changed))
    assert pages == [(4, 0), (6, 0), (2, 1), (4, 0)]
    assert Record.objects.get(order_no=old.order_no).status == "refunded at last"


def test_a_pending_order_is_asked_after_by_name(
    portal: PartnerPortal, sandbox: Sandbox, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(portal)
    settings.HISTORY_DETAILS = 1
    [pending] = Record.objects.filter(status="pending")
    sandbox.world.generate("orders", 300)
    follow(portal)
    Record.objects.filter(created_at__gte=timezone.now() - timedelta(days=2)).update(detail_at=timezone.now())
    Record.objects.filter(pk=pending.pk).update(detail_at=timezone.now() - timedelta(hours=1))
    sandbox.world.happen({"event": "order_status", "orderNo": pending.order_no, "status": "succeed"})
    follow(portal)
    pending.refresh_from_db()
    assert pending.status == "succeed"
    assert_tallies_are_right()


def test_details_fill_in_little_by_little(portal: PartnerPortal, sandbox: Sandbox, settings: Any) -> None:
    settings.HISTORY_DETAILS = 5
    for run in (1, 2, 3):
        reading = follow(portal)
        assert reading is not None
        assert Record.objects.exclude(detail_at=None).count() == min(12, 5 * run)
    assert not Record.objects.filter(transaction_no="").exists()
    assert_tallies_are_right()


def test_a_vendor_who_counts_what_it_never_shows_is_not_read_whole_each_time(
    portal: PartnerPortal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(portal)
    answered = sandbox.world.history
    monkeypatch.setattr(sandbox.world, "history", lambda lag=0: answered(lag))
    asked = PartnerPortal.order_page

    def page(self: PartnerPortal, *args: Any, **options: Any) -> Any:
        found = asked(self, *args, **options)
        return type(found)(results=found.results, total=(found.total or 0) + 1)

    monkeypatch.setattr(PartnerPortal, "order_page", page)
    assert getattr(follow(portal), "kind", "") == Reading.Kind.WHOLE
    third = follow(portal)
    assert third is not None
    assert (third.kind, third.complete) == (Reading.Kind.NEWEST, False)
    assert "we know" in third.words


HOSTILE: list[dict[str, Any]] = [
    {},
    {"orderNo": None, "id": None},
    {"orderNo": "H1", "productName": "<script>alert(1)</script>", "remark": "=cmd|' /C calc'!A0"},
    {"orderNo": "H2", "remark": "x" * 10_000, "customReferenceNo": "y" * 10_000, "productName": "z" * 10_000},
    {"orderNo": "H3", "company": "\u202eشركة\u202c עברית", "createTime": "yesterday"},
    {"orderNo": ["a", "list"], "id": {"an": "object"}, "orderStatus": 7, "currencyCode": {"code": "USD"}},
    {"orderNo": "H4", "createTime": 1_700_000_000, "orderAmount": "1e400"},
    {"orderNo": "H5", "createTime": 1_700_000_000_000, "orderAmount": {"value": "12.5"}, "amount": "sNaN"},
    {"orderNo": "H6", "createTime": -5, "orderAmount": "12,50", "totalAmount": "12.50"},
    {"orderNo": "H7\ud800", "productName": "nul\x00", "amount": True},
    {"orderNo": "H8", "lines": [[[[{"amount": "1"}, {"amount": "2"}]]]], "productId": [1, 2, 3]},
    {"orderNo": "n" * 5000, "id": 10**30, "orderStatus": None, "orderAmount": -3},
    {"orderNo": "H8", "lines": "the same number once more"},
]


def test_hostile_rows_are_kept_and_nothing_raises(portal: PartnerPortal) -> None:
    here = current_destination()
    for _ in range(2):
        records.keep(here, [OrderRow(dict(row)) for row in HOSTILE], timezone.now())
    linking.link(here)
    assert_tallies_are_right()
    amounts = dict(Record.objects.values_list("order_no", "amount"))
    assert (amounts["H4"], amounts["H5"], amounts["H8"]) == (None, None, None)
    assert f"{amounts['H6']:.2f}" == "12.50"
    seconds, milliseconds = (Record.objects.get(order_no=number).created_at for number in ("H4", "H5"))
    assert seconds == milliseconds
    assert Record.objects.get(order_no="H2").raw["remark"] == "x" * 10_000


def test_nothing_is_written_when_nothing_has_changed(
    portal: PartnerPortal, django_assert_num_queries: Any, sandbox: Sandbox
) -> None:
    follow(portal)
    rows = portal.order_page(1).results
    with django_assert_num_queries(1):
        kept = records.keep(current_destination(), rows, timezone.now())
    assert (kept.new, kept.changed) == (0, 0)


def test_a_run_that_was_opened_by_hand_is_the_one_that_reads(portal: PartnerPortal, mona: User) -> None:
    opened = following.open_run(mona, whole=True)
    assert opened is not None
    assert follow(portal) is None, "one at a time, whoever starts it"
    assert follow(portal, whole=True, reading=opened) == opened
    opened.refresh_from_db()
    assert (opened.complete, opened.who) == (True, mona)
