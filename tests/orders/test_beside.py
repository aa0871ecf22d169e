"""A manager sees an uncertain order beside the records that may be it, and decides with a reason and one click."""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_webtest import DjangoTestApp

from orders import submitting
from orders.beside import COMPARED, beside
from orders.destination import current_destination
from orders.history.reconciling import LOOKED, reconcile
from orders.lifecycle import Status
from orders.models import Order, Partner, Record
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

Uncertain = Callable[[], Order]
SignIn = Callable[[User], Client]

WHY = "Same PBX, same minute, and nobody else orders for it"


def record(order: Order, number: str = "LR3100000000000000123", **told: Any) -> Record:
    """An order of theirs that may be this one of ours."""
    now = timezone.now()
    given = {
        "key": number,
        "order_no": number,
        "order_id": "1640210",
        "transaction_no": "HT31",
        "instance_id": "44",
        "product_id": "9",
        "product_name": "Linkus Cloud Service",
        "product_no": order.picked.product_no,
        "status": "succeed",
        "created_at": now,
        "destination": order.destination,
    }
    return Record.objects.create(first_seen_at=now, changed_at=now, at=now, **given | told)


@pytest.fixture
def pressed(django_app: DjangoTestApp, mona: User) -> Callable[..., Any]:
    """Mona opens the page, writes her reason and whatever else, and presses a button."""

    def press(order: Order, name: str, value: str, *, status: int | None = None, **written: str) -> Any:
        django_app.set_user(mona)
        page = django_app.get(order.get_absolute_url())
        form = next(form for form in page.forms.values() if form.action.endswith("/settle/"))
        for field, text in ({"reason": WHY} | written).items():
            form[field] = text
        answer = form.submit(name, value=value, status=status)
        return answer if status else answer.follow()

    return press


def test_a_candidate_is_chosen_with_a_reason_and_one_click_and_its_numbers_are_taken(
    uncertain: Uncertain, pressed: Callable[..., Any], mona: User
) -> None:
    order = uncertain()
    record(order, detail={"basicInformation": {"color": "blue"}})
    shown = pressed(order, "candidate", "LR3100000000000000123")
    assert "Was anything bought? Yes." in shown
    order.refresh_from_db()
    numbers = (order.order_no, order.transaction_no, order.instance_id, order.order_id, order.product_no)
    assert numbers == ("LR3100000000000000123", "HT31", "44", "1640210", "369471667338")
    assert (order.status, order.remote_status) == (Status.PLACED, "succeed")
    event = order.events.last()
    assert event is not None
    assert (event.actor, event.words) == (mona, WHY)
    assert event.data["detail"] == {"basicInformation": {"color": "blue"}}


def test_the_page_lays_them_side_by_side_the_most_alike_first(
    uncertain: Uncertain, sign_in: SignIn, mona: User
) -> None:
    order = uncertain()
    plan = {"serviceId": order.picked.plan_id}
    record(order, "LR1", product_no="", detail=plan, created_at=timezone.now() - timedelta(minutes=5))
    lines = [{**plan, "multiCycle": 5}]
    record(order, "LR2", detail={"a": lines, "b": {"billingContactId": order.picked.billing_contact_id}})
    record(order, "LR3", product_no="369471667902")
    record(order, "LR4", product_id="12")
    laid = beside(order)
    assert [column.number for column in laid.theirs] == ["LR2", "LR1"]
    marks = [{cell.label: cell.verdict for cell in column.cells if cell.verdict} for column in laid.theirs]
    assert marks[0] == {
        "Product": "same",
        "PBX": "same",
        "Plan or service": "same",
        "Term in years": "different",
        "Billing contact": "same",
    }
    unknown = {"PBX": "unknown", "Term in years": "unknown", "Billing contact": "unknown"}
    assert marks[1] == {"Product": "same", "Plan or service": "same", **unknown}
    assert [cell.label for cell in laid.ours.cells] == [cell.label for cell in laid.theirs[0].cells]
    page = sign_in(mona).get(order.get_absolute_url()).content.decode()
    for words in ("LR1", "LR2", "Not told", 'aria-label="Same:"', "5 min apart", "It is this one"):
        assert words in page
    assert "LR3" not in page


def test_mona_is_led_to_those_of_the_product_unless_one_of_that_time_does_not_tell_its_product(
    uncertain: Uncertain, sign_in: SignIn, mona: User
) -> None:
    order = uncertain()
    record(order, "LR1", product_no="")
    record(order, "LR2", product_id="12", product_no="")
    listed = sign_in(mona).get(html.unescape(beside(order).untold_url)).content.decode()
    assert "LR1" in listed
    assert "LR2" not in listed, "it is of another product, so it is not among those that tell too little"
    record(order, "LR3", product_id="", product_no="")
    assert "product=" not in beside(order).untold_url, "else this one would be left out"


def test_without_a_candidate_the_page_says_so_and_offers_the_number(
    uncertain: Uncertain, sign_in: SignIn, mona: User
) -> None:
    page = sign_in(mona).get(uncertain().get_absolute_url()).content.decode()
    assert "fits this one" in page
    assert "too little" not in page
    assert '<details class="by-number" id="by-number" open>' in page
    assert "It is this one" not in page


def test_what_tells_too_little_is_offered_neither_here_nor_on_the_page_of_differences(
    uncertain: Uncertain, sign_in: SignIn, mona: User
) -> None:
    order = uncertain()
    for number in range(200):
        record(order, f"LR{number}", product_no="")
    laid, browser = beside(order), sign_in(mona)
    assert (laid.theirs, laid.more, laid.untold) == ((), 0, 200)
    page = browser.get(order.get_absolute_url()).content.decode()
    assert "fits this one" in page
    assert "200 others of that time tell too little to say whether they fit" in page
    assert "LR7" not in page
    listed = browser.get(html.unescape(laid.untold_url)).content.decode()
    assert "LR199" in listed
    assert order.reference not in browser.get("/history/drift/?kind=elsewhere").content.decode()
    given = {"candidate": "LR7", "reason": WHY}
    assert browser.post(f"/orders/{order.pk}/settle/", given).status_code == 422


def test_the_po_number_beside_theirs_is_the_one_that_was_sent(queued: Callable[[str], Order]) -> None:
    order = queued("linkus-cloud-service")
    assert order.move(Status.SENDING, title="Sending", sending_since=timezone.now())
    assert order.move(Status.UNCERTAIN, title="No clear answer")
    record(order)
    [told] = [cell.words for cell in beside(order).ours.cells if cell.label == "PO number"]
    assert told == order.reference


def test_of_many_the_most_alike_are_shown_and_the_others_counted(uncertain: Uncertain) -> None:
    order = uncertain()
    for number in range(7):
        record(order, f"LR{number}")
    laid = beside(order)
    assert (len(laid.theirs), laid.more) == (3, 4)


def test_hostile_text_of_theirs_is_only_text(uncertain: Uncertain, sign_in: SignIn, mona: User) -> None:
    order = uncertain()
    record(order, '"><script>x</script>', status="<img src=x>", product_name="<b>Linkus</b>")
    page = sign_in(mona).get(order.get_absolute_url()).content.decode()
    assert "<script>x" not in page
    assert "<img" not in page
    assert "<b>Linkus" not in page


def test_without_a_reason_nothing_is_settled_and_a_typed_reason_survives(
    uncertain: Uncertain, pressed: Callable[..., Any]
) -> None:
    order = uncertain()
    record(order)
    assert "Write how you know" in pressed(order, "candidate", "LR3100000000000000123", status=422, reason=" ")
    wrong = pressed(order, "outcome", "record", status=422, order_no="no number!")
    assert WHY in wrong
    order.refresh_from_db()
    assert order.status == Status.UNCERTAIN


def test_only_what_the_history_holds_for_this_order_can_be_chosen(
    uncertain: Uncertain, sign_in: SignIn, mona: User
) -> None:
    order, other = uncertain(), uncertain()
    record(order, "LR1", reference=other.reference)
    record(order, "LR2", destination="elsewhere.test (account 1)")
    record(order, "17", order_no="")
    for key, words in (
        ("LR1", f"LR1 carries the reference {other.reference}: it is another order"),
        ("LR2", "not in the mirrored history"),
        ("nothing", "not in the mirrored history"),
        ("17", "not told an order number"),
    ):
        page = sign_in(mona).post(f"/orders/{order.pk}/settle/", {"candidate": key, "reason": WHY})
        assert page.status_code == 422
        assert words in page.content.decode()
    order.refresh_from_db()
    assert order.status == Status.UNCERTAIN


@pytest.mark.parametrize(
    "told",
    [
        {"product_id": "12"},
        {"product_no": "369471667902"},
        {"created_at": timezone.now() - timedelta(days=30)},
        {"detail": {"a": [{"serviceId": "1"}]}},
    ],
)
def test_a_form_cannot_choose_what_the_page_may_not_offer(
    told: dict[str, Any], uncertain: Uncertain, sign_in: SignIn, mona: User
) -> None:
    order = uncertain()
    record(order, "LR1", **told)
    browser = sign_in(mona)
    page = browser.post(f"/orders/{order.pk}/settle/", {"candidate": "LR1", "reason": WHY})
    assert page.status_code == 422
    shown = page.content.decode()
    assert "LR1 is not, or no longer, among the orders that may be this one" in shown
    assert "It has another number" in shown
    order.refresh_from_db()
    assert order.status == Status.UNCERTAIN
    browser.post(f"/orders/{order.pk}/settle/", {"outcome": "record", "order_no": "LR1", "reason": WHY})
    order.refresh_from_db()
    assert order.order_no == "LR1", "whoever types the number has looked it up"


def many(count: int, order: Order, **told: Any) -> None:
    """Orders of theirs of the product, one each second."""
    now = timezone.now()
    given = {"product_id": "14", "partner_id": "77", "detail_at": now, "digest": "x"} | told
    Record.objects.bulk_create(
        [
            Record(
                destination=order.destination or current_destination(),
                key=f"LR{number:019}",
                order_no=f"LR{number:019}",
                status="succeed",
                created_at=now - timedelta(seconds=number),
                at=now,
                first_seen_at=now,
                changed_at=now,
                raw={"productId": "14", "orderNo": f"LR{number:019}"},
                detail={"orderSummary": {"serviceList": [{"serviceId": "3049032137219817472", "quantity": 50}]}},
                **given,
            )
            for number in range(count)
        ]
    )


def test_a_page_asks_as_little_of_the_database_for_thousands_of_records_as_for_ten(
    queued: Callable[[str], Order], sign_in: SignIn, mona: User
) -> None:
    order, browser = queued("turnkey-capacity"), sign_in(mona)
    assert order.move(Status.SENDING, title="Sending", sending_since=timezone.now())
    assert order.move(Status.UNCERTAIN, title="No clear answer")
    asked, took = {}, 0.0
    for count in (10, 2000):
        Record.objects.all().delete()
        many(count, order)
        laid = beside(order)
        assert (len(laid.theirs), laid.more + laid.untold) == (3, count - 3)
        browser.get(order.get_absolute_url())
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(order.get_absolute_url()).status_code == 200
        asked[count] = len(queries)
        began = time.perf_counter()
        browser.get(order.get_absolute_url())
        took = time.perf_counter() - began
    assert asked[2000] == asked[10]
    assert asked[10] < 20
    assert took < 0.5  # some 60 ms, if nobody else uses the machine


def test_of_thousands_the_nearest_in_time_are_compared_and_customers_of_ours_are_not_in_the_way(
    queued: Callable[[str], Order],
) -> None:
    order = queued("turnkey-capacity")
    assert order.move(Status.SENDING, title="Sending", sending_since=timezone.now())
    assert order.move(Status.UNCERTAIN, title="No clear answer")
    customer = Partner.objects.all()[0].remote_id
    many(COMPARED + 10, order, partner_id=customer)
    bought = {"serviceId": "3049032137219817472", "quantity": 50}
    long_ago = timezone.now() - timedelta(hours=12)
    record(order, "LR1", product_id="14", product_no="", detail=bought, created_at=long_ago)
    assert [column.number for column in beside(order).theirs] == ["LR1"]


def test_a_record_is_claimed_once(uncertain: Uncertain, sign_in: SignIn, mona: User) -> None:
    order, other = uncertain(), uncertain()
    record(order, "LR1")
    client, given = sign_in(mona), {"candidate": "LR1", "reason": WHY}
    assert client.post(f"/orders/{order.pk}/settle/", given).status_code == 302
    assert beside(other).theirs == ()
    page = client.post(f"/orders/{other.pk}/settle/", given)
    assert "LR1 is already the number of another order" in page.content.decode()


def test_a_chosen_order_and_another_typed_number_are_two_answers(
    uncertain: Uncertain, pressed: Callable[..., Any]
) -> None:
    order = uncertain()
    record(order, "LR1")
    assert "Take that number out" in pressed(order, "candidate", "LR1", status=422, order_no="LR2")


def test_a_typed_number_that_the_history_knows_brings_what_was_left_empty(
    uncertain: Uncertain, pressed: Callable[..., Any]
) -> None:
    order = uncertain()
    record(order, "LR1", created_at=timezone.now() - timedelta(days=30))
    pressed(order, "outcome", "record", order_no="lr1", transaction_no="TYPED")
    order.refresh_from_db()
    assert (order.order_no, order.transaction_no, order.instance_id) == ("LR1", "TYPED", "44")
    assert (order.order_id, order.remote_status) == ("1640210", "succeed")


def test_a_typed_number_of_an_order_with_another_reference_is_refused(
    uncertain: Uncertain, pressed: Callable[..., Any]
) -> None:
    order, other = uncertain(), uncertain()
    record(order, "LR1", reference=other.reference)
    page = pressed(order, "outcome", "record", status=422, order_no="LR1")
    assert f"carries the reference {other.reference}" in page
    pressed(other, "outcome", "record", order_no="LR1")
    other.refresh_from_db()
    assert other.order_no == "LR1"


def test_after_never_placed_the_history_is_still_watched(uncertain: Uncertain, pressed: Callable[..., Any]) -> None:
    order = uncertain()
    pressed(order, "outcome", "never", sure="on")
    order.refresh_from_db()
    assert order.status == Status.FAILED
    assert order.look_at is not None
    assert timedelta(minutes=59) < order.look_at - timezone.now() <= timedelta(hours=1)


def test_how_the_search_stands_is_said_in_one_sentence(uncertain: Uncertain) -> None:
    order = uncertain()
    order.look_at = None
    assert beside(order).search == ""
    order.look_at = timezone.now() + timedelta(minutes=5)
    assert beside(order).search.startswith("Not looked for in the history at Yeastar yet; next ")
    soon = timezone.now() + timedelta(minutes=5)
    for look_at, words in (
        (soon, f"{timezone.localtime(soon):%H:%M:%S}."),
        (soon - timedelta(hours=1), "next any moment now."),
    ):
        order.look_at = look_at
        assert beside(order).search.endswith(words), "a time that is past is no time of the next look"
    order.note(title=LOOKED, data={"pages": 124, "complete": True}, looks=3)
    order.refresh_from_db()
    order.look_at = None
    said = beside(order).search
    assert said.startswith("Looked for in the history at Yeastar 3 times, last ")
    assert said.endswith(", 124 pages; it is not looked for again.")


@pytest.mark.django_db(transaction=True)
def test_what_the_vendor_bought_without_answering_is_found_and_chosen(
    queued: Callable[[str], Order],
    portal: PartnerPortal,
    sandbox: Sandbox,
    pressed: Callable[..., Any],
    settings: Any,
) -> None:
    settings.SEND_REFERENCE = False  # else its reference would settle it
    order = queued("turnkey-capacity")
    sandbox.fault("save", "reset", processed=True)
    assert submitting.submit(order.pk, portal) == Status.UNCERTAIN
    Order.objects.filter(pk=order.pk).update(look_at=timezone.now())
    Order.objects.get(pk=order.pk).tries.update(started_at=timezone.now() - timedelta(seconds=1))
    assert reconcile(portal)
    order.refresh_from_db()
    assert order.status == Status.UNCERTAIN
    bought = sandbox.ledger[0]["receipt"]
    pressed(order, "candidate", bought["orderNo"])
    order.refresh_from_db()
    assert (order.status, order.transaction_no) == (Status.PLACED, bought["transactionNo"])
