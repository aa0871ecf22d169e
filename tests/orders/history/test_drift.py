"""Managers see where our orders and the vendor's history do not agree, and what to do about each."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders import settling, tasks
from orders.destination import current_destination
from orders.history import drift
from orders.history.following import follow
from orders.lifecycle import Status
from orders.models import Drift, Order, Record
from tests.orders.history.kit import now, placed_elsewhere
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_lag")]


@pytest.fixture
def monas(mona: User, sign_in: Callable[[User], Client]) -> Client:
    return sign_in(mona)


def noted() -> dict[str, str]:
    """Our references, each with in what it does not agree."""
    found = Drift.objects.order_by("kind").values_list("order__reference", "kind")
    return {reference: ", ".join(kind for each, kind in found if each == reference) for reference, _ in found}


def page(client: Client, query: str = "") -> str:
    answer = client.get(f"/history/drift/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def takes_out(sandbox: Sandbox, order: Order) -> None:
    """The vendor's list holds an order no longer."""
    sandbox.world.orders[:] = [each for each in sandbox.world.orders if each.order_no != order.order_no]


def test_what_agrees_is_no_drift(buy: Callable[[], Order], portal: PartnerPortal, monas: Client) -> None:
    order = buy()
    follow(portal)
    assert noted() == {}
    shown = page(monas)
    assert "All that was bought here up to" in shown
    assert order.order_no not in shown, "and it is not called made elsewhere"


def test_an_order_that_the_history_does_not_tell_of_is_missed_once_it_should(
    buy: Callable[[], Order], portal: PartnerPortal, sandbox: Sandbox, monas: Client, settings: Any
) -> None:
    settings.HISTORY_LAG = timedelta(minutes=15)
    follow(portal)
    order = buy()
    takes_out(sandbox, order)
    follow(portal, whole=True)
    assert noted() == {}, "placed a minute ago: not in the mirror yet"
    assert "1 order bought here is not in the mirror yet" in page(monas)
    settings.HISTORY_LAG = timedelta(0)
    follow(portal, whole=True)
    assert noted() == {order.reference: "missing"}
    shown = page(monas)
    assert f"/orders/{order.pk}/evidence.json" in shown
    assert "Read everything" in shown
    assert "not in the mirror yet" not in shown


def test_without_a_reading_to_the_end_nothing_is_called_missing(
    buy: Callable[[], Order], portal: PartnerPortal, sandbox: Sandbox, monas: Client
) -> None:
    takes_out(sandbox, buy())
    sandbox.fault("order_page", "status", times=None, status=400)
    follow(portal)
    assert noted() == {}
    assert "was not read to the end yet" in page(monas)


def test_an_order_that_left_the_history_is_gone(
    buy: Callable[[], Order], portal: PartnerPortal, sandbox: Sandbox, monas: Client
) -> None:
    order = buy()
    follow(portal)
    takes_out(sandbox, order)
    follow(portal, whole=True)
    assert noted() == {order.reference: "gone"}
    assert "missed" in page(monas)


def test_another_status_is_told_and_leads_to_the_list(
    buy: Callable[[], Order], portal: PartnerPortal, sandbox: Sandbox, monas: Client
) -> None:
    orders = {status: buy() for status in ("pending", "succeed", "cancelled", "a word never seen")}
    for status, order in orders.items():
        sandbox.world.happen({"event": "order_status", "orderNo": order.order_no, "status": status})
    follow(portal)
    drifting = {orders["cancelled"].reference: "status", orders["a word never seen"].reference: "status"}
    assert noted() == drifting, "pending is not paid yet, and no drift"
    shown = page(monas)
    assert "/history/?status=cancelled&amp;ours=PLACED" in shown
    listed = monas.get("/history/?status=cancelled&ours=PLACED").content.decode()
    assert orders["cancelled"].order_no in listed


def test_asked_for_its_details_again_it_is_gone_from_the_page_when_they_agree(
    buy: Callable[[], Order], portal: PartnerPortal, sandbox: Sandbox, monas: Client
) -> None:
    order = buy()
    sandbox.world.happen({"event": "order_status", "orderNo": order.order_no, "status": "cancelled"})
    follow(portal)
    sandbox.world.happen({"event": "order_status", "orderNo": order.order_no, "status": "succeed"})
    record = Record.objects.get(ours=order)
    assert f"/history/{record.pk}/ask/" in page(monas)
    asked = monas.post(f"/history/{record.pk}/ask/")
    assert (asked.status_code, asked.url) == (302, f"/history/{record.pk}/")
    tasks.read_detail(record.pk)
    assert noted() == {}
    record.refresh_from_db()
    assert record.status == "succeed"


def test_mona_who_asked_for_the_details_sees_them_without_loading_the_page_again(
    buy: Callable[[], Order], portal: PartnerPortal, monas: Client
) -> None:
    order = buy()
    follow(portal)
    record = Record.objects.get(ours=order)
    here = f"/history/{record.pk}/"

    def waits() -> bool:
        shown = monas.get(here, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in shown
        assert ("being asked for" in shown) == (f'hx-get="{here}"' in shown)
        assert ('http-equiv="refresh"' in monas.get(here).content.decode()) == ("hx-trigger" in shown)
        return "hx-trigger" in shown

    assert not waits()
    monas.post(f"{here}ask/")
    assert waits(), "no worker has read them yet"
    tasks.read_detail(record.pk)
    assert not waits()
    assert "read <time" in monas.get(here).content.decode()
    monas.post(f"{here}ask/")
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        assert not waits(), "no worker came: the page does not ask for ever"


def test_other_numbers_stand_side_by_side(buy: Callable[[], Order], portal: PartnerPortal, monas: Client) -> None:
    order = buy()
    Order.objects.filter(pk=order.pk).update(
        transaction_no="TR-OTHER", product_no=f" {order.product_no.lower()}", instance_id=""
    )
    follow(portal)
    assert noted() == {order.reference: "number"}, "letters have no case, and what is not told does not differ"
    [row] = Drift.objects.all()
    assert row.what == "transaction_no"
    shown = page(monas)
    assert "TR-OTHER" in shown
    assert order.transaction_no in shown


def test_not_bought_here_and_yet_in_the_history(
    lost: Callable[..., Order], portal: PartnerPortal, mona: User, monas: Client
) -> None:
    order = lost(bought=True)
    settling.settle_as_never_placed(now(order), reason="It was not there", actor=mona)
    follow(portal)
    assert noted() == {order.reference: "conflict"}
    assert "Two answers disagree" in page(monas)
    settling.see_to_conflict(now(order), reason="It is wanted", seen=settling.mark_of(now(order).conflict), actor=mona)
    assert order.reference not in page(monas), "what changed since the run is not told as if it still were so"
    follow(portal)
    assert noted() == {order.reference: "bought"}
    assert "Do not order it again" in page(monas)


def test_an_order_made_elsewhere_stands_beside_ours_that_it_may_be(
    lost: Callable[..., Order], portal: PartnerPortal, sandbox: Sandbox, monas: Client
) -> None:
    order = lost(bought=False)
    serial = order.picked.product_no
    lines = json.loads(order.request_body)["serviceList"]
    placed_elsewhere(sandbox, productId="9", productNo=serial, serviceList=lines)
    placed_elsewhere(sandbox, productId="14", createTime=int(timezone.now().timestamp() * 1000))
    follow(portal)
    shown = page(monas, "?kind=elsewhere")
    rows = shown.split("<tr")[2:]
    assert [order.reference in row for row in rows].count(True) == 1
    assert next(row for row in rows if order.reference in row).startswith(' class="doubt"')
    day = timezone.localtime(order.placed_at).date().isoformat()
    assert f"/history/?made=elsewhere&amp;period=custom&amp;from={day}" in shown
    assert noted() == {}, "it is nobody's, and proves nothing"


def tabs(shown: str) -> dict[str, str]:
    """Each with its number."""
    nav = shown.partition('<nav class="tabs"')[2].partition("</nav>")[0]
    return dict(re.findall(r'>([^<>]+?) <span class="count">([^<]+)</span>', nav))


def test_what_was_made_elsewhere_is_counted_on_its_tab_and_never_as_a_difference(
    buy: Callable[[], Order], portal: PartnerPortal, sandbox: Sandbox, monas: Client
) -> None:
    order = buy()
    for _ in range(3):
        placed_elsewhere(sandbox, productId="14", createTime=int(timezone.now().timestamp() * 1000))
    sandbox.world.happen({"event": "order_status", "orderNo": order.order_no, "status": "cancelled"})
    follow(portal)
    counted = {"Differences": "1", "Another status": "1", "Only at Yeastar": "3"}
    for query in ("", "?kind=status", "?kind=elsewhere"):
        assert tabs(page(monas, query)) == counted
    assert "none that fits" not in page(monas), "it is no difference"
    assert page(monas, "?kind=elsewhere").count("none that fits") == 3
    assert tabs(page(monas, "?seen=1")) == {"Differences": "0"}


def test_what_a_manager_has_seen_to_stays_away_until_it_changes(
    buy: Callable[[], Order], portal: PartnerPortal, sandbox: Sandbox, monas: Client, mona: User
) -> None:
    order = buy()
    sandbox.world.happen({"event": "order_status", "orderNo": order.order_no, "status": "cancelled"})
    follow(portal)
    [row] = Drift.objects.all()
    monas.post(f"/history/drift/{row.pk}/seen/")
    follow(portal)
    row.refresh_from_db()
    assert row.seen_by == mona
    assert order.reference not in page(monas)
    assert order.reference in page(monas, "?seen=1")
    sandbox.world.happen({"event": "order_status", "orderNo": order.order_no, "status": "refunded"})
    follow(portal, whole=True)
    assert order.reference in page(monas)
    monas.post(f"/history/drift/{Drift.objects.get().pk}/seen/")
    monas.post(f"/history/drift/{Drift.objects.get().pk}/seen/", {"back": "1"})
    assert order.reference in page(monas)


def test_mona_who_has_seen_to_all_is_not_told_that_all_agrees(
    buy: Callable[[], Order], portal: PartnerPortal, sandbox: Sandbox, monas: Client
) -> None:
    order = buy()
    sandbox.world.happen({"event": "order_status", "orderNo": order.order_no, "status": "refunded"})
    follow(portal)
    monas.post(f"/history/drift/{Drift.objects.get().pk}/seen/", follow=True)
    shown = page(monas)
    assert "All that was bought here up to" not in shown
    assert 'class="notice good"' not in shown
    assert "No difference is left to see to" in shown
    assert "1 was seen to" in shown
    assert order.reference in page(monas, "?seen=1"), "where the page leads"


def test_one_kind_is_shown_page_by_page(queued: Callable[..., Order], monas: Client) -> None:
    order, start = queued(), timezone.now()
    rows = []
    for number in range(120):
        order.pk, order.reference, order.order_no = None, f"YP-TEST-{number:04}", f"LR{number:04}"
        order.status, order.settled_at = Status.FAILED, start
        order.found_as = order.order_no
        order.placed_at = start - timedelta(minutes=number // 3)  # many at one moment
        order.order_no, order._state.adding = "", True
        order.save()
        rows.append(order.reference)
    drift.note(current_destination())
    shown, query = [], "?kind=bought"
    while query:
        text = page(monas, query)
        shown += [part[:12] for part in text.split('data-copy="')[1:] if part.startswith("YP-")]
        query = text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert sorted(shown) == sorted(rows)
    assert len(set(shown)) == 120
    assert page(monas).count("YP-TEST-") < 50, "of each kind a few, with a link to all"


def test_whatever_is_asked_for_is_answered(monas: Client) -> None:
    for query in ("?kind=nothing", "?kind=missing&after=abc", "?kind=gone&after=99999999999999999999", "?seen=1"):
        page(monas, query)


@pytest.mark.parametrize("seed", range(4))
def test_the_database_finds_what_a_look_at_each_order_finds(
    seed: int, queued: Callable[..., Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notes equal `differences` of every order, whatever stands on either side."""
    chance, start = random.Random(seed), timezone.now()
    model, here = queued(), current_destination()
    Order.objects.filter(pk=model.pk).update(placed_at=start)
    for number in range(200):
        order = Order(
            owner=model.owner,
            slug=model.slug,
            destination=here,
            status=chance.choice([each for each in Status if each != Status.DRAFT]),
            order_no=chance.choice(["", f"LR{number}", f"LR{number}"]),
            transaction_no=chance.choice(["", "T1", "t1 ", "T2"]),
            product_no=chance.choice(["", "369", "370"]),
            conflict=chance.choice(["", "", "", "It is there."]),
            placed_at=start - timedelta(minutes=number),
            settled_at=start - timedelta(minutes=chance.randint(0, 60)),
        )
        order.found_as = chance.choice(["", "LRX"]) if order.status == Status.FAILED else ""
        order.save()
        if chance.random() < 0.5:
            Record.objects.create(
                destination=here,
                key=f"LR{number}",
                order_no=f"LR{number}",
                at=start,
                first_seen_at=start,
                changed_at=start,
                status=chance.choice(["succeed", "pending", "failed", "cancelled", "", "odd"]),
                transaction_no=chance.choice(["", "T1"]),
                product_no=chance.choice(["", "369"]),
                gone_at=chance.choice([None, None, start]),
                ours=order,
                owner=order.owner,
            )
    since = start - timedelta(minutes=30)
    monkeypatch.setattr(drift, "horizon", lambda: since)
    drift.note(here)
    drift.note(here)
    everything = {
        (order.pk, kind.value, what)
        for order in Order.objects.all()
        for kind, what in drift.differences(order, Record.objects.filter(ours=order).first(), since).items()
    }
    assert set(Drift.objects.values_list("order_id", "kind", "what")) == everything
    assert {kind for _, kind, _ in everything} == {*Drift.Kind.values}
    drift.note(here, ())
    assert set(Drift.objects.values_list("order_id", "kind", "what")) == everything, "all are young"
    Drift.objects.all().delete()
    drift.note(here, ())
    assert set(Drift.objects.values_list("order_id", "kind", "what")) == everything


def test_a_run_compares_what_it_touched_and_a_whole_one_everything(
    buy: Callable[[], Order], portal: PartnerPortal, sandbox: Sandbox, settings: Any
) -> None:
    settings.HISTORY_DETAILS = 0
    here, orders = current_destination(), [buy() for _ in range(3)]
    follow(portal, whole=True)
    Order.objects.update(placed_at=timezone.now() - timedelta(days=30))
    touched, untouched, contradicted = orders
    sandbox.world.happen({"event": "order_status", "orderNo": touched.order_no, "status": "refunded"})
    Record.objects.filter(order_no=untouched.order_no).update(transaction_no="ANOTHER")
    Order.objects.filter(pk=contradicted.pk).update(conflict="It is there.")
    follow(portal)
    noted = Drift.objects.order_by("kind").values_list("kind", "order")
    assert list(noted.all()) == [("conflict", contradicted.pk), ("status", touched.pk)]
    Order.objects.filter(pk=contradicted.pk).update(conflict="")
    follow(portal)
    assert list(noted.all()) == [("status", touched.pk)]
    drift.note(here)
    assert list(noted.all()) == [("number", untouched.pk), ("status", touched.pk)]
    settings.HISTORY_DETAILS = 50
    follow(portal)
    assert list(noted.all()) == [("status", touched.pk)], "its detail tells the number as the receipt did"


def test_an_order_that_vanished_and_came_back_is_no_drift_any_more(
    buy: Any, portal: PartnerPortal, sandbox: Sandbox, no_lag: None, settings: Any
) -> None:
    settings.HISTORY_DETAILS = 0
    order = buy()
    follow(portal, whole=True)
    assert not Drift.objects.exists()
    listed = sandbox.world.orders
    mine = listed.pop(next(n for n, each in enumerate(listed) if each.order_no == order.order_no))
    follow(portal, whole=True)
    assert Drift.objects.get().kind == "gone"
    listed.append(mine)
    follow(portal, whole=True)
    assert not Drift.objects.exists()
    sandbox.world.happen({"event": "order_status", "orderNo": order.order_no, "status": "refunded"})
    follow(portal, whole=True)
    assert Drift.objects.get().kind == "status"


def test_many_orders_that_do_not_stand_in_the_history_yet_cost_no_question_each(
    buy: Callable[[], Order],
) -> None:
    here, order = current_destination(), buy()
    with CaptureQueriesContext(connection) as for_one:
        drift.note(here, ())
    for number in range(30):
        other = Order.objects.get(pk=order.pk)
        other.pk, other.key, other.reference, other.order_no = uuid4(), uuid4(), f"YP-{number:04}-0000", f"LR{number}"
        other.save(force_insert=True)
    with CaptureQueriesContext(connection) as for_many:
        drift.note(here, ())
    assert len(for_many) == len(for_one)


def test_alice_reads_on_her_orders_page_that_it_was_refunded_since(
    buy: Callable[[], Order], portal: PartnerPortal, sandbox: Sandbox, sign_in: Callable[[User], Client]
) -> None:
    order = buy()
    follow(portal)
    alices = sign_in(order.owner)
    assert "Since then" not in alices.get(order.get_absolute_url()).content.decode()
    sandbox.world.happen({"event": "order_status", "orderNo": order.order_no, "status": "refunded"})
    follow(portal)
    page = alices.get(order.get_absolute_url()).content.decode()
    assert "Since then Yeastar&#x27;s history calls it refunded." in page
    assert "Status when bought" in page
    Record.objects.update(gone_at=timezone.now())
    assert "does not stand in Yeastar&#x27;s history any more" in alices.get(order.get_absolute_url()).content.decode()
