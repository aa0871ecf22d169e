"""Admins find accounts, see everything that is known of one, keep what they know, and decide on a list that waits."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from orders import auditing, tasks
from orders.accounts import finding, runs, writing
from orders.accounts.lists import LISTS
from orders.models import AccountChange, AccountRun, AuditEntry, Contact, HeldList, Listed, Order, Partner
from orders.text import fold
from tests.orders.accounts.kit import answer, sync
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("accounts")

LUMIERE = "3106913644890832897"
State = AccountRun.State


@pytest.fixture
def adams(adam: User, sign_in: Callable[[User], Client]) -> Client:
    """Adam's browser."""
    return sign_in(adam)


def lumiere() -> Partner:
    found = Partner.objects.get(remote_id=LUMIERE)
    assert isinstance(found, Partner)
    return found


def listed(client: Client, query: str = "", what: str = "partners") -> list[str]:
    """The ids that a page lists, in their order."""
    return re.findall(r'data-label="Id"><span class="id">([^<]*)<', client.get(f"/{what}/{query}").content.decode())


def test_any_part_of_company_name_mail_or_id_finds_and_accents_do_not_matter(adams: Client) -> None:
    row = lumiere()
    for words in (row.company[2:8], fold(row.company), row.company.upper(), row.email[3:], LUMIERE[4:12]):
        assert LUMIERE in listed(adams, f"?q={words}"), words
    assert listed(adams, "?q=nobody+is+called+so") == []


def test_filters_narrow_and_combine(adams: Client, adam: User) -> None:
    row = lumiere()
    Partner.objects.filter(pk=row.pk).update(hidden=True, tags=",vip,", owner=adam)
    gone = Partner.objects.exclude(pk=row.pk)[0]
    Partner.objects.filter(pk=gone.pk).update(gone_at=timezone.now())
    for query in ("?hidden=hidden", "?tag=VIP", f"?owner={adam.pk}", f"?tag=vip&country={row.country}&state=active"):
        assert listed(adams, query) == [LUMIERE], query
    assert listed(adams, "?state=gone") == [gone.remote_id]
    assert LUMIERE not in listed(adams, "?owner=-")
    assert set(listed(adams, f"?type={row.user_type}")) <= set(Partner.objects.values_list("remote_id", flat=True))
    assert len(listed(adams, "?state=nonsense&hidden=maybe&owner=x&after=99999999999999999999&sort=id;drop")) == 22


@pytest.mark.parametrize("sort", ["name", "-name", "email", "-country", "-changed"])
def test_pages_go_on_and_back_without_a_gap(sort: str, adams: Client) -> None:
    now = timezone.now()
    same = {"company": "Same", "search": "same", "mirrored_at": now, "country": "France"}
    Partner.objects.bulk_create(Partner(remote_id=f"9{number:03}", **same) for number in range(130))
    seen: list[str] = []
    url = f"/partners/?sort={sort}"
    pages = []
    while url:
        page = adams.get(url).content.decode()
        pages.append(re.findall(r'data-label="Id"><span class="id">([^<]*)<', page))
        seen += pages[-1]
        onwards = re.search(r'rel="next" href="([^"]*)"', page)
        url = onwards.group(1).replace("&amp;", "&") if onwards else ""
    assert (len(seen), len(set(seen))) == (152, 152)
    back = re.search(r'rel="prev" href="([^"]*)"', page)
    assert back is not None
    assert (
        re.findall(
            r'data-label="Id"><span class="id">([^<]*)<',
            adams.get(back.group(1).replace("&amp;", "&")).content.decode(),
        )
        == pages[-2]
    )


def test_what_there_is_to_choose_from_is_that_of_this_account_and_at_once(adam: User, alice: User) -> None:
    kind = LISTS[Listed.PARTNERS]
    Partner.everywhere.all().delete()
    told = [("France", "reseller", "", None), ("France", "", ",vip,west,", alice), ("", "", ",west,", None)]
    for number, (country, user_type, tags, owner) in enumerate([*told, ("Peru", "other", ",far,", adam)]):
        where = {} if number < len(told) else {"destination": "elsewhere.test"}
        columns = {"country": country, "user_type": user_type, "tags": tags, "owner": owner}
        Partner.everywhere.create(remote_id=str(number), mirrored_at=timezone.now(), **columns, **where)
    assert finding.choices(kind) == finding.Choices(
        ["France"], ["reseller"], ["vip", "west"], [finding.Owner(alice.pk, "alice")]
    )
    Partner.objects.filter(remote_id="0").update(country="Chile", tags=",new,", owner=adam)
    now = finding.choices(kind)
    assert (now.country, now.tag) == (["Chile", "France"], ["new", "vip", "west"])
    assert [each.username for each in now.owner] == ["adam", "alice"]
    assert finding.choices(LISTS[Listed.CONTACTS]).owner == []


def test_who_has_just_gone_has_just_changed(adams: Client, portal: PartnerPortal, sandbox: Sandbox) -> None:
    Partner.objects.update(mirrored_at="2026-01-01T00:00:00Z")
    gone = sandbox.world.partners.pop(LUMIERE)
    sync(portal, Listed.PARTNERS)
    assert listed(adams, "?sort=-changed")[0] == gone["partnerId"]
    row = lumiere()
    assert row.mirrored_at == row.gone_at


def test_what_was_read_before_is_brought_into_the_same_order() -> None:
    before, now = timezone.now() - timedelta(days=9), timezone.now()
    Partner.objects.filter(remote_id=LUMIERE).update(search="  elodie  france 1", gone_at=now, mirrored_at=before)
    others = list(Partner.objects.exclude(remote_id=LUMIERE).values())
    import_module("orders.migrations.0017_accounts_changed_and_searched").tidy(apps, None)
    assert (lumiere().search, lumiere().mirrored_at) == ("elodie france 1", now)
    assert list(Partner.objects.exclude(remote_id=LUMIERE).values()) == others


def test_who_has_no_company_is_sorted_by_name(portal: PartnerPortal, sandbox: Sandbox) -> None:
    first, *others = sandbox.world.partners.values()
    answer(sandbox, "partners", {**first, "company": " ", "firstName": "  Zoë ", "lastName": "", "email": ""}, *others)
    sync(portal, Listed.PARTNERS)
    row = Partner.objects.get(remote_id=first["partnerId"])
    assert row.search == f"zoe {fold(first['country'])} {row.remote_id}"


def test_names_and_notes_are_never_markup(adams: Client) -> None:
    hostile = "<script>alert(1)</script>"
    Partner.objects.filter(remote_id=LUMIERE).update(
        company=hostile, note=hostile, first_name=hostile, email=hostile, tags=f",{hostile},", raw={"remark": hostile}
    )
    for url in ("/partners/", f"/partners/{lumiere().pk}/", f"/partners/?q={hostile}"):
        assert hostile not in adams.get(url).content.decode()


def kept(row: Partner, client: Client, **changes: Any) -> Any:
    """Send the form of an account, as it is but for the changes."""
    page = client.get(f"/partners/{row.pk}/").content.decode()
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', page)
    assert seen is not None
    return client.post(f"/partners/{row.pk}/edit/", {"note": "", "tags": "", "seen": seen.group(1)} | changes)


def test_adam_keeps_a_note_tags_an_owner_and_a_preferred_contact(adams: Client, adam: User, alice: User) -> None:
    contact = Contact.objects.on_offer()[3]
    ours = {"note": "Pays late\r\nbut pays", "tags": "West, VIP , vip", "owner": alice.pk, "hidden": "on"}
    answered = kept(lumiere(), adams, preferred_contact=contact.remote_id, **ours)
    assert answered.status_code == 302
    row = lumiere()
    assert (row.note, row.tag_list, row.owner, row.hidden) == ("Pays late\nbut pays", ["vip", "west"], alice, True)
    assert row.preferred_contact == contact
    change = AccountChange.objects.get(kind="kept")
    assert (change.who, change.remote_id) == (adam, LUMIERE)
    assert change.fields["Owner"] == ["", "alice"]
    entry = AuditEntry.objects.filter(action="account.hidden").get()
    assert (entry.actor, entry.target_id) == (adam, str(row.pk))
    page = adams.get(answered.url).content.decode()
    assert "Pays late" in page
    assert "Edited here" in page


def test_what_somebody_else_changed_meanwhile_is_not_written_over(adams: Client) -> None:
    row = lumiere()
    page = adams.get(f"/partners/{row.pk}/").content.decode()
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', page).group(1)  # type: ignore[union-attr]
    Partner.objects.filter(pk=row.pk).update(note="Mine")
    answered = adams.post(f"/partners/{row.pk}/edit/", {"note": "Yours", "tags": "x", "seen": seen})
    assert answered.status_code == 422
    shown = answered.content.decode()
    assert "Somebody has changed this account meanwhile" in shown
    assert ">Yours</textarea>" in shown.replace("\n", ""), "what was typed is still there"
    assert lumiere().note == "Mine"


@pytest.mark.parametrize(
    "wrong",
    [
        {"tags": ",".join(f"t{number}" for number in range(21))},
        {"tags": "x" * 41},
        {"note": "x" * 4001},
        {"owner": "999999"},
        {"owner": "'; DROP TABLE"},
        {"preferred_contact": "123"},
        {"preferred_contact": "x" * 41},
    ],
    ids=str,
)
def test_what_cannot_be_kept_is_said_and_changes_nothing(wrong: dict[str, str], adams: Client) -> None:
    before = list(Partner.objects.order_by("pk").values())
    answered = kept(lumiere(), adams, **({"note": "New"} | wrong))
    assert answered.status_code == 422
    assert "Please look at this again" in answered.content.decode()
    assert list(Partner.objects.order_by("pk").values()) == before


def test_what_is_the_vendors_cannot_be_written_by_a_form(adams: Client) -> None:
    before = lumiere()
    forged = {"company": "Forged", "remote_id": "1", "gone_at": "2020-01-01", "raw": "{}", "destination": "x"}
    assert kept(before, adams, note="New", **forged).status_code == 302
    row = lumiere()
    assert (row.company, row.raw, row.gone_at, row.note) == (before.company, before.raw, None, "New")


def test_several_are_hidden_at_once_and_shown_again(adams: Client) -> None:
    keys = [row.pk for row in Partner.objects.all()[:3]]
    answered = adams.post("/partners/hide/", {"pk": [*keys, "x", "999999"], "do": "hide", "query": "country=France"})
    assert answered.url == "/partners/?country=France"
    assert {row.pk for row in Partner.objects.filter(hidden=True)} == set(keys)
    assert AccountChange.objects.filter(kind="kept").count() == 3
    assert AuditEntry.objects.filter(action="account.hidden").count() == 3
    adams.post("/partners/hide/", {"pk": keys, "do": "show"})
    assert not Partner.objects.filter(hidden=True).exists()
    assert adams.post("/partners/hide/", {"do": "hide", "query": "next=//evil.example"}).url == "/partners/?"


def test_the_wizard_offers_the_contact_that_the_customer_prefers_first_and_nobody_who_is_hidden(
    draft: Callable[[str], Order], alices: Client
) -> None:
    order = draft("software-edition-license")
    Order.objects.filter(pk=order.pk).update(choices={**order.choices, "partner_id": LUMIERE})
    preferred, hidden = Contact.objects.order_by("-search")[:2]
    Partner.objects.filter(remote_id=LUMIERE).update(preferred_contact=preferred)
    Contact.objects.filter(pk=hidden.pk).update(hidden=True)
    page = alices.get(f"/orders/{order.pk}/billing/").content.decode()
    offered = re.findall(r'<option value="(\d+)"[^>]*>([^<]*)', page)
    assert offered[0][0] == preferred.remote_id
    assert offered[0][1].startswith("Preferred by this customer: ")
    assert hidden.remote_id not in dict(offered)
    Contact.objects.filter(pk=preferred.pk).update(hidden=True)
    page = alices.get(f"/orders/{order.pk}/billing/").content.decode()
    assert "Preferred by this customer" not in page


def test_the_page_of_an_account_says_what_depends_on_it(
    draft: Callable[[str], Order], queued: Callable[..., Order], adams: Client
) -> None:
    waiting, open_draft = queued("turnkey-capacity"), draft("turnkey-capacity")
    contact = Contact.objects.get(remote_id=open_draft.picked.billing_contact_id)
    page = adams.get(f"/contacts/{contact.pk}/").content.decode()
    assert "Yeastar may refuse it" in page
    assert "cannot be placed until another one is chosen" in page
    assert f"/orders/{waiting.pk}/" in page
    assert f"/orders/{open_draft.pk}/" not in page, "a draft is its owner's"
    other = Contact.objects.exclude(pk=contact.pk)[0]
    assert "no draft and no order on its way" in adams.get(f"/contacts/{other.pk}/").content.decode()


def test_a_run_is_started_by_hand_shown_while_it_runs_and_read_field_by_field(
    adams: Client, adam: User, portal: PartnerPortal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []
    monkeypatch.setattr(tasks.mirror_by_hand, "delay", rung.append)
    assert adams.post("/partners/sync/now/").url == "/partners/sync/"
    [pk] = rung
    page = adams.get("/partners/sync/").content.decode()
    assert 'hx-trigger="every 1s"' in page
    assert '<meta http-equiv="refresh"' in page
    adams.post("/partners/sync/now/")
    assert rung == [pk], "one at a time"
    first, *others = sandbox.world.partners.values()
    answer(sandbox, "partners", {**first, "company": "Renamed <b>"}, *others)
    tasks.mirror_by_hand(pk)
    page = adams.get("/partners/sync/").content.decode()
    assert "every 1s" not in page, "nothing is asked again when nothing runs"
    assert "1 changed" in page
    page = adams.get(f"/partners/sync/{pk}/").content.decode()
    assert re.search(rf"before: </span>{re.escape(first['company'])}.*after: </span>Renamed &lt;b&gt;", page, re.DOTALL)
    assert AuditEntry.objects.get(action="accounts.synced").actor == adam


def test_without_a_queue_it_is_said_and_nothing_stays_open(adams: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(_: int) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(tasks.mirror_by_hand, "delay", down)
    assert "Nothing was read" in adams.post("/partners/sync/now/", follow=True).content.decode()
    assert runs.freshness(Listed.PARTNERS).running is None


def test_adam_decides_with_the_list_in_view(adams: Client, portal: PartnerPortal, sandbox: Sandbox, adam: User) -> None:
    told = list(sandbox.world.partners.values())
    answer(sandbox, "partners", *told[:3])
    run = sync(portal, Listed.PARTNERS)
    assert "Look at it, and decide" in adams.get("/partners/").content.decode()
    page = adams.get(f"/partners/sync/{run.pk}/").content.decode()
    assert all(each["partnerId"] in page for each in told[3:])
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', page).group(1)  # type: ignore[union-attr]
    url = f"/partners/sync/{run.pk}/decide/"
    assert adams.post(url, {"do": "confirm", "seen": seen}).status_code == 422, "nobody has said that they looked"
    assert adams.post(url, {"do": "confirm", "seen": "forged", "sure": "1"}).status_code == 422
    assert Partner.objects.on_offer().count() == len(told)
    assert adams.post(url, {"do": "confirm", "seen": seen, "sure": "1"}).status_code == 302
    assert Partner.objects.on_offer().count() == 3
    assert AuditEntry.objects.get(action="accounts.confirmed").actor == adam
    assert adams.post(url, {"do": "refuse"}).status_code == 422, "it was decided already"


def test_what_adam_has_decided_is_in_the_audit_log_although_it_broke_off(
    adams: Client, portal: PartnerPortal, sandbox: Sandbox, adam: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = list(sandbox.world.partners.values())
    answer(sandbox, "partners", *told[:3])
    run = sync(portal, Listed.PARTNERS)
    page = adams.get(f"/partners/sync/{run.pk}/").content.decode()
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', page).group(1)  # type: ignore[union-attr]
    real, batches = writing._bury, itertools.count()

    def breaks(*given: Any) -> None:
        if next(batches):
            raise OSError("No space left on device")
        real(*given)

    monkeypatch.setattr(writing, "BATCH", 5)
    monkeypatch.setattr(writing, "_bury", breaks)
    adams.raise_request_exception = False
    answered = adams.post(f"/partners/sync/{run.pk}/decide/", {"do": "confirm", "seen": seen, "sure": "1"})
    assert answered.status_code == 500
    assert Partner.objects.filter(gone_at=None).count() == len(told) - 5
    entry = AuditEntry.objects.get(action="accounts.confirmed")
    assert (entry.actor, entry.words) == (adam, f"Took the list: {len(told) - 3} of {len(told)} customers go")
    run.refresh_from_db()
    assert (run.state, run.decided_by, run.gone) == (AccountRun.State.FAILED, adam, 5)
    assert not HeldList.objects.exists(), "it waits no longer"


def test_nothing_is_refused_without_an_entry_of_it(
    adams: Client, portal: PartnerPortal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("No space left on device")

    answer(sandbox, "partners", *list(sandbox.world.partners.values())[:3])
    run = sync(portal, Listed.PARTNERS)
    monkeypatch.setattr(auditing, "note", broken)
    adams.raise_request_exception = False
    assert adams.post(f"/partners/sync/{run.pk}/decide/", {"do": "refuse"}).status_code == 500
    run.refresh_from_db()
    assert run.state == AccountRun.State.HELD
    assert HeldList.objects.filter(run=run).exists()


def test_a_list_that_adam_refuses_leaves_all_as_it_was(adams: Client, portal: PartnerPortal, sandbox: Sandbox) -> None:
    answer(sandbox, "contacts", *list(sandbox.world.contacts.values())[:3])
    run = sync(portal, Listed.CONTACTS)
    before = Contact.objects.on_offer().count()
    assert adams.post(f"/contacts/sync/{run.pk}/decide/", {"do": "refuse"}).status_code == 302
    assert Contact.objects.on_offer().count() == before
    assert AuditEntry.objects.filter(action="accounts.refused").exists()
    assert adams.get(f"/partners/sync/{run.pk}/").status_code == 404, "a run of the other list"


def test_everything_that_was_told_stands_on_the_page_unknown_fields_too(
    adams: Client, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    first, *others = sandbox.world.partners.values()
    answer(sandbox, "partners", {**first, "loyaltyClass": "platinum", "nested": {"a": [1, 2]}}, *others)
    sync(portal, Listed.PARTNERS)
    row = Partner.objects.get(remote_id=first["partnerId"])
    page = adams.get(f"/partners/{row.pk}/").content.decode()
    assert "Loyalty class" in page
    assert "platinum" in page
    answer(sandbox, "partners", {**first, "loyaltyClass": "gold", "zipCode": "4000"}, *others)
    sync(portal, Listed.PARTNERS)
    page = adams.get(f"/partners/{row.pk}/").content.decode()
    changed = page.partition('class="diff"')[2].partition("</dl>")[0]
    assert set(re.findall(r"<dt>([^<]*)</dt>", changed)) == {"Postcode", "Loyalty class", "Nested"}
    assert json.dumps(first["phoneNumber"]) in page.replace("&quot;", '"') or first["phoneNumber"] in page
