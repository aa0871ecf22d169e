"""What a manager does by hand beside settling: cancel, and see to a contradiction; and the evidence that stays."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from orders import settling, submitting
from orders.lifecycle import Status
from orders.models import EvidenceIsKept, Order, OrderEvent
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

Queued = Callable[..., Order]
SignIn = Callable[[User], Client]
Capture = pytest.CaptureFixture[str]


def test_a_manager_cancels_what_no_worker_has_taken(
    queued: Queued, mona: User, sign_in: SignIn, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    order, browser = queued(), sign_in(mona)
    assert "Cancel this order" in browser.get(order.get_absolute_url()).content.decode()
    browser.post(f"/orders/{order.pk}/cancel/", {"reason": "The customer changed his mind"})
    order.refresh_from_db()
    assert order.status == Status.FAILED
    assert "The customer changed his mind" in order.problem
    assert submitting.submit(order.pk, portal) is None
    assert sandbox.ledger == []


def test_an_order_that_is_being_sent_is_not_cancelled(queued: Queued, mona: User, sign_in: SignIn) -> None:
    order, browser = queued(), sign_in(mona)
    assert order.move(Status.SENDING, title="Sending", sending_since=timezone.now())
    assert "Cancel this order" not in browser.get(order.get_absolute_url()).content.decode()
    answer = browser.post(f"/orders/{order.pk}/cancel/", {"reason": "Too late"}, follow=True)
    assert "can no longer be cancelled" in answer.content.decode()
    order.refresh_from_db()
    assert order.status == Status.SENDING


def test_cancelling_needs_a_reason(queued: Queued, mona: User, sign_in: SignIn) -> None:
    order = queued()
    answer = sign_in(mona).post(f"/orders/{order.pk}/cancel/", {"reason": " "})
    assert answer.status_code == 422
    assert "Write why" in answer.content.decode()
    order.refresh_from_db()
    assert order.status == Status.QUEUED


def settled(order: Order) -> Order:
    """The order, not bought as far as we know."""
    assert order.move(Status.FAILED, title="Not sent")
    return order


def test_a_contradiction_is_loud_until_a_manager_has_seen_to_it(queued: Queued, mona: User, sign_in: SignIn) -> None:
    order, browser = settled(queued()), sign_in(mona)
    order.note(title="Told late", conflict="Settled as “Not bought”, but then Yeastar answered: bought.")
    page = browser.get(order.get_absolute_url()).content.decode()
    assert "Two answers disagree" in page
    answer = browser.post(f"/orders/{order.pk}/conflict/", {"reason": "Refunded by Yeastar", "seen": seen(page)})
    assert answer.status_code == 302
    order.refresh_from_db()
    assert order.conflict == ""
    last = order.events.last()
    assert last is not None
    assert (last.actor, last.words) == (mona, "Refunded by Yeastar")
    assert "Settled as" in last.data["contradiction"]


def seen(page: str) -> str:
    """By what the form on a page says which contradiction stood there."""
    found = re.search(r'name="seen" value="([0-9a-f]{64})"', page)
    assert found
    return found.group(1)


def test_only_the_contradiction_that_stood_on_the_page_is_seen_to(queued: Queued, mona: User, sign_in: SignIn) -> None:
    order, browser = settled(queued()), sign_in(mona)
    order.note(title="Told late", conflict="Yeastar has LR1, too.")
    old = seen(browser.get(order.get_absolute_url()).content.decode())
    both = "Yeastar has LR1, too.\nYeastar has LR2, too."
    order.note(title="Told later still", conflict=both)
    for mark in (old, "", "x"):
        answer = browser.post(f"/orders/{order.pk}/conflict/", {"reason": "I refunded that one", "seen": mark})
        assert answer.status_code == 422
        shown = answer.content.decode()
        for words in ("has changed since this page was made", "Yeastar has LR2, too.", "I refunded that one"):
            assert words in shown
        order.refresh_from_db()
        assert order.conflict == both
    browser.post(f"/orders/{order.pk}/conflict/", {"reason": "And that one", "seen": seen(shown)})
    order.refresh_from_db()
    assert order.conflict == ""
    last = order.events.last()
    assert last is not None
    assert last.data["contradiction"] == both


def test_a_contradiction_that_comes_while_another_is_seen_to_stays(queued: Queued, mona: User) -> None:
    order = settled(queued())
    order.note(title="Told late", conflict="Yeastar has LR1, too.")
    mine = Order.objects.get(pk=order.pk)
    order.note(title="Told later still", conflict="Yeastar has LR2, too.")
    with pytest.raises(settling.ConflictChanged):
        settling.see_to_conflict(mine, reason="That one was refunded", actor=mona)
    assert mine.conflict == "Yeastar has LR2, too."
    assert Order.objects.get(pk=order.pk).conflict == "Yeastar has LR2, too."
    assert not order.events.filter(title="Contradiction seen to").exists()
    call_command("verify_evidence")


def test_a_contradiction_is_seen_to_once(queued: Queued, mona: User) -> None:
    order = settled(queued())
    order.note(title="Told late", conflict="Yeastar has LR1, too.")
    mine, theirs = Order.objects.get(pk=order.pk), Order.objects.get(pk=order.pk)
    settling.see_to_conflict(theirs, reason="Refunded", actor=mona)
    with pytest.raises(settling.CannotSettle, match="any more"):
        settling.see_to_conflict(mine, reason="Refunded", actor=mona)


def test_the_chain_of_events_holds(queued: Queued, portal: PartnerPortal, capsys: pytest.CaptureFixture[str]) -> None:
    order = queued()
    submitting.submit(order.pk, portal)
    call_command("verify_evidence")
    assert "every chain of events holds" in capsys.readouterr().out


TAMPERING = {
    "changed": ("UPDATE orders_orderevent SET words = 'nothing' WHERE number = 2", "event 2: is not what was written"),
    "taken out": ("DELETE FROM orders_orderevent WHERE number = 2", "event 2: is missing"),
    "cut off": ("DELETE FROM orders_orderevent WHERE number = 4", "event 4: is missing at the end"),
    "moved": ("UPDATE orders_orderevent SET at = '2020-01-01 00:00:00' WHERE number = 3", "event 3: is not what"),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_past_the_models_is_found(
    how: str, queued: Queued, portal: PartnerPortal, capsys: pytest.CaptureFixture[str]
) -> None:
    order = queued()
    submitting.submit(order.pk, portal)
    statement, said = TAMPERING[how]
    with connection.cursor() as cursor:
        cursor.execute(statement)
    with pytest.raises(CommandError, match="1 broken"):
        call_command("verify_evidence")
    assert f"{order.reference}: {said}" in capsys.readouterr().err


def test_events_are_neither_changed_nor_deleted(queued: Queued) -> None:
    event = queued().events.first()
    assert event is not None
    for forbidden in (event.save, event.delete, OrderEvent.objects.all().delete):
        with pytest.raises(EvidenceIsKept):
            forbidden()
    with pytest.raises(EvidenceIsKept):
        OrderEvent.objects.update(words="nothing")


def test_two_who_write_at_once_write_one_after_the_other(queued: Queued) -> None:
    order = queued()
    mine, theirs = Order.objects.get(pk=order.pk), Order.objects.get(pk=order.pk)
    theirs.note(title="First")
    mine.note(title="Second")
    assert list(order.events.values_list("number", flat=True)) == [1, 2, 3, 4]
    call_command("verify_evidence")


def test_the_evidence_is_one_file_without_a_token(queued: Queued, portal: PartnerPortal, alices: Client) -> None:
    order = queued()
    submitting.submit(order.pk, portal)
    answer = alices.get(f"/orders/{order.pk}/evidence.json")
    assert order.reference in answer["Content-Disposition"]
    told = answer.json()
    assert told["request_body"] == order.request_body
    assert [event["title"] for event in told["events"]] == ["Draft started", "Order placed", "Sending", "Bought"]
    assert [attempt["outcome"] for attempt in told["attempts"]] == ["RECEIPT"]
    assert "Bearer" not in answer.content.decode()


def test_an_outsider_can_do_the_sum_of_every_hash_in_the_evidence(
    queued: Queued, portal: PartnerPortal, alices: Client
) -> None:
    order = queued()
    submitting.submit(order.pk, portal)
    told = alices.get(f"/orders/{order.pk}/evidence.json").json()
    tip = ""
    for event in told["events"]:
        assert event["previous_hash"] == tip
        said = [told["id"]] + [
            event[name]
            for name in (
                "number",
                "at",
                "from_status",
                "to_status",
                "title",
                "words",
                "actor_id",
                "data",
                "previous_hash",
            )
        ]
        tip = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        assert event["hash"] == tip
    assert (told["chain_length"], told["chain_hash"]) == (len(told["events"]), tip)


def test_one_order_or_one_file_of_evidence_is_proven(
    queued: Queued, draft: Queued, portal: PartnerPortal, alices: Client, tmp_path: Path, capsys: Capture
) -> None:
    order, other = queued(), queued("turnkey-capacity")
    draft("turnkey-capacity")
    submitting.submit(order.pk, portal)
    order.refresh_from_db()
    saved = tmp_path / "evidence.json"
    saved.write_bytes(alices.get(f"/orders/{order.pk}/evidence.json").content)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_orderevent SET words = '' WHERE number = 1 AND order_id = %s", [other.pk.hex])
        cursor.execute("UPDATE orders_orderevent SET title = 'X' WHERE number = 1 AND order_id = %s", [other.pk.hex])
    for name in (order.reference.lower(), order.order_no, str(order.pk)):
        call_command("verify_evidence", name)
        assert capsys.readouterr().out == "Orders: 1, drafts: 0; every chain of events holds.\n"
    with pytest.raises(CommandError, match="1 broken"):
        call_command("verify_evidence", other.reference, order.reference)
    assert capsys.readouterr().err == f"{other.reference}: event 1: is not what was written\n"
    call_command("verify_evidence", file=[str(saved)])
    assert capsys.readouterr().out == f"{order.reference}: all 4 events hold, and stand so here, too.\n"
    order.note(title="Later")
    call_command("verify_evidence", file=[str(saved)])  # what was saved stays true when the order goes on
    with pytest.raises(CommandError, match="no order LR-UNKNOWN"):
        call_command("verify_evidence", "LR-UNKNOWN")


def _made_anew(told: dict[str, Any]) -> None:
    tip, names = "", ("number", "at", "from_status", "to_status", "title", "words", "actor_id", "data")
    for event in told["events"]:
        event |= {"words": "Nothing was bought.", "previous_hash": tip}
        said = [told["id"], *(event[name] for name in names), tip]
        tip = event["hash"] = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    told["chain_hash"] = tip


FORGERIES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "another word": (lambda told: told["events"][1].update(words="Nobody"), "event 2: is not what was written"),
    "one taken out": (lambda told: told["events"].pop(1), "event 2: is missing"),
    "the last taken out": (lambda told: told["events"].pop(), "event 4: is missing at the end"),
    "another body": (lambda told: told.update(request_body="{}"), "what was sent is not what was approved"),
    "another order": (lambda told: told.update(reference="YP-AAAA-AAAA"), "this portal knows no such order"),
    "a chain of its own": (_made_anew, "event 4 is another one here"),
}


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forged_file_of_evidence_is_found(
    how: str, queued: Queued, portal: PartnerPortal, alices: Client, tmp_path: Path, capsys: Capture
) -> None:
    order = queued()
    submitting.submit(order.pk, portal)
    told = alices.get(f"/orders/{order.pk}/evidence.json").json()
    forge, said = FORGERIES[how]
    forge(told)
    saved = tmp_path / "evidence.json"
    saved.write_text(json.dumps(told))
    with pytest.raises(CommandError, match="1 broken"):
        call_command("verify_evidence", file=[str(saved)])
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"id": 1, "events": [{}]}', "\xff"])
def test_what_is_no_evidence_is_called_so(text: str, db: None, tmp_path: Path) -> None:
    saved = tmp_path / "evidence.json"
    saved.write_text(text, encoding="latin-1")
    with pytest.raises(CommandError, match=r"evidence\.json"):
        call_command("verify_evidence", file=[str(saved)])


def test_every_order_has_a_reference_of_its_own(queued: Queued, alices: Client) -> None:
    orders = [queued() for _ in range(3)]
    assert len({order.reference for order in orders}) == 3
    for order in orders:
        assert order.reference in alices.get(order.get_absolute_url()).content.decode()
