"""Partners and billing contacts as the vendor lists them: one writer, nothing deleted, nothing lost to a bad day."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from orders import mirror
from orders.mirror import MirrorResult
from orders.models import Contact, Mirrored, Partner
from orders.text import fold, storable
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError
from yeastar_api.sandbox import Sandbox

LUMIERE = "3106913644890832897"

Run = Callable[[PartnerPortal], MirrorResult]

# model, the run, the sandbox's name for the list, its id and its address of mail
LISTS: list[tuple[type[Mirrored], Run, str, str, str]] = [
    (Partner, mirror.mirror_partners, "partners", "partnerId", "email"),
    (Contact, mirror.mirror_contacts, "contacts", "billingContactId", "emailAddress"),
]

each_list = pytest.mark.parametrize(("model", "run", "what", "id_name", "mail"), LISTS, ids=["partners", "contacts"])


def answer(sandbox: Sandbox, what: str, *records: dict[str, Any]) -> None:
    """From now on the vendor lists these."""
    sandbox.world.happen({"event": what, "records": list(records)})


@each_list
def test_everybody_is_listed_with_name_mail_and_the_whole_payload(
    model: Any, run: Run, what: str, id_name: str, mail: str, portal: PartnerPortal, sandbox: Sandbox, db: None
) -> None:
    told = getattr(sandbox.world, what)
    assert run(portal) == MirrorResult(listed=len(told), changed=len(told), gone=0)
    for row in model.objects.all():
        remote = told[row.remote_id]
        assert (row.company, row.email) == (remote["company"], remote[mail])
        assert row.person == f"{remote['firstName']} {remote['lastName']}".strip()
        assert row.raw.items() >= remote.items()


@each_list
def test_a_second_run_changes_nothing_but_the_age(
    model: Any, run: Run, what: str, id_name: str, mail: str, portal: PartnerPortal, accounts: None
) -> None:
    before = model.objects.order_by("pk").first()
    result = run(portal)
    assert (result.changed, result.gone) == (0, 0)
    after = model.objects.order_by("pk").first()
    assert after.mirrored_at > before.mirrored_at


@each_list
def test_who_changes_vanishes_and_comes_back_is_followed(
    model: Any,
    run: Run,
    what: str,
    id_name: str,
    mail: str,
    portal: PartnerPortal,
    sandbox: Sandbox,
    accounts: None,
) -> None:
    first, second, *_ = getattr(sandbox.world, what).values()
    total = model.objects.count()
    renamed = {**first, "company": "Renamed & Söhne"}
    answer(sandbox, what, renamed)
    run(portal)
    assert run(portal) == MirrorResult(listed=1, changed=0, gone=total - 1), "so many only when told twice"
    row = model.objects.get(remote_id=first[id_name])
    assert (row.company, row.gone_at) == ("Renamed & Söhne", None)
    assert model.objects.matching("sohne").get() == row
    gone = model.objects.get(remote_id=second[id_name])
    assert gone.gone_at is not None
    assert gone.company == second["company"], "what was known of them is kept"
    assert model.objects.count() == total, "nobody is deleted"
    assert list(model.objects.on_offer()) == [row]
    answer(sandbox, what, renamed, second)
    assert run(portal).changed == 1
    gone.refresh_from_db()
    assert gone.gone_at is None
    assert model.objects.on_offer().count() == 2


@each_list
def test_an_empty_answer_changes_nothing(
    model: Any,
    run: Run,
    what: str,
    id_name: str,
    mail: str,
    portal: PartnerPortal,
    sandbox: Sandbox,
    accounts: None,
) -> None:
    before = list(model.objects.order_by("pk").values())
    answer(sandbox, what)
    assert run(portal) == MirrorResult(listed=0, changed=0, gone=0)
    assert list(model.objects.order_by("pk").values()) == before


@each_list
@pytest.mark.parametrize("kind", ["refuse", "garbage", "status"])
def test_a_failing_answer_changes_nothing(
    kind: str,
    model: Any,
    run: Run,
    what: str,
    id_name: str,
    mail: str,
    portal: PartnerPortal,
    sandbox: Sandbox,
    accounts: None,
) -> None:
    before = list(model.objects.order_by("pk").values())
    sandbox.fault("*", kind, times=None)
    portal._sleep = lambda _: None
    with pytest.raises(ApiError):
        run(portal)
    assert list(model.objects.order_by("pk").values()) == before


@each_list
def test_hidden_stays_hidden_whatever_the_vendor_says(
    model: Any,
    run: Run,
    what: str,
    id_name: str,
    mail: str,
    portal: PartnerPortal,
    sandbox: Sandbox,
    accounts: None,
) -> None:
    first, second, *_ = getattr(sandbox.world, what).values()
    model.objects.filter(remote_id=first[id_name]).update(hidden=True)
    for listed in ([second], [first, second], [{**first, "company": "Other"}, second]):
        answer(sandbox, what, *listed)
        run(portal)
        run(portal)
        assert model.objects.get(remote_id=first[id_name]).hidden
    assert [row.remote_id for row in model.objects.on_offer()] == [second[id_name]]


def test_texts_that_are_too_long_or_not_storable_are_cut_and_cleaned(
    portal: PartnerPortal, sandbox: Sandbox, accounts: None
) -> None:
    told = sandbox.world.partners[LUMIERE]
    strange = {"company": "C" * 400, "email": f"{'m' * 300}@x.example", "country": "L" * 200, "remark": "a\x00b"}
    answer(sandbox, "partners", {**told, **strange})
    mirror.mirror_partners(portal)
    row = Partner.objects.get(remote_id=LUMIERE)
    assert (len(row.company), len(row.email), len(row.country)) == (255, 254, 100)
    assert "\x00" not in str(row.raw)


def test_nul_in_a_name_never_reaches_a_column(portal: PartnerPortal, sandbox: Sandbox, accounts: None) -> None:
    """SQLite would take it; PostgreSQL would refuse the whole batch, and nobody would be mirrored any more."""
    told = sandbox.world.partners[LUMIERE]
    answer(sandbox, "partners", {**told, "company": "A\x00telier", "firstName": "E\x00", "email": "a\x00@x.example"})
    mirror.mirror_partners(portal)
    row = Partner.objects.get(remote_id=LUMIERE)
    for column in ("company", "first_name", "email", "search"):
        assert "\x00" not in getattr(row, column), column


UNUSABLE = ["1" * 41, "1" * 5000, "12\x0034", "12\n34", "\ud800", "12\u200b34", "\ufffd"]


@pytest.mark.parametrize("bad", UNUSABLE, ids=ascii)
@each_list
def test_an_id_that_no_database_takes_is_left_out_and_counted(
    bad: str,
    model: Any,
    run: Run,
    what: str,
    id_name: str,
    mail: str,
    portal: PartnerPortal,
    sandbox: Sandbox,
    db: None,
) -> None:
    good = {id_name: "2" * 40, "company": "Good"}
    body = {"code": "success", "detailMessage": "", "requestId": "x", "status": 200}
    told = json.dumps({**body, "result": [{id_name: bad, "company": "Bad"}, good]})
    call = "partner_list" if what == "partners" else "billing_contact_list"
    sandbox.fault(call, "garbage", processed=False, body=told, times=None)
    with capture_logs() as logs:
        result = run(portal)
    assert (result.listed, result.changed) == (1, 1)
    assert [row.company for row in model.objects.all()] == ["Good"]
    assert result.unusable == 1
    assert "1 without a usable id left out" in result.words
    assert [entry["event"] for entry in logs] == ["mirror.unusable_ids_left_out"]


def test_the_longest_usable_id_is_as_long_as_its_column() -> None:
    for model in (Partner, Contact):
        assert model._meta.get_field("remote_id").max_length == mirror.ID_LENGTH


def test_a_thousand_are_mirrored_in_batches(portal: PartnerPortal, sandbox: Sandbox, db: None) -> None:
    sandbox.world.generate("partners", 1200)
    assert mirror.mirror_partners(portal).changed == 1222
    answer(sandbox, "partners", sandbox.world.partners[LUMIERE])
    assert mirror.mirror_partners(portal).doubted == 1221
    assert mirror.mirror_partners(portal).gone == 1221


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
