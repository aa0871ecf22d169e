"""The same is not bought twice by mistake: who ordered it already is shown, and going on needs a reason."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_webtest import DjangoTestApp

from orders import placing
from orders.destination import current_destination
from orders.duplicates import ELSEWHERE, Twin, twins
from orders.lifecycle import Status
from orders.likeness import wanted_by
from orders.models import Order, Partner, Record
from orders.placing import CannotPlace
from orders.wizard import step_url
from tests.conftest import approval
from tests.orders.test_beside import many
from tests.tutorials import CHOICES
from tests.walking import place, walk

LINKUS, TURNKEY = "linkus-cloud-service", "turnkey-capacity"
SAME = "The same was ordered already"
WHY = "A second site needs it, too"

Draft = Callable[[str], Order]
Queued = Callable[..., Order]


def drafted(owner: User, slug: str = LINKUS, **changes: Any) -> Order:
    order = placing.start(slug=slug, owner=owner)
    placing.answer(order, CHOICES[slug] | changes)
    return order


def buy(order: Order, reason: str = "", shown: list[str] | None = None) -> bool:
    sha256 = placing.preview(order)[2]
    return placing.place(order, approved_sha256=sha256, actor=order.owner, reason=reason, shown=shown)


def found(order: Order) -> list[Twin]:
    return twins(order, wanted_by(placing.preview(order)[0]))


def settled(order: Order, status: Status, **columns: Any) -> Order:
    Order.objects.filter(pk=order.pk).update(status=status, **columns)
    order.refresh_from_db()
    return order


def elsewhere(order: Order, **told: Any) -> Record:
    """An order of theirs for the same as this draft of ours, made today, not through this portal."""
    wanted, now = wanted_by(placing.preview(order)[0]), timezone.now()
    given = {
        "key": "LR3100000000000000123",
        "order_no": "LR3100000000000000123",
        "created_at": now - timedelta(hours=2),
        "status": "succeed",
        "product_id": wanted.product_id,
        "product_no": wanted.product_no,
        "partner_id": wanted.partner_id,
    }
    return Record.objects.create(
        destination=current_destination(), first_seen_at=now, changed_at=now, at=now, **given | told
    )


def shown_twins(page: Any) -> str:
    assert SAME in page.text
    return str(page.html.select_one(".twins").get_text(" ", strip=True))


def test_nothing_is_asked_about_the_first_order(app: DjangoTestApp) -> None:
    review = walk(app, LINKUS, CHOICES[LINKUS])
    assert SAME not in review
    assert "reason" not in review.forms["place"].fields
    _, order = place(review)
    assert len(order.likeness) == 64
    event = order.events.last()
    assert event is not None
    assert event.data == {"sha256": order.request_sha256}


def test_the_same_by_somebody_else_is_shown_and_bought_with_a_reason_that_is_kept(
    app: DjangoTestApp, bob: User
) -> None:
    first = drafted(bob)
    buy(first)
    settled(first, Status.PLACED, order_no="LR31")
    review = walk(app, LINKUS, CHOICES[LINKUS])
    assert all(word in shown_twins(review) for word in ("bob", "LR31", "Bought", "just now"))
    assert first.get_absolute_url() not in review, "Alice may not open an order of Bob's"
    form = review.forms["place"]
    refused = form.submit(status=422)
    assert f"{SAME} (LR31)" in refused
    assert "Write why the same is ordered again" in refused
    refused.forms["place"]["reason"] = WHY
    order = Order.objects.get(pk=refused.forms["place"].submit().follow().request.path.strip("/").split("/")[1])
    event = order.events.last()
    assert event is not None
    assert "LR31" in event.words
    assert WHY in event.words
    assert event.data["ordered_already"] == ["LR31"]
    assert event.data["reason"] == WHY


def test_ones_own_order_has_a_link_and_a_manager_opens_everybodys(
    queued: Queued, draft: Draft, bob: User, mona: User
) -> None:
    first = queued()
    assert [twin.url for twin in found(draft(LINKUS))] == [first.get_absolute_url()]
    assert [twin.url for twin in found(drafted(mona))] == [first.get_absolute_url()]
    assert [twin.url for twin in found(drafted(bob))] == [""]


@pytest.mark.parametrize(
    "changes",
    [
        {"product_no": "369471667902"},
        {"plan_id": "3049041101760282624"},
    ],
)
def test_something_else_is_no_twin(changes: dict[str, Any], queued: Queued, alice: User) -> None:
    queued()
    assert found(drafted(alice, **changes)) == []


@pytest.mark.parametrize("changes", [{"quantity": 51}, {"partner_id": "other"}])
def test_another_quantity_or_another_customer_is_no_twin(changes: dict[str, Any], queued: Queued, alice: User) -> None:
    queued(TURNKEY)
    if "partner_id" in changes:
        changes = {"partner_id": Partner.objects.all()[0].remote_id}
    assert found(drafted(alice, TURNKEY, **changes)) == []


def test_the_same_for_another_term_contact_and_po_number_is_a_twin(queued: Queued, alice: User) -> None:
    first = queued()
    other = drafted(alice, multi_cycle=3, po_number="PO-77")
    assert [twin.number for twin in found(other)] == [first.reference]


@pytest.mark.parametrize(
    ("status", "conflict", "hours", "counts"),
    [
        (Status.PLACED, "", 23, True),
        (Status.PLACED, "", 25, False),
        (Status.FAILED, "", 1, False),
        (Status.FAILED, "Two answers", 999, True),
        (Status.PLACED, "Two answers", 999, True),
        (Status.UNCERTAIN, "", 999, True),
        (Status.QUEUED, "", 999, True),  # held for weeks, it is still going to be bought
        (Status.SENDING, "", 999, True),
    ],
)
def test_what_counts_is_what_was_bought_lately_or_may_be_bought(
    status: Status, conflict: str, hours: int, counts: bool, queued: Queued, draft: Draft
) -> None:
    first = settled(queued(), status, conflict=conflict, placed_at=timezone.now() - timedelta(hours=hours))
    assert [twin.number for twin in found(draft(LINKUS))] == ([first.reference] if counts else [])


def test_the_window_is_a_setting(queued: Queued, draft: Draft, settings: Any) -> None:
    settled(queued(), Status.PLACED, placed_at=timezone.now() - timedelta(hours=2))
    order = draft(LINKUS)
    assert found(order)
    settings.DUPLICATE_WINDOW = timedelta(hours=1)
    assert not found(order)


def test_a_held_order_counts_from_when_it_was_bought(queued: Queued, draft: Draft) -> None:
    long_ago = timezone.now() - timedelta(hours=60)
    settled(queued(), Status.PLACED, placed_at=long_ago, settled_at=timezone.now())
    assert found(draft(LINKUS))


def test_an_order_of_another_world_is_no_twin(queued: Queued, draft: Draft, settings: Any) -> None:
    queued()
    settings.YEASTAR_CLIENT_ID = "new-credentials-of-the-same-account"
    assert found(draft(LINKUS))
    settings.YEASTAR_BASE_URL = "https://elsewhere.test"
    assert not found(draft(LINKUS))


def test_ordering_again_is_no_false_alarm_about_the_first(queued: Queued, alice: User) -> None:
    first = settled(queued(), Status.PLACED)
    copy = placing.again(first, owner=alice)
    assert found(copy) == []
    assert buy(copy)
    third = placing.again(first, owner=alice)
    assert [twin.number for twin in found(third)] == [copy.reference], "but about the second"
    settled(first, Status.PLACED, conflict="Two answers")
    assert {twin.number for twin in found(third)} == {first.reference, copy.reference}


def test_a_draft_that_was_left_and_resumed_is_no_twin_of_itself_or_of_other_drafts(draft: Draft, alice: User) -> None:
    order = draft(LINKUS)
    drafted(alice)
    placing.answer(order, CHOICES[LINKUS])
    assert found(order) == []
    assert buy(order)


def test_an_order_in_doubt_is_said_more_loudly(queued: Queued, app: DjangoTestApp) -> None:
    settled(queued(), Status.UNCERTAIN, placed_at=timezone.now() - timedelta(days=9))
    page = walk(app, LINKUS, CHOICES[LINKUS])
    assert "Nobody knows yet whether it was bought" in shown_twins(page)
    assert page.html.select(".twins tr.doubt")


# --- settled as not bought, and found after all ------------------------------------------------------------------


@pytest.fixture
def found_after_all(queued: Queued, draft: Draft) -> Order:
    """An order of Alice's that a manager called never placed, although Yeastar has it. It has been seen to."""
    order = settled(queued(), Status.FAILED, placed_at=timezone.now() - timedelta(days=3))
    order.note(title="Contradicted", found_as="LR31")
    elsewhere(draft(LINKUS), key="LR31", order_no="LR31", reference=order.reference)
    return order


def test_what_was_found_after_all_is_a_twin_and_a_reason_is_asked_for(
    found_after_all: Order, draft: Draft, app: DjangoTestApp
) -> None:
    (twin,) = found(draft(LINKUS))
    assert (twin.number, twin.elsewhere, twin.key) == ("LR31", False, found_after_all.reference)
    with pytest.raises(CannotPlace, match=r"ordered already \(LR31\)"):
        buy(draft(LINKUS))
    assert "Bought after all" in shown_twins(app.get(step_url(draft(LINKUS), "review")))


def test_a_copy_made_while_it_was_called_not_bought_meets_it_however_late(found_after_all: Order, alice: User) -> None:
    copy = placing.again(found_after_all, owner=alice)
    Order.objects.filter(pk=found_after_all.pk).update(updated_at=timezone.now() - timedelta(days=9))
    Record.objects.update(created_at=timezone.now() - timedelta(days=9))
    assert [twin.number for twin in found(copy)] == ["LR31"]
    assert found(drafted(alice)) == []


def test_a_record_that_speaks_of_what_we_call_not_bought_is_an_order_made_elsewhere(
    queued: Queued, draft: Draft
) -> None:
    order = settled(queued(), Status.FAILED)
    elsewhere(draft(LINKUS), reference=order.reference)
    (twin,) = found(draft(LINKUS))
    assert twin.elsewhere


# --- made elsewhere ------------------------------------------------------------------------------------------


def test_the_same_made_elsewhere_is_shown_with_what_is_not_known(app: DjangoTestApp, alice: User) -> None:
    elsewhere(drafted(alice))
    words = shown_twins(walk(app, LINKUS, CHOICES[LINKUS]))
    for word in (ELSEWHERE, "LR3100000000000000123", "succeed", "2 h ago", "Not known: plan or service"):
        assert word in words


@pytest.mark.parametrize(
    "told",
    [
        {"created_at": timezone.now() - timedelta(days=3)},
        {"created_at": None, "first_seen_at": timezone.now() - timedelta(days=3)},
        {"product_id": "12"},
        {"product_id": ""},
        {"product_no": "369471667902"},
        {"product_no": ""},
        {"status": "failed"},
        {"status": "cancelled"},
        {"destination": "elsewhere.test (account 1)"},
        {"detail": {"a": [{"serviceId": "1"}]}},
    ],
)
def test_what_is_elsewhere_old_different_or_not_told_alarms_nobody(told: dict[str, Any], draft: Draft) -> None:
    order = draft(LINKUS)
    record = elsewhere(order)
    assert found(order)
    Record.objects.filter(pk=record.pk).update(**told)
    assert found(order) == []


def test_a_record_without_a_time_counts_from_when_it_was_first_seen(draft: Draft) -> None:
    order = draft(LINKUS)
    elsewhere(order, created_at=None)
    assert [twin.number for twin in found(order)] == ["LR3100000000000000123"]


@pytest.mark.parametrize("told", [" 369471667338 ", "369471667338\n", "\t369471667338"])
def test_blanks_around_a_serial_number_make_no_other_pbx(told: str, draft: Draft) -> None:
    order = draft(LINKUS)
    elsewhere(order, product_no=told)
    assert [twin.number for twin in found(order)] == ["LR3100000000000000123"]


def test_a_time_far_in_the_future_is_none(draft: Draft, app: DjangoTestApp) -> None:
    order = draft(LINKUS)
    record = elsewhere(order, created_at=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert "just now" in shown_twins(app.get(step_url(order, "review")))
    Record.objects.filter(pk=record.pk).update(first_seen_at=timezone.now() - timedelta(days=3))
    assert found(order) == [], "it does not stay for ever"


def test_the_guard_asks_as_little_of_the_database_for_thousands_of_records_as_for_ten(draft: Draft) -> None:
    order = draft(TURNKEY)
    placing.answer(order, {"partner_id": ""})
    asked, took = {}, 0.0
    for count in (10, 2000):
        Record.objects.all().delete()
        many(count, order)
        began = time.perf_counter()
        with CaptureQueriesContext(connection) as queries:
            assert found(order) == []
        asked[count], took = len(queries), time.perf_counter() - began
    assert asked[2000] == asked[10]
    assert asked[10] < 10
    assert took < 0.5  # some 40 ms, if nobody else uses the machine


def test_for_a_customer_the_partner_is_the_target(alice: User, accounts: None) -> None:
    mine, theirs = (partner.remote_id for partner in Partner.objects.all()[:2])
    order = drafted(alice, TURNKEY, partner_id=mine)
    record = elsewhere(order, product_no="3076913644890832896")
    assert found(order)
    Record.objects.filter(pk=record.pk).update(partner_id=theirs)
    assert not found(order)


def test_a_record_of_an_order_of_ours_is_not_made_elsewhere(queued: Queued, draft: Draft) -> None:
    first = settled(queued(), Status.PLACED, order_no="LR31")
    elsewhere(draft(LINKUS), key="LR31", order_no="LR31")
    elsewhere(draft(LINKUS), key="LR32", order_no="LR32", reference=first.reference)
    assert [twin.number for twin in found(draft(LINKUS))] == ["LR31"]


def test_a_lost_order_of_ours_and_the_record_that_may_be_it_are_one_line(
    queued: Queued, draft: Draft, app: DjangoTestApp
) -> None:
    first = queued()
    assert first.move(Status.SENDING, title="Sending", sending_since=timezone.now())
    assert first.move(Status.UNCERTAIN, title="No clear answer")
    order, now = draft(LINKUS), timezone.now()
    elsewhere(order, created_at=now)
    (twin,) = found(order)
    assert (twin.who, twin.number, twin.may_be) == ("alice", first.reference, "LR3100000000000000123")
    shown = shown_twins(app.get(step_url(order, "review")))
    assert "LR3100000000000000123" in shown
    assert ELSEWHERE not in shown
    elsewhere(order, key="LR32", order_no="LR32", created_at=now - timedelta(hours=1))
    assert [(twin.number, twin.may_be) for twin in found(order)] == [
        (first.reference, "LR3100000000000000123"),
        ("LR32", ""),
    ], "one record can be one order only"


def test_the_drafts_own_text_sent_by_hand_is_never_sent_again(
    draft: Draft, django_app: DjangoTestApp, alice: User
) -> None:
    order = draft(LINKUS)
    elsewhere(order, reference=order.reference, created_at=timezone.now() - timedelta(days=99), product_no="")
    with pytest.raises(CannotPlace, match="by hand"):
        buy(order, reason=WHY)
    django_app.set_user(alice)
    page = django_app.get(step_url(order, "review"))
    assert "Somebody sent this very order by hand" in shown_twins(page)
    assert "Place order" not in page
    order.refresh_from_db()
    assert order.status == Status.DRAFT


def test_the_text_of_another_draft_sent_by_hand_is_an_order_made_elsewhere(draft: Draft) -> None:
    other, order = draft(LINKUS), draft(LINKUS)
    elsewhere(order, reference=other.reference)
    (twin,) = found(order)
    assert (twin.elsewhere, twin.same_text) == (True, False)


def test_hostile_text_of_theirs_is_only_text(draft: Draft, alices: Client) -> None:
    order = draft(LINKUS)
    elsewhere(order, key="<script>x</script>", order_no="<b>", status='"><img src=x>')
    page = alices.get(step_url(order, "review")).content.decode()
    assert SAME in page
    assert "<script>x" not in page
    assert "<img" not in page


# --- the reason ----------------------------------------------------------------------------------------------


def test_a_reason_survives_a_changed_draft_and_a_way_back_through_the_steps(
    queued: Queued, app: DjangoTestApp, alice: User
) -> None:
    queued()
    review = walk(app, LINKUS, CHOICES[LINKUS])
    order = Order.objects.get(status=Status.DRAFT)
    placing.answer(order, {"multi_cycle": 3})
    form = review.forms["place"]
    form["reason"] = WHY
    changed = form.submit(status=422)
    assert "has changed since" in changed
    assert changed.forms["place"]["reason"].value == WHY
    app.get(step_url(order, "plan"))
    back = app.get(step_url(order, "review"))
    assert back.forms["place"]["reason"].value == WHY
    back.forms["place"].submit().follow()
    order.refresh_from_db()
    assert order.status == Status.QUEUED
    other = drafted(alice)
    assert app.get(step_url(other, "review")).forms["place"]["reason"].value == "", "it was for that order alone"


@pytest.mark.parametrize(
    ("reason", "words"),
    [("", "Write why"), (" \n ", "Write why"), ("x" * 2001, "at most 2000"), ("a\x00b", "Null characters")],
)
def test_what_is_no_reason_is_refused_with_words(
    reason: str, words: str, queued: Queued, draft: Draft, alices: Client
) -> None:
    queued()
    order = draft(LINKUS)
    given = {**approval(order), "reason": reason}
    page = alices.post(f"/orders/{order.pk}/place/", given)
    assert page.status_code == 422
    assert words in page.content.decode()
    order.refresh_from_db()
    assert order.status == Status.DRAFT


def test_a_reason_is_for_what_was_shown_when_it_was_written(queued: Queued, draft: Draft, app: DjangoTestApp) -> None:
    queued()
    order = draft(LINKUS)
    form = app.get(step_url(order, "review")).forms["place"]
    form["reason"] = WHY
    second = queued()
    page = form.submit(status=422)
    assert f"ordered once more meanwhile ({second.reference})" in page
    assert page.forms["place"]["reason"].value == WHY
    page.forms["place"].submit().follow()
    order.refresh_from_db()
    assert order.status == Status.QUEUED


# --- at the same moment: tests/services/test_placing_at_once.py has it with threads -------------------------


def test_a_refusal_inside_the_transaction_leaves_the_draft_as_it_was(
    queued: Queued, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, late = draft(LINKUS), draft(LINKUS)
    queued()
    monkeypatch.setattr(placing, "twins", lambda *_: [])  # what was seen before the other came
    with pytest.raises(CannotPlace, match="once more meanwhile"):
        buy(order, reason=WHY)
    order.refresh_from_db()
    assert (order.status, order.chain_length, order.events.count()) == (Status.DRAFT, 1, 1)
    monkeypatch.undo()
    assert buy(late, reason=WHY)


# --- our own references are ours -----------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["YP-7F3K-9QX2", "PO 12 yp-7f3k-9qx2", "(Yp-7F3k-9qX2)"])
def test_a_po_number_that_looks_like_a_reference_of_ours_is_refused(typed: str, app: DjangoTestApp) -> None:
    page = walk(app, TURNKEY, CHOICES[TURNKEY], until="billing")
    form = next(form for form in page.forms.values() if "po_number" in form.fields)
    form["billing_contact_id"], form["po_number"] = CHOICES[TURNKEY]["billing_contact_id"], typed
    refused = form.submit(status=422)
    assert "looks like a reference of the portal itself" in refused
    form["po_number"] = "PO YP-12"
    assert form.submit().status_code == 302


def test_an_old_draft_with_such_a_po_number_is_not_placed(draft: Draft, alices: Client) -> None:
    order = draft(TURNKEY)
    placing.answer(order, {"po_number": "yp-7f3k-9qx2"})
    page = alices.post(f"/orders/{order.pk}/place/", approval(order))
    assert page.status_code == 422
    assert "Change it under Billing contact" in page.content.decode()
