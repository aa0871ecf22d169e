"""The page of the connection: for admins alone, telling what is known and nothing secret, with one button."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from orders import breaking, doorbell, gateway, pulse, submitting, watching
from orders.destination import current_destination
from orders.lifecycle import Status
from orders.models import Breaker, Heartbeat, Order
from orders.tokens import RedisTokenStore
from portal.cache import ForgivingRedisCache
from portal.run.environment import free_port
from tests.conftest import portal_for
from tests.services.servers import until
from yeastar_api.auth import MemoryTokenStore, Token
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError, NotDelivered
from yeastar_api.messages import UserRequest
from yeastar_api.sandbox import Sandbox

URL, ASK = "/connection/", "/connection/ask/"
UNREACHABLE = NotDelivered(call="save", detail="no connection (ConnectError)")


@pytest.fixture(autouse=True)
def _unwatched() -> None:
    watching.forget()


@pytest.fixture
def watched_portal(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[PartnerPortal]:
    """The pages' client, watched as the real one is."""
    transport = httpx.WSGITransport(app=sandbox)
    with portal_for(transport, observe=watching.noted, get_budget_seconds=0.2) as client:
        monkeypatch.setattr(gateway, "portal", lambda: client)
        yield client


@pytest.fixture
def adams(adam: User, sign_in: Callable[[User], Client]) -> Client:
    """The admin's browser."""
    return sign_in(adam)


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    pks: list[Any] = []
    monkeypatch.setattr(doorbell, "ring", lambda given: pks.extend(given) or True)
    return pks


def text(client: Client, url: str = URL) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def opened() -> Breaker:
    for _ in range(3):
        breaking.failed(UNREACHABLE)
    return breaking.state()


def test_before_anything_was_asked_the_page_says_so(adams: Client, watched_portal: PartnerPortal) -> None:
    page = text(adams)
    assert "sandbox.test" in page
    assert "none yet: the next call asks for one" in page
    assert page.count("none seen") == 2 * len(watching.CALLS) + 1, "of each call, and of the sweep"
    assert "None is alive: nothing is sent." in page
    assert "Orders are sent as they come" in page
    assert "not real: this is a sandbox" in page


@pytest.mark.parametrize(
    ("fault", "tone", "words"),
    [
        (None, "good", "The last one came through"),
        (("refuse", {"code": "no_permission", "http_status": 403}), "held", "which refused it. Nothing was bought."),
        (("reset", {"processed": True}), "warn", "no clear answer came back. Nobody knows yet whether it was bought."),
        (("status", {"status": 429}), "held", "The last order was not delivered."),
    ],
)
def test_the_page_says_how_the_last_order_went(
    fault: tuple[str, dict[str, Any]] | None,
    tone: str,
    words: str,
    queued: Callable[..., Order],
    adams: Client,
    portal: PartnerPortal,
    sandbox: Sandbox,
) -> None:
    assert "None was sent yet." in text(adams)
    order = queued()
    if fault:
        sandbox.fault("save", fault[0], **fault[1])
    submitting.submit(order.pk, portal)
    page = text(adams)
    assert f'<section class="verdict {tone}">' in page
    assert words in page
    assert order.reference in page


@pytest.mark.parametrize(
    ("known", "words", "tone"),
    [
        ({"status": Status.PLACED}, "It is known by now: it was bought.", "good"),
        ({"status": Status.FAILED}, "It is settled by now: nothing was bought.", "held"),
    ],
)
def test_adam_is_told_what_became_of_the_last_order_once_its_doubt_is_over(
    known: dict[str, str],
    words: str,
    tone: str,
    queued: Callable[..., Order],
    adams: Client,
    portal: PartnerPortal,
    sandbox: Sandbox,
) -> None:
    order = queued()
    sandbox.fault("save", "reset", processed=True)
    submitting.submit(order.pk, portal)
    Order.objects.filter(pk=order.pk).update(**known)
    page = text(adams)
    assert f"no clear answer came back. {words}" in page
    assert f'<section class="verdict {tone}">' in page


def test_adam_needs_to_know_neither_bells_nor_beat(adams: Client) -> None:
    page = text(adams)
    for jargon in ("Bells", "bells", "broker", ">Beat<", "sweep"):
        assert jargon not in page
    for words in ("Calls waiting for a worker", "Scheduler", "Waiting orders looked through"):
        assert words in page


@pytest.mark.parametrize("trouble", [{"conflict": "The history has it."}, {"found_as": "LR3775"}])
def test_the_page_does_not_say_that_nothing_was_bought_once_the_history_says_otherwise(
    trouble: dict[str, str], queued: Callable[..., Order], adams: Client, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    order = queued()
    sandbox.fault("save", "refuse", code="no_permission", http_status=403)
    submitting.submit(order.pk, portal)
    Order.objects.filter(pk=order.pk).update(**trouble)
    page = text(adams)
    assert '<section class="verdict warn">' in page
    assert "Nothing was bought" not in page


def test_every_call_of_the_client_has_its_line(sandbox: Sandbox, db: None) -> None:
    told: set[str] = set()
    with portal_for(httpx.WSGITransport(app=sandbox), observe=lambda call, *_: told.add(call)) as portal:
        portal.partners(), portal.billing_contacts(), portal.products(), portal.order_page(1)
        for ask in (lambda: portal.offers("1"), lambda: portal.devices("1"), lambda: portal.order_detail("1")):
            with suppress(ApiError):
                ask()
        nobody = UserRequest("nobody@example.com")
        for send in (lambda: portal.save(b"{}"), lambda: portal.save_user(nobody), lambda: portal.edit_user(nobody)):
            with pytest.raises(ApiError):
                send()
        assert portal.subordinate_user("nobody@example.com") is None
        assert portal.countries()
    assert told == set(watching.CALLS)


def test_what_each_call_did_last_is_shown_and_nothing_secret(
    adams: Client, watched_portal: PartnerPortal, sandbox: Sandbox
) -> None:
    watched_portal.products()
    sandbox.fault("save", "refuse", code="no_permission", detailMessage="Not <you>", http_status=403)
    with pytest.raises(ApiError) as caught:
        watched_portal.save(b"{}")
    page = text(adams)
    assert "Not &lt;you&gt;" in page
    assert "no_permission" in page
    assert "HTTP 403" in page
    assert caught.value.request_id in page
    assert page.count("just now") >= 3
    assert "obtained <time" in page
    assert "ends <time" in page
    token = watched_portal._auth._store.get()
    assert token
    stored = repr(
        cache.get_many([watching._key(call, which) for call in watching.CALLS for which in ("success", "failure")])
    )
    for secret in (token.value, "sandbox-secret", "sandbox-client"):
        assert secret not in page
        assert secret not in stored


def test_a_failure_for_want_of_a_token_says_so_at_the_call_that_needed_it(
    adams: Client, watched_portal: PartnerPortal, sandbox: Sandbox
) -> None:
    sandbox.fault("token", "refuse", code="ip_denied", detailMessage="IP not on the list", times=None)
    with pytest.raises(NotDelivered):
        watched_portal.save(b"{}")
    page = text(adams)
    assert "No access token: IP not on the list" in page
    assert page.count("IP not on the list") == 2
    assert page.count('class="doubt wrong"') == 2


def test_successes_are_written_once_a_second_and_failures_always(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(watching.cache, "set", lambda key, *_: written.append(key.rsplit(":", 1)[1]))
    for _ in range(5):
        watching.noted("save", None, 0.1, time.time())
    watching.noted("products", None, 0.1, time.time())
    for _ in range(3):
        watching.noted("save", UNREACHABLE, 0.1, time.time())
    assert written == ["durations", "success", "durations", "success", "failure", "failure", "failure"]


def test_what_somebody_else_left_in_the_cache_is_as_if_it_were_not_there(db: None) -> None:
    for rubbish in ("text", 7, {"at": 1, "other": 2}, None):
        cache.set(watching._key("save", "success"), rubbish)
        assert watching.watched()[1].success is None


def test_with_redis_away_calls_go_through_and_the_page_is_there(
    adams: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    monkeypatch.setattr(ForgivingRedisCache, "_away_until", 0.0)
    monkeypatch.setattr(watching, "cache", ForgivingRedisCache(url, {}))
    with portal_for(httpx.WSGITransport(app=sandbox), observe=watching.noted) as client:
        assert client.products()
    store = RedisTokenStore(url, "a", "b", "c")
    with portal_for(httpx.WSGITransport(app=sandbox), observe=watching.noted) as client:
        client._auth._store = store
        monkeypatch.setattr(gateway, "portal", lambda: client)
        assert "Our own Redis, where the access token is kept, does not answer" in text(adams)
    store._redis.close()


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (Token("x" * 30, 0.0), "ended <time"),
        (Token("x" * 30, time.time() + 1000), "Access token</dt><dd>ends <time"),
        (Token("x" * 30, time.time() + 1000, time.time() - 800), "obtained <time"),
    ],
    ids=["ended", "of an earlier version", "now"],
)
def test_the_age_of_the_token(token: Token, words: str, adams: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryTokenStore()
    store.put(token)
    with portal_for(httpx.MockTransport(lambda _: httpx.Response(500))) as client:
        client._auth._store = store
        monkeypatch.setattr(gateway, "portal", lambda: client)
        assert words in text(adams)


def test_how_many_orders_wait_are_held_and_uncertain(
    adams: Client,
    queued: Callable[..., Order],
    uncertain: Callable[[], Order],
    watched_portal: PartnerPortal,
    rung: list[Any],
) -> None:
    orders = [queued() for _ in range(3)]
    uncertain()
    Order.objects.filter(pk=orders[0].pk).update(held_since=timezone.now(), problem="Not delivered.")
    found = adams.get(URL).context["counts"]
    assert (found["waiting"], found["held"], found["sending"], found["uncertain"]) == (2, 1, 0, 1)
    opened()
    found = adams.get(URL).context["counts"]
    assert (found["waiting"], found["held"], found["uncertain"]) == (0, 3, 1)
    page = text(adams)
    assert "Orders are held" in page
    assert "Yeastar cannot be reached: no connection (ConnectError)." in page
    assert "Yeastar is asked again <time" in page


def test_asking_by_hand_releases_what_is_held_at_once(
    adams: Client, queued: Callable[..., Order], watched_portal: PartnerPortal, sandbox: Sandbox, rung: list[Any]
) -> None:
    order = queued()
    opened()
    answer = adams.post(ASK)
    assert (answer.status_code, answer.url) == (302, URL)
    assert "The orders that were held are sent now" in text(adams)
    assert rung == [order.pk]
    assert submitting.submit(order.pk, watched_portal) == Status.PLACED


def test_asking_by_hand_is_possible_once_in_five_seconds(
    adams: Client, watched_portal: PartnerPortal, sandbox: Sandbox
) -> None:
    for _ in range(3):
        adams.post(ASK)
    assert sandbox.calls["product_list"] == 1
    assert "Wait five seconds" in text(adams)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "status", "status": 401}, "Yeastar did not answer. Yeastar does not accept our access token: "),
        ({"kind": "status", "status": 503}, "Yeastar did not answer. Yeastar does not answer as it should: "),
        ({"kind": "refuse", "detailMessage": "Not yours"}, "Yeastar answered, but refused the question."),
    ],
    ids=["401", "503", "refused"],
)
def test_asking_by_hand_tells_what_came_back(
    fault: dict[str, Any], words: str, adams: Client, watched_portal: PartnerPortal, sandbox: Sandbox
) -> None:
    sandbox.fault("product_list", times=None, **fault)
    adams.post(ASK)
    assert words in text(adams)


def test_asking_in_vain_while_orders_are_held_sets_the_next_time(
    adams: Client, watched_portal: PartnerPortal, sandbox: Sandbox
) -> None:
    opened()
    sandbox.fault("product_list", "status", status=503, times=None)
    adams.post(ASK)
    found = breaking.state(fresh=True)
    assert found.opened_at
    assert found.probe_at
    assert found.probe_at > timezone.now() + timedelta(seconds=15)
    assert found.reason.startswith("Yeastar does not answer as it should: ")


def test_only_who_may_sees_the_link(adams: Client, alices: Client, mona: User, sign_in: Callable[..., Client]) -> None:
    assert f'href="{URL}"' in text(adams, "/people/"), "between the pages for admins"
    assert URL not in text(alices, "/")
    assert URL not in text(sign_in(mona), "/")


@pytest.mark.parametrize(("ahead", "words"), [(0, "agrees with Yeastar"), (3600, "60 minutes ahead of ours")])
def test_two_clocks_that_differ_are_told(ahead: float, words: str, adams: Client, sandbox: Sandbox) -> None:
    sandbox.configure(clock_ahead_seconds=ahead)
    clock = partial(watching.clock_noted, here=current_destination())
    with portal_for(httpx.WSGITransport(app=sandbox), clock=clock) as client:
        client.products()
    assert words in text(adams)
    found = watching.skew()
    assert found
    assert abs(found.seconds - ahead) < 2


def test_the_usual_time_of_a_call_is_a_median(adams: Client, watched_portal: PartnerPortal) -> None:
    for seconds in (0.1, 0.2, 0.2, 9.0):
        watching.noted("save", None, seconds, time.time())
    watching.forget()  # another process, which has its own
    for seconds in (0.3, 0.3, 0.3):
        watching.noted("save", None, seconds, time.time())
        watching._written.clear()
    save = next(each for each in watching.watched() if each.call == "save")
    assert save.counted == 4, "of each process what it had seen when it wrote"
    assert save.median == 0.3
    assert "0.300 s" in text(adams)


def test_who_works_is_told_by_signs_of_life(adams: Client, db: None) -> None:
    pulse.give(pulse.Kind.WORKER, "worker on one")
    pulse.give(pulse.Kind.WORKER, "worker on two")
    pulse.give(pulse.Kind.BEAT, "beat on one")
    pulse.swept()
    assert "2 alive" in text(adams)
    Heartbeat.objects.filter(name="worker on two").update(at=timezone.now() - pulse.SILENT)
    assert "1 alive" in text(adams)
    Heartbeat.objects.filter(name="sweep").update(at=timezone.now() - pulse.sweep_limit())
    assert "calls do not reach a worker" in text(adams)
    Heartbeat.objects.filter(kind=pulse.Kind.WORKER).update(at=timezone.now() + timedelta(hours=2))
    assert "None is alive: nothing is sent." in text(adams), "a clock that was ahead proves nothing"


@pytest.mark.django_db(transaction=True)
def test_a_process_gives_its_sign_and_takes_it_away_when_it_ends() -> None:
    pulse.begin(pulse.Kind.WORKER)
    until(lambda: Heartbeat.objects.exists(), "the first sign", 10)
    assert [each.name for each in pulse.alive().workers] == [pulse.process_name(pulse.Kind.WORKER)]
    pulse.end()
    until(lambda: not Heartbeat.objects.exists(), "the end", 10)
