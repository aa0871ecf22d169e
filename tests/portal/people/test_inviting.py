"""Somebody is asked in: the link, how it is sent or handed over, and how it is used once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from orders.models import AuditEntry, Limits, Partner
from portal.logs import mask_keys
from portal.models import Invitation
from portal.people import inviting, keeping
from portal.people.views import limiting
from portal.people.views.inviting import LINK_COOKIE
from tests.conftest import person

SignIn = Callable[[User], Client]

PASSWORD = "quince-marmalade-42"
LINK = re.compile(r"http://testserver(/invitation/[\w-]+/)")
EVE = {"email": "eve@example.com", "name": "Eve Ångström", "role": "staff"}
CHOSEN = {"username": "eve", "password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture
def adams(adam: User, sign_in: SignIn) -> Client:
    return sign_in(adam)


class NoMail(EmailBackend):
    """A mail server that is not there."""

    def send_messages(self, messages: Any) -> int:
        raise ConnectionRefusedError("nobody listens")


def invite(adams: Client, **changes: Any) -> tuple[Invitation, str]:
    """Invite Eve by mail; the path of her link."""
    before = len(mail.outbox)
    answer = adams.post("/people/invite/", EVE | changes)
    assert answer.status_code == 302, answer.content.decode()
    assert len(mail.outbox) == before + 1
    found = LINK.search(str(mail.outbox[-1].body))
    assert found
    return Invitation.objects.latest("pk"), found[1]


def gone(answer: HttpResponse) -> bool:
    return answer.status_code == 404 and "This link does not work" in answer.content.decode()


def test_an_invitation_is_mailed_and_used_and_the_person_is_in(adams: Client, adam: User, client: Client) -> None:
    invitation, link = invite(adams)
    message = mail.outbox[-1]
    assert message.to == ["eve@example.com"]
    assert "Hello Eve Ångström" in str(message.body)
    assert "adam" in str(message.body)
    assert invitation.mailed_at
    assert "Eve Ångström" in client.get(link).content.decode()
    answer = client.post(link, CHOSEN)
    assert answer.status_code == 302
    assert answer["Location"] == "/"
    eve = User.objects.get(username="eve")
    assert (eve.email, eve.first_name, keeping.role_of(eve)) == ("eve@example.com", "Eve Ångström", "staff")
    assert eve.check_password(PASSWORD)
    assert eve.last_login
    assert client.get("/").status_code == 200
    invitation.refresh_from_db()
    assert invitation.used_by == eve
    shown = adams.get(f"/people/invitations/{invitation.pk}/").content.decode()
    assert "Accepted" in shown
    assert Client().login(username="eve", password=PASSWORD)
    told = dict(AuditEntry.objects.values_list("action", "actor_name"))
    assert told["person.invited"] == "adam"
    assert told["person.joined"] == "eve"


def test_no_token_is_kept_and_none_stands_in_a_log(adams: Client) -> None:
    invitation, link = invite(adams)
    token = link.split("/")[2]
    assert len(token) >= 43, "256 bits"
    assert invitation.token_hash == inviting.digest(token) != token
    kept = [str(row) for model in (Invitation, AuditEntry) for row in model.objects.values_list()]
    assert kept
    assert not [row for row in kept if token in row]
    assert mask_keys(None, "", {"path": f"GET {link}"}) == {"path": "GET /invitation/***/"}


def test_opening_the_link_does_not_use_it_however_often(adams: Client, client: Client) -> None:
    invitation, link = invite(adams)
    for _ in range(3):
        assert client.get(link).status_code == client.head(link).status_code == 200
    invitation.refresh_from_db()
    assert invitation.used_at is None
    assert client.post(link, CHOSEN).status_code == 302


def test_the_page_of_the_link_is_kept_by_nobody_and_told_to_nobody(adams: Client, client: Client) -> None:
    _, link = invite(adams)
    for url in (link, "/invitation/unknown/"):
        answer = client.get(url)
        assert answer["Cache-Control"] == "no-store, private"
        assert answer["Referrer-Policy"] == "strict-origin"
        assert answer["X-Robots-Tag"] == "noindex"


def test_a_link_works_once(adams: Client, client: Client) -> None:
    _, link = invite(adams)
    assert client.post(link, CHOSEN).status_code == 302
    for again in (Client().get(link), Client().post(link, CHOSEN | {"username": "mallory"})):
        assert gone(again)
    assert not User.objects.filter(username="mallory").exists()


def test_of_two_who_use_a_link_one_comes_in(adams: Client) -> None:
    invitation, _ = invite(adams)
    inviting.accept(invitation, User(username="eve"))
    with pytest.raises(inviting.Gone):
        inviting.accept(invitation, User(username="mallory"))
    assert not User.objects.filter(username="mallory").exists()


@pytest.mark.parametrize("how", ["revoked", "renewed", "expired", "admin deactivated", "admin demoted"])
def test_a_link_that_ended_is_answered_as_one_that_never_was(
    adams: Client, adam: User, client: Client, settings: Any, how: str
) -> None:
    invitation, link = invite(adams)
    later = timezone.now()
    ann = person("ann", "admin")
    match how:
        case "revoked":
            assert adams.post(f"/people/invitations/{invitation.pk}/revoke/").status_code == 302
        case "renewed":
            assert adams.post(f"/people/invitations/{invitation.pk}/renew/", {"do": "send"}).status_code == 302
        case "expired":
            later += settings.INVITATION_LIFE + timedelta(seconds=1)
        case "admin deactivated":
            keeping.deactivate(adam, actor=ann)
        case "admin demoted":
            keeping.give_role(adam, "manager", actor=ann)
    with time_machine.travel(later):
        unknown = Client().get("/invitation/never-was/")
        assert gone(unknown)
        for answer in (client.get(link), client.post(link, CHOSEN)):
            assert (answer.status_code, answer.content) == (404, unknown.content)
    assert not User.objects.filter(username="eve").exists()


def test_a_renewed_link_works_for_the_whole_term_again(adams: Client, client: Client, settings: Any) -> None:
    with time_machine.travel(timezone.now() - settings.INVITATION_LIFE - timedelta(days=1)):
        invitation, _ = invite(adams)
    assert "Expired" in adams.get("/people/").content.decode()
    adams.post(f"/people/invitations/{invitation.pk}/renew/", {"do": "send"})
    found = LINK.search(str(mail.outbox[-1].body))
    assert found
    assert client.post(found[1], CHOSEN).status_code == 302


def test_what_was_used_or_revoked_is_not_renewed(adams: Client, client: Client) -> None:
    invitation, link = invite(adams)
    client.post(link, CHOSEN)
    for act in ("renew", "revoke"):
        shown = adams.post(f"/people/invitations/{invitation.pk}/{act}/", {"do": "show"}, follow=True)
        assert "used or revoked meanwhile" in shown.content.decode()
    assert len(mail.outbox) == 1


def test_without_mail_the_link_is_shown_once(adams: Client, client: Client, settings: Any) -> None:
    settings.CAN_MAIL = False
    assert "This portal sends no e-mail" in adams.get("/people/invite/").content.decode()
    shown = adams.post("/people/invite/", EVE, follow=True).content.decode()
    assert mail.outbox == []
    assert "this once" in shown
    link = LINK.search(shown)
    assert link
    invitation = Invitation.objects.get()
    again = adams.get(f"/people/invitations/{invitation.pk}/").content.decode()
    assert not LINK.search(again)
    assert "Send again" not in again
    assert client.post(link[1], CHOSEN).status_code == 302


def test_a_mail_that_cannot_be_sent_loses_nothing(adams: Client, client: Client, settings: Any) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.NoMail"
    answer = adams.post("/people/invite/", EVE, follow=True)
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "The mail could not be sent" in shown
    link = LINK.search(shown)
    assert link
    invitation = Invitation.objects.get()
    assert invitation.mailed_at is None
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert adams.post(f"/people/invitations/{invitation.pk}/renew/", {"do": "send"}).status_code == 302
    assert len(mail.outbox) == 1
    assert gone(client.get(link[1]))


def test_a_link_to_hand_over_is_a_new_one(adams: Client, client: Client) -> None:
    invitation, mailed = invite(adams)
    shown = adams.post(f"/people/invitations/{invitation.pk}/renew/", {"do": "show"}, follow=True).content.decode()
    link = LINK.search(shown)
    assert link
    assert gone(client.get(mailed))
    assert client.get(link[1]).status_code == 200


def test_the_link_of_one_invitation_is_not_shown_on_the_page_of_another(adams: Client, adam: User) -> None:
    invitation, _ = invite(adams)
    other, _ = invite(adams, email="fay@example.com")
    adams.post(f"/people/invitations/{invitation.pk}/renew/", {"do": "show"})
    cookie = adams.cookies[LINK_COOKIE]
    assert cookie["path"] == f"/people/invitations/{invitation.pk}/"
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    # Even where the browser sends it: the test client knows no paths.
    assert not LINK.search(adams.get(f"/people/invitations/{other.pk}/").content.decode())


@pytest.mark.parametrize("email", ["adam@example.com", "ADAM@Example.com"])
def test_somebody_who_is_here_is_not_invited(adams: Client, email: str) -> None:
    answer = adams.post("/people/invite/", EVE | {"email": email})
    assert answer.status_code == 422
    assert "There is somebody with this e-mail address already." in answer.content.decode()


def test_an_address_is_invited_once(adams: Client) -> None:
    invite(adams)
    answer = adams.post("/people/invite/", EVE | {"email": "Eve@example.com"})
    assert answer.status_code == 422
    assert "invited already" in answer.content.decode()
    with pytest.raises(keeping.Refused, match="invited already"):
        inviting.invite(email="EVE@EXAMPLE.COM", name="", role="staff", limited=False, actor=User.objects.get())
    assert len(mail.outbox) == 1


def test_somebody_who_came_in_another_way_meanwhile_is_told_so(adams: Client, client: Client) -> None:
    invitation, link = invite(adams)
    User.objects.create_user("evelyn", "EVE@example.com", PASSWORD)
    for answer in (client.get(link), client.post(link, CHOSEN)):
        assert answer.status_code == 409
        assert "You are here already" in answer.content.decode()
    with pytest.raises(keeping.Refused):
        inviting.accept(invitation, User(username="eve"))
    invitation.refresh_from_db()
    assert invitation.used_at is None, "what was refused was not used up"


def test_somebody_signed_in_does_not_accept_for_another(adams: Client, alices: Client, alice: User) -> None:
    invitation, link = invite(adams)
    for answer in (alices.get(link), alices.post(link, CHOSEN)):
        assert answer.status_code == 200
        assert "You are signed in as alice" in answer.content.decode()
    invitation.refresh_from_db()
    assert invitation.used_at is None
    alices.post("/accounts/logout/", {"next": link})
    assert alices.post(link, CHOSEN).status_code == 302
    assert User.objects.get(pk=alices.session["_auth_user_id"]).username == "eve"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"username": ""}, "required"),
        ({"username": "ALICE"}, "already exists"),
        ({"username": "adam@example.com"}, "without @"),
        ({"username": "e v e"}, "valid username"),
        ({"username": "eve\x00"}, "Null characters"),
        ({"username": "e" * 151}, "at most 150"),
        ({"password2": "another-one-42"}, "match"),
        ({"password1": "short1!", "password2": "short1!"}, "too short"),
        ({"password1": "password1234", "password2": "password1234"}, "too common"),
        ({"password1": "eve@example.com", "password2": "eve@example.com"}, "too similar"),
    ],
)
def test_a_bad_name_or_password_is_refused_and_uses_nothing_up(
    adams: Client, alice: User, client: Client, changes: dict[str, str], words: str
) -> None:
    invitation, link = invite(adams)
    answer = client.post(link, CHOSEN | changes)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert list(answer.context["form"].errors) == [next(iter(changes))], "where it is to be mended"
    invitation.refresh_from_db()
    assert invitation.used_at is None
    assert client.post(link, CHOSEN).status_code == 302


def test_a_name_taken_at_the_same_moment_uses_nothing_up(adams: Client, alice: User) -> None:
    invitation, _ = invite(adams)
    with pytest.raises(keeping.Refused, match="Choose another one"):
        inviting.accept(invitation, User(username="Alice"))
    invitation.refresh_from_db()
    assert invitation.used_at is None


def test_who_accepts_gets_what_was_offered_and_nothing_they_send(
    adams: Client, adam: User, client: Client, accounts: None
) -> None:
    _, link = invite(adams)
    everything = [each.pk for each in Permission.objects.all()]
    asked = {
        "is_superuser": "on",
        "is_staff": "on",
        "is_active": "",
        "email": "root@example.com",
        "first_name": "Root",
        "role": "admin",
        "roles": "admin",
        "groups": [1, 2, 3],
        "user_permissions": everything,
        "limited": "no",
        "pk": adam.pk,
        "id": adam.pk,
    }
    assert client.post(link, asked | CHOSEN).status_code == 302
    eve = User.objects.get(username="eve")
    assert (eve.is_superuser, eve.is_staff, eve.is_active) == (False, False, True)
    assert (eve.email, eve.first_name, keeping.role_of(eve)) == ("eve@example.com", "Eve Ångström", "staff")
    assert eve.user_permissions.count() == 0
    assert [group.name for group in eve.groups.all()] == ["staff"]
    assert eve.pk != adam.pk
    assert client.get("/people/").status_code == 403


@pytest.mark.parametrize("role", ["", "superuser", "Admin", "staff\x00", "1"])
def test_only_a_role_that_is_offered_is_given(adams: Client, role: str) -> None:
    answer = adams.post("/people/invite/", EVE | {"role": role, "groups": "1", "is_superuser": "on"})
    assert answer.status_code == 422
    assert Invitation.objects.count() == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"email": ""},
        {"email": "eve"},
        {"email": "eve@example.com\nBcc: all@example.com"},
        {"email": f"{'e' * 260}@example.com"},
        {"name": "Eve\r\nBcc: all@example.com"},
        {"name": "\x00"},
        {"name": "e" * 151},
    ],
)
def test_what_no_address_or_name_can_be_is_refused(adams: Client, changes: dict[str, str]) -> None:
    assert adams.post("/people/invite/", EVE | changes).status_code == 422
    assert Invitation.objects.count() == len(mail.outbox) == 0


def test_limits_come_with_the_invitation(adams: Client, client: Client, accounts: None) -> None:
    invitation, link = invite(adams, limited="on")
    assert "nobody yet" in adams.get(f"/people/invitations/{invitation.pk}/").content.decode()
    only = Partner.objects.all()[0]
    url = f"/people/invitations/{invitation.pk}/limits/"
    assert adams.post(url, {"do": "add", "partner": only.pk}).status_code == 302
    assert adams.post(url, {"do": "save", "limited": "yes", "own_account": "on"}).status_code == 302
    assert "1 customer, our own account" in adams.get(f"/people/invitations/{invitation.pk}/").content.decode()
    assert client.post(link, CHOSEN).status_code == 302
    limits = Limits.objects.get(person__username="eve")
    assert (limits.limited, limits.own_account, limits.any_pbx) == (True, True, False)
    assert list(limits.partners.all()) == [only]
    assert adams.get(url)["Location"] == f"/people/{limits.pk}/limits/", "now they are the person's"


@pytest.mark.parametrize("sent", [{"do": "save", "limited": "yes"}, {"do": "add", "partner": "1"}, {"do": "save"}])
def test_limits_of_an_invitation_that_is_used_at_the_same_moment_are_not_said_to_be_saved(
    adams: Client, client: Client, accounts: None, monkeypatch: pytest.MonkeyPatch, sent: dict[str, str]
) -> None:
    invitation, link = invite(adams)
    url = f"/people/invitations/{invitation.pk}/limits/"

    @contextmanager
    def behind_eve(actor: User) -> Iterator[None]:
        assert client.post(link, CHOSEN).status_code == 302
        with keeping.in_line(actor):
            yield

    monkeypatch.setattr(limiting, "in_line", behind_eve)
    answer = adams.post(url, sent)
    assert answer.status_code == 422
    assert inviting.GONE in answer.content.decode()
    invitation.refresh_from_db()
    assert (invitation.limited, invitation.partners.count()) == (False, 0)
    assert not AuditEntry.objects.filter(action="limits.changed").exists()


def test_where_single_sign_on_alone_counts_nobody_gets_a_password(adams: Client, client: Client, settings: Any) -> None:
    settings.OIDC_ONLY, settings.OIDC_SERVER_URL = True, "https://id.example.com"
    _, link = invite(adams)
    assert "password" not in client.get(link).content.decode().lower()
    answer = client.post(link, CHOSEN)
    assert answer["Location"] == "/accounts/login/"
    assert "_auth_user_id" not in client.session, "the provider says who it is"
    eve = User.objects.get(username="eve")
    assert not eve.has_usable_password()
    assert keeping.role_of(eve) == "staff"


def test_links_are_not_tried_by_the_thousand(adams: Client, client: Client) -> None:
    _, link = invite(adams)
    answers = [client.get(f"/invitation/guess-{number}/").status_code for number in range(31)]
    assert answers == [404] * 30 + [429]
    assert client.post(link, CHOSEN).status_code == 429
    assert Client(REMOTE_ADDR="192.0.2.7").get(link).status_code == 200


@pytest.mark.parametrize("token", ["x" * 5000, "ä€", "%00", "..", "%2e%2e%2f", "%ff"])
def test_strange_links_are_unknown_ones(client: Client, db: None, token: str) -> None:
    assert client.get(f"/invitation/{token}/").status_code == 404


def test_the_session_of_before_is_not_that_of_after(adams: Client, client: Client) -> None:
    _, link = invite(adams)
    client.session.save()
    fixed = client.session.session_key
    client.cookies["sessionid"] = fixed or ""
    assert client.post(link, CHOSEN).status_code == 302
    assert client.cookies["sessionid"].value != fixed


def test_invitations_of_no_number_do_not_exist(adams: Client) -> None:
    assert adams.get("/people/invitations/999/").status_code == 404
    for act in ("renew", "revoke", "limits"):
        assert adams.post(f"/people/invitations/999/{act}/").status_code == 404
