"""One page and its JSON twin for the order's whole life: was anything bought?"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from orders import placing, submitting, verdict, watching
from orders.destination import current_destination
from orders.lifecycle import MOVING, Status
from orders.models import Order
from orders.wizard import step_url
from tests.conftest import portal_for
from tests.orders.test_submitting import Transport, losing
from tests.tutorials import CHOICES, sample_request, unsigned
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

Queued = Callable[..., Order]

SLUG = "linkus-cloud-service"

KEYS = {
    "id",
    "status",
    "order_no",
    "transaction_no",
    "instance_id",
    "order_id",
    "product_no",
    "remote_status",
    "found_as",
    "request",
    "problem",
}


def unreachable(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


class Life:
    """Brings an order into a status by what really leads there."""

    def __init__(self, queued: Queued, portal: PartnerPortal, sandbox: Sandbox) -> None:
        self.queued, self.portal, self.sandbox = queued, portal, sandbox

    def to(self, state: str, slug: str = SLUG) -> Order:
        order: Order = getattr(self, state.lower())(self.queued(slug))
        order.refresh_from_db()
        return order

    def waiting(self, order: Order) -> Order:
        return order

    def held(self, order: Order) -> Order:
        self.sandbox.fault("save", "status", status=429, retry_after=60)
        submitting.submit(order.pk, self.portal)
        return order

    def sending(self, order: Order) -> Order:
        assert order.move(Status.SENDING, title="Sending", sending_since=timezone.now(), attempts=1)
        return order

    def placed(self, order: Order) -> Order:
        submitting.submit(order.pk, self.portal)
        return order

    def failed(self, order: Order) -> Order:
        self.sandbox.fault("save", "refuse", code="contract_expired", detailMessage="The contract expired")
        submitting.submit(order.pk, self.portal)
        return order

    def uncertain(self, order: Order) -> Order:
        self.sandbox.fault("save", "status", status=502, processed=True)
        submitting.submit(order.pk, self.portal)
        return order


@pytest.fixture
def life(queued: Queued, portal: PartnerPortal, sandbox: Sandbox) -> Life:
    """Orders in any status."""
    return Life(queued, portal, sandbox)


# state, status, what the page must say, after how many seconds it asks again by itself
STATES = [
    ("waiting", Status.QUEUED, ["Was anything bought? Not yet.", "you may leave this page"], 3),
    ("held", Status.QUEUED, ["Was anything bought? Not yet.", "Held since", "because:", "tried again by itself"], 3),
    ("sending", Status.SENDING, ["Was anything bought? Perhaps right now."], 3),
    ("placed", Status.PLACED, ["Was anything bought? Yes.", "Order again"], 0),
    ("failed", Status.FAILED, ["Certainly not", "The contract expired", "contract_expired", "Order again"], 0),
    ("uncertain", Status.UNCERTAIN, ["Was anything bought? Maybe.", "Nobody must order this again"], 10),
]


@pytest.mark.parametrize(("state", "status", "words", "polls"), STATES, ids=[state for state, *_ in STATES])
def test_the_page_says_whether_anything_was_bought_and_asks_again_only_while_that_may_change(
    state: str, status: Status, words: list[str], polls: int, life: Life, alices: Client
) -> None:
    order = life.to(state)
    assert order.status == status
    url = order.get_absolute_url()
    for headers in ({}, {"HX-Request": "true"}):
        page = alices.get(url, headers=headers)
        assert page.status_code == 200
        shown = page.content.decode()
        for each in words:
            assert each in shown
        assert (f'hx-get="{url}"' in shown) == bool(polls)
        assert f"every {polls}s" in shown if polls else "hx-trigger" not in shown
        assert ("<html" in shown) != bool(headers)
    whole = alices.get(url).content.decode()
    assert ('http-equiv="refresh"' in whole) == bool(polls), "and without JavaScript too"
    assert (polls == 3) == (status in MOVING)
    assert ("Order again" in whole) == (status in (Status.PLACED, Status.FAILED))
    assert "369471667338" in whole, "what was ordered, in plain words"


@pytest.mark.parametrize(("state", "status"), [(state, status) for state, status, *_ in STATES])
def test_the_json_twin_has_the_same_keys_in_every_status(
    state: str, status: Status, life: Life, alices: Client, sandbox: Sandbox
) -> None:
    order = life.to(state)
    answer = alices.get(f"/orders/{order.pk}.json")
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store, private"
    twin = answer.json()
    assert twin.keys() == KEYS
    assert (twin["id"], twin["status"]) == (str(order.pk), status)
    assert unsigned(twin["request"], order.reference) == sample_request(SLUG)
    assert order.request_body in answer.content.decode() or json.loads(order.request_body) == twin["request"]
    assert bool(twin["problem"]) == (state in ("held", "failed", "uncertain"))
    numbers = [twin[name] for name in ("order_no", "transaction_no", "instance_id", "product_no", "remote_status")]
    if state == "placed":
        receipt = sandbox.ledger[0]["receipt"]
        names = ("orderNo", "transactionNo", "instanceId", "productNo", "orderStatus")
        assert numbers == [receipt[name] for name in names]
        assert twin["order_id"] == "", "the tutorial's answer for this product has none"
    else:
        assert numbers == [""] * 5
    if state == "held":
        assert twin["problem"].startswith("Held since ")


def test_the_json_twin_of_a_draft_says_draft(draft: Callable[[str], Order], alices: Client) -> None:
    twin = alices.get(f"/orders/{draft(SLUG).pk}.json").json()
    assert twin.keys() == KEYS
    assert (twin["status"], twin["request"], twin["problem"]) == ("DRAFT", None, "")


def test_the_page_shows_every_number_of_the_receipt_and_the_answer_itself(life: Life, alices: Client) -> None:
    order = life.to("placed", "turnkey-capacity")
    shown = alices.get(order.get_absolute_url()).content.decode()
    for name in ("order_no", "transaction_no", "instance_id", "order_id", "product_no", "remote_status", "request_id"):
        value = getattr(order, name)
        assert value, name
        assert value in shown, name
    assert order.request_sha256 in shown
    for title in ("Draft started", "Order placed", "Sending", "Bought"):
        assert title in shown


def test_a_failure_and_an_uncertainty_show_the_request_id(life: Life, alices: Client) -> None:
    order = life.to("failed")
    assert order.request_id
    assert order.request_id in alices.get(order.get_absolute_url()).content.decode()


@pytest.mark.parametrize("remote_status", ["pending", "in_review", "¿qué?", "x" * 128])
def test_a_status_of_theirs_that_we_do_not_know_is_shown_as_it_is(
    remote_status: str, life: Life, alices: Client
) -> None:
    order = life.to("placed")
    Order.objects.filter(pk=order.pk).update(remote_status=remote_status)
    assert remote_status in alices.get(order.get_absolute_url()).content.decode()
    assert alices.get(f"/orders/{order.pk}.json").json()["remote_status"] == remote_status
    shown = alices.get(order.get_absolute_url()).content.decode()
    assert "Yeastar has the order, with a status of its own" in shown


def test_held_says_since_when_and_keeps_the_first_moment(queued: Queued, alices: Client) -> None:
    order = queued(SLUG)
    with portal_for(httpx.MockTransport(unreachable)) as cut_off:
        submitting.submit(order.pk, cut_off)
        order.refresh_from_db()
        since = order.held_since
        assert since is not None
        Order.objects.filter(pk=order.pk).update(not_before=timezone.now() - timedelta(seconds=1))
        submitting.submit(order.pk, cut_off)
    order.refresh_from_db()
    assert (order.held_since, order.attempts) == (since, 2)
    shown = alices.get(order.get_absolute_url()).content.decode()
    assert f"Held since {since:%d %b %Y, %H:%M:%S}" in shown
    assert "tried 2 times" in shown
    assert "Nothing was bought" in shown


def test_a_held_order_tells_its_latest_reason_as_that_of_now_and_not_of_its_first_moment(
    queued: Queued, sandbox: Sandbox, portal: PartnerPortal, alices: Client
) -> None:
    order = queued(SLUG)
    sandbox.fault("save", "status", status=429)
    submitting.submit(order.pk, portal)
    Order.objects.filter(pk=order.pk).update(not_before=None)
    with portal_for(httpx.MockTransport(unreachable)) as cut_off:
        submitting.submit(order.pk, cut_off)
    order.refresh_from_db()
    assert order.held_since
    shown = alices.get(order.get_absolute_url()).content.decode()
    assert (
        f"Held since {order.held_since:%d %b %Y, %H:%M:%S} UTC, now because: Yeastar did not take the order yet: no"
        in shown
    )


def test_a_try_whose_time_has_come_is_not_told_as_past(life: Life, alices: Client) -> None:
    order = life.to("held")
    assert "Next try <time" in alices.get(order.get_absolute_url()).content.decode()
    Order.objects.filter(pk=order.pk).update(not_before=timezone.now() - timedelta(seconds=2))
    shown = alices.get(order.get_absolute_url()).content.decode()
    assert ">any moment now</time>" in shown.partition("Next try")[2].partition("</p>")[0]
    assert "Next try <time" in shown


def test_alice_reads_since_when_it_is_not_known_and_no_look_for_it_begins_that_time_anew(
    life: Life, alices: Client
) -> None:
    order = life.to("uncertain")
    [lost] = order.events.filter(to_status=Status.UNCERTAIN)
    later = timezone.now() + timedelta(minutes=7)
    with time_machine.travel(later, tick=False):
        order.note(title="Looked for at Yeastar", words="Read to the end: 12 orders in 3 pages.")
        order.refresh_from_db()
        [*_, stage] = verdict.stages(order, verdict.timeline(order))
    assert (stage.title, stage.at) == ("Not known yet", lost.at)


def test_what_mona_cancels_after_it_was_tried_is_not_called_never_sent(
    life: Life, mona: User, sign_in: Callable[[User], Client]
) -> None:
    order, monas = life.to("held"), sign_in(mona)
    monas.post(f"/orders/{order.pk}/cancel/", {"reason": "Ordered by telephone"})
    page = monas.get(order.get_absolute_url()).content.decode()
    assert "Cancelled before Yeastar took it. Ordered by telephone" in page
    assert "Not taken by Yeastar" in page, "as the step between"
    assert "before it was sent" not in page
    assert ">Not sent<" not in page


def test_of_what_mona_cancels_before_its_first_try_the_page_shows_what_was_to_be_sent(
    life: Life, mona: User, sign_in: Callable[[User], Client]
) -> None:
    order, monas = life.to("waiting"), sign_in(mona)
    monas.post(f"/orders/{order.pk}/cancel/", {"reason": "Ordered by telephone"})
    page = monas.get(order.get_absolute_url()).content.decode()
    assert "Cancelled before it was sent. Ordered by telephone" in page
    assert ">Not sent<" in page
    assert "What was to be sent" in page
    assert "What was sent" not in page


def test_a_held_order_names_no_exception_and_says_once_that_it_is_tried_again(queued: Queued, alices: Client) -> None:
    order = queued(SLUG)
    with portal_for(httpx.MockTransport(unreachable)) as cut_off:
        submitting.submit(order.pk, cut_off)
    page = alices.get(order.get_absolute_url()).content.decode()
    head, _, _ = page.partition('class="stages"')
    assert head.count("tried again by itself") == 1
    assert "no answer. Nothing was bought." in head
    assert "(ConnectError)." not in page, "nor in the words of what happened; only its folded details tell"
    evidence = alices.get(f"/orders/{order.pk}/evidence.json").content.decode()
    assert "ConnectError" in evidence, "which is for whoever mends it"


def test_staff_are_not_asked_about_credentials_and_admins_are(
    queued: Queued, alices: Client, adam: User, sign_in: Callable[[User], Client], sandbox: Sandbox
) -> None:
    order = queued(SLUG)
    sandbox.fault("token", "status", times=None, status=401)
    with portal_for(httpx.WSGITransport(app=sandbox), observe=watching.noted) as client:
        submitting.submit(order.pk, client)
    shown = alices.get(order.get_absolute_url()).content.decode()
    assert "gave no token" in shown
    assert "client id" not in shown
    assert "Are client id and secret right?" in sign_in(adam).get("/connection/").content.decode()


def test_while_it_is_sent_again_the_page_does_not_say_that_nothing_was_bought(life: Life, alices: Client) -> None:
    order = life.to("held")
    Order.objects.filter(pk=order.pk).update(not_before=timezone.now())
    seen: list[str] = []

    def look(response: httpx.Response) -> httpx.Response:
        seen.append(alices.get(order.get_absolute_url()).content.decode().partition("<aside")[0])
        seen.append(alices.get(f"/orders/{order.pk}.json").json()["problem"])
        return response

    with portal_for(Transport(life.sandbox, look)) as portal:
        assert submitting.submit(order.pk, portal) == Status.PLACED
    page, problem = seen
    assert "Perhaps right now" in page
    assert "Nothing was bought" not in page
    assert problem == ""


def test_nobody_is_offered_to_order_an_uncertain_order_again(life: Life, alices: Client) -> None:
    order = life.to("uncertain")
    assert f"/orders/{order.pk}/again/" not in alices.get(order.get_absolute_url()).content.decode()


@pytest.mark.parametrize("state", ["waiting", "held", "sending", "uncertain"])
def test_an_order_that_is_not_settled_cannot_be_ordered_again_by_hand_either(
    state: str, life: Life, alices: Client
) -> None:
    order = life.to(state)
    page = alices.post(f"/orders/{order.pk}/again/")
    assert page.url == order.get_absolute_url()
    assert Order.objects.count() == 1
    assert "not settled" in alices.get(page.url).content.decode()


@pytest.mark.parametrize("slug", list(CHOICES))
@pytest.mark.parametrize("state", ["placed", "failed"])
def test_order_again_copies_the_choices_into_a_new_draft(slug: str, state: str, life: Life, alices: Client) -> None:
    order = life.to(state, slug)
    Order.objects.filter(pk=order.pk).update(choices=order.choices | {"po_number": "PO-1"})
    page = alices.post(f"/orders/{order.pk}/again/")
    copy = Order.objects.get(status=Status.DRAFT)
    assert page.url == step_url(copy, "review")
    assert (copy.again_of, copy.owner, copy.slug) == (order, order.owner, slug)
    said = f'a copy of <a href="{order.get_absolute_url()}">{order.order_no or order.reference}</a>'
    assert said in alices.get(page.url).content.decode()
    assert copy.picked.po_number == "", "the PO number named the other purchase"
    assert unsigned(placing.preview(copy)[1], copy.reference) == sample_request(slug)
    before = (order.status, order.order_no)
    order.refresh_from_db()
    assert (order.status, order.order_no) == before
    assert order.request_body
    assert copy.request_body == "", "nothing is ordered until it is placed"
    assert "as a copy of" in copy.events.get().title


def test_a_manager_who_orders_again_gets_a_draft_of_their_own(
    life: Life, mona: User, sign_in: Callable[[User], Client], alices: Client
) -> None:
    order = life.to("placed")
    page = sign_in(mona).post(f"/orders/{order.pk}/again/")
    copy = Order.objects.get(status=Status.DRAFT)
    assert copy.owner == mona
    assert alices.get(page.url).status_code == 404


def test_a_draft_leads_to_its_step(draft: Callable[[str], Order], alices: Client) -> None:
    order = draft(SLUG)
    answer: Any = alices.get(f"/orders/{order.pk}/")
    assert answer.url == step_url(order, "review")


def test_a_lost_answer_shows_what_is_known(queued: Queued, sandbox: Sandbox, alices: Client) -> None:
    order = queued(SLUG)
    with portal_for(Transport(sandbox, losing(httpx.ReadTimeout("late")))) as portal:
        assert submitting.submit(order.pk, portal) == Status.UNCERTAIN
    shown = alices.get(order.get_absolute_url()).content.decode()
    assert "no clear answer came back" in shown
    assert "a manager can settle it here" in shown
    assert order.request_sha256 in shown


# --- what was settled, and turned out otherwise ------------------------------------------------------------------


def test_what_was_settled_as_not_bought_and_found_after_all_is_never_again_called_not_bought(
    life: Life, alices: Client
) -> None:
    order = life.to("failed")
    Order.objects.filter(pk=order.pk).update(found_as="LR3100000000000000123", problem="Safe to order again.")
    shown = alices.get(order.get_absolute_url()).content.decode()
    head = shown.partition("<aside")[0]
    for words in (
        "Bought after all",
        "Was anything bought? Yes, although it was settled as not bought.",
        "Yeastar has it as order LR3100000000000000123. Do not order it again.",
        'class="verdict warn"',
        "Settled as not bought",
    ):
        assert words in head
    for words in ("Certainly not", "afe to order", "Order again"):
        assert words not in head
    twin = alices.get(f"/orders/{order.pk}.json").json()
    assert (twin["status"], twin["found_as"]) == ("FAILED", "LR3100000000000000123")
    assert twin["problem"].endswith("Do not order it again.")
    assert alices.get(f"/orders/{order.pk}/evidence.json").json()["found_as"] == "LR3100000000000000123"
    page = alices.post(f"/orders/{order.pk}/again/", follow=True)
    assert "Yeastar has it as order LR3100000000000000123" in page.content.decode()
    assert Order.objects.count() == 1
    listed = alices.get("/orders/").content.decode().partition("<tbody>")[2]
    assert "Bought after all" in listed
    assert "LR3100000000000000123" in listed
    assert "Not bought" not in listed


def test_a_contradiction_is_not_hidden_behind_a_word_in_the_list(life: Life, alices: Client) -> None:
    order = life.to("failed")
    Order.objects.filter(pk=order.pk).update(conflict="Two answers", found_as="LR1")
    assert "Contradiction" in alices.get(order.get_absolute_url()).content.decode()
    listed = alices.get("/orders/").content.decode().partition("<tbody>")[2]
    assert "Two answers disagree" in listed
    assert "Not bought" not in listed


def test_each_of_several_contradictions_is_a_paragraph(life: Life, alices: Client) -> None:
    order = life.to("placed")
    Order.objects.filter(pk=order.pk).update(conflict="Yeastar has LR1, too.\n\nYeastar has <LR2>, too.")
    shown = alices.get(order.get_absolute_url()).content.decode()
    assert '<p class="problem">Yeastar has LR1, too.</p><p class="problem">Yeastar has &lt;LR2&gt;, too.</p>' in shown


def test_a_page_with_a_contradiction_does_not_ask_again_under_a_managers_hands(
    life: Life, mona: User, sign_in: Callable[[User], Client]
) -> None:
    order = life.to("held")
    Order.objects.filter(pk=order.pk).update(conflict="Yeastar has it, without a number.")
    shown = sign_in(mona).get(order.get_absolute_url()).content.decode()
    assert "Cancel this order" in shown
    assert "I have seen to it" not in shown, "it would be sent"
    assert "hx-trigger" not in shown
    assert 'http-equiv="refresh"' not in shown


def test_after_new_credentials_the_page_says_that_nobody_looks_for_it(
    uncertain: Callable[[], Order], settings: Any, mona: User, sign_in: Callable[[User], Client]
) -> None:
    order, browser = uncertain(), sign_in(mona)
    assert "history by itself" in browser.get(order.get_absolute_url()).content.decode()
    assert "not looked for" not in browser.get("/").content.decode()
    settings.YEASTAR_CLIENT_ID = "new-credentials-of-the-same-account"
    shown = browser.get(order.get_absolute_url()).content.decode()
    assert f"It was placed for {order.destination}; orders go to {current_destination()} now" in shown
    assert "a manager settles it by hand" in shown
    assert "by itself" not in shown
    assert "next" not in shown.partition('id="settle-title"')[2].partition("</section>")[0]
    assert "Was anything bought? Maybe." in shown
    assert "not looked for by itself" in browser.get("/").content.decode()
