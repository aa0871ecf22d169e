"""A list that can hardly be true changes nothing until an admin has looked at it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from structlog.testing import capture_logs

from orders.accounts import deciding, runs, syncing
from orders.accounts.deciding import NotDecided
from orders.lifecycle import Status
from orders.models import AccountChange, AccountRun, Contact, HeldList, Listed, Mirrored, Order, Partner
from tests.orders.accounts.kit import answer, counts, sync
from tests.orders.accounts.test_syncing import each_list
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("accounts")

State, Kind = AccountRun.State, AccountChange.Kind


def everything() -> list[Any]:
    """All that is known of all."""
    return [list(model.everywhere.order_by("pk").values()) for model in (Partner, Contact)]


def partners(sandbox: Sandbox) -> list[dict[str, Any]]:
    return list(sandbox.world.partners.values())


def fault(sandbox: Sandbox, what: Listed, result: Any) -> None:
    """From now on the vendor answers this, whatever it means."""
    body = {"code": "success", "detailMessage": "", "requestId": "x", "status": 200, "result": result}
    call = "partner_list" if what == Listed.PARTNERS else "billing_contact_list"
    sandbox.fault(call, "garbage", processed=False, body=json.dumps(body), times=None)


def confirm(run: AccountRun, actor: User) -> AccountRun:
    """As it is shown."""
    held = deciding.held(run)
    assert held is not None
    return deciding.confirm(run, actor, seen=held.plan.mark)


@each_list
def test_a_much_shorter_list_waits_and_is_written_when_an_admin_confirms_it(
    model: type[Mirrored], what: Listed, id_name: str, mail: str, portal: PartnerPortal, sandbox: Sandbox, adam: User
) -> None:
    told = list(getattr(sandbox.world, what).values())
    new = {**told[0], id_name: "990000000000000001", "company": "Brand new"}
    before = everything()
    answer(sandbox, what, {**told[0], "company": "Renamed"}, new)
    with capture_logs() as logs:
        run = sync(portal, what)
    assert run.state == State.HELD
    kind = "customers" if what == Listed.PARTNERS else "billing contacts"
    missing = len(told) - 1
    assert run.words == f"{missing} of {len(told)} {kind} are missing all at once. Nothing was changed."
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["accounts.held"]
    assert everything() == before
    held = deciding.held(run)
    assert held is not None
    assert {each.remote_id for each in held.leaving} == {row[id_name] for row in told[1:]}
    assert (len(held.plan.added), len(held.plan.changed)) == (1, 1)
    done = confirm(run, adam)
    assert (done.state, done.decided_by) == (State.DONE, adam)
    assert counts(done) == {"listed": 2, "added": 1, "changed": 1, "gone": missing}
    assert {each.company for each in model.objects.on_offer()} == {"Renamed", "Brand new"}
    assert AccountChange.objects.filter(run=run, kind=Kind.GONE).count() == missing
    assert not HeldList.objects.exists()
    assert runs.freshness(what).trouble == ""
    assert sync(portal, what).state == State.DONE


DOUBTFUL: dict[str, Callable[[list[dict[str, Any]], str], Any]] = {
    "empty": lambda _, __: [],
    "null": lambda _, __: None,
    "cut by its own count": lambda rows, _: {"total": len(rows) + 1, "list": rows},
    "the first of two pages": lambda rows, _: {"totalPage": 2, "results": rows},
    "no ids": lambda rows, name: [{**row, name: None} for row in rows[:6]] + rows[6:],
    "ids alone": lambda rows, name: [{name: row[name]} for row in rows[:6]] + rows[6:],
    "told twice": lambda rows, _: [*rows, *({**row, "company": "?"} for row in rows[:6])],
    "no rows": lambda rows, _: [*rows, 1, 2, "x", None, [], True],
    "other ids": lambda rows, name: [{**row, name: f"7{number}"} for number, row in enumerate(rows)],
}


@each_list
@pytest.mark.parametrize("how", DOUBTFUL)
def test_an_answer_that_is_empty_cut_or_malformed_changes_nothing_and_asks(
    how: str,
    model: type[Mirrored],
    what: Listed,
    id_name: str,
    mail: str,
    portal: PartnerPortal,
    sandbox: Sandbox,
) -> None:
    before = everything()
    fault(sandbox, what, DOUBTFUL[how](list(getattr(sandbox.world, what).values()), id_name))
    run = sync(portal, what)
    assert (run.state, everything()) == (State.HELD, before)
    assert runs.freshness(what).held == run
    assert not AccountChange.objects.filter(run=run).exists()


@each_list
def test_a_few_bad_rows_are_left_out_and_leave_those_they_name_as_they_are(
    model: type[Mirrored], what: Listed, id_name: str, mail: str, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    rows = list(getattr(sandbox.world, what).values())
    before = everything()
    bad = [{**rows[0], "company": "Another story"}, 7, {id_name: rows[1][id_name]}]
    fault(sandbox, what, [rows[0], *rows[2:], *bad])
    run = sync(portal, what)
    assert (run.state, counts(run)) == (State.DONE, {"listed": len(rows) - 2, "unusable": 4})
    assert everything() == before


@each_list
def test_the_same_row_twice_is_one(
    model: type[Mirrored], what: Listed, id_name: str, mail: str, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    rows = list(getattr(sandbox.world, what).values())
    fault(sandbox, what, [*rows, *rows])
    assert counts(sync(portal, what)) == {"listed": len(rows)}


def test_what_waits_or_was_refused_is_not_asked_again_while_the_same_is_missing(
    portal: PartnerPortal, sandbox: Sandbox, adam: User
) -> None:
    told = partners(sandbox)
    answer(sandbox, "partners", *told[:3])
    first = sync(portal, Listed.PARTNERS)
    answer(sandbox, "partners", {**told[0], "city": "Elsewhere"}, *told[1:3])
    again = sync(portal, Listed.PARTNERS)
    assert (first.state, again.state) == (State.HELD, State.SAME)
    assert "It waits for an admin already." in again.words
    assert runs.freshness(Listed.PARTNERS).held == first
    deciding.refuse(first, adam)
    assert not HeldList.objects.exists()
    again = sync(portal, Listed.PARTNERS)
    assert again.state == State.SAME
    assert "It was refused before: Sync now lets you decide anew." in again.words
    assert runs.freshness(Listed.PARTNERS).trouble == again.words
    by_hand = syncing.sync(portal, Listed.PARTNERS, why=runs.BY_HAND, who=adam)
    assert by_hand
    assert by_hand.state == State.HELD, "refused by mistake: whoever asks by hand is asked again"
    assert runs.freshness(Listed.PARTNERS).held == by_hand
    answer(sandbox, "partners", *told)
    assert sync(portal, Listed.PARTNERS).state == State.DONE
    answer(sandbox, "partners", *told[:3])
    assert sync(portal, Listed.PARTNERS).state == State.HELD, "a whole list in between: it is a new question"


def test_a_list_that_misses_others_takes_the_place_of_the_one_that_waits(
    portal: PartnerPortal, sandbox: Sandbox, adam: User
) -> None:
    told = partners(sandbox)
    answer(sandbox, "partners", *told[:3])
    first = sync(portal, Listed.PARTNERS)
    mark = deciding.held(first).plan.mark
    answer(sandbox, "partners", *told[3:6])
    second = sync(portal, Listed.PARTNERS)
    first.refresh_from_db()
    assert (first.state, second.state) == (State.SUPERSEDED, State.HELD)
    with pytest.raises(NotDecided, match="A newer list has come since"):
        deciding.confirm(first, adam, seen=mark)
    with pytest.raises(NotDecided, match="A newer list has come since"):
        deciding.refuse(first, adam)
    answer(sandbox, "partners", *told)
    assert sync(portal, Listed.PARTNERS).state == State.DONE
    second.refresh_from_db()
    assert second.state == State.SUPERSEDED
    assert not HeldList.objects.exists()
    assert Partner.objects.on_offer().count() == len(told)


def test_what_is_confirmed_is_what_was_shown(portal: PartnerPortal, sandbox: Sandbox, adam: User, mona: User) -> None:
    told = partners(sandbox)
    answer(sandbox, "partners", *told[:3])
    run = sync(portal, Listed.PARTNERS)
    shown = deciding.held(run).plan.mark
    Partner.objects.filter(remote_id=told[9]["partnerId"]).update(gone_at=run.started_at)
    before = everything()
    with pytest.raises(NotDecided, match="no longer what you saw"):
        deciding.confirm(run, adam, seen=shown)
    assert everything() == before
    confirm(run, adam)
    with pytest.raises(NotDecided, match="adam has decided already"):
        deciding.confirm(run, mona, seen=shown)


def test_who_came_after_the_list_was_told_stays(portal: PartnerPortal, sandbox: Sandbox, adam: User) -> None:
    """A customer whom an admin made at Yeastar while the list waited stands in no older list."""
    answer(sandbox, "partners", *partners(sandbox)[:3])
    run = sync(portal, Listed.PARTNERS)
    Partner.objects.create(remote_id="42", company="Made meanwhile", mirrored_at=run.finished_at)
    confirm(run, adam)
    assert Partner.objects.on_offer().filter(remote_id="42").exists()
    assert Partner.objects.on_offer().count() == 4


def test_nothing_is_decided_while_a_run_asks(portal: PartnerPortal, sandbox: Sandbox, adam: User) -> None:
    answer(sandbox, "partners", *partners(sandbox)[:3])
    run = sync(portal, Listed.PARTNERS)
    runs.begin(Listed.PARTNERS, "By itself")
    before = everything()
    with pytest.raises(NotDecided, match="A run is asking Yeastar just now"):
        confirm(run, adam)
    assert everything() == before
    run.refresh_from_db()
    assert run.state == State.HELD


def test_a_list_of_another_account_is_not_confirmed_here(
    portal: PartnerPortal, sandbox: Sandbox, adam: User, settings: Any
) -> None:
    answer(sandbox, "partners", *partners(sandbox)[:3])
    run = sync(portal, Listed.PARTNERS)
    settings.YEASTAR_CLIENT_ID = "another"
    with pytest.raises(NotDecided, match="another host or account"):
        deciding.confirm(run, adam, seen=deciding.held(run).plan.mark)


@pytest.mark.parametrize(
    ("known", "missing", "held"),
    [(6, 4, False), (6, 5, True), (25, 5, False), (24, 5, True), (40, 8, False), (40, 9, True)],
)
def test_few_are_believed_at_once_and_many_are_not(
    known: int, missing: int, held: bool, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    Partner.objects.all().delete()
    one = partners(sandbox)[0]
    told = [{**one, "partnerId": str(number)} for number in range(1, known + 1)]
    answer(sandbox, "partners", *told)
    sync(portal, Listed.PARTNERS)
    answer(sandbox, "partners", *told[missing:])
    run = sync(portal, Listed.PARTNERS)
    assert (run.state, run.gone) == ((State.HELD, 0) if held else (State.DONE, missing))


def test_how_many_are_too_many_can_be_set(portal: PartnerPortal, sandbox: Sandbox, settings: Any) -> None:
    settings.ACCOUNTS_GUARD_PERCENT = 90
    answer(sandbox, "partners", *partners(sandbox)[15:])
    assert counts(sync(portal, Listed.PARTNERS)) == {"listed": 7, "gone": 15}


def test_an_empty_list_of_nobody_is_believed(portal: PartnerPortal, sandbox: Sandbox) -> None:
    Partner.objects.all().delete()
    answer(sandbox, "partners")
    assert sync(portal, Listed.PARTNERS).state == State.DONE


def test_drafts_and_waiting_orders_that_would_break_are_named(
    portal: PartnerPortal, sandbox: Sandbox, draft: Callable[[str], Order], queued: Callable[..., Order]
) -> None:
    waiting, open_draft, done = queued("turnkey-capacity"), draft("turnkey-capacity"), queued("turnkey-capacity")
    Order.objects.filter(pk=done.pk).update(status=Status.FAILED)
    named = open_draft.picked.billing_contact_id
    rows = sandbox.world.contacts
    answer(sandbox, "contacts", *[row for key, row in rows.items() if key != named][:3])
    held = deciding.held(sync(portal, Listed.CONTACTS))
    assert held is not None
    assert held.breaks.drafts == [open_draft]
    assert held.breaks.waiting == [waiting]
