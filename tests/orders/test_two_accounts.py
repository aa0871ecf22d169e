"""Credentials are changed while something runs: nothing of one account is read, kept or bought as another's."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from orders import breaking, credentials, gateway, placing, submitting, sweeping, tasks
from orders.accounts import editing, runs, syncing
from orders.destination import CHANGED, current_destination
from orders.history import following, reconciling
from orders.lifecycle import Status
from orders.models import AccountRun, Listed, Partner, PartnerChange, Reading, Record
from tests.conftest import portal_for
from tests.tutorials import CHOICES
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import NotDelivered
from yeastar_api.messages import UserRequest
from yeastar_api.sandbox import Sandbox

ONLY_THERE = {
    "partnerId": "777000777",
    "email": "only@there.example",
    "company": "Only there",
    "firstName": "Olga",
    "lastName": "There",
    "country": "Portugal",
}


@dataclass
class Account:
    """One of the vendor's accounts: its world, our client of it, and where that goes."""

    client_id: str
    world: Sandbox
    portal: PartnerPortal
    who: User

    def put_in_force(self) -> None:
        """As an admin does on the page of the connection."""
        credentials.keep(self.client_id, "its-secret", who=self.who, tested=False)

    @property
    def here(self) -> str:
        """The destination of its orders."""
        return self.portal.name


@pytest.fixture
def two(adam: User, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Account, Account]]:
    """Two accounts, the first of them in force; pages and workers use the client of the one that is."""
    settings.YEASTAR_CLIENT_ID = settings.YEASTAR_CLIENT_SECRET = ""
    found = []
    for client_id in ("first-account", "second-account"):
        world = Sandbox()
        account = Account(client_id, world, portal_for(httpx.WSGITransport(app=world)), adam)
        account.put_in_force()
        account.portal.name = current_destination()
        found.append(account)
    first, second = found
    second.world.world.happen({"event": "partners", "records": [ONLY_THERE]})
    clients = {each.here: each.portal for each in found}
    monkeypatch.setattr(gateway, "portal", lambda: clients[current_destination()])
    first.put_in_force()
    yield first, second
    credentials.forget()
    gateway.lookups.clear()
    for each in found:
        each.portal.close()


def test_a_run_of_a_list_that_was_asked_for_one_account_is_not_done_with_another(
    two: tuple[Account, Account], adam: User
) -> None:
    first, second = two
    run = runs.begin(Listed.PARTNERS, "By hand", who=adam)
    assert run
    second.put_in_force()
    tasks.mirror_by_hand(run.pk)
    run.refresh_from_db()
    assert (run.state, run.words, run.destination) == (AccountRun.State.FAILED, CHANGED, first.here)
    assert not Partner.everywhere.exists()
    assert "partner_list" not in second.world.calls


@pytest.mark.parametrize("whole", [True, False])
def test_a_reading_that_was_asked_for_one_account_is_not_done_with_another(
    whole: bool, two: tuple[Account, Account], mona: User
) -> None:
    first, second = two
    following.follow(first.portal, whole=True)
    known = Record.objects.filter(destination=first.here, gone_at=None).count()
    second.world.world.orders.clear()
    reading = following.open_run(mona, whole=whole)
    assert reading
    second.put_in_force()
    tasks.follow_by_hand(reading.pk)
    reading.refresh_from_db()
    assert (reading.complete, reading.words, reading.gone) == (False, CHANGED, 0)
    assert reading.finished_at
    assert Record.objects.filter(destination=first.here, gone_at=None).count() == known > 0
    assert second.world.calls == {}


def test_an_order_of_one_account_is_not_read_in_full_with_another(two: tuple[Account, Account]) -> None:
    first, second = two
    following.follow(first.portal, whole=True)
    record = Record.objects.filter(destination=first.here).first()
    assert record
    second.put_in_force()
    tasks.read_detail(record.pk)
    assert second.world.calls == {}


def test_a_client_made_before_a_change_keeps_what_it_reads_as_its_own_accounts(
    two: tuple[Account, Account], settings: Any
) -> None:
    first, second = two
    second.put_in_force()
    syncing.sync_all(first.portal)
    following.follow(first.portal)
    settings.HISTORY_ROLLING_PAGES = 1
    following.roll(first.portal)
    reconciling.reconcile(first.portal)
    for model in (AccountRun, Reading, Record):
        assert set(model.objects.values_list("destination", flat=True)) == {first.here}, model
    assert Partner.everywhere.exists()
    assert not Partner.everywhere.exclude(destination=first.here).exists()


def test_the_list_that_is_read_again_after_a_slow_change_is_kept_as_that_accounts(
    two: tuple[Account, Account], adam: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    syncing.sync_all(first.portal)
    real = PartnerPortal.save_user

    def slow(self: PartnerPortal, user: Any) -> None:
        real(self, user)
        second.put_in_force()

    monkeypatch.setattr(PartnerPortal, "save_user", slow)
    values = {"email": "eva@bakery.example", "company": "Eva", "first_name": "Eva", "country": "Portugal"}
    result = editing.create(first.portal, values, change_id=uuid.uuid4(), who=adam)
    assert not Partner.everywhere.exclude(destination=first.here).exists()
    assert result.change.partner
    assert result.change.partner.email == "eva@bakery.example"
    assert result.change.partner.destination == result.change.destination == first.here


def test_a_customer_of_one_account_is_not_changed_with_another(two: tuple[Account, Account], adam: User) -> None:
    first, second = two
    syncing.sync_all(first.portal)
    partner = Partner.objects.first()
    result = editing.edit(second.portal, partner, {"company": "Else"}, seen={}, change_id=uuid.uuid4(), who=adam)
    assert result.change.state == PartnerChange.State.NOT_DELIVERED
    assert CHANGED in result.errors[""]
    assert second.world.calls == {}


def test_a_customer_that_was_written_for_one_account_is_not_created_in_another(
    two: tuple[Account, Account], adam: User, sign_in: Callable[[User], Client]
) -> None:
    first, second = two
    browser, new = sign_in(adam), "/partners/new/"
    hidden = {each.name: each.value() for each in browser.get(new).context["form"].hidden_fields()}
    typed = {"email": "eva@bakery.example", "first_name": "Eva", "country": "Portugal", "activation": "on"}
    second.put_in_force()
    page = browser.post(new, typed | hidden)
    assert page.status_code == 422
    assert "Nothing was created" in page.content.decode()
    assert not {"save_user", "edit_user"} & {*first.world.calls, *second.world.calls}
    again = page.context["form"]
    kept = {each.name: each.value() or "" for each in again}
    assert {name: kept[name] for name in typed} == typed | {"activation": True}, "nothing that was typed is lost"
    assert browser.post(new, kept).status_code == 302
    assert second.world.calls["save_user"] == 1


def test_an_order_that_was_reviewed_for_one_account_is_not_placed_for_another(
    two: tuple[Account, Account], alice: User, sign_in: Callable[[User], Client]
) -> None:
    """Of two accounts of one company both may know the same billing contact."""
    first, second = two
    for each in (second, first):
        each.put_in_force()
        syncing.sync_all(each.portal)
    order = placing.start(slug="turnkey-capacity", owner=alice)
    placing.answer(order, CHOICES["turnkey-capacity"])
    browser, place = sign_in(alice), f"/orders/{order.pk}/place/"
    seen = browser.get(f"/orders/{order.pk}/review/").context["form"].initial
    second.put_in_force()
    page = browser.post(place, {**seen, "reason": "Two are wanted"})
    order.refresh_from_db()
    assert (page.status_code, order.status, order.destination) == (422, Status.DRAFT, "")
    assert "The credentials were changed since this page was made" in page.content.decode()
    assert browser.post(place, {"approved_sha256": seen["approved_sha256"]}).status_code == 422, "nor for none"
    assert browser.post(place, page.context["form"].data).status_code == 302
    order.refresh_from_db()
    assert (order.status, order.destination) == (Status.QUEUED, second.here)


def test_an_order_is_placed_for_the_account_whose_lists_were_looked_at_or_not_at_all(
    two: tuple[Account, Account], alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    syncing.sync_all(first.portal)
    order = placing.start(slug="turnkey-capacity", owner=alice)
    placing.answer(order, CHOICES["turnkey-capacity"])
    real = placing.twins

    def slow(*about: Any) -> Any:
        second.put_in_force()
        return real(*about)

    monkeypatch.setattr(placing, "twins", slow)
    with pytest.raises(placing.CannotPlace, match="another account"):
        placing.place(order, approved_sha256=placing.preview(order)[2], actor=alice)
    order.refresh_from_db()
    assert (order.status, order.destination) == (Status.DRAFT, "")


def test_a_change_whose_answer_was_lost_is_looked_up_in_its_own_account_only(
    two: tuple[Account, Account], adam: User, sign_in: Callable[[User], Client]
) -> None:
    first, second = two
    eva = UserRequest("eva@bakery.example", {"first_name": "Eva", "country": "Portugal"})
    first.portal.save_user(eva)
    change = PartnerChange.objects.create(
        id=uuid.uuid4(),
        destination=first.here,
        email=eva.email,
        asked=eva.values,
        who=adam,
        at=timezone.now(),
        state=PartnerChange.State.UNKNOWN,
    )
    browser, url = sign_in(adam), f"/partners/changes/{change.pk}/"
    second.put_in_force()
    browser.post(f"{url}look/")
    change.refresh_from_db()
    assert (change.state, second.world.calls) == (PartnerChange.State.UNKNOWN, {})
    shown = browser.get(url).content.decode()
    assert "Look again" not in shown
    assert f"It was asked of {first.here}" in shown
    first.put_in_force()
    assert "Look again" in browser.get(url).content.decode()
    browser.post(f"{url}look/")
    change.refresh_from_db()
    assert change.state == PartnerChange.State.FOUND


def test_what_is_not_delivered_to_the_old_account_does_not_hold_the_orders_of_the_new(
    two: tuple[Account, Account], alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    settings.BREAKER_FAILURES = 1
    syncing.sync_all(first.portal)
    order = placing.start(slug="turnkey-capacity", owner=alice)
    placing.answer(order, CHOICES["turnkey-capacity"])
    placing.place(order, approved_sha256=placing.preview(order)[2], actor=alice)

    def away(*_: Any, **__: Any) -> None:
        second.put_in_force()  # while the order is on its way
        raise NotDelivered(call="save", detail="no connection (ConnectError)")

    monkeypatch.setattr(first.portal, "save", away)
    assert submitting.submit(order.pk, first.portal) == Status.QUEUED
    assert breaking.hold() is None
    first.put_in_force()
    assert breaking.hold()
    second.put_in_force()
    assert sweeping.ask_now(first.portal) is None, "its probe, although another account is in force by now"
    first.put_in_force()
    assert breaking.hold() is None
