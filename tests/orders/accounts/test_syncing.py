"""Partners and billing contacts as the vendor lists them: one writer, nothing deleted, nothing lost to a bad day."""

from __future__ import annotations

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from orders.accounts import guarding, lists, runs, syncing
from orders.accounts.writing import differences
from orders.models import AccountChange, AccountRun, Contact, Listed, Mirrored, Partner
from orders.text import fold, storable
from tests.orders.accounts.kit import answer, counts, sync
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

LUMIERE = "3106913644890832897"

# model, the list, its id and its address of mail
BOTH: list[tuple[type[Mirrored], Listed, str, str]] = [
    (Partner, Listed.PARTNERS, "partnerId", "email"),
    (Contact, Listed.CONTACTS, "billingContactId", "emailAddress"),
]

each_list = pytest.mark.parametrize(("model", "what", "id_name", "mail"), BOTH, ids=["partners", "contacts"])

State, Kind = AccountRun.State, AccountChange.Kind


@each_list
def test_everybody_is_listed_with_name_mail_and_the_whole_payload(
    model: Any, what: Listed, id_name: str, mail: str, portal: PartnerPortal, sandbox: Sandbox, db: None
) -> None:
    told = getattr(sandbox.world, what)
    assert counts(sync(portal, what)) == {"listed": len(told), "added": len(told)}
    for row in model.objects.all():
        remote = told[row.remote_id]
        assert (row.company, row.email) == (remote["company"], remote[mail])
        assert row.person == f"{remote['firstName']} {remote['lastName']}".strip()
        assert row.raw.items() >= remote.items()


@each_list
def test_a_second_run_changes_nothing_but_how_fresh_the_list_is(
    model: Any, what: Listed, id_name: str, mail: str, portal: PartnerPortal, accounts: None
) -> None:
    before, fresh = list(model.objects.order_by("pk").values()), runs.freshness(what)
    run = sync(portal, what)
    assert counts(run) == {"listed": len(before)}
    assert run.words == f"{len(before)} listed, nothing changed."
    assert list(model.objects.order_by("pk").values()) == before
    assert runs.freshness(what).at == run.started_at > fresh.at


@each_list
def test_who_changes_vanishes_and_comes_back_is_followed_field_by_field(
    model: Any, what: Listed, id_name: str, mail: str, portal: PartnerPortal, sandbox: Sandbox, accounts: None
) -> None:
    first, second, *others = getattr(sandbox.world, what).values()
    total = model.objects.count()
    renamed = {**first, "company": "Renamed & Söhne", "city": "Graz", "vip": True}
    answer(sandbox, what, renamed, *others)
    assert counts(sync(portal, what)) == {"listed": total - 1, "changed": 1, "gone": 1}
    row = model.objects.get(remote_id=first[id_name])
    assert (row.company, row.gone_at) == ("Renamed & Söhne", None)
    assert model.objects.matching("sohne").get() == row
    gone = model.objects.get(remote_id=second[id_name])
    assert gone.gone_at is not None
    assert gone.company == second["company"], "what was known of them is kept"
    assert model.objects.count() == total, "nobody is deleted"
    assert gone not in model.objects.on_offer()
    answer(sandbox, what, renamed, {**second, "city": "Linz"}, *others)
    assert counts(sync(portal, what)) == {"listed": total, "revived": 1}
    gone.refresh_from_db()
    assert gone.gone_at is None
    assert (gone.pk, gone.raw["city"]) == (model.objects.get(remote_id=second[id_name]).pk, "Linz")
    told = AccountChange.objects.filter(remote_id__in=[first[id_name], second[id_name]]).order_by("pk")
    assert [(each.remote_id, each.kind, each.fields) for each in told if each.kind != Kind.ADDED] == [
        (
            first[id_name],
            Kind.CHANGED,
            {
                "company": [first["company"], "Renamed & Söhne"],
                "city": [first["city"], "Graz"],
                "vip": [None, True],
            },
        ),
        (second[id_name], Kind.GONE, {}),
        (second[id_name], Kind.REVIVED, {"city": [second["city"], "Linz"]}),
    ]


@each_list
@pytest.mark.parametrize("kind", ["refuse", "garbage", "status"])
def test_a_failing_answer_changes_nothing(
    kind: str,
    model: Any,
    what: Listed,
    id_name: str,
    mail: str,
    portal: PartnerPortal,
    sandbox: Sandbox,
    accounts: None,
) -> None:
    before = list(model.objects.order_by("pk").values())
    sandbox.fault("*", kind, times=None)
    portal._sleep = lambda _: None
    run = sync(portal, what)
    assert (run.state, counts(run)) == (State.FAILED, {})
    assert run.words.startswith("Yeastar did not give the list. ")
    assert runs.freshness(what).trouble == run.words
    assert list(model.objects.order_by("pk").values()) == before


@each_list
def test_what_is_ours_stays_whatever_the_vendor_says(
    model: Any,
    what: Listed,
    id_name: str,
    mail: str,
    portal: PartnerPortal,
    sandbox: Sandbox,
    accounts: None,
    adam: Any,
) -> None:
    first, *others = getattr(sandbox.world, what).values()
    ours = {"hidden": True, "note": "Pays late", "tags": ",vip,", "owner": adam}
    model.objects.filter(remote_id=first[id_name]).update(**ours)
    for listed in (others, [first, *others], [{**first, "company": "Other", "note": "theirs", "tags": "x"}, *others]):
        answer(sandbox, what, *listed)
        assert sync(portal, what).state == State.DONE
        row = model.objects.get(remote_id=first[id_name])
        assert {name: getattr(row, name) for name in ours} == ours
        assert row not in model.objects.on_offer()


def test_no_column_is_both_theirs_and_ours() -> None:
    ours = {"hidden", "note", "tags", "owner", "preferred_contact", "first_seen_at"}
    for model in (Partner, Contact):
        names = {each.name for each in model._meta.concrete_fields} - {"id", "destination", "remote_id"}
        assert names - ours == set(lists.COLUMNS)


def test_texts_that_are_too_long_or_not_storable_are_cut_and_cleaned(
    portal: PartnerPortal, sandbox: Sandbox, accounts: None
) -> None:
    told = sandbox.world.partners[LUMIERE]
    strange = {"company": "C" * 400, "email": f"{'m' * 300}@x.example", "country": "L" * 200, "remark": "a\x00b"}
    answer(sandbox, "partners", *({**sandbox.world.partners, LUMIERE: {**told, **strange}}).values())
    sync(portal, Listed.PARTNERS)
    row = Partner.objects.get(remote_id=LUMIERE)
    assert (len(row.company), len(row.email), len(row.country)) == (255, 254, 100)
    assert "\x00" not in str(row.raw)


def test_nul_in_a_name_never_reaches_a_column(portal: PartnerPortal, sandbox: Sandbox, accounts: None) -> None:
    """SQLite would take it; PostgreSQL would refuse the whole batch, and nobody would be mirrored any more."""
    told = sandbox.world.partners[LUMIERE]
    strange = {"company": "A\x00telier", "firstName": "E\x00", "email": "a\x00@x.example"}
    answer(sandbox, "partners", *({**sandbox.world.partners, LUMIERE: {**told, **strange}}).values())
    sync(portal, Listed.PARTNERS)
    row = Partner.objects.get(remote_id=LUMIERE)
    for column in ("company", "first_name", "email", "search"):
        assert "\x00" not in getattr(row, column), column


UNUSABLE = ["1" * 41, "1" * 5000, "12\x0034", "12\n34", "\ud800", "12\u200b34", "\ufffd"]


@pytest.mark.parametrize("bad", UNUSABLE, ids=ascii)
@each_list
def test_an_id_that_no_database_takes_is_left_out_and_counted(
    bad: str,
    model: Any,
    what: Listed,
    id_name: str,
    mail: str,
    portal: PartnerPortal,
    sandbox: Sandbox,
    db: None,
) -> None:
    good = {id_name: "2" * 40, "company": "Good"}
    body = {"code": "success", "detailMessage": "", "requestId": "x", "status": 200}
    told = json.dumps({**body, "result": [{id_name: bad, "company": "Bad"}, good]})
    call = "partner_list" if what == Listed.PARTNERS else "billing_contact_list"
    sandbox.fault(call, "garbage", processed=False, body=told, times=None)
    with capture_logs() as logs:
        run = sync(portal, what)
    assert counts(run) == {"listed": 1, "added": 1, "unusable": 1}
    assert [row.company for row in model.objects.all()] == ["Good"]
    assert run.words == "1 listed, 1 added. 1 row could not be used and left all as it was."
    assert [entry["event"] for entry in logs] == ["accounts.unusable_left_out"]


def test_the_longest_usable_id_is_as_long_as_its_column() -> None:
    for model in (Partner, Contact):
        assert model._meta.get_field("remote_id").max_length == lists.ID_LENGTH


def test_a_thousand_are_mirrored_in_batches(portal: PartnerPortal, sandbox: Sandbox, db: None) -> None:
    sandbox.world.generate("partners", 1200)
    assert counts(sync(portal, Listed.PARTNERS)) == {"listed": 1222, "added": 1222}
    assert AccountChange.objects.filter(kind=Kind.ADDED).count() == 1222
    renamed = [{**each, "company": f"{each['company']} II"} for each in sandbox.world.partners.values()]
    answer(sandbox, "partners", *renamed[:-200])
    assert counts(sync(portal, Listed.PARTNERS)) == {"listed": 1022, "changed": 1022, "gone": 200}


def test_one_run_of_a_list_at_a_time_and_one_that_died_is_taken_over(portal: PartnerPortal, accounts: None) -> None:
    run = runs.begin(Listed.PARTNERS, "By itself")
    assert run is not None
    assert syncing.sync(portal, Listed.PARTNERS) is None, "it lives"
    assert sync(portal, Listed.CONTACTS).state == State.DONE, "the other list may be asked for"
    AccountRun.objects.filter(pk=run.pk).update(beat_at=run.beat_at - runs.silence() * 2)
    assert sync(portal, Listed.PARTNERS).state == State.DONE
    run.refresh_from_db()
    assert (run.state, run.words) == (State.FAILED, "The worker that ran it never came back.")


def test_a_run_that_was_given_up_writes_nothing_any_more(
    portal: PartnerPortal, sandbox: Sandbox, accounts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It slept while it compared; another one has taken its place."""
    first, *others = sandbox.world.partners.values()
    answer(sandbox, "partners", {**first, "company": "Late news"}, *others)
    run = runs.begin(Listed.PARTNERS, "By itself")
    plan = guarding.plan

    def slept(*args: Any, **kwargs: Any) -> Any:
        AccountRun.objects.filter(pk=run.pk).update(finished_at=run.beat_at, state=State.FAILED)
        return plan(*args, **kwargs)

    monkeypatch.setattr(guarding, "plan", slept)
    syncing.sync(portal, Listed.PARTNERS, run=run)
    assert Partner.objects.get(remote_id=first["partnerId"]).company == first["company"]
    assert not AccountChange.objects.filter(run=run).exists()


def test_old_runs_that_changed_nothing_go_and_the_others_stay(portal: PartnerPortal, accounts: None) -> None:
    added = AccountRun.objects.get(what=Listed.PARTNERS)
    nothing = sync(portal, Listed.PARTNERS)
    AccountRun.objects.update(finished_at=nothing.finished_at - runs.KEPT * 2)
    last = sync(portal, Listed.PARTNERS)
    assert list(AccountRun.objects.filter(what=Listed.PARTNERS).order_by("pk")) == [added, last]


def test_those_of_a_sandbox_are_not_seen_where_orders_are_real(
    portal: PartnerPortal, sandbox: Sandbox, accounts: None, settings: Any
) -> None:
    there, sandbox_id = Partner.objects.count(), settings.YEASTAR_CLIENT_ID
    settings.YEASTAR_CLIENT_ID = "the real one"
    assert not Partner.objects.exists()
    assert not Contact.objects.on_offer().exists()
    assert runs.freshness(Listed.PARTNERS).at is None
    answer(sandbox, "partners", {**sandbox.world.partners[LUMIERE], "company": "Real Lumière"})
    assert counts(sync(portal, Listed.PARTNERS)) == {"listed": 1, "added": 1}, "nobody is missed here"
    assert Partner.objects.get().company == "Real Lumière"
    assert Partner.everywhere.filter(remote_id=LUMIERE).count() == 2
    settings.YEASTAR_CLIENT_ID = sandbox_id
    assert (Partner.objects.count(), Partner.objects.filter(company="Real Lumière").count()) == (there, 0)


def test_what_differs_is_told_field_by_field_and_long_values_are_cut() -> None:
    before, after = {"a": 1, "b": "x", "gone": "y"}, {"a": 1, "b": "z" * 2000, "new": [1]}
    assert differences(before, after) == {"b": ["x", "z" * 500 + "…"], "new": [None, [1]], "gone": ["y", None]}


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Élodie", "elodie"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("Østgård", "ostgard"),
        ("Łódź", "lodz"),
        ("Nguyễn", "nguyen"),
        ("ﬁlm", "film"),
        ("", ""),
    ],
)
def test_text_is_searched_without_case_and_accents(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_what_no_database_stores_is_replaced_at_any_depth() -> None:
    assert storable({"a\x00": ["\ud800", ("x\x00", 1, None)]}) == {"a\ufffd": ["?", ["x\ufffd", 1, None]]}
