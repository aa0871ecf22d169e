"""The breaker: held, not lost. What it costs, when it opens, who may ask, and in which order it lets go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders import breaking, doorbell, submitting, sweeping
from orders.lifecycle import Status
from orders.models import Breaker, Order
from tests.conftest import approval, portal_for
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import NotDelivered
from yeastar_api.sandbox import Sandbox

Queued = Callable[..., Order]

STRANGE = '{"code": "success", "detailMessage": "", "requestId": "r", "result": {"total": 5}, "status": 200}'

UNREACHABLE = NotDelivered(call="save", detail="no connection (ConnectError)")


def cut_off() -> PartnerPortal:
    """A client whose vendor cannot be reached."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    return portal_for(httpx.MockTransport(refuse), get_budget_seconds=0.05)


def saving_fails(sandbox: Sandbox) -> PartnerPortal:
    """A client whose vendor answers questions, but cannot be reached for an order."""
    inner = httpx.WSGITransport(app=sandbox)

    def refuse(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/save"):
            raise httpx.ConnectError("refused")
        return inner.handle_request(request)

    return portal_for(httpx.MockTransport(refuse))


def opened(times: int = 3) -> Breaker:
    """The breaker after so many orders that were not delivered."""
    for _ in range(times):
        breaking.failed(UNREACHABLE)
    found = breaking.state(fresh=True)
    assert found.opened_at
    return found


def make_due(breaker: Breaker) -> None:
    Breaker.objects.filter(pk=breaker.pk).update(probe_at=timezone.now())


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The orders that were rung for, in order."""
    pks: list[Any] = []
    monkeypatch.setattr(doorbell, "ring", lambda given: pks.extend(given) or True)
    return pks


# --- what it costs ---------------------------------------------------------------------------------------------


def test_an_order_that_is_sent_without_trouble_asks_the_breaker_nothing(queued: Queued, portal: PartnerPortal) -> None:
    first, second = queued(), queued()
    assert submitting.submit(first.pk, portal) == Status.PLACED
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert submitting.submit(second.pk, portal) == Status.PLACED
    said = [query["sql"] for query in queries]
    assert [sql for sql in said if "breaker" in sql] == []
    statements = [sql for sql in said if sql.split()[0] in ("SELECT", "INSERT", "UPDATE")]
    assert len(statements) == 7, "one read; row, event, attempt; row, event, attempt"


def test_a_process_looks_once_a_second_at_most(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking.state()
    with CaptureQueriesContext(connection) as queries:
        for _ in range(50):
            assert not breaking.is_open()
            breaking.came_through()
    assert len(queries) == 0
    monkeypatch.setattr(breaking, "LOOK_SECONDS", 0.0)
    with CaptureQueriesContext(connection) as queries:
        breaking.is_open()
    assert len(queries) == 1


# --- when it opens ---------------------------------------------------------------------------------------------


def test_three_orders_in_a_row_that_were_not_delivered_open_it_and_the_next_is_not_touched(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    orders = [queued() for _ in range(4)]
    with cut_off() as client:
        for order in orders[:3]:
            assert submitting.submit(order.pk, client) == Status.QUEUED
    assert submitting.submit(orders[3].pk, portal) is None
    last = orders[3]
    before = last.rung_at
    last.refresh_from_db()
    assert (last.status, last.attempts, last.rung_at) == (Status.QUEUED, 0, before)
    assert last.tries.count() == 0
    assert sandbox.ledger == []
    assert breaking.state().reason == "Yeastar cannot be reached: no answer (ConnectError)."


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (
            {"call": "save", "kind": "status", "status": 401, "times": None},
            "Yeastar does not accept our access token: ",
        ),
        (
            {
                "call": "token",
                "kind": "refuse",
                "code": "ip_denied",
                "detailMessage": "IP not on the list",
                "times": None,
            },
            "Yeastar gives no access token: IP not on the list (ip_denied, request id ",
        ),
        ({"call": "save", "kind": "status", "status": 429, "times": None}, "Yeastar asks to come back later: "),
    ],
    ids=["401 twice", "an address they refuse", "429"],
)
def test_each_way_of_not_being_delivered_holds_the_queue_with_its_words(
    fault: dict[str, Any], words: str, queued: Queued, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    orders = [queued() for _ in range(4)]
    sandbox.expire_tokens()
    sandbox.fault(**fault)
    for order in orders[:3]:
        assert submitting.submit(order.pk, portal) == Status.QUEUED
    found = breaking.hold()
    assert found
    assert found.reason.startswith(words)
    assert "\n" not in found.reason
    assert submitting.submit(orders[3].pk, portal) is None
    assert sandbox.ledger == []


def test_what_reached_them_in_between_means_not_one_after_another(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    breaking.failed(UNREACHABLE)
    breaking.failed(UNREACHABLE)
    assert submitting.submit(queued().pk, portal) == Status.PLACED
    assert breaking.state().failures == 0
    breaking.failed(UNREACHABLE)
    breaking.failed(UNREACHABLE)
    sandbox.fault("save", "refuse", code="no_permission", detailMessage="No", http_status=400)
    assert submitting.submit(queued().pk, portal) == Status.FAILED
    assert breaking.state().failures == 0
    assert not breaking.is_open()


def test_an_order_without_a_clear_answer_neither_counts_nor_resets(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    breaking.failed(UNREACHABLE)
    sandbox.fault("save", "status", status=502)
    assert submitting.submit(queued().pk, portal) == Status.UNCERTAIN
    assert breaking.state(fresh=True).failures == 1


def test_another_destination_has_a_breaker_of_its_own(db: None, settings: Any) -> None:
    opened()
    settings.YEASTAR_CLIENT_ID = "another-client"
    assert not breaking.is_open()


def test_a_database_that_fails_the_breaker_does_not_change_what_became_of_the_order(
    queued: Queued, portal: PartnerPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise DatabaseError("away")

    monkeypatch.setattr(Breaker.objects, "get_or_create", away)
    with cut_off() as client:
        assert submitting.submit(queued().pk, client) == Status.QUEUED
    real, looks = breaking.state, iter([breaking.state()])
    monkeypatch.setattr(breaking, "state", lambda *_, **__: next(looks, None) or away())
    assert submitting.submit(queued().pk, portal) == Status.PLACED
    monkeypatch.setattr(breaking, "state", real)


# --- the probe -------------------------------------------------------------------------------------------------


def test_while_it_is_open_nothing_is_rung_for_and_lost_workers_are_still_noticed(
    queued: Queued, rung: list[Any]
) -> None:
    waiting, lost = queued(), queued()
    assert lost.move(Status.SENDING, title="Sending", sending_since=timezone.now())
    opened()
    assert sweeping.sweep(timezone.now() + timedelta(days=1)) == (0, 1)
    assert rung == []
    waiting.refresh_from_db()
    assert waiting.status == Status.QUEUED


def test_what_was_placed_or_held_meanwhile_is_sent_after_one_answered_question_the_oldest_first(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox, rung: list[Any]
) -> None:
    orders = [queued() for _ in range(5)]
    oldest_first = [orders[3], orders[0], orders[4], orders[1], orders[2]]
    for minutes, order in enumerate(oldest_first):
        Order.objects.filter(pk=order.pk).update(placed_at=timezone.now() + timedelta(minutes=minutes))
    with cut_off() as client:
        for order in orders[:3]:
            submitting.submit(order.pk, client)
        make_due(breaking.state())
        sweeping.sweep(portal=client)
        assert breaking.is_open()
    sweeping.sweep(portal=portal)
    assert breaking.is_open(), "it is not time for the next question"
    before = sandbox.calls.get("product_list", 0)
    make_due(breaking.state())
    rung.clear()
    sweeping.sweep(portal=portal)
    assert sandbox.calls["product_list"] == before + 1
    assert not breaking.is_open()
    assert rung == [order.pk for order in oldest_first]
    held = Order.objects.get(pk=orders[0].pk)
    assert (held.not_before, held.problem) == (None, "")
    assert held.held_since, "since when it has been tried is still known"
    assert [submitting.submit(pk, portal) for pk in rung] == [Status.PLACED] * 5
    assert len(sandbox.ledger) == 5


def test_an_order_that_they_asked_to_bring_later_is_not_released_early(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox, rung: list[Any]
) -> None:
    later = queued()
    sandbox.fault("save", "status", status=429, retry_after=900)
    assert submitting.submit(later.pk, portal) == Status.QUEUED
    make_due(opened(2))
    sweeping.sweep(portal=portal)
    assert not breaking.is_open()
    assert rung == []
    later.refresh_from_db()
    assert later.not_before
    assert later.not_before > timezone.now() + timedelta(seconds=800)


def test_no_question_is_asked_before_they_wish_to_be_asked(db: None) -> None:
    opened()
    breaking.failed(NotDelivered(call="save", http_status=429, retry_after=500))
    probe_at = breaking.state(fresh=True).probe_at
    assert probe_at
    assert probe_at > timezone.now() + timedelta(seconds=490)


def test_of_two_sweeps_one_asks(portal: PartnerPortal, sandbox: Sandbox, db: None) -> None:
    make_due(opened())
    now = timezone.now()
    seen_by_both = breaking.state(fresh=True)
    first = breaking.take_probe(now)
    assert first
    breaking._seen[seen_by_both.destination] = (float("inf"), seen_by_both)
    assert breaking.take_probe(now) is None


@pytest.mark.parametrize(
    ("fault", "closes"),
    [
        ({"kind": "refuse", "http_status": 403}, True),
        ({"kind": "garbage", "body": STRANGE, "content_type": "application/json"}, True),
        ({"kind": "garbage", "body": "<html>back soon</html>", "content_type": "text/html"}, False),
        ({"kind": "status", "status": 503}, False),
        ({"kind": "status", "status": 401}, False),
        ({"kind": "status", "status": 429}, False),
    ],
    ids=[
        "a refusal is an answer",
        "so is a list of a strange shape",
        "a page of a proxy is none",
        "503 proves nothing",
        "401 twice",
        "429",
    ],
)
def test_what_counts_as_an_answer(fault: dict[str, Any], closes: bool, sandbox: Sandbox, db: None) -> None:
    with portal_for(httpx.WSGITransport(app=sandbox), get_budget_seconds=0.05) as portal:
        sandbox.fault("product_list", times=None, **fault)
        make_due(opened())
        sweeping.sweep(portal=portal)
    assert breaking.is_open() is not closes
    if not closes:
        assert breaking.state().reason != "Yeastar cannot be reached: no connection (ConnectError)."


def test_a_question_that_a_clock_that_was_ahead_put_off_is_asked_now(portal: PartnerPortal, db: None) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=30), tick=True):
        opened()
    breaking.forget()
    sweeping.sweep(portal=portal)
    assert not breaking.is_open()


def test_a_question_that_they_asked_to_put_off_as_long_as_we_listen_is_not_asked_early(
    portal: PartnerPortal, db: None
) -> None:
    asked_for = NotDelivered(call="save", http_status=429, retry_after=24 * 3600)
    for _ in range(3):
        breaking.failed(asked_for)
    breaking.failed(asked_for)
    now = timezone.now()
    assert breaking.take_probe(now + timedelta(minutes=59)) is None
    assert breaking.take_probe(now + timedelta(minutes=61)) is not None


def test_each_question_without_an_answer_doubles_the_pause_up_to_five_minutes(db: None, settings: Any) -> None:
    settings.BREAKER_PROBE_SECONDS = 10.0
    breaker, pauses = opened(), []
    assert breaker.probe_at
    pauses.append(round((breaker.probe_at - timezone.now()).total_seconds()))
    with cut_off() as client:
        for _ in range(6):
            make_due(breaker)
            sweeping.sweep(portal=client)
            breaker = breaking.state()
            assert breaker.probe_at
            pauses.append(round((breaker.probe_at - timezone.now()).total_seconds()))
    assert pauses == [10, 20, 40, 80, 160, 300, 300]


def test_a_vendor_that_answers_questions_but_takes_no_order_does_not_make_it_flap(
    queued: Queued, sandbox: Sandbox, settings: Any, rung: list[Any]
) -> None:
    settings.BREAKER_PROBE_SECONDS = 10.0
    orders = [queued() for _ in range(6)]
    pauses = []
    with saving_fails(sandbox) as client:
        for _ in range(5):
            tried = [order.pk for order in orders if submitting.submit(order.pk, client) is not None]
            breaker = breaking.state(fresh=True)
            assert breaker.opened_at
            assert breaker.probe_at
            pauses.append((len(tried), round((breaker.probe_at - breaker.opened_at).total_seconds())))
            make_due(breaker)
            sweeping.sweep(portal=client)
            assert not breaking.is_open()
    assert pauses == [(3, 10), (1, 20), (1, 40), (1, 80), (1, 160)]


def test_an_order_that_came_through_makes_the_next_opening_the_first_again(
    queued: Queued, portal: PartnerPortal, rung: list[Any]
) -> None:
    make_due(opened())
    sweeping.sweep(portal=portal)
    assert submitting.submit(queued().pk, portal) == Status.PLACED
    found = breaking.state(fresh=True)
    assert (found.failures, found.trips) == (0, 0)


def test_an_order_that_comes_through_while_it_is_open_brings_the_question_forward(db: None) -> None:
    opened()
    breaking.came_through()
    found = breaking.state()
    assert found.opened_at
    assert found.probe_at
    assert found.probe_at <= timezone.now()


def test_a_bell_right_after_the_release_is_heard_by_a_process_that_has_not_looked_since(
    queued: Queued, portal: PartnerPortal, rung: list[Any]
) -> None:
    order = queued()
    make_due(opened())
    stale = breaking.state(fresh=True)
    sweeping.sweep(portal=portal)
    breaking._seen[stale.destination] = (float("inf"), stale)
    assert submitting.submit(order.pk, portal) == Status.PLACED


# --- what people see -------------------------------------------------------------------------------------------


def test_an_order_that_was_never_tried_says_since_when_and_why_it_is_held(
    queued: Queued, alices: Client, portal: PartnerPortal
) -> None:
    order = queued()
    breaker = opened()
    page = alices.get(order.get_absolute_url()).content.decode()
    for words in (
        ">Held</h1>",
        "Was anything bought? Not yet.",
        f"Held since {breaker.opened_at:%d %b %Y, %H:%M:%S} UTC, now because: Yeastar cannot be reached: no connection",
        "Nothing was bought.",
        "is sent by itself as soon as Yeastar answers again",
        "Yeastar is asked again",
    ):
        assert words in page, words
    assert "Next try" not in page
    assert alices.get(f"/orders/{order.pk}.json").json()["problem"].startswith("Held since ")
    assert ">Held</span>" in alices.get("/orders/").content.decode()


def test_an_order_that_was_placed_later_is_held_since_it_was_placed(queued: Queued, alices: Client) -> None:
    breaker = opened()
    Breaker.objects.filter(pk=breaker.pk).update(opened_at=timezone.now() - timedelta(hours=2))
    breaking.forget()
    order = queued()
    assert f"Held since {order.placed_at:%d %b %Y, %H:%M:%S}" in alices.get(order.get_absolute_url()).content.decode()


def test_the_page_of_an_order_costs_one_query_more_at_most(queued: Queued, alices: Client) -> None:
    order = queued()
    alices.get(order.get_absolute_url())
    with CaptureQueriesContext(connection) as warm:
        alices.get(order.get_absolute_url())
    breaking.forget()
    with CaptureQueriesContext(connection) as cold:
        alices.get(order.get_absolute_url())
    assert len(cold) == len(warm) + 1


def test_an_order_that_is_settled_says_nothing_of_the_breaker(
    queued: Queued, alices: Client, portal: PartnerPortal
) -> None:
    order = queued()
    submitting.submit(order.pk, portal)
    opened()
    page = alices.get(order.get_absolute_url()).content.decode()
    assert "Held" not in page
    assert ">Held</span>" not in alices.get("/orders/").content.decode()


def test_who_is_about_to_order_is_told_in_one_line_and_may_place_all_the_same(
    draft: Callable[[str], Order], alices: Client, portal: PartnerPortal, rung: list[Any]
) -> None:
    order = draft("turnkey-capacity")
    review = f"/orders/{order.pk}/review/"
    words = "Yeastar has taken no orders since "
    assert words not in alices.get("/").content.decode() + alices.get(review).content.decode()
    opened()
    shown = alices.get(review).content.decode()
    assert words in alices.get("/").content.decode()
    assert words in shown
    assert words not in alices.get(f"/orders/{order.pk}/billing/").content.decode()
    alices.post(f"/orders/{order.pk}/place/", approval(order))
    order.refresh_from_db()
    assert order.status == Status.QUEUED
    assert submitting.submit(order.pk, portal) is None
    make_due(breaking.state())
    sweeping.sweep(portal=portal)
    assert order.pk in rung
    assert submitting.submit(order.pk, portal) == Status.PLACED


def test_a_manager_cancels_an_order_that_is_held(
    queued: Queued, mona: User, sign_in: Callable[[User], Client], portal: PartnerPortal, sandbox: Sandbox
) -> None:
    order = queued()
    make_due(opened())
    answer = sign_in(mona).post(f"/orders/{order.pk}/cancel/", {"reason": "The customer changed their mind"})
    assert answer.status_code == 302
    sweeping.sweep(portal=portal)
    assert submitting.submit(order.pk, portal) is None
    assert Order.objects.get(pk=order.pk).status == Status.FAILED
    assert sandbox.ledger == []


def test_the_words_say_the_day_too_when_it_was_another(db: None, settings: Any) -> None:
    settings.TIME_ZONE = "UTC"
    assert breaking.since(Breaker(opened_at=datetime(2026, 3, 7, 9, 5, tzinfo=UTC))) == "7 Mar, 09:05"
    assert breaking.since(Breaker(opened_at=timezone.now())).count(":") == 1
    assert breaking.since(Breaker()) == ""
