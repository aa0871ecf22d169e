"""Managers see how fresh the mirror is, and start a run; a command does the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format
from kombu.exceptions import OperationalError

from orders import submitting, tasks
from orders.history import following, runs
from orders.history.following import follow
from orders.models import Order, Reading, Record, Tally
from orders.templatetags.house import EXACT
from tests.orders.history.kit import placed_elsewhere
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def monas(mona: User, sign_in: Callable[[User], Client]) -> Client:
    return sign_in(mona)


def test_sync_now_opens_a_run_that_a_worker_does(monas: Client, mona: User, portal: PartnerPortal) -> None:
    assert monas.post("/history/sync/now/", {"whole": "1"}).status_code == 302
    [opened] = Reading.objects.all()
    shown = monas.get("/history/sync/").content.decode()
    assert "being read" in shown
    assert "every 1s" in shown
    assert 'http-equiv="refresh"' in shown, "without JavaScript the page reloads"
    monas.post("/history/sync/now/")
    assert Reading.objects.count() == 1, "one at a time, whoever starts it"
    tasks.follow_by_hand(opened.pk)
    opened.refresh_from_db()
    assert (opened.complete, opened.who, opened.new) == (True, mona, 12)
    rested = monas.get("/history/sync/").content.decode()
    assert "every 1s" not in rested
    assert "As of" in rested
    tasks.follow_by_hand(opened.pk)
    assert Reading.objects.count() == 1, "a message that comes twice changes nothing"


def test_without_a_queue_the_page_says_so_and_no_run_stays_open(monas: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(tasks.follow_by_hand, "delay", away)
    shown = monas.post("/history/sync/now/", follow=True).content.decode()
    assert "Nothing was read" in shown
    assert not Reading.objects.filter(finished_at=None).exists()


def test_the_progress_of_an_open_run_is_told(monas: Client, mona: User) -> None:
    reading = runs.begin(runs.current_destination(), "By hand", who=mona)
    assert reading is not None
    Reading.objects.filter(pk=reading.pk).update(
        pages=250, seen=25_000, total=100_000, next_page=251, new=40, started_at=timezone.now() - timedelta(seconds=10)
    )
    shown = monas.get("/history/sync/").content.decode()
    assert "250 of 1,000 pages" in shown
    assert 'value="25"' in shown
    assert "about 30 s left" in shown or "about 29 s left" in shown


def test_a_run_whose_worker_was_killed_is_said_to_be_dead_and_the_next_goes_on(monas: Client, mona: User) -> None:
    killed = runs.begin(runs.current_destination(), "By hand", who=mona)
    assert killed is not None
    long_ago = timezone.now() - runs.silence() - timedelta(seconds=1)
    Reading.objects.filter(pk=killed.pk).update(beat_at=long_ago, pages=20, next_page=21, new=1_999, errors=2)
    shown = monas.get("/history/sync/").content.decode()
    assert "taken for dead" in shown
    assert "every 1s" not in shown
    row = shown.partition("<tbody>")[2]
    for cell in (">mona</td>", ">20</td>", ">1,999</td>", ">2</td>"):
        assert cell in row
    monas.post("/history/sync/now/")
    killed.refresh_from_db()
    assert killed.words == "The worker that read never came back."
    assert "never came back" in monas.get("/history/sync/").content.decode()


def test_every_page_that_shows_mirrored_data_says_of_when_it_is(
    portal: PartnerPortal, monas: Client, mona: User, alices: Client, queued: Callable[..., Order]
) -> None:
    order = queued()
    submitting.submit(order.pk, portal)
    reading = follow(portal)
    assert reading is not None
    Reading.objects.filter(pk=reading.pk).update(started_at=timezone.now() - timedelta(minutes=4))
    reading.refresh_from_db()
    record = Record.objects.get(ours=order)
    clock = date_format(timezone.localtime(reading.started_at), "H:i")
    exact = date_format(timezone.localtime(reading.started_at), EXACT)
    for url in ("/history/", f"/history/{record.pk}/", "/history/drift/", "/history/sync/", f"/orders/{order.pk}/"):
        shown = monas.get(url).content.decode()
        assert f'title="{exact}">{clock}, 4 min ago</time>' in shown, url
        assert 'href="/history/sync/"' in shown or url == "/history/sync/", url
    assert "4 min ago</time>" not in alices.get(f"/orders/{order.pk}/").content.decode(), "staff see no history"


def test_freshness_is_that_of_the_last_run_that_missed_nothing(portal: PartnerPortal, sandbox: Sandbox) -> None:
    assert runs.freshness().at is None
    first = follow(portal)
    assert first is not None
    assert runs.freshness() == runs.Freshness(first.started_at, None, "")
    sandbox.fault("order_page", "status", times=None, status=400)
    follow(portal)
    later = runs.freshness()
    assert later.at == first.started_at
    assert "cut short" in later.trouble


def test_mona_reads_in_plain_words_that_the_last_run_failed_and_how_old_the_copy_is(
    portal: PartnerPortal, sandbox: Sandbox, mona: User, sign_in: Callable[[User], Client]
) -> None:
    monas = sign_in(mona)
    follow(portal)
    assert "<h2>As of" in monas.get("/history/sync/").content.decode()
    sandbox.fault("order_page", "status", times=None, status=400)
    follow(portal)
    page = monas.get("/history/sync/").content.decode()
    assert "<h2>The last run was not finished</h2>" in page
    assert "cut short before its first page, so it proves nothing: Yeastar does not answer as it should" in page
    assert "What is here is as of" in page
    assert "order_page" not in page
    assert "<h2>As of" not in page


def test_mona_is_told_why_a_run_that_began_with_what_is_new_reads_all(
    portal: PartnerPortal,
    sandbox: Sandbox,
    mona: User,
    sign_in: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monas, shown = sign_in(mona), set[str]()
    monkeypatch.setattr(runs, "BEAT", timedelta())

    def look() -> bool:
        page = monas.get("/history/sync/").content.decode()
        shown.update(re.findall(r"<p>(.*so all pages are read\.)</p>", page))
        return False

    follow(portal, stopping=look)
    assert shown == {"All was not read to the end within a day, so all pages are read."}
    shown.clear()
    follow(portal, stopping=look)
    assert not shown
    monkeypatch.setattr(following, "HEAD", 1)
    sandbox.world.generate("orders", 700)
    follow(portal, stopping=look)
    assert shown == {"The newest pages do not tell of all that Yeastar counts, so all pages are read."}
    assert "so all pages" not in monas.get("/history/sync/").content.decode()


def test_the_beat_reads_what_is_new_and_some_older_pages(portal: PartnerPortal, sandbox: Sandbox) -> None:
    sandbox.world.generate("orders", 300)
    tasks.follow_history()
    tasks.follow_history()
    kinds = list(Reading.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["whole", "rolling", "newest", "rolling"]
    assert all(Reading.objects.values_list("complete", flat=True))


def test_the_command_mirrors_and_counts_anew(portal: PartnerPortal, sandbox: Sandbox) -> None:
    said = StringIO()
    call_command("mirror_orders", "--whole", stdout=said)
    assert "New: 12" in said.getvalue()
    Tally.objects.update(count=3)
    call_command("mirror_orders", "--recount", stdout=said)
    call_command("mirror_orders", "--recount", stdout=said)
    assert "were wrong, and are right." in said.getvalue()
    assert said.getvalue().endswith("The monthly sums were right.\n")
    sandbox.fault("order_page", "status", times=None, status=400)
    with pytest.raises(CommandError, match="Not everything"):
        call_command("mirror_orders", stdout=said)
    assert Record.objects.count() == 12


def test_the_command_waits_for_nobody(portal: PartnerPortal) -> None:
    runs.begin(runs.current_destination(), "Another one")
    with pytest.raises(CommandError, match="Another run"):
        call_command("mirror_orders")


def test_runs_of_long_ago_are_forgotten_once_all_was_read_anew(portal: PartnerPortal, sandbox: Sandbox) -> None:
    first, second = follow(portal), follow(portal)
    assert first is not None
    assert second is not None
    Reading.objects.filter(pk=first.pk).update(started_at=timezone.now() - timedelta(days=31))
    sandbox.fault("order_page", "status", times=None, status=400)
    follow(portal, whole=True)
    assert Reading.objects.filter(pk=first.pk).exists(), "nothing newer says as of when the mirror is"
    sandbox.faults.clear()
    follow(portal, whole=True)
    assert not Reading.objects.filter(pk=first.pk).exists()
    assert Reading.objects.filter(pk=second.pk).exists()


def test_a_worker_that_starts_reads_a_history_that_was_never_read_and_no_other(
    portal: PartnerPortal, sandbox: Sandbox
) -> None:
    runs.begin(runs.current_destination(), "By the worker that started first")
    tasks.begin_history()
    assert "order_page" not in sandbox.calls, "one reads at a time"
    Reading.objects.all().delete()
    tasks.begin_history()
    assert Record.objects.count() == 12
    asked = sandbox.calls["order_page"]
    tasks.begin_history()
    assert sandbox.calls["order_page"] == asked


def test_mona_is_not_told_that_all_is_here_while_details_are_missing(
    monas: Client, portal: PartnerPortal, sandbox: Sandbox, settings: Any
) -> None:
    settings.HISTORY_DETAILS = 0
    for _ in range(3):
        placed_elsewhere(sandbox)
    follow(portal)
    page = monas.get("/history/sync/").content.decode()
    assert re.search(r"but of \d+ orders the details are not read yet", page)
    assert "verdict held" in page
    settings.HISTORY_DETAILS = 50
    follow(portal)
    page = monas.get("/history/sync/").content.decode()
    assert "All that Yeastar told of by then is here." in page
    assert "verdict good" in page
