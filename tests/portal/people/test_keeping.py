"""Roles, the way out and the way back, and what nobody can do by a form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from orders import evidence, placing
from orders.lifecycle import Status
from orders.models import AuditEntry, Order
from portal.models import Invitation
from portal.people import inviting, keeping
from portal.people.keeping import Refused
from tests.conftest import person

SignIn = Callable[[User], Client]


@pytest.fixture
def ann(db: None) -> User:
    """Another admin."""
    return person("ann", "admin")


@pytest.fixture
def adams(adam: User, sign_in: SignIn) -> Client:
    return sign_in(adam)


def role(user: User) -> str:
    return keeping.role_of(User.objects.get(pk=user.pk))


def words(answer: Any) -> str:
    return str(answer.content.decode().replace("&#x27;", "'"))


# --- roles ---------------------------------------------------------------------------------------------------


def test_a_role_is_given_in_place_of_the_other(adams: Client, adam: User, alice: User, alices: Client) -> None:
    assert alices.get("/history/").status_code == 403
    answer = adams.post(f"/people/{alice.pk}/role/", {"role": "manager"}, follow=True)
    assert "alice is Manager now." in words(answer)
    assert [group.name for group in alice.groups.all()] == ["manager"]
    assert alices.get("/history/").status_code == 200
    assert adams.post(f"/people/{alice.pk}/role/", {"role": "staff"}).status_code == 302
    assert alices.get("/history/").status_code == 403
    entries = AuditEntry.objects.filter(action="role.changed").order_by("pk").values_list("actor_name", "data")
    assert list(entries) == [
        ("adam", {"role": {"before": "staff", "after": "manager"}}),
        ("adam", {"role": {"before": "manager", "after": "staff"}}),
    ]


@pytest.mark.parametrize("sent", ["", "root", "ADMIN", "1", "staff\x00", "superuser"])
def test_only_a_role_that_is_offered_can_be_given(adams: Client, alice: User, sent: str) -> None:
    assert adams.post(f"/people/{alice.pk}/role/", {"role": sent}).status_code == 422
    assert role(alice) == "staff"


def test_what_a_form_does_not_offer_is_not_given(adams: Client, alice: User, mona: User) -> None:
    """Mass assignment: whatever else is posted to any page about a person."""
    admin_group = Group.objects.get(name="admin").pk
    more = {
        "is_superuser": "on",
        "is_staff": "on",
        "is_active": "",
        "password": "x",
        "email": "x@example.com",
        "username": "root",
        "groups": [admin_group],
        "user_permissions": [each.pk for each in Permission.objects.all()],
        "person": mona.pk,
        "person_id": mona.pk,
        "pk": mona.pk,
        "id": mona.pk,
        "owner": mona.pk,
    }
    before = User.objects.filter(pk=alice.pk).values().get()
    of_mona = User.objects.filter(pk=mona.pk).values().get()
    for path, sent in [
        ("role", {"role": "staff"}),
        ("limits", {"do": "save", "limited": "yes"}),
        ("sign-out", {}),
        ("reset", {}),
        ("reactivate", {}),
    ]:
        assert adams.post(f"/people/{alice.pk}/{path}/", more | sent).status_code == 302
        assert adams.post(f"/people/{alice.pk}/", more).status_code == 405
    assert User.objects.filter(pk=alice.pk).values().get() == before
    assert User.objects.filter(pk=mona.pk).values().get() == of_mona
    assert (role(alice), role(mona)) == ("staff", "manager")
    assert alice.user_permissions.count() == 0
    assert not hasattr(User.objects.get(pk=mona.pk), "limits")


def test_nobody_changes_their_own_role_or_way_in(adams: Client, adam: User, ann: User) -> None:
    for path, sent in [("role", {"role": "staff"}), ("deactivate", {})]:
        answer = adams.post(f"/people/{adam.pk}/{path}/", sent)
        assert answer.status_code == 422
        assert "This is you." in words(answer)
    assert role(adam) == "admin"
    assert User.objects.get(pk=adam.pk).is_active
    shown = words(adams.get(f"/people/{adam.pk}/"))
    assert f"/people/{adam.pk}/role/" not in shown
    assert f"/people/{adam.pk}/deactivate/" not in shown


# --- the last admin ------------------------------------------------------------------------------------------


def test_the_last_admin_cannot_be_demoted_or_deactivated(adam: User) -> None:
    """By nobody: here by the command line, for another admin would not be the last."""
    with pytest.raises(Refused, match="adam is the last admin who can sign in"):
        keeping.give_role(adam, "manager", actor=None)
    with pytest.raises(Refused, match="last admin"):
        keeping.deactivate(adam, actor=None)
    assert role(adam) == "admin"
    assert User.objects.get(pk=adam.pk).is_active


def test_an_admin_who_cannot_sign_in_does_not_count(adam: User, ann: User) -> None:
    keeping.deactivate(ann, actor=adam)
    with pytest.raises(Refused, match="last admin"):
        keeping.give_role(adam, "staff", actor=None)


def test_who_was_demoted_a_moment_ago_demotes_nobody(adam: User, ann: User) -> None:
    third = person("cleo", "admin")
    keeping.give_role(adam, "staff", actor=ann)
    for act in (
        lambda: keeping.give_role(third, "staff", actor=adam),
        lambda: keeping.deactivate(third, actor=adam),
        lambda: keeping.reactivate(third, actor=adam),
        lambda: keeping.sign_out(third, actor=adam),
        lambda: inviting.invite(email="e@example.com", name="", role="admin", limited=False, actor=adam),
    ):
        with pytest.raises(Refused, match="You are no admin any more"):
            act()
    assert role(third) == "admin"
    assert Invitation.objects.count() == 0


def test_make_admin_is_the_way_back_in(adam: User, alice: User, capsys: Any) -> None:
    User.objects.update(is_active=False)
    call_command("make_admin", "Alice")
    assert "alice may sign in as admin." in capsys.readouterr().out
    assert role(alice) == "admin"
    assert User.objects.get(pk=alice.pk).is_active
    with pytest.raises(CommandError, match="add_person"):
        call_command("make_admin", "nobody")


# --- out and in again ----------------------------------------------------------------------------------------


def test_deactivating_ends_every_session_at_once(adams: Client, alice: User, sign_in: SignIn, bob: User) -> None:
    hers, his = [sign_in(alice), sign_in(alice)], sign_in(bob)
    assert [client.get("/").status_code for client in (*hers, his)] == [200, 200, 200]
    page = words(adams.get(f"/people/{alice.pk}/deactivate/"))
    assert "signed out everywhere at once" in page
    assert User.objects.get(pk=alice.pk).is_active, "looking changes nothing"
    assert adams.post(f"/people/{alice.pk}/deactivate/").status_code == 302
    assert [client.get("/").status_code for client in (*hers, his, adams)] == [302, 302, 200, 200]
    assert Session.objects.count() == 2
    # Who is let in again does not find old doors open.
    assert adams.post(f"/people/{alice.pk}/reactivate/").status_code == 302
    assert [client.get("/").status_code for client in hers] == [302, 302]
    assert sign_in(alice).get("/").status_code == 200
    told = AuditEntry.objects.get(action="person.deactivated")
    assert (told.actor_name, told.target_label, told.data["sessions_ended"]) == ("adam", "alice", 2)


def test_somebody_deactivated_cannot_sign_in(adams: Client, alice: User, client: Client) -> None:
    adams.post(f"/people/{alice.pk}/deactivate/")
    client.post("/accounts/login/", {"login": "alice", "password": "a-good-password"})
    assert "_auth_user_id" not in client.session
    adams.post(f"/people/{alice.pk}/reactivate/")
    client.post("/accounts/login/", {"login": "alice", "password": "a-good-password"})
    assert client.session["_auth_user_id"] == str(alice.pk)


def test_a_password_chosen_at_the_same_moment_lets_nobody_back_in(adam: User, alice: User) -> None:
    stale = User.objects.get(pk=alice.pk)
    keeping.deactivate(alice, actor=adam)
    get_adapter().set_password(stale, "quince-marmalade-42")
    assert not User.objects.get(pk=alice.pk).is_active
    assert User.objects.get(pk=alice.pk).check_password("quince-marmalade-42")


def test_signing_out_everywhere_leaves_the_way_in(adams: Client, alice: User, alices: Client, sign_in: SignIn) -> None:
    assert "1 session ended" in words(adams.post(f"/people/{alice.pk}/sign-out/", follow=True))
    assert alices.get("/").status_code == 302
    assert sign_in(alice).get("/").status_code == 200
    assert adams.get("/").status_code == 200


def test_deactivating_says_what_stays_and_what_is_on_its_way_is_sent(
    adams: Client, alice: User, queued: Callable[..., Order], draft: Callable[[str], Order]
) -> None:
    order, left = queued(), draft("turnkey-capacity")
    page = words(adams.get(f"/people/{alice.pk}/deactivate/"))
    assert "1 order on its way is sent all the same" in page
    assert "1 draft, not ordered" in page
    adams.post(f"/people/{alice.pk}/deactivate/")
    order.refresh_from_db()
    assert order.status == Status.QUEUED
    shown = words(adams.get(f"/people/{alice.pk}/"))
    assert str(order.reference) in shown
    assert f"/people/{alice.pk}/drafts/{left.pk}/" in shown


def test_the_draft_of_somebody_deactivated_can_be_taken_over_and_placed(
    adams: Client, adam: User, alice: User, draft: Callable[[str], Order]
) -> None:
    left = draft("turnkey-capacity")
    assert adams.get(f"/orders/{left.pk}/review/").status_code == 404
    assert adams.post(f"/people/{alice.pk}/drafts/{left.pk}/").status_code == 404, "not while she may go on herself"
    adams.post(f"/people/{alice.pk}/deactivate/")
    assert adams.post(f"/people/{alice.pk}/drafts/{left.pk}/", {"owner": alice.pk}).status_code == 302
    left.refresh_from_db()
    assert left.owner == adam
    assert adams.get(f"/orders/{left.pk}/billing/").status_code == 200
    assert left.events.latest("number").title == "Draft taken over from alice"
    assert placing.place(left, approved_sha256=placing.preview(left)[2], actor=adam)
    assert evidence.first_broken_link(left) is None
    assert adams.post(f"/people/{alice.pk}/drafts/{left.pk}/").status_code == 404


@pytest.mark.parametrize("what", ["taken", "let in again", "discarded", "demoted", "put out"])
def test_a_draft_is_not_taken_over_if_something_changed_a_moment_ago(
    what: str, adam: User, ann: User, alice: User, draft: Callable[[str], Order]
) -> None:
    left = draft("turnkey-capacity")
    keeping.deactivate(alice, actor=ann)
    seen = Order.objects.get(pk=left.pk)
    match what:
        case "taken":
            keeping.take_over(left, actor=ann)
        case "let in again":
            keeping.reactivate(alice, actor=ann)
        case "discarded":
            Order.objects.filter(pk=left.pk).update(discarded_at=left.updated_at)
        case "demoted":
            keeping.give_role(adam, "staff", actor=ann)
        case "put out":
            keeping.deactivate(adam, actor=ann)
    with pytest.raises(Refused, match="The draft is not yours"):
        keeping.take_over(seen, actor=adam)
    left.refresh_from_db()
    assert left.owner == (ann if what == "taken" else alice)
    assert left.events.filter(title="Draft taken over from alice").count() == (what == "taken")
    assert evidence.first_broken_link(left) is None


def test_an_order_is_not_taken_over(adams: Client, alice: User, queued: Callable[..., Order]) -> None:
    order = queued()
    adams.post(f"/people/{alice.pk}/deactivate/")
    assert adams.post(f"/people/{alice.pk}/drafts/{order.pk}/").status_code == 404
    order.refresh_from_db()
    assert order.owner == alice


def test_invitations_of_somebody_deactivated_end(adams: Client, ann: User) -> None:
    inviting.invite(email="eve@example.com", name="", role="admin", limited=False, actor=ann)
    assert "1 open invitation of theirs is revoked" in words(adams.get(f"/people/{ann.pk}/deactivate/"))
    adams.post(f"/people/{ann.pk}/deactivate/")
    assert Invitation.objects.pending().count() == 0


# --- a new password ------------------------------------------------------------------------------------------


def test_a_link_for_a_new_password_is_sent_to_nobody_but_them(adams: Client, alice: User, client: Client) -> None:
    shown = words(adams.post(f"/people/{alice.pk}/reset/", {"email": "mallory@example.com"}, follow=True))
    assert "on its way to alice@example.com" in shown
    assert [message.to for message in mail.outbox] == [["alice@example.com"]]
    assert "/reset/key/" not in shown
    assert alice.check_password("a-good-password"), "until they choose another"


@pytest.mark.parametrize("why", ["no mail", "deactivated", "no address", "server away"])
def test_a_link_that_cannot_be_sent_says_why(adams: Client, alice: User, settings: Any, why: str) -> None:
    expected = {
        "no mail": "sends no e-mail",
        "deactivated": "is deactivated",
        "no address": "has no e-mail address",
        "server away": "The link could not be sent",
    }[why]
    settings.CAN_MAIL = why != "no mail"
    User.objects.filter(pk=alice.pk).update(
        is_active=why != "deactivated", email="" if why == "no address" else alice.email
    )
    if why == "server away":
        settings.EMAIL_BACKEND = "tests.portal.people.test_inviting.NoMail"
    assert expected in words(adams.post(f"/people/{alice.pk}/reset/", follow=True))
    assert mail.outbox == []


# --- name and address ----------------------------------------------------------------------------------------


def test_an_address_is_changed_by_an_admin_and_the_old_one_gets_no_link_any_more(adams: Client, alice: User) -> None:
    EmailAddress.objects.create(user=alice, email="alice@example.com", primary=True, verified=True)
    sent = {"email": "al@example.com", "name": "Alice Ångström", "username": "root", "is_superuser": "on"}
    assert adams.post(f"/people/{alice.pk}/details/", sent).status_code == 302
    alice.refresh_from_db()
    told = (alice.email, alice.get_full_name(), alice.username, alice.is_superuser)
    assert told == ("al@example.com", "Alice Ångström", "alice", False)
    Client().post("/accounts/password/reset/", {"email": "alice@example.com"})
    assert "al@example.com" not in [address for message in mail.outbox for address in message.to]
    assert not [message for message in mail.outbox if "/reset/key/" in str(message.body)]
    entry = AuditEntry.objects.get(action="email.changed")
    assert entry.data["email"] == {"before": "alice@example.com", "after": "al@example.com"}


@pytest.mark.parametrize(
    "email", ["", "x", "BOB@example.com", "a@example.com\nBcc: b@example.com", "a" * 260 + "@b.cd"]
)
def test_an_address_that_is_none_or_anothers_is_refused(adams: Client, alice: User, bob: User, email: str) -> None:
    assert adams.post(f"/people/{alice.pk}/details/", {"email": email, "name": "A"}).status_code == 422
    assert User.objects.get(pk=alice.pk).email == "alice@example.com"


def test_nobody_changes_their_own_address(adams: Client, adam: User) -> None:
    answer = adams.post(f"/people/{adam.pk}/details/", {"email": "x@example.com", "name": ""})
    assert answer.status_code == 422
    assert User.objects.get(pk=adam.pk).email == "adam@example.com"


# --- a lost second factor ------------------------------------------------------------------------------------


def with_factor(user: User) -> User:
    for kind in (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES):
        Authenticator.objects.create(user=user, type=kind, data={})
    return user


def test_a_lost_second_factor_is_removed_for_a_reason_and_they_are_told(
    adams: Client, alice: User, alices: Client, mona: User
) -> None:
    with_factor(alice)
    with_factor(mona)
    url = f"/people/{alice.pk}/second-factor/"
    assert names(adams, mfa="yes") == ["alice", "mona"]
    assert "Whoever knows the password" in words(adams.get(url))
    assert adams.post(url, {"reason": " "}).status_code == 422
    assert Authenticator.objects.filter(user=alice).count() == 2
    shown = words(adams.post(url, {"reason": "Called her on her desk"}, follow=True))
    assert "They are told by e-mail." in shown
    assert list(Authenticator.objects.values_list("user", flat=True).distinct()) == [mona.pk]
    assert alices.get("/").status_code == 302
    assert [message.to for message in mail.outbox] == [["alice@example.com"]]
    told = AuditEntry.objects.get(action="mfa.removed")
    assert (told.actor_name, told.target_label, told.words) == ("adam", "alice", "Called her on her desk")
    assert names(adams, mfa="no", role="staff") == ["alice"]


def test_nobody_removes_their_own_second_factor_this_way(adams: Client, adam: User) -> None:
    with_factor(adam)
    answer = adams.post(f"/people/{adam.pk}/second-factor/", {"reason": "Mine"})
    assert answer.status_code == 422
    assert "This is you." in words(answer)
    assert Authenticator.objects.count() == 2


# --- the list ------------------------------------------------------------------------------------------------


def names(adams: Client, **asked: str) -> list[str]:
    lines = adams.get("/people/", asked).context["lines"]
    return [line.person.username for line in lines]


def test_the_list_finds_filters_and_sorts(
    adams: Client, adam: User, alice: User, bob: User, mona: User, sign_in: SignIn
) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False, first_name="Robert Ødegård")
    assert names(adams) == ["adam", "alice", "bob", "mona"]
    assert names(adams, sort="-name") == ["mona", "bob", "alice", "adam"]
    assert names(adams, q="robert bob@EXAMPLE") == ["bob"]
    assert names(adams, role="staff") == ["alice", "bob"]
    assert names(adams, state="off") == ["bob"]
    assert names(adams, state="active", role="staff") == ["alice"]
    assert names(adams, q="nobody at all") == []
    sign_in(mona)
    sign_in(alice)
    seen = names(adams, sort="-seen")
    assert seen[:2] == ["alice", "mona"]
    assert seen[-1] == "bob", "who never came is last, whichever way"
    assert names(adams, sort="seen")[-1] == "bob"


def test_who_is_invited_is_found_as_well(adams: Client, adam: User) -> None:
    for email, given in (("eve@example.com", "staff"), ("fay@example.com", "admin")):
        inviting.invite(email=email, name="", role=given, limited=False, actor=adam)

    def found(**asked: str) -> list[str]:
        return sorted(each.email for each in adams.get("/people/", asked).context["invitations"])

    assert found() == ["eve@example.com", "fay@example.com"]
    assert found(q="EVE") == found(role="staff") == ["eve@example.com"]
    assert found(state="off") == found(mfa="yes") == []


@pytest.mark.parametrize("asked", [{"role": "x"}, {"state": "\x00"}, {"sort": "password"}, {"sort": "-email"}])
def test_what_the_list_does_not_know_is_not_asked(adams: Client, asked: dict[str, str]) -> None:
    assert names(adams, **asked) == ["adam"]


@pytest.mark.parametrize("asked", [{"q": "\x00"}, {"q": "%"}, {"page": "-1"}, {"page": "x"}, {"q": "x" * 5000}])
def test_strange_questions_are_answered(adams: Client, asked: dict[str, str]) -> None:
    assert adams.get("/people/", asked).status_code == 200


def test_a_long_list_has_pages_that_keep_what_was_asked(adams: Client) -> None:
    for number in range(60):
        User.objects.create(username=f"zz{number:02}")
    first = adams.get("/people/", {"q": "zz", "sort": "-name"})
    assert first.context["next_url"] == "?q=zz&sort=-name&page=2"
    rest = [line.person.username for line in adams.get("/people/" + first.context["next_url"]).context["lines"]]
    assert rest == [f"zz{number:02}" for number in range(9, -1, -1)]


def test_a_list_of_many_asks_the_database_little(
    adams: Client, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(50):
        person(f"p{number:02}", "staff")
    with django_assert_max_num_queries(12):
        adams.get("/people/")


def test_people_who_are_not_there_are_not_there(adams: Client) -> None:
    assert adams.get("/people/999/").status_code == 404
    for path in ("role", "limits", "deactivate", "reactivate", "sign-out", "reset"):
        assert adams.post(f"/people/999/{path}/", {"role": "admin"}).status_code == 404
