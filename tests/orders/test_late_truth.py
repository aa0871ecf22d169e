"""Answers that come late, twice, or to the wrong place: nothing is bought twice, and no truth is dropped."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders import breaking, last_look, settling, submitting, sweeping, verdict
from orders.lifecycle import Status
from orders.models import Attempt, Order, Outcome
from tests.conftest import portal_for
from tests.orders.test_submitting import Transport
from yeastar_api.auth import Token
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

Queued = Callable[..., Order]


def settle_while_waiting(mona: User, **found: str) -> Callable[[httpx.Response], httpx.Response]:
    """The worker is slow: the sweep gives up on it, and Mona settles by hand before the answer is recorded."""

    def meanwhile(response: httpx.Response) -> httpx.Response:
        sweeping.sweep(timezone.now() + timedelta(minutes=10))
        order = Order.objects.get(status=Status.UNCERTAIN)
        if found:
            settling.settle_as_record(order, transaction_no="", instance_id="", reason="Seen", actor=mona, **found)
        else:
            settling.settle_as_never_placed(order, reason="Not seen", actor=mona)
        return response

    return meanwhile


def test_a_commit_whose_acknowledgement_is_lost_puts_no_order_back_that_another_worker_holds(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = queued()
    moved = Order.move

    def commits_but_never_hears(self: Order, to: Status, **given: object) -> bool:
        done = moved(self, to, **given)
        if to == Status.QUEUED:
            monkeypatch.setattr(Order, "move", moved)
            Order.objects.filter(pk=self.pk).update(not_before=None)
            other = Order.objects.get(pk=self.pk)
            assert submitting._claim(other), "the hold is over, and another worker takes the order"
            self.refresh_from_db(fields=["status"])
            raise OperationalError("the connection is gone")
        return done

    monkeypatch.setattr(Order, "move", commits_but_never_hears)

    def unreachable(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with portal_for(httpx.MockTransport(unreachable)) as cut_off:
        submitting.submit(order.pk, cut_off)
    order.refresh_from_db()
    assert order.status == Status.SENDING, "the other worker still holds it"
    assert submitting.submit(order.pk, portal) is None
    assert order.conflict == ""


def test_a_receipt_after_never_placed_is_a_loud_contradiction_and_nobody_orders_again(
    queued: Queued, sandbox: Sandbox, mona: User, alices: Client
) -> None:
    order = queued()
    with portal_for(Transport(sandbox, settle_while_waiting(mona))) as portal:
        submitting.submit(order.pk, portal)
    order.refresh_from_db()
    number = sandbox.ledger[0]["receipt"]["orderNo"]
    assert order.status == Status.FAILED, "a settled order never moves"
    assert number in order.conflict
    assert order.found_as == number
    page = alices.get(order.get_absolute_url()).content.decode()
    assert "Two answers disagree" in page
    assert number in page
    assert "Certainly not" not in page
    assert f"/orders/{order.pk}/again/" not in page
    assert alices.post(f"/orders/{order.pk}/again/").url == order.get_absolute_url()
    assert number in alices.get(f"/orders/{order.pk}.json").json()["problem"]


def test_a_contradiction_stands_beside_one_that_was_found_a_moment_before(
    queued: Queued, sandbox: Sandbox, mona: User
) -> None:
    order = queued()
    settled = settle_while_waiting(mona)

    def meanwhile(response: httpx.Response) -> httpx.Response:
        settled(response)
        Order.objects.filter(pk=order.pk).update(conflict="The history shows it.")
        return response

    refreshed = Order.refresh_from_db

    def a_moment_before(self: Order, *given: object, **named: object) -> None:
        refreshed(self, *given, **named)  # type: ignore[arg-type]
        Order.objects.filter(pk=order.pk).update(conflict="The history shows it.\nTwice.")

    with pytest.MonkeyPatch.context() as patch, portal_for(Transport(sandbox, meanwhile)) as portal:
        patch.setattr(Order, "refresh_from_db", a_moment_before)
        submitting.submit(order.pk, portal)
    order.refresh_from_db()
    first, second, ours = order.conflict.splitlines()
    assert (first, second) == ("The history shows it.", "Twice.")
    assert sandbox.ledger[0]["receipt"]["orderNo"] in ours


def test_what_is_told_late_without_a_contradiction_leaves_another_one_alone(queued: Queued, mona: User) -> None:
    order = queued()

    def unreachable(request: httpx.Request) -> httpx.Response:
        settle_while_waiting(mona)(httpx.Response(200))
        Order.objects.filter(pk=order.pk).update(conflict="The history shows it.")
        raise httpx.ConnectError("refused")

    with portal_for(httpx.MockTransport(unreachable)) as cut_off:
        cut_off._auth._store.put(Token("a-token-of-some-length", time.time() + 1800))
        submitting.submit(order.pk, cut_off)
    order.refresh_from_db()
    assert order.conflict == "The history shows it."


def test_an_order_that_the_history_shows_already_is_neither_rung_for_nor_sent_and_managers_see_it(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox, mona: User, sign_in: Callable[[User], Client]
) -> None:
    order = queued()
    Order.objects.filter(pk=order.pk).update(conflict="A row with its reference.", rung_at=None)
    assert sweeping.sweep(timezone.now() + timedelta(hours=1)) == (0, 0)
    assert submitting.submit(order.pk, portal) is None
    assert submitting._claim(Order.objects.get(pk=order.pk)) is None
    Order.objects.filter(pk=order.pk).update(request_sha256="another")
    assert submitting.submit(order.pk, portal) is None, "nor called not bought"
    order.refresh_from_db()
    assert order.status == Status.QUEUED
    assert sandbox.ledger == []
    assert order in Order.objects.in_doubt()
    assert order.get_absolute_url() in sign_in(mona).get("/").content.decode()


def test_a_contradiction_that_is_found_between_reading_and_claiming_stops_the_order(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = queued()
    claim = submitting._claim

    def found_meanwhile(mine: Order) -> Attempt | None:
        Order.objects.get(pk=order.pk).note(title="Found", conflict="A row with its reference.")
        return claim(mine)

    monkeypatch.setattr(submitting, "_claim", found_meanwhile)
    assert submitting.submit(order.pk, portal) is None
    assert sandbox.ledger == []


def test_a_receipt_with_another_number_than_the_one_settled_is_a_contradiction(
    queued: Queued, sandbox: Sandbox, mona: User
) -> None:
    order = queued()
    with portal_for(Transport(sandbox, settle_while_waiting(mona, order_no="LR0000000000000000001"))) as portal:
        submitting.submit(order.pk, portal)
    order.refresh_from_db()
    assert order.order_no == "LR0000000000000000001"
    assert sandbox.ledger[0]["receipt"]["orderNo"] in order.conflict


def test_what_was_never_delivered_and_is_told_late_is_not_promised_to_be_tried_again(queued: Queued) -> None:
    order = queued()

    def swept_then_refused(request: httpx.Request) -> httpx.Response:
        sweeping.sweep(timezone.now() + timedelta(minutes=10))
        raise httpx.ConnectError("refused")

    with portal_for(httpx.MockTransport(swept_then_refused)) as portal:
        assert submitting.submit(order.pk, portal) == Status.FAILED
    order.refresh_from_db()
    assert "It is not tried again by itself: order it again" in order.problem


def test_an_order_placed_for_one_host_is_not_sent_to_another_but_waits_for_its_own(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox, settings: Any
) -> None:
    order, own = queued(), settings.YEASTAR_BASE_URL
    settings.YEASTAR_BASE_URL = "https://openapi.partner.yeastar.com"
    assert submitting.submit(order.pk, portal) is None
    order.refresh_from_db()
    assert sandbox.ledger == []
    assert (order.status, order.attempts) == (Status.QUEUED, 0)
    assert "It was placed for sandbox.test" in verdict.problem(order)
    assert verdict.badge(order) == "HELD"
    settings.YEASTAR_BASE_URL = own
    assert submitting.submit(order.pk, portal) == Status.PLACED


def test_a_worker_that_wakes_after_its_time_does_not_begin_to_send(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = queued()
    claim = submitting._claim

    def held_up(order: Order) -> Attempt | None:
        attempt = claim(order)
        asleep = submitting.time.monotonic() + 3600
        monkeypatch.setattr("yeastar_api.client.transport.time.monotonic", lambda: asleep)
        return attempt

    monkeypatch.setattr(submitting, "_claim", held_up)
    assert submitting.submit(order.pk, portal) == Status.QUEUED
    assert sandbox.ledger == []


class Machine:
    """It sleeps for three hours when a test says so, while the clock of its deadlines stands still.

    `clocks` says which of the others tell of it: the wall clock may be put back in the same moment.
    """

    def __init__(self, clocks: str) -> None:
        self.asleep = timedelta(0)
        self.clocks = clocks

    def sleep(self, _: object = None) -> None:
        sweeping.sweep(timezone.now() + timedelta(hours=3))
        self.asleep = timedelta(hours=3)

    def now(self) -> datetime:
        return datetime.now(UTC) + (self.asleep if "wall" in self.clocks else timedelta(0))

    def time(self) -> float:
        return self.now().timestamp()

    def clock_gettime(self, clock: int) -> float:
        return time.clock_gettime(clock) + (self.asleep.total_seconds() if "boot" in self.clocks else 0)


@pytest.fixture(params=["wall", "boot", "wall and boot"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(request.param)
    monkeypatch.setattr(submitting.timezone, "now", made.now)
    clocks = {"time": made.time, "monotonic": time.monotonic, "clock_gettime": made.clock_gettime}
    monkeypatch.setattr(last_look, "time", SimpleNamespace(**clocks))
    return made


def before_it_is_sent(portal: PartnerPortal, monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """What happens after the claim, when the token is looked for."""
    token = portal._auth.token

    def meanwhile(*, deadline: float) -> Token:
        do()
        return token(deadline=deadline)

    monkeypatch.setattr(portal._auth, "token", meanwhile)


def test_a_machine_that_was_suspended_after_the_claim_does_not_send_what_others_gave_up(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, machine: Machine
) -> None:
    order = queued()
    before_it_is_sent(portal, monkeypatch, machine.sleep)
    assert submitting.submit(order.pk, portal) == Status.FAILED
    order.refresh_from_db()
    assert sandbox.ledger == []
    assert "our machine was held up" in order.problem
    assert "Nothing was bought" in order.problem
    assert order.conflict == ""
    assert breaking.state(fresh=True).failures == 0, "that says nothing of Yeastar"


def test_a_machine_that_was_suspended_does_not_send_what_was_settled_meanwhile(
    queued: Queued,
    portal: PartnerPortal,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    machine: Machine,
    mona: User,
) -> None:
    order = queued()

    def settled() -> None:
        machine.sleep()
        settling.settle_as_never_placed(Order.objects.get(pk=order.pk), reason="Not seen", actor=mona)

    before_it_is_sent(portal, monkeypatch, settled)
    assert submitting.submit(order.pk, portal) == Status.FAILED
    order.refresh_from_db()
    assert sandbox.ledger == []
    assert order.conflict == "", "not sent is what was settled"
    assert [event.title for event in order.events.all()][-1] == "Told late: Not sent"


def test_a_machine_that_was_suspended_while_nobody_watched_tries_again_later(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, machine: Machine
) -> None:
    order = queued()
    monkeypatch.setattr(sweeping, "sweep", lambda _: None)
    before_it_is_sent(portal, monkeypatch, machine.sleep)
    assert submitting.submit(order.pk, portal) == Status.QUEUED
    assert sandbox.ledger == []


def test_a_machine_that_was_suspended_before_the_renewal_of_a_token_does_not_send_a_second_time(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, machine: Machine
) -> None:
    order = queued()
    renew = portal._auth.renew

    def asleep(stale: Token | None, *, deadline: float) -> Token:
        if stale is not None:  # the save was answered 401
            machine.sleep()
        return renew(stale, deadline=deadline)

    monkeypatch.setattr(portal._auth, "renew", asleep)
    sandbox.fault("save", "status", status=401, times=1)
    assert submitting.submit(order.pk, portal) == Status.FAILED
    assert sandbox.ledger == []


def asked_of_the_row(queries: CaptureQueriesContext) -> list[str]:
    """The statements between the claim and the outcome."""
    said = [query["sql"] for query in queries if query["sql"].startswith(("SELECT", "UPDATE"))]
    updates = [at for at, sql in enumerate(said) if sql.startswith('UPDATE "orders_order" ')]
    return said[updates[0] + 1 : updates[1]]


@pytest.mark.parametrize("given_up", [False, True])
def test_after_a_slow_token_the_row_is_asked_whether_the_order_is_still_ours(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, given_up: bool
) -> None:
    order = queued()
    monkeypatch.setattr(last_look, "A_WHILE", 0.0)  # so is any token

    def meanwhile() -> None:
        if given_up:
            sweeping.sweep(timezone.now() + timedelta(minutes=10))

    before_it_is_sent(portal, monkeypatch, meanwhile)
    assert submitting.submit(order.pk, portal) == (Status.FAILED if given_up else Status.PLACED)
    assert len(sandbox.ledger) == (0 if given_up else 1)


def test_an_order_that_is_sent_at_once_asks_nothing_between_claim_and_outcome(
    queued: Queued, portal: PartnerPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = queued(), queued()
    with CaptureQueriesContext(connection) as quick:
        assert submitting.submit(first.pk, portal) == Status.PLACED
    monkeypatch.setattr(last_look, "A_WHILE", 0.0)
    with CaptureQueriesContext(connection) as slow:
        assert submitting.submit(second.pk, portal) == Status.PLACED
    assert asked_of_the_row(quick) == []
    assert len(asked_of_the_row(slow)) == 1


def test_a_row_that_cannot_be_asked_any_more_is_not_sent(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = queued()
    monkeypatch.setattr(last_look, "A_WHILE", 0.0)

    def away(self: object) -> bool:
        raise OperationalError("the connection is gone")

    def meanwhile() -> None:
        monkeypatch.setattr(QuerySet, "exists", away)

    before_it_is_sent(portal, monkeypatch, meanwhile)
    saved = portal.save

    def and_back_again(*given: object, **named: object) -> object:
        try:
            return saved(*given, **named)  # type: ignore[arg-type]
        finally:
            monkeypatch.undo()

    monkeypatch.setattr(portal, "save", and_back_again)
    assert submitting.submit(order.pk, portal) == Status.QUEUED
    assert sandbox.ledger == []


def test_a_number_that_another_order_of_ours_has_leaves_the_second_in_doubt_with_its_receipt(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    first, second = queued(), queued()
    submitting.submit(first.pk, portal)
    first.refresh_from_db()

    def same_number(response: httpx.Response) -> httpx.Response:
        text = response.text.replace(sandbox.ledger[1]["receipt"]["orderNo"], first.order_no)
        return httpx.Response(200, headers={"Content-Type": "application/json"}, text=text)

    with portal_for(Transport(sandbox, same_number)) as repeating:
        assert submitting.submit(second.pk, repeating) == Status.UNCERTAIN
    second.refresh_from_db()
    assert first.order_no in second.problem
    assert first.order_no in second.answer


def test_the_database_allows_one_attempt_that_may_have_bought(queued: Queued) -> None:
    order = queued()
    common = {"order": order, "sha256": "", "worker": "w", "started_at": timezone.now()}
    Attempt.objects.create(number=1, outcome=Outcome.NOT_DELIVERED, **common)
    Attempt.objects.create(number=2, outcome=Outcome.NOT_DELIVERED, **common)
    Attempt.objects.create(number=3, outcome=Outcome.OPEN, **common)
    for outcome in Outcome:
        if outcome != Outcome.NOT_DELIVERED:
            with pytest.raises(IntegrityError), transaction.atomic():
                Attempt.objects.create(number=4, outcome=outcome, **common)


def test_every_attempt_is_kept_with_what_came_of_it(queued: Queued, portal: PartnerPortal, sandbox: Sandbox) -> None:
    order = queued()
    sandbox.fault("save", "status", status=429)
    submitting.submit(order.pk, portal)
    Order.objects.filter(pk=order.pk).update(not_before=None)
    submitting.submit(order.pk, portal)
    held, bought = order.tries.all()
    assert (held.number, held.outcome, held.http_status) == (1, Outcome.NOT_DELIVERED, 429)
    assert (bought.number, bought.outcome) == (2, Outcome.RECEIPT)
    assert bought.request_id == Order.objects.get(pk=order.pk).request_id
    assert bought.finished_at is not None
    assert held.sha256 == bought.sha256 == order.request_sha256


def test_who_is_about_to_order_what_may_have_been_bought_already_is_told(
    uncertain: Callable[[], Order], draft: Callable[[str], Order], alices: Client
) -> None:
    lost = uncertain()
    same, other = draft("linkus-cloud-service"), draft("turnkey-capacity")
    assert lost.reference in alices.get(f"/orders/{same.pk}/review/").content.decode()
    assert lost.reference not in alices.get(f"/orders/{other.pk}/review/").content.decode()


def test_a_manager_sees_at_once_what_waits_to_be_settled(
    uncertain: Callable[[], Order], mona: User, sign_in: Callable[[User], Client], alices: Client
) -> None:
    lost = uncertain()
    assert lost.reference in sign_in(mona).get("/").content.decode()
    assert lost.reference not in alices.get("/").content.decode()


def test_the_name_of_a_chosen_pbx_goes_with_the_order(
    draft: Callable[[str], Order], alices: Client, accounts: None
) -> None:
    order = draft("software-edition-license")
    alices.post(f"/orders/{order.pk}/target/", {"license_for": "existing", "product_no": "3651E1292455"})
    assert "Head office Lyon" in alices.get(f"/orders/{order.pk}/plan/").content.decode()


def test_a_late_receipt_survives_a_database_that_fails_while_it_is_noted(
    queued: Queued, sandbox: Sandbox, mona: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = queued()
    noted = Order.note
    failures = iter([True])

    def fails_once(self: Order, **given: object) -> None:
        if next(failures, False):
            raise OperationalError("the connection is gone")
        noted(self, **given)

    def meanwhile(response: httpx.Response) -> httpx.Response:
        answer = settle_while_waiting(mona)(response)
        monkeypatch.setattr(Order, "note", fails_once)
        return answer

    with portal_for(Transport(sandbox, meanwhile)) as portal:
        assert submitting.submit(order.pk, portal) == Status.FAILED
    order.refresh_from_db()
    assert sandbox.ledger[0]["receipt"]["orderNo"] in order.conflict
    assert order.tries.get().outcome == Outcome.RECEIPT


def test_a_late_receipt_with_a_number_that_is_taken_is_kept(
    queued: Queued, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    first, second = queued(), queued()
    submitting.submit(first.pk, portal)
    first.refresh_from_db()

    def late_and_the_same(response: httpx.Response) -> httpx.Response:
        sweeping.sweep(timezone.now() + timedelta(minutes=10))
        text = response.text.replace(sandbox.ledger[1]["receipt"]["orderNo"], first.order_no)
        return httpx.Response(200, headers={"Content-Type": "application/json"}, text=text)

    with portal_for(Transport(sandbox, late_and_the_same)) as repeating:
        assert submitting.submit(second.pk, repeating) == Status.UNCERTAIN
    last = second.events.last()
    assert last is not None
    assert last.data["order_no"] == first.order_no
    assert "another order of ours" in last.words


def test_the_sweep_ends_the_wait_for_the_attempt_it_saw_and_for_no_later_one(queued: Queued) -> None:
    order = queued()
    assert submitting._claim(order)
    seen = Order.objects.get(pk=order.pk)
    Order.objects.filter(pk=order.pk).update(sending_since=timezone.now() + timedelta(seconds=90))
    assert not sweeping._lose(seen, timezone.now())
    order.refresh_from_db()
    assert order.status == Status.SENDING
