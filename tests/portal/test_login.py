"""How people get in and out."""

from __future__ import annotations

import logging.config
import re
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

LOGIN = "/accounts/login/"
GOOD = "a-good-password"


def sign_in(client: Client, login: str, password: str = GOOD, **more: str) -> Any:
    return client.post(LOGIN, {"login": login, "password": password, **more})


@pytest.mark.parametrize("login", ["alice", "alice@example.com", "ALICE@example.com", " alice "])
def test_one_signs_in_by_name_or_by_email(login: str, alice: User, client: Client) -> None:
    assert sign_in(client, login).url == "/"
    page = client.get("/")
    assert page.status_code == 200
    assert "alice" in page.content.decode()


@pytest.mark.parametrize(
    ("login", "password"),
    [("alice", "wrong"), ("alice", ""), ("", GOOD), ("nobody", GOOD), ("alice\x00", GOOD), ("alice", GOOD + "\x00")],
)
def test_a_wrong_login_says_so_and_not_which_half(login: str, password: str, alice: User, client: Client) -> None:
    page = sign_in(client, login, password)
    assert page.status_code == 200
    assert 'id="errors"' in page.content.decode()
    assert "sessionid" not in client.cookies
    if login in ("alice", "nobody") and "\x00" not in password and password:
        assert "not correct" in page.content.decode()


def test_what_was_typed_is_kept_but_for_the_password(alice: User, client: Client) -> None:
    shown = sign_in(client, "alicia", "my-wrong-password").content.decode()
    assert 'value="alicia"' in shown
    assert "my-wrong-password" not in shown


def test_somebody_switched_off_does_not_get_in(alice: User, client: Client) -> None:
    User.objects.update(is_active=False)
    sign_in(client, "alice")
    assert client.get("/").status_code == 302


def test_too_many_wrong_passwords_are_stopped_even_when_the_right_one_comes(alice: User, client: Client) -> None:
    for _ in range(5):
        assert "not correct" in sign_in(client, "alice", "wrong").content.decode()
    page = sign_in(client, "alice")
    assert page.status_code == 200
    assert "Too many failed login attempts" in page.content.decode()
    assert client.get("/").status_code == 302


def test_one_address_cannot_try_one_name_after_the_other(db: None, client: Client) -> None:
    answers = [sign_in(client, f"name{number}", "wrong").status_code for number in range(35)]
    assert answers[-1] == 429
    assert answers[0] == 200


def test_the_limit_of_one_does_not_lock_another_out(alice: User, bob: User, client: Client) -> None:
    for _ in range(6):
        sign_in(client, "alice", "wrong")
    assert sign_in(Client(REMOTE_ADDR="203.0.113.9"), "bob").status_code == 302


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_a_login_leads_nowhere_else(target: str, alice: User, client: Client) -> None:
    assert sign_in(client, "alice", next=target).url == "/"


def test_one_logs_out_by_a_button_and_not_by_a_link(alices: Client) -> None:
    page = alices.get("/accounts/logout/")
    assert "Log out?" in page.content.decode()
    assert alices.get("/").status_code == 200, "a link on a strange page logs nobody out"
    assert alices.post("/accounts/logout/").url == LOGIN
    assert alices.get("/").status_code == 302


def test_a_page_seen_before_is_not_kept_for_after_the_logout(alices: Client) -> None:
    for url in ("/", "/orders/"):
        assert "no-store" in alices.get(url)["Cache-Control"], url


def test_one_changes_the_password(alice: User, alices: Client) -> None:
    given = {"oldpassword": GOOD, "password1": "another-good-one", "password2": "another-good-one"}
    assert alices.post("/accounts/password/change/", {**given, "oldpassword": "wrong"}).status_code == 200
    assert alices.post("/accounts/password/change/", given).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password("another-good-one")


@pytest.mark.parametrize("weak", ["short", "password123", "alice@example"])
def test_a_weak_password_is_refused(weak: str, alice: User, alices: Client) -> None:
    alices.post("/accounts/password/change/", {"oldpassword": GOOD, "password1": weak, "password2": weak})
    alice.refresh_from_db()
    assert alice.check_password(GOOD)


def test_a_forgotten_password_does_not_tell_who_is_known(alice: User, client: Client) -> None:
    for email in ("alice@example.com", "stranger@example.com"):
        assert client.post("/accounts/password/reset/", {"email": email}).url == "/accounts/password/reset/done/"
    assert {message.to[0] for message in mail.outbox} == {"alice@example.com", "stranger@example.com"}


def test_without_mail_a_forgotten_password_is_for_the_administrator(alice: User, client: Client, settings: Any) -> None:
    settings.CAN_MAIL = False
    for page in (
        client.get("/accounts/password/reset/"),
        client.post("/accounts/password/reset/", {"email": "alice@example.com"}),
    ):
        assert page.status_code == 200
        assert "Ask your administrator for a new password" in page.content.decode()
        assert "<form" not in page.content.decode()
    assert mail.outbox == []


def test_a_link_by_mail_gives_a_new_password_and_stands_in_no_log(
    alice: User, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.post("/accounts/password/reset/", {"email": "alice@example.com"})
    link = re.findall(r"http://testserver(\S+)", mail.outbox[0].body)[0]
    form = client.get(link).url
    given = {"password1": "another-good-one", "password2": "another-good-one"}
    assert client.post(form, given).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password("another-good-one")
    caplog.clear()
    assert Client().get(link).status_code == 200, "used up: a page that says so"
    assert Client().get(f"/no-such-page{link}").status_code == 404
    formatter = logging.config.dictConfigClass(django_settings.LOGGING).configure_formatter(  # type: ignore[attr-defined]
        django_settings.LOGGING["formatters"]["json"]
    )
    lines = [formatter.format(record) for record in caplog.records]
    assert len(lines) >= 3
    assert not [line for line in lines if link.split("/")[-2] in line]
    assert [line for line in lines if "/reset/key/***" in line]


@pytest.mark.parametrize(
    "path", ["login", "password/reset", "password/reset/done", "password/change", "password/reset/key/1-x"]
)
def test_no_page_about_a_password_is_kept(path: str, alices: Client, client: Client) -> None:
    for who in (alices, client):
        page = who.get(f"/accounts/{path}/")
        if page.status_code == 200:
            assert "no-store" in page["Cache-Control"]
        else:
            assert page.status_code == 302


@pytest.mark.parametrize("path", ["/healthz", "/accounts/login/"])
def test_a_monitor_may_ask_for_the_head_alone(path: str, db: None, client: Client) -> None:
    assert client.head(path).status_code == 200


def test_behind_a_proxy_each_address_has_its_own_limit(alice: User, bob: User, settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    near, far = (Client(headers={"X-Forwarded-For": f"1.2.3.4, {ip}"}) for ip in ("203.0.113.9", "198.51.100.7"))
    for number in range(35):
        last = sign_in(near, f"name{number}", "wrong")
    assert last.status_code == 429
    assert sign_in(far, "bob").status_code == 302
