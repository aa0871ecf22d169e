"""Client id and secret that an admin sets: never shown, in force at once, and no order goes to the wrong account."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from orders import breaking, credentials, gateway, submitting, sweeping, trying, verdict
from orders.accounts import syncing
from orders.destination import current_destination
from orders.lifecycle import Status
from orders.models import AuditEntry, Credentials, Order
from orders.sealing import Unreadable, reseal, seal, unseal
from tests.services.servers import free_port, redis
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import NotDelivered
from yeastar_api.sandbox import Sandbox, serve

URL, AWAY, PAGE = "/connection/credentials/", "/connection/credentials/remove/", "/connection/"
ID, SECRET = "sandbox-client", "sandbox-secret"
REAL = gateway.portal
OLD, NEW, OTHER = ("key-one-" + "k" * 40, "key-two-" + "k" * 40, "key-three-" + "k" * 40)


@pytest.fixture(autouse=True)
def _not_by_environment(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.YEASTAR_CLIENT_ID = settings.YEASTAR_CLIENT_SECRET = ""
    settings.YEASTAR_GET_BUDGET = 3.0
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    monkeypatch.setattr(trying, "begin", lambda *_, **__: None)  # it has tests of its own
    credentials.forget()
    breaking.forget()
    yield
    credentials.forget()


@pytest.fixture
def vendor(settings: Any) -> Iterator[Sandbox]:
    """The vendor on a real socket, since a page that tests credentials makes a client of its own."""
    sandbox = Sandbox()
    with serve(sandbox) as server:
        settings.YEASTAR_BASE_URL = server.url
        yield sandbox


@pytest.fixture
def place(queued: Callable[[], Order], portal: PartnerPortal, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Order]:
    """Alice places an order for the account that is in force; pages and workers use the client that is in force."""
    monkeypatch.setattr(gateway, "portal", REAL)

    def placed() -> Order:
        syncing.sync_all(portal)
        return queued()

    return placed


@pytest.fixture
def adams(adam: User, sign_in: Callable[[User], Client]) -> Client:
    """The admin's browser."""
    return sign_in(adam)


def enter(browser: Client, client_id: str = ID, secret: str = SECRET, **more: str) -> Any:
    return browser.post(URL, {"client_id": client_id, "client_secret": secret, "do": "test", **more})


def shown(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_what_is_tested_and_right_is_in_force_and_shown_nowhere(adams: Client, adam: User, vendor: Sandbox) -> None:
    assert "No client id and secret are set" in shown(adams.get(PAGE))
    assert enter(adams).status_code == 302
    mine = credentials.in_force()
    assert (mine.source, mine.client_id, mine.client_secret) == (credentials.HERE, ID, SECRET)
    row = Credentials.objects.get()
    assert (row.who, row.tail, row.tested) == (adam, "ient", True)
    for page in (PAGE, URL, AWAY):
        text = shown(adams.get(page))
        assert "…ient" in text
        assert SECRET not in text
        assert ID not in text
    kept = json.dumps(list(Credentials.objects.values()), default=str) + repr(mine)
    assert SECRET not in kept
    assert ID not in kept
    entry = AuditEntry.objects.get(action="credentials.changed")
    assert SECRET not in str(entry.__dict__)


def test_what_the_vendor_refuses_is_not_saved_and_the_secret_is_not_shown_again(adams: Client, vendor: Sandbox) -> None:
    answer = enter(adams, secret="not-the-secret")
    assert answer.status_code == 422
    text = shown(answer)
    assert "Nothing was saved: the test failed. Yeastar does not accept client id and secret." in text
    assert "not-the-secret" not in text
    assert f'value="{ID}"' in text, "what is not secret need not be typed again"
    assert not Credentials.objects.exists()
    assert vendor.calls["token"] == 1, "a wrong secret too often may lock the account"


def test_without_a_test_nobody_is_asked(adams: Client, vendor: Sandbox) -> None:
    assert enter(adams, secret="perhaps-right-one-day", do="save").status_code == 302
    assert vendor.calls == {}
    assert not Credentials.objects.get().tested


@pytest.mark.parametrize(
    ("client_id", "secret"),
    [("", SECRET), (ID, ""), ("two words", SECRET), (ID, "x" * 201), ("\u202eid", SECRET), (ID, "nul\x00"), (ID, "ü")],
)
def test_what_cannot_be_credentials_is_refused_without_asking(
    client_id: str, secret: str, adams: Client, vendor: Sandbox
) -> None:
    answer = enter(adams, client_id, secret)
    assert answer.status_code == 422
    assert vendor.calls == {}
    if secret:
        assert f'value="{secret}"' not in answer.content.decode()


def test_the_environment_wins_and_the_page_says_so(adams: Client, settings: Any, vendor: Sandbox) -> None:
    enter(adams)
    settings.YEASTAR_CLIENT_ID, settings.YEASTAR_CLIENT_SECRET = "env-client", "env-secret"
    assert credentials.in_force().client_id == "env-client"
    text = shown(adams.get(URL))
    assert "They are set by the environment, which wins." in text
    assert "Test and save" not in text
    assert enter(adams, do="save").status_code == 302
    assert Credentials.objects.count() == 1


def test_of_half_an_environment_nothing_is_sent(settings: Any, db: None) -> None:
    settings.YEASTAR_CLIENT_ID = "env-client"
    assert credentials.in_force().problem == credentials.NONE_SET
    with pytest.raises(NotDelivered, match=credentials.NONE_SET):
        gateway.portal().check_token()


def test_a_change_reaches_every_process_within_a_second(adam: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process is one that was not told: it believes what it saw for a second, and looks again."""
    credentials.keep("first", "secret-1", who=adam, tested=False)
    first = gateway.portal()
    row = Credentials.objects.create(
        at=timezone.now(),
        who=adam,
        mark=credentials.mark_of("second"),
        tail="cond",
        sealed=seal('["second", "secret-2"]'),
    )
    seen = credentials._seen
    assert seen
    monkeypatch.setattr(credentials.time, "monotonic", lambda: seen[0] + credentials.LOOK_SECONDS - 0.01)
    assert gateway.portal() is first
    monkeypatch.setattr(credentials.time, "monotonic", lambda: seen[0] + credentials.LOOK_SECONDS + 0.01)
    assert gateway.portal() is not first
    assert credentials.in_force().mark == row.mark


def test_only_the_latest_secret_is_kept(adam: User) -> None:
    for number in range(3):
        credentials.keep(f"client-{number}", "a-secret", who=adam, tested=False)
    assert [bool(row.sealed) for row in Credentials.objects.all()] == [True, False, False]


def test_orders_of_the_old_account_stay_held_and_are_sent_when_it_comes_back(
    place: Callable[[], Order], adams: Client, adam: User, vendor: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials.keep("old-account", "old-secret", who=adam, tested=False)
    order = place()
    assert order.destination == current_destination()
    answer = enter(adams)
    assert answer.status_code == 422, "another account, while an order waits, is somebody's express wish"
    assert "One order was placed with the present client id" in shown(answer)
    assert enter(adams, stay="on").status_code == 302
    assert "it stays held" in shown(adams.get(PAGE))
    rung: list[Any] = []
    monkeypatch.setattr("orders.doorbell.ring", lambda pks, *_: rung.extend(pks) or True)
    sweeping.sweep(timezone.now() + timedelta(minutes=2))
    assert submitting.submit(order.pk, gateway.portal()) is None
    order.refresh_from_db()
    assert (order.status, order.attempts, rung) == (Status.QUEUED, 0, [])
    assert vendor.ledger == []
    assert verdict.badge(order) == "HELD"
    assert "or a manager cancels it" in shown(adams.get(order.get_absolute_url()))
    credentials.keep("old-account", "another-secret", who=adam, tested=False)
    sweeping.sweep(timezone.now() + timedelta(minutes=2))
    assert rung == [order.pk]


def test_a_client_made_before_a_change_sends_nothing_that_was_placed_after_it(
    place: Callable[[], Order], adam: User, vendor: Sandbox
) -> None:
    credentials.keep(ID, SECRET, who=adam, tested=False)
    before = gateway.portal()
    credentials.keep("the-new-account", "its-secret", who=adam, tested=False)
    order = place()
    assert submitting.submit(order.pk, before) is None
    assert vendor.ledger == []
    order.refresh_from_db()
    assert order.status == Status.QUEUED


def test_taken_away_after_a_question_and_what_is_placed_meanwhile_waits_for_the_same_account(
    adams: Client, adam: User, vendor: Sandbox, place: Callable[[], Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials.keep(ID, SECRET, who=adam, tested=False)
    assert "Take them away?" in shown(adams.get(AWAY))
    assert Credentials.objects.first().sealed  # type: ignore[union-attr]
    assert adams.post(AWAY).status_code == 302
    assert not Credentials.objects.exclude(sealed="").exists()
    order = place()
    assert submitting.submit(order.pk, gateway.portal()) == Status.QUEUED
    order.refresh_from_db()
    assert credentials.NONE_SET in order.problem
    credentials.keep(ID, SECRET, who=adam, tested=False)
    assert order.destination == current_destination()


def test_a_key_that_is_gone_is_said_on_every_page_and_loses_no_order(
    adams: Client, adam: User, settings: Any, place: Callable[[], Order], vendor: Sandbox
) -> None:
    settings.CREDENTIAL_KEYS = [OLD]
    credentials.keep(ID, SECRET, who=adam, tested=False)
    order = place()
    settings.CREDENTIAL_KEYS = [OTHER]
    credentials.forget()
    assert order.destination == current_destination(), "whose it is, is known without the key"
    assert submitting.submit(order.pk, gateway.portal()) == Status.QUEUED
    for url in (PAGE, URL, order.get_absolute_url()):
        answer = adams.get(url)
        assert answer.status_code == 200
        assert "cannot be read" in shown(answer)
    settings.CREDENTIAL_KEYS = [OTHER, OLD]
    credentials.forget()
    assert credentials.in_force().client_secret == SECRET


def test_keys_are_rotated_by_command(adam: User, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    credentials.keep(ID, SECRET, who=adam, tested=False)  # with SECRET_KEY
    settings.CREDENTIAL_KEYS = [NEW]
    credentials.forget()
    assert credentials.in_force().client_secret == SECRET
    call_command("rotate_credentials")
    assert "1 sealed with the first key" in capsys.readouterr().out
    settings.SECRET_KEY = OTHER
    credentials.forget()
    assert credentials.in_force().client_secret == SECRET
    settings.CREDENTIAL_KEYS = []
    with pytest.raises(SystemExit) as ended:
        call_command("rotate_credentials")
    assert ended.value.code == 1
    assert "1 cannot be read" in capsys.readouterr().err


def test_what_is_sealed_differs_each_time_and_tells_nothing_when_changed(settings: Any) -> None:
    first, second = seal(SECRET), seal(SECRET)
    assert first != second
    assert unseal(first) == unseal(second) == SECRET
    for damaged in (first[:-2] + "AA", "", "nonsense", "gAAAAA" + "x" * 100):
        with pytest.raises(Unreadable):
            unseal(damaged)
        with pytest.raises(Unreadable):
            reseal(damaged)


def test_the_old_token_is_thrown_away(adams: Client, adam: User, vendor: Sandbox, settings: Any, tmp_path: Any) -> None:
    with redis(tmp_path) as url:
        settings.REDIS_URL = url
        credentials.keep(ID, SECRET, who=adam, tested=False)
        old = gateway.portal()
        old.check_token()
        assert old.token_times()
        enter(adams, "another-client", "its-secret", do="save")
        assert old.token_times() is None
        assert gateway.portal() is not old


def test_a_portal_that_knows_nobody_says_so_instead_of_asking(db: None, vendor: Sandbox) -> None:
    with pytest.raises(NotDelivered, match=credentials.NONE_SET):
        gateway.portal().save(b"{}")
    assert vendor.calls == {}
    error = NotDelivered(call="token", detail=credentials.UNREADABLE)
    assert breaking.reason(error).startswith("Yeastar cannot be asked: ")
