"""A manager settles what nobody knows, with a reason; staff cannot, and nobody twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django_webtest import DjangoTestApp

from orders import settling
from orders.destination import current_destination
from orders.lifecycle import Status
from orders.models import Order, Record
from tests.orders.test_bad_input import held

Uncertain = Callable[[], Order]
SignIn = Callable[[User], Client]

RECORD = {
    "outcome": "record",
    "order_no": "LR321",
    "transaction_no": "HT9",
    "instance_id": "44",
    "reason": "I saw it in their portal",
}
NEVER = {"outcome": "never", "sure": "on", "reason": "Their support looked and found nothing"}


def settle(client: Client, order: Order, given: dict[str, Any]) -> Any:
    return client.post(f"/orders/{order.pk}/settle/", given)


@pytest.mark.parametrize("who", ["mona", "adam"])
def test_a_manager_says_which_record_it_is(
    who: str, uncertain: Uncertain, sign_in: SignIn, request: pytest.FixtureRequest
) -> None:
    order, person = uncertain(), request.getfixturevalue(who)
    client = sign_in(person)
    assert 'name="outcome"' in client.get(order.get_absolute_url()).content.decode()
    assert settle(client, order, RECORD).url == order.get_absolute_url()
    order.refresh_from_db()
    assert (order.status, order.order_no, order.problem) == (Status.PLACED, "LR321", "")
    assert (order.transaction_no, order.instance_id) == ("HT9", "44")
    event = order.events.last()
    assert event is not None
    assert (event.actor, event.words, event.to_status) == (person, RECORD["reason"], Status.PLACED)
    shown = client.get(order.get_absolute_url()).content.decode()
    for word in ("Was anything bought? Yes.", "LR321", RECORD["reason"], who):
        assert word in shown
    assert 'name="outcome"' not in shown


def test_a_manager_says_that_it_was_never_placed(uncertain: Uncertain, mona: User, sign_in: SignIn) -> None:
    order, client = uncertain(), sign_in(mona)
    assert settle(client, order, NEVER).status_code == 302
    order.refresh_from_db()
    assert (order.status, order.order_no) == (Status.FAILED, "")
    assert NEVER["reason"] in order.problem
    shown = client.get(order.get_absolute_url()).content.decode()
    assert "Certainly not" in shown
    assert "Order again" in shown


def test_the_form_works_without_javascript(uncertain: Uncertain, django_app: DjangoTestApp, mona: User) -> None:
    order = uncertain()
    django_app.set_user(mona)
    page = django_app.get(order.get_absolute_url())
    form = next(form for form in page.forms.values() if form.action.endswith("/settle/"))
    form["reason"] = "I looked"
    asked = form.submit("outcome", value="never", status=422)
    assert "Confirm that you have looked it up" in asked
    form = next(form for form in asked.forms.values() if form.action.endswith("/settle/"))
    assert form["reason"].value == "I looked"
    form["sure"] = True
    assert "Certainly not" in form.submit("outcome", value="never").follow()


def test_enter_in_a_text_field_settles_nothing(uncertain: Uncertain, sign_in: SignIn, mona: User) -> None:
    page = sign_in(mona).get(uncertain().get_absolute_url()).content.decode()
    form = page[page.index("/settle/") :]
    assert re.search(r"<button[^>]*>", form).group() == '<button type="submit" hidden disabled>'  # type: ignore[union-attr]


REFUSED = [
    (RECORD | {"reason": ""}, "Write how you know"),
    (RECORD | {"reason": "  \n "}, "Write how you know"),
    (NEVER | {"reason": ""}, "Write how you know"),
    (NEVER | {"sure": ""}, "may be bought twice"),
    ({"reason": "x"}, "Say what you found out"),
    (NEVER | {"outcome": "perhaps"}, "Select a valid choice"),
    (RECORD | {"order_no": ""}, "Give the order number"),
    (RECORD | {"order_no": "LR 321"}, "Letters and digits only"),
    (RECORD | {"order_no": "<b>LR</b>"}, "Letters and digits only"),
    (RECORD | {"order_no": "L" * 65}, "at most 64"),
    (RECORD | {"transaction_no": "a\x00"}, "Null characters"),
    (RECORD | {"instance_id": "a\nb"}, "one line of ordinary characters"),
    (NEVER | {"order_no": "LR321"}, "never placed has no numbers"),
    (RECORD | {"reason": "x" * 2001}, "at most 2000"),
]


@pytest.mark.parametrize(("given", "words"), REFUSED)
def test_what_does_not_settle_it_is_refused_and_kept_in_the_form(
    given: dict[str, str], words: str, uncertain: Uncertain, mona: User, sign_in: SignIn
) -> None:
    order = uncertain()
    page = settle(sign_in(mona), order, given)
    assert page.status_code == 422
    shown = page.content.decode()
    assert words in shown
    assert 'id="errors"' in shown
    if "<" not in given.get("order_no", ""):
        assert held(page).get("order_no", [""]) == [given.get("order_no", "")]
    assert given["reason"].strip() in shown
    order.refresh_from_db()
    assert order.status == Status.UNCERTAIN
    assert order.events.filter(title__startswith="Settled").count() == 0


def test_staff_cannot_settle_not_even_their_own(uncertain: Uncertain, alices: Client) -> None:
    order = uncertain()
    assert 'name="outcome"' not in alices.get(order.get_absolute_url()).content.decode()
    assert settle(alices, order, NEVER).status_code == 403
    order.refresh_from_db()
    assert order.status == Status.UNCERTAIN


@pytest.mark.parametrize(("first", "second"), [(RECORD, NEVER), (NEVER, RECORD), (NEVER, NEVER)])
def test_it_is_settled_once_and_the_second_is_told_so(
    first: dict[str, str], second: dict[str, str], uncertain: Uncertain, mona: User, adam: User, sign_in: SignIn
) -> None:
    order = uncertain()
    settle(sign_in(mona), order, first)
    order.refresh_from_db()
    before = (order.status, order.order_no, order.problem)
    late = sign_in(adam)
    page = settle(late, order, second)
    shown = (late.get(page.url) if page.status_code == 302 else page).content.decode()
    assert "settled in the meantime" in shown
    order.refresh_from_db()
    assert (order.status, order.order_no, order.problem) == before
    assert order.events.filter(title__startswith="Settled").count() == 1


def test_of_two_who_settle_at_the_same_moment_one_does(uncertain: Uncertain, mona: User, adam: User) -> None:
    order = uncertain()
    one, other = Order.objects.get(pk=order.pk), Order.objects.get(pk=order.pk)
    settling.settle_as_never_placed(one, reason="I looked", actor=mona)
    with pytest.raises(settling.CannotSettle):
        settling.settle_as_never_placed(other, reason="So did I", actor=adam)


def test_the_number_of_another_order_is_refused(uncertain: Uncertain, mona: User, sign_in: SignIn) -> None:
    other, order = uncertain(), uncertain()
    assert settle(sign_in(mona), other, RECORD).status_code == 302
    page = settle(sign_in(mona), order, RECORD)
    assert page.status_code == 422
    assert "LR321 is already the number of another order" in page.content.decode()
    order.refresh_from_db()
    assert (order.status, order.order_no) == (Status.UNCERTAIN, "")


# --- by the order id, which Yeastar takes as well as the number ----------------------------------------------------


def theirs(order: Order, number: str = "LR321", order_id: str = "1640210", **told: Any) -> Record:
    now = timezone.now()
    given = {"key": number or order_id, "order_no": number, "order_id": order_id, "destination": order.destination}
    return Record.objects.create(first_seen_at=now, changed_at=now, at=now, **given | told)


def by(name: str) -> dict[str, str]:
    return {"outcome": "record", "order_no": name, "reason": "I saw it in their portal"}


@pytest.mark.parametrize("order_id", ["1640210", "ab-12"])
def test_an_order_id_is_resolved_to_its_order_number(
    order_id: str, uncertain: Uncertain, mona: User, sign_in: SignIn
) -> None:
    order = uncertain()
    theirs(order, order_id=order_id, transaction_no="HT9")
    assert settle(sign_in(mona), order, by(order_id)).status_code == 302
    order.refresh_from_db()
    assert (order.order_no, order.order_id, order.transaction_no) == ("LR321", order_id, "HT9")


@pytest.mark.parametrize(("first", "second"), [("LR321", "1640210"), ("1640210", "LR321"), ("1640210", "1640210")])
def test_one_order_of_theirs_is_not_claimed_under_two_names(
    first: str, second: str, uncertain: Uncertain, mona: User, sign_in: SignIn
) -> None:
    one, other = uncertain(), uncertain()
    theirs(one)
    assert settle(sign_in(mona), one, by(first)).status_code == 302
    page = settle(sign_in(mona), other, by(second))
    assert page.status_code == 422
    assert f"LR321 is already the number of another order of ours, {one.reference}" in page.content.decode()
    other.refresh_from_db()
    assert other.status == Status.UNCERTAIN


@pytest.mark.parametrize("columns", [{"order_id": "1640210"}, {"order_no": "1640210"}, {"found_as": "LR321"}])
def test_what_another_order_of_ours_has_under_whatever_name_is_refused(
    columns: dict[str, str], uncertain: Uncertain, mona: User, sign_in: SignIn
) -> None:
    one, other = uncertain(), uncertain()
    Order.objects.filter(pk=one.pk).update(status=Status.FAILED, **columns)
    theirs(other)
    page = settle(sign_in(mona), other, by("LR321"))
    assert page.status_code == 422
    assert "number of another order of ours" in page.content.decode()


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "looks like an order id"),
        ([{"number": ""}], "has not told the order number"),
        ([{"number": "LR1"}, {"number": "LR2"}], "is the id of several orders"),
        ([{"reference": "YP-7F3K-9QX2"}], "LR321 carries the reference YP-7F3K-9QX2"),
        ([{"destination": "elsewhere.test (account 1)"}], "looks like an order id"),
    ],
)
def test_an_order_id_that_names_no_one_order_is_refused(
    records: list[dict[str, str]], words: str, uncertain: Uncertain, mona: User, sign_in: SignIn
) -> None:
    order = uncertain()
    for told in records:
        theirs(order, **told)
    page = settle(sign_in(mona), order, by("1640210"))
    assert page.status_code == 422
    assert words in page.content.decode()
    order.refresh_from_db()
    assert order.status == Status.UNCERTAIN


def test_after_new_credentials_a_number_is_looked_up_in_the_history_that_is_read_now(
    uncertain: Uncertain, mona: User, sign_in: SignIn, settings: Any
) -> None:
    order = uncertain()
    settings.YEASTAR_CLIENT_ID = "new-credentials-of-the-same-account"
    theirs(order, destination=current_destination(), transaction_no="HT9")
    assert settle(sign_in(mona), order, by("1640210")).status_code == 302
    order.refresh_from_db()
    assert (order.order_no, order.transaction_no) == ("LR321", "HT9")


@pytest.mark.parametrize("status", [Status.QUEUED, Status.SENDING, Status.PLACED, Status.FAILED])
def test_only_an_uncertain_order_is_settled_by_hand(
    status: Status, uncertain: Uncertain, mona: User, sign_in: SignIn
) -> None:
    order = uncertain()
    Order.objects.filter(pk=order.pk).update(status=status)
    assert 'name="outcome"' not in sign_in(mona).get(order.get_absolute_url()).content.decode()
    settle(sign_in(mona), order, NEVER)
    order.refresh_from_db()
    assert order.status == status


def test_a_managers_own_draft_is_not_settled(accounts: None, mona: User, sign_in: SignIn) -> None:
    client = sign_in(mona)
    client.post("/orders/start/turnkey-capacity/")
    order = Order.objects.get()
    assert settle(client, order, NEVER).status_code == 302
    order.refresh_from_db()
    assert order.status == Status.DRAFT
