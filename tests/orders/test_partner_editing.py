"""Customers created and changed at the vendor's: asked once, refusals at their fields, lost answers looked up."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.test import Client

from orders import gateway
from orders.accounts import syncing
from orders.destination import current_destination
from orders.models import AccountChange, AuditEntry, Listed, Partner, PartnerChange
from tests.conftest import portal_for
from tests.orders.test_bad_input import Fields
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import Unanswered
from yeastar_api.messages import UserRequest
from yeastar_api.sandbox import Sandbox
from yeastar_api.sandbox.answers import ConnectionCut

NEW = "/partners/new/"
EVA = {"email": "eva@bakery.example", "company": "Eva's Bakery", "first_name": "Eva", "country": "Portugal"}


class Cutting(httpx.WSGITransport):
    """Connections that the sandbox cuts, as httpx tells them."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = super().handle_request(request)
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.read())
        except ConnectionCut as cut:
            raise httpx.ReadError(str(cut), request=request) from cut


@pytest.fixture
def portal(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[PartnerPortal]:
    """The pages' client, whose connection may be cut."""
    with portal_for(Cutting(app=sandbox), get_budget_seconds=0.5) as client:
        monkeypatch.setattr(gateway, "portal", lambda: client)
        yield client
        gateway.lookups.clear()


@pytest.fixture
def adams(adam: User, accounts: None, sign_in: Callable[[User], Client]) -> Client:
    """The admin's browser."""
    return sign_in(adam)


def create(browser: Client, **more: str) -> Any:
    return browser.post(NEW, {"change": str(uuid.uuid4()), "meant_for": current_destination(), **EVA, **more})


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def emails(sandbox: Sandbox) -> list[str]:
    return [row["email"] for row in sandbox.world.partners.values()]


def test_a_customer_is_created_and_shown_as_the_vendor_has_it(adams: Client, sandbox: Sandbox) -> None:
    answer = create(adams)
    eva = Partner.objects.get(email=EVA["email"])
    assert answer.url == f"/partners/{eva.pk}/"
    assert (eva.company, eva.country, eva.user_type) == ("Eva's Bakery", "Portugal", "Enduser")
    assert "Yeastar has created eva@bakery.example." in text(adams.get(answer.url))
    assert sandbox.calls["save_user"] == 1
    change = PartnerChange.objects.get()
    assert (change.state, change.partner) == (PartnerChange.State.DONE, eva)
    assert change.asked["activation"] is False, "the vendor writes to nobody unless told to"
    assert AuditEntry.objects.filter(action="partner.created").count() == 1


def test_a_second_click_asks_nobody_and_shows_what_became_of_the_first(adams: Client, sandbox: Sandbox) -> None:
    twice = str(uuid.uuid4())
    create(adams, change=twice)
    answer = create(adams, change=twice)
    assert answer.url == f"/partners/changes/{twice}/"
    assert sandbox.calls["save_user"] == 1
    assert "sent already" in text(adams.get(answer.url))


def test_the_id_of_somebody_elses_form_shows_nothing(adams: Client, bob: User, sandbox: Sandbox) -> None:
    theirs = PartnerChange.objects.create(who=bob, email="x@example.com", at="2026-01-01T00:00:00Z")
    assert create(adams, change=str(theirs.pk)).status_code == 404
    assert "save_user" not in sandbox.calls


@pytest.mark.parametrize(
    ("refusal", "field", "words"),
    [
        ({"code": "user_already_exists", "detailMessage": "x"}, "email", "knows somebody with this address already"),
        ({"code": "no_permission", "detailMessage": "Not you"}, None, "Yeastar refuses it: Not you"),
    ],
)
def test_a_refusal_stands_where_it_belongs(
    refusal: dict[str, str], field: str | None, words: str, adams: Client, sandbox: Sandbox
) -> None:
    sandbox.fault("save_user", "refuse", **refusal)
    answer = create(adams)
    assert answer.status_code == 422
    errors = answer.context["form"].errors
    assert list(errors) == [field or "__all__"]
    assert words in str(errors)
    assert 'value="Eva&#x27;s Bakery"' in answer.content.decode(), "what was typed is still there"
    again = answer.context["form"]["change"].value()
    assert create(adams, change=again).status_code == 302, "the form that is shown again can be sent"


def test_the_vendors_own_rules_are_mapped_to_fields(adams: Client, sandbox: Sandbox) -> None:
    gateway.lookups.clear()
    sandbox.fault("area_page", "status", status=503, times=None)
    answer = create(adams, country="Narnia")
    assert "Yeastar does not know this. Choose another one." in str(answer.context["form"].errors["country"])
    taken = next(iter(sandbox.world.partners.values()))["email"]
    sandbox.faults.clear()
    answer = create(adams, email=taken)
    assert "already" in str(answer.context["form"].errors["email"])


@pytest.mark.parametrize("kind", [{"kind": "reset"}, {"kind": "status", "status": 502}, {"kind": "garbage"}])
def test_a_lost_answer_after_it_was_created_is_found_by_email(
    kind: dict[str, Any], adams: Client, sandbox: Sandbox
) -> None:
    sandbox.fault("save_user", processed=True, **kind)
    answer = create(adams)
    change = PartnerChange.objects.get()
    assert change.state == PartnerChange.State.FOUND, change.words
    assert "it was created" in change.words
    assert answer.url == f"/partners/{Partner.objects.get(email=EVA['email']).pk}/"
    assert sandbox.calls["save_user"] == 1


def test_a_lost_answer_before_it_was_created_says_so_and_is_not_sent_again(adams: Client, sandbox: Sandbox) -> None:
    sandbox.fault("save_user", "reset", processed=False)
    answer = create(adams)
    page = text(adams.get(answer.url))
    assert "As far as can be seen it was not created: Yeastar knows nobody with this address." in page
    assert "Look again in a minute" in page
    assert sandbox.calls["save_user"] == 1
    assert EVA["email"] not in emails(sandbox)


def test_it_was_still_on_its_way_and_looking_again_finds_it(
    adams: Client, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    sandbox.fault("save_user", "reset", processed=False)
    change = PartnerChange.objects.get(pk=create(adams).url.split("/")[-2])
    portal.save_user(UserRequest(EVA["email"], {name: EVA[name] for name in EVA if name != "email"}))  # it arrives late
    adams.post(f"/partners/changes/{change.pk}/look/")
    change.refresh_from_db()
    assert change.state == PartnerChange.State.FOUND
    assert change.partner
    assert change.partner.email == EVA["email"]


def test_a_lost_answer_that_cannot_be_looked_up_is_not_known(adams: Client, sandbox: Sandbox) -> None:
    sandbox.fault("save_user", "reset", processed=True)
    sandbox.fault("subordinate_user", "status", status=503, times=None)
    page = text(adams.get(create(adams).url))
    assert "could not be looked up either" in page
    assert "Look again" in page
    sandbox.faults.clear()
    adams.post(f"/partners/changes/{PartnerChange.objects.get().pk}/look/")
    assert PartnerChange.objects.get().state == PartnerChange.State.FOUND


def test_somebody_who_was_there_before_is_not_taken_for_what_was_created(
    adams: Client, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    known = next(iter(sandbox.world.partners.values()))
    sandbox.fault("save_user", "reset", processed=False)
    page = text(adams.get(create(adams, email=known["email"]).url))
    assert "Yeastar knows somebody else with this address" in page


def test_what_was_not_delivered_created_nobody_and_can_be_sent_again(adams: Client, sandbox: Sandbox) -> None:
    sandbox.fault("save_user", "status", status=429)
    answer = create(adams)
    assert answer.status_code == 422
    assert "Nothing reached Yeastar, so nothing was created." in text(answer)
    assert create(adams, change=answer.context["form"]["change"].value()).status_code == 302
    assert emails(sandbox).count(EVA["email"]) == 1


def test_whose_process_died_can_be_looked_up(adams: Client, adam: User, sandbox: Sandbox) -> None:
    change = PartnerChange.objects.create(
        who=adam, email="gone@example.com", at="2026-01-01T00:00:00Z", destination=current_destination()
    )
    assert "has not come back with an answer" in text(adams.get(f"/partners/changes/{change.pk}/"))
    adams.post(f"/partners/changes/{change.pk}/look/")
    change.refresh_from_db()
    assert change.state == PartnerChange.State.NOT_FOUND


def opened(browser: Client, partner: Partner) -> dict[str, str]:
    """All that the form of a customer would send if nothing was changed."""
    return sent(browser.get(f"/partners/{partner.pk}/at-yeastar/"))


def sent(answer: Any) -> dict[str, str]:
    form = answer.content.decode().partition('class="partner-form"')[2].partition("</form>")[0]
    return {name: values[0] for name, values in Fields(form).held.items()}


def edit(browser: Client, partner: Partner, **changed: str) -> Any:
    return browser.post(f"/partners/{partner.pk}/at-yeastar/", {**opened(browser, partner), **changed})


def somebody(remote_id: str = "") -> Partner:
    found = Partner.objects.exclude(first_name="").exclude(raw__city="").filter(remote_id__contains=remote_id).first()
    assert isinstance(found, Partner)
    return found


def test_only_what_is_different_is_sent_and_the_change_stands_in_the_history(adams: Client, sandbox: Sandbox) -> None:
    partner = somebody()
    assert edit(adams, partner, city="Porto", remark="Moved").status_code == 302
    change = PartnerChange.objects.get()
    assert {name for name in change.asked if name not in ("email", "activation")} == {"city", "remark"}
    partner.refresh_from_db()
    assert partner.raw["city"] == "Porto"
    told = AccountChange.objects.get(remote_id=partner.remote_id, kind="changed")
    assert told.fields["city"][1] == "Porto"
    assert AuditEntry.objects.filter(action="partner.edited").count() == 1
    assert edit(adams, partner).status_code == 302
    assert sandbox.calls["edit_user"] == 1, "nothing was different"


def test_country_and_address_cannot_be_smuggled_in(adams: Client, sandbox: Sandbox) -> None:
    partner = somebody()
    before = (partner.email, partner.raw["country"])
    edit(adams, partner, city="Porto", country="Narnia", email="evil@example.com", partnerId="1", activation="on")
    partner.refresh_from_db()
    assert (partner.email, partner.raw["country"]) == before
    assert not set(PartnerChange.objects.get().asked) & {"country", "partnerId"}


@pytest.mark.parametrize(("processed", "state"), [(True, "found"), (False, "not_found")])
def test_a_lost_answer_to_a_change_is_looked_up(processed: bool, state: str, adams: Client, sandbox: Sandbox) -> None:
    partner = somebody()
    sandbox.fault("edit_user", "reset", processed=processed)
    edit(adams, partner, city="Porto")
    change = PartnerChange.objects.get()
    assert change.state == state, change.words
    partner.refresh_from_db()
    assert (partner.raw["city"] == "Porto") == processed
    assert sandbox.calls["edit_user"] == 1


def test_what_the_vendor_does_not_tell_is_not_told_as_done(adams: Client, adam: User, sandbox: Sandbox) -> None:
    partner = somebody()
    del sandbox.world.partners[partner.remote_id]["remark"]
    asked = {"city": partner.raw["city"], "remark": "Moved"}
    whose = {"who": adam, "partner": partner, "email": partner.email, "destination": partner.destination}
    change = PartnerChange.objects.create(**whose, asked=asked, at="2026-01-01T00:00:00Z")
    adams.post(f"/partners/changes/{change.pk}/look/")
    change.refresh_from_db()
    assert change.state == PartnerChange.State.UNKNOWN
    assert "Yeastar does not tell what it has as Remark" in change.words


def test_what_differs_in_its_letters_only_is_not_as_it_was_wanted(adams: Client, sandbox: Sandbox) -> None:
    partner = somebody()
    sandbox.fault("edit_user", "reset", processed=False)
    edit(adams, partner, city=partner.raw["city"].upper())
    change = PartnerChange.objects.get()
    assert change.state == PartnerChange.State.NOT_FOUND
    assert f"was not changed: Yeastar has City “{partner.raw['city']}”" in change.words


def test_somebody_elses_customer_is_not_told_as_created_here(
    adams: Client, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    portal.save_user(UserRequest(EVA["email"], {"company": "Another Ltd", "first_name": "Karl", "country": "Germany"}))
    sandbox.fault("save_user", "reset", processed=False)
    create(adams)
    change = PartnerChange.objects.get()
    assert change.state == PartnerChange.State.NOT_FOUND
    assert "Yeastar has Company “Another Ltd”, First name “Karl”" in change.words


def test_nobody_is_changed_who_has_the_address_of_somebody_else(adams: Client, sandbox: Sandbox) -> None:
    partner = somebody()
    row = sandbox.world.partners.pop(partner.remote_id)
    sandbox.world.partners["777000777"] = {**row, "partnerId": "777000777"}
    answer = edit(adams, partner, city="Porto")
    assert answer.status_code == 422
    assert f"at Yeastar {partner.email} is the address of the customer with the id 777000777" in text(answer)
    del sandbox.world.partners["777000777"]
    assert "is the address of nobody" in text(edit(adams, partner, city="Porto"))
    assert "edit_user" not in sandbox.calls
    assert {change.state for change in PartnerChange.objects.all()} == {"not_delivered"}


def test_nobody_is_changed_while_it_cannot_be_seen_who_it_is(adams: Client, sandbox: Sandbox) -> None:
    sandbox.fault("subordinate_user", "status", status=503, times=None)
    answer = edit(adams, somebody(), city="Porto")
    assert answer.status_code == 422
    assert "Nothing was changed: first Yeastar is asked whose this address is, and that failed." in text(answer)
    assert 'value="Porto"' in answer.content.decode()
    assert "edit_user" not in sandbox.calls


def test_an_old_form_undoes_nothing_that_somebody_else_has_changed(
    adams: Client, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    partner = somebody()
    url = f"/partners/{partner.pk}/at-yeastar/"
    old = opened(adams, partner)
    portal.edit_user(UserRequest(partner.email, {"city": "Braga", "remark": "By Bob"}))
    syncing.sync(portal, Listed.PARTNERS)
    assert adams.post(url, {**old, "phone_number": "+351 1"}).status_code == 302
    row = sandbox.world.partners[partner.remote_id]
    assert (row["city"], row["remark"], row["phoneNumber"]) == ("Braga", "By Bob", "+351 1")
    old["change"] = str(uuid.uuid4())
    answer = adams.post(url, {**old, "city": "Porto", "street": "Rua Nova 1"})
    assert answer.status_code == 422
    assert "Nothing was changed: meanwhile Yeastar has “Braga” here." in text(answer)
    again = sent(answer)
    assert (again["city"], again["street"], row["city"]) == ("Porto", "Rua Nova 1", "Braga"), "nothing is lost"
    assert adams.post(url, again).status_code == 302
    row = sandbox.world.partners[partner.remote_id]
    assert (row["city"], row["street"], row["remark"]) == ("Porto", "Rua Nova 1", "By Bob")


def test_who_has_no_address_is_not_changed_from_here(adams: Client, sandbox: Sandbox) -> None:
    partner = somebody()
    before = opened(adams, partner)
    Partner.objects.filter(pk=partner.pk).update(email="")
    page = text(adams.get(f"/partners/{partner.pk}/"))
    assert "It has no email address, by which Yeastar finds whom to change" in page
    assert "/at-yeastar/" not in page
    assert adams.post(f"/partners/{partner.pk}/at-yeastar/", {**before, "city": "Porto"}).status_code == 404
    assert "edit_user" not in sandbox.calls


def test_what_the_vendor_has_may_break_our_rules_as_long_as_nobody_touches_it(
    adams: Client, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    row = next(row for row in sandbox.world.partners.values() if row["firstName"])
    theirs = {"taxType": "Steuernummer", "street": "Hinterhaus\nWeg 3", "remark": "x" * 400, "zipCode": "1\u20282"}
    row |= theirs | {"firstName": "", "lastName": ""}
    syncing.sync(portal, Listed.PARTNERS)
    partner = Partner.objects.get(remote_id=row["partnerId"])
    assert isinstance(partner, Partner)
    assert edit(adams, partner, city="Porto").status_code == 302
    row = sandbox.world.partners[partner.remote_id]
    assert row["city"] == "Porto"
    assert {name: row[name] for name in theirs} == theirs
    assert edit(adams, partner, street="One\u2028two").status_code == 422


@pytest.mark.parametrize("bad", ["a\nb@example.com", "no address", "x" * 300 + "@example.com", "a\x00@example.com"])
def test_what_is_no_address_asks_nobody(bad: str, adams: Client, sandbox: Sandbox) -> None:
    assert create(adams, email=bad).status_code == 422
    assert create(adams, first_name="", last_name="").status_code == 422
    assert create(adams, company="line\u2028break").status_code == 422
    assert create(adams, change="no-uuid").status_code == 422
    assert "save_user" not in sandbox.calls


def test_a_gone_customer_is_not_changed(adams: Client, portal: PartnerPortal, sandbox: Sandbox) -> None:
    gone = next(iter(sandbox.world.partners))
    del sandbox.world.partners[gone]
    syncing.sync(portal, Listed.PARTNERS)
    partner = Partner.objects.get(remote_id=str(gone))
    assert adams.get(f"/partners/{partner.pk}/at-yeastar/").status_code == 404


def test_all_countries_are_read_over_pages_or_none(portal: PartnerPortal, sandbox: Sandbox) -> None:
    sandbox.configure(page_size_max=7)
    names = [country.name for country in portal.countries()]
    assert len(names) == len(set(names)) > 90
    assert names == sorted(names)
    sandbox.fault("area_page", "garbage", body='{"code":"success","result":{"results":[],"total":5}}', times=None)
    with pytest.raises(Unanswered):
        portal.countries()


@pytest.mark.parametrize("values", [{"partnerId": "1"}, {"city": "a\nb"}, {"city": 7}])
def test_a_request_is_strict(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is no field of a user|holds what is no text"):
        UserRequest("eva@example.com", values).to_bytes()
    with pytest.raises(ValueError, match="a user has an email address"):
        UserRequest("").to_bytes()
