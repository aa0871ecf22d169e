"""The second factor: setting it up, signing in with it, losing it, and who cannot do without."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from io import StringIO
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.signals import authenticator_added
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory
from django.urls import reverse

from orders.models import Order
from portal import account_urls
from portal.second_factor import has_proven

GOOD = "a-good-password"
LOGIN = "/accounts/login/"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def required(settings: Any) -> None:
    """As it is outside the sandbox."""
    settings.REQUIRE_MFA = True


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(1_800_000_000, tick=False) as traveller:
        yield traveller


def code(secret: str) -> str:
    """What the app shows now."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def sign_in(name: str, client: Client | None = None, **more: str) -> tuple[Client, Any]:
    client = client or Client()
    return client, client.post(LOGIN, {"login": name, "password": GOOD, **more})


def secret_on(page: Any) -> str:
    found = re.findall(r'data-copy="([A-Z2-7]{32})"', page.content.decode())
    assert len(found) == 1
    return str(found[0])


def set_up_app(client: Client) -> str:
    """Scan the code and type what the app shows. The key."""
    secret = secret_on(client.get("/accounts/app/activate/"))
    answer = client.post("/accounts/app/activate/", {"code": code(secret)})
    assert answer.status_code == 302, answer.content.decode()
    assert answer.url == "/accounts/recovery-codes/"
    return secret


def codes_of(client: Client) -> list[str]:
    return re.findall(r'<li class="id">(\d{8})</li>', client.get("/accounts/recovery-codes/").content.decode())


@pytest.fixture
def alice_with_app(alice: User, clock: time_machine.Traveller) -> tuple[str, list[str]]:
    """Alice's key and recovery codes."""
    client, _ = sign_in("alice")
    secret, codes = set_up_app(client), codes_of(client)
    clock.shift(60)
    return secret, codes


def test_whoever_can_order_is_led_to_set_one_up_and_back_to_where_they_were(
    alice: User, clock: time_machine.Traveller
) -> None:
    client, answer = sign_in("alice", next="/orders/?q=hotel")
    assert answer.url == "/orders/?q=hotel"
    assert client.get("/orders/?q=hotel").url == "/accounts/"
    page = client.get("/accounts/").content.decode()
    assert "Set up a second factor first" in page
    set_up_app(client)
    codes = client.get("/accounts/recovery-codes/").content.decode()
    assert 'href="/orders/?q=hotel">I have kept them, go on' in codes
    assert client.get("/orders/?q=hotel").status_code == 200
    assert "go on" not in client.get("/accounts/recovery-codes/").content.decode(), "only once"


def test_whoever_may_nothing_needs_no_factor(client: Client, db: None) -> None:
    User.objects.create_user("nobody", "nobody@example.com", GOOD)
    client, _ = sign_in("nobody")
    assert client.get("/").status_code == 403
    assert "Set up a second factor first" not in client.get("/accounts/").content.decode()


def test_without_the_requirement_a_password_is_enough(alice: User, settings: Any) -> None:
    settings.REQUIRE_MFA = False
    client, _ = sign_in("alice")
    assert client.get("/").status_code == 200


def test_a_piece_of_a_page_becomes_no_account_page(alice: User) -> None:
    client, _ = sign_in("alice")
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/orders/?q=hotel"}
    answer = client.get("/orders/", headers=headers)
    assert (answer.status_code, answer["HX-Redirect"]) == (200, "/accounts/")
    assert client.session["after_second_factor"] == "/orders/?q=hotel"


@pytest.mark.parametrize(
    "where", ["http://evil.example/x", "//evil.example/x", "http://testserver//evil.example/", "javascript:x", ""]
)
def test_a_form_that_is_sent_too_early_orders_nothing_and_leads_nowhere_else(alice: User, where: str) -> None:
    client, _ = sign_in("alice")
    answer = client.post("/orders/start/turnkey-capacity/", headers={"Referer": where})
    assert answer.url == "/accounts/"
    assert client.session["after_second_factor"] in ("/", "/evil.example/")
    assert "Nothing was saved or ordered" in client.get("/accounts/").content.decode()
    assert not Order.objects.exists()


def test_the_next_login_asks_for_what_the_app_shows(alice_with_app: tuple[str, list[str]]) -> None:
    secret, _ = alice_with_app
    client, answer = sign_in("alice", next="/orders/")
    assert answer.url.startswith("/accounts/second-factor/")
    assert client.get("/").status_code == 302, "the password alone is not enough"
    assert "Incorrect code" in client.post(answer.url, {"code": "000000"}).content.decode()
    assert client.get("/").status_code == 302
    assert client.post(answer.url, {"code": code(secret)}).url == "/orders/"
    assert client.get("/orders/").status_code == 200


def test_what_the_app_showed_works_once(alice_with_app: tuple[str, list[str]]) -> None:
    secret, _ = alice_with_app
    first, answer = sign_in("alice")
    assert first.post(answer.url, {"code": code(secret)}).status_code == 302
    second, answer = sign_in("alice")
    assert second.post(answer.url, {"code": code(secret)}).status_code == 200
    assert second.get("/").status_code == 302


@pytest.mark.parametrize("minutes", [-2, 2])
def test_what_the_app_shows_at_another_time_does_not_count(
    minutes: int, alice_with_app: tuple[str, list[str]], clock: time_machine.Traveller
) -> None:
    secret, _ = alice_with_app
    clock.shift(60 * minutes)
    other = code(secret)
    clock.shift(-60 * minutes)
    client, answer = sign_in("alice")
    assert client.post(answer.url, {"code": other}).status_code == 200
    assert client.get("/").status_code == 302


def test_a_recovery_code_signs_in_once(alice_with_app: tuple[str, list[str]]) -> None:
    _, codes = alice_with_app
    assert len(set(codes)) == 10
    client, answer = sign_in("alice")
    assert client.post(answer.url, {"code": codes[3]}).status_code == 302
    assert client.get("/").status_code == 200
    again, answer = sign_in("alice")
    assert again.post(answer.url, {"code": codes[3]}).status_code == 200
    assert again.get("/").status_code == 302
    assert codes[3] not in codes_of(client)
    assert len(codes_of(client)) == 9


def test_codes_are_not_guessed_even_when_the_right_one_comes_at_last(alice_with_app: tuple[str, list[str]]) -> None:
    secret, _ = alice_with_app
    client, answer = sign_in("alice")
    for number in range(5):
        client.post(answer.url, {"code": f"{number:06}"})
    for who in (client, *(sign_in("alice")[0] for _ in range(2))):
        page = who.post("/accounts/second-factor/", {"code": code(secret)})
        assert page.status_code == 200
        assert "Too many" in page.content.decode()
        assert who.get("/").status_code == 302


def test_recovery_codes_count_for_as_long_as_there_are_others_and_new_ones_end_the_old(
    alice_with_app: tuple[str, list[str]],
) -> None:
    secret, codes = alice_with_app
    client, answer = sign_in("alice")
    client.post(answer.url, {"code": code(secret)})
    assert "10 unused codes" in client.get("/accounts/recovery-codes/generate/").content.decode()
    assert client.post("/accounts/recovery-codes/generate/").url == "/accounts/recovery-codes/"
    fresh = codes_of(client)
    assert not set(fresh) & set(codes)
    download = client.get("/accounts/recovery-codes/download/")
    assert download.content.decode().split() == fresh
    assert "no-store" in download["Cache-Control"]


def test_the_first_factor_ends_the_other_sessions_and_the_next_one_does_not(
    alice: User, bob: User, clock: time_machine.Traveller
) -> None:
    """Whoever has nothing but the password came in when that was enough."""
    old, other, bobs = sign_in("alice")[0], sign_in("alice")[0], sign_in("bob")[0]
    secret = set_up_app(other)
    assert old.get("/accounts/").url == "/accounts/login/?next=/accounts/"
    assert other.get("/orders/").status_code == 200
    assert bobs.get("/accounts/").status_code == 200
    clock.shift(60)
    again, answer = sign_in("alice")
    again.post(answer.url, {"code": code(secret)})
    assert again.post("/accounts/app/deactivate/").status_code == 302
    assert other.get("/accounts/").url == "/accounts/login/?next=/accounts/", "what it has shown is no factor any more"
    assert again.get("/accounts/").status_code == 200


OWN_PAGES = [url.name for url in account_urls.urlpatterns if getattr(url.callback, "login_required", True)]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", OWN_PAGES)
def test_with_a_factor_that_it_has_not_shown_a_session_opens_no_page_of_the_account(
    name: str, method: str, alice: User, clock: time_machine.Traveller
) -> None:
    client, _ = sign_in("alice")
    instance = TOTP.activate(alice, "A" * 32).instance
    RecoveryCodes.activate(alice)
    url = reverse(name, args=[instance.pk] if name in ("mfa_remove_webauthn", "mfa_edit_webauthn") else [])
    answer = getattr(client, method)(url, {"password": GOOD})
    if name in ("mfa_reauthenticate", "account_logout"):
        assert answer.status_code == (302 if (name, method) == ("account_logout", "post") else 200)
        assert "/accounts/reauthenticate/" not in answer.content.decode(), "the password is not enough"
        return
    assert answer.status_code == 302
    assert answer.url.startswith("/accounts/second-factor/again/"), answer.url
    assert Authenticator.objects.filter(user=alice).count() == 2


def test_once_it_has_shown_the_factor_it_goes_on_where_it_was(alice: User, clock: time_machine.Traveller) -> None:
    client, _ = sign_in("alice")
    TOTP.activate(alice, "A" * 32)
    for page in ("/orders/", "/accounts/recovery-codes/generate/"):
        url = f"/accounts/second-factor/again/?next={quote(page, safe='')}"
        assert client.get(page).url == url
    answer = client.post(url, {"code": code("A" * 32), "next": page})
    assert answer.url == page
    assert client.get(page).status_code == client.get("/orders/").status_code == 200


def test_another_factor_proves_nothing_for_a_session_that_has_not_shown_the_first(alice: User) -> None:
    """Both pages were open before there was any factor."""
    request = RequestFactory().get("/")
    request.user, request.session = alice, Client().session
    for secret, proven in (("A" * 32, True), ("B" * 32, False)):
        request.session.flush()
        kind = Authenticator.Type.TOTP if proven else Authenticator.Type.WEBAUTHN
        added = Authenticator.objects.create(user=alice, type=kind, data={"secret": secret})
        authenticator_added.send(sender=Authenticator, request=request, user=alice, authenticator=added)
        assert has_proven(request) == proven


def test_without_the_last_factor_one_is_led_to_set_up_another(
    alice_with_app: tuple[str, list[str]], clock: time_machine.Traveller
) -> None:
    secret, _ = alice_with_app
    client, answer = sign_in("alice")
    client.post(answer.url, {"code": code(secret)})
    assert client.get("/").status_code == 200
    assert client.post("/accounts/app/deactivate/").url == "/accounts/"
    assert client.get("/").url == "/accounts/"
    assert not Authenticator.objects.exists(), "recovery codes alone are no factor"


@pytest.mark.parametrize(
    "url",
    [
        "/accounts/app/deactivate/",
        "/accounts/passkeys/add/",
        "/accounts/recovery-codes/",
        "/accounts/recovery-codes/download/",
        "/accounts/recovery-codes/generate/",
    ],
)
def test_what_changes_who_gets_in_asks_again_after_some_minutes(
    url: str, alice_with_app: tuple[str, list[str]], clock: time_machine.Traveller
) -> None:
    secret, _ = alice_with_app
    client, answer = sign_in("alice")
    client.post(answer.url, {"code": code(secret)})
    assert client.get(url).status_code == 200
    clock.shift(601)
    asked = client.get(url)
    assert asked.status_code == 302
    assert asked.url.startswith("/accounts/reauthenticate/?next=")
    assert client.post(asked.url, {"password": "wrong", "next": url}).status_code == 200
    assert client.get(url).status_code == 302
    assert client.post(asked.url, {"password": GOOD, "next": url}).url == url
    assert client.get(url).status_code == 200


def test_a_wrong_code_sets_nothing_up(alice: User) -> None:
    client, _ = sign_in("alice")
    client.get("/accounts/app/activate/")
    assert client.post("/accounts/app/activate/", {"code": "000000"}).status_code == 200
    assert client.post("/accounts/app/activate/", {"code": "x\x00" * 500}).status_code == 200
    assert not Authenticator.objects.exists()


def test_the_picture_needs_no_softer_policy(alice: User) -> None:
    client, _ = sign_in("alice")
    page = client.get("/accounts/app/activate/")
    shown = page.content.decode()
    assert '<svg class="qr"' in shown
    assert "data:" not in shown
    assert "img-src" not in page["Content-Security-Policy"]
    assert "no-store" in page["Cache-Control"]


def test_whoever_changes_a_factor_hears_of_it_by_mail(alice_with_app: tuple[str, list[str]]) -> None:
    assert [message.subject for message in mail.outbox] == ["An authenticator app was set up"]
    assert "Was it not you?" in mail.outbox[0].body
    assert "<p" in mail.outbox[0].alternatives[0].content


@pytest.mark.parametrize(
    "credential",
    [
        *(
            "",
            "x",
            "{}",
            "[]",
            "[1]",
            '{"id": 1}',
            "null",
            '"x"',
            "1",
            '{"response": 1}',
            '{"response": {"userHandle": 1}}',
        ),
        json.dumps({"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "e30"}}),
        json.dumps(
            {
                "id": "AA",
                "rawId": "AA",
                "type": "public-key",
                "response": {"clientDataJSON": "e30", "attestationObject": "AA", "userHandle": "MQ"},
            }
        ),
        json.dumps(
            {
                "id": "AA",
                "rawId": "AA",
                "type": "public-key",
                "response": {
                    "clientDataJSON": "e30",
                    "authenticatorData": "AA",
                    "signature": "AA",
                    "userHandle": "MQ",
                },
            }
        ),
    ],
)
def test_nonsense_is_no_passkey(credential: str, alice: User) -> None:
    client, _ = sign_in("alice")
    assert client.post("/accounts/passkeys/add/", {"credential": credential}).status_code == 200
    assert not Authenticator.objects.exists()
    stranger = Client()
    stranger.get("/accounts/passkeys/login/", headers={"Accept": "application/json"})
    assert stranger.post("/accounts/passkeys/login/", {"credential": credential}).status_code == 302
    assert stranger.get("/").status_code == 302


def test_nobody_reaches_anothers_passkey(alice: User, bob: User) -> None:
    theirs = Authenticator.objects.create(user=bob, type="webauthn", data={"name": "Bob's", "credential": {}})
    client, _ = sign_in("alice")
    for what in ("edit", "remove"):
        assert client.get(f"/accounts/passkeys/{theirs.pk}/{what}/").status_code == 404
        assert client.post(f"/accounts/passkeys/{theirs.pk}/{what}/", {"name": "x"}).status_code == 404
    assert Authenticator.objects.filter(pk=theirs.pk, data__name="Bob's").exists()


def test_an_operator_gives_back_the_way_in(alice_with_app: tuple[str, list[str]], bob: User) -> None:
    secret, _ = alice_with_app
    client, answer = sign_in("alice")
    client.post(answer.url, {"code": code(secret)})
    other, _ = sign_in("bob")
    said = StringIO()
    call_command("reset_mfa", "alice", stdout=said)
    assert "recovery_codes, totp taken away; sessions ended: 2" in said.getvalue()
    assert client.get("/accounts/").status_code == 302, "whoever has the lost telephone is out, too"
    assert other.get("/accounts/").status_code == 200
    again, answer = sign_in("alice")
    assert answer.url == "/"
    assert again.get("/").url == "/accounts/"
    with pytest.raises(CommandError, match="nobody called eve"):
        call_command("reset_mfa", "eve")


def test_a_session_is_another_one_after_each_step_of_a_login(alice_with_app: tuple[str, list[str]]) -> None:
    secret, _ = alice_with_app
    client = Client()
    client.get(LOGIN)
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    client.cookies["sessionid"] = session.session_key
    before = session.session_key
    _, answer = sign_in("alice", client)
    client.post(answer.url, {"code": code(secret)})
    assert client.get("/").status_code == 200
    assert client.cookies["sessionid"].value != before
    planted = Client()
    planted.cookies["sessionid"] = before
    assert planted.get("/").status_code == 302, "whoever planted the key has nothing of it"


def test_one_sees_ones_sessions_and_ends_the_others(alice: User, bob: User, settings: Any) -> None:
    settings.REQUIRE_MFA = False
    here, there, bobs = sign_in("alice")[0], sign_in("alice")[0], sign_in("bob")[0]
    page = here.get("/accounts/sessions/").content.decode()
    assert page.count("Another browser") == 1
    assert page.count("This browser") == 1
    assert here.post("/accounts/sessions/").url == "/accounts/sessions/"
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 302
    assert bobs.get("/").status_code == 200


def test_a_new_password_signs_out_everywhere_else(alice: User, settings: Any) -> None:
    settings.REQUIRE_MFA = False
    here, there = sign_in("alice")[0], sign_in("alice")[0]
    given = {"oldpassword": GOOD, "password1": "another-good-one", "password2": "another-good-one"}
    assert here.post("/accounts/password/change/", given).status_code == 302
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 302
    assert here.get("/accounts/sessions/").content.decode().count("Another browser") == 0


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
@pytest.mark.parametrize("where", ["second-factor", "again", "reauthenticate", "logout"])
def test_no_step_leads_to_another_site(
    where: str, target: str, alice_with_app: tuple[str, list[str]], clock: time_machine.Traveller
) -> None:
    secret, _ = alice_with_app
    client, answer = sign_in("alice", next=target)
    answer = client.post(answer.url, {"code": code(secret), "next": target})
    if where == "again":
        clock.shift(60)
        answer = client.post("/accounts/second-factor/again/", {"code": code(secret), "next": target})
    elif where == "reauthenticate":
        answer = client.post("/accounts/reauthenticate/", {"password": GOOD, "next": target})
    elif where == "logout":
        answer = client.post("/accounts/logout/", {"next": target})
    assert answer.status_code == 302
    assert answer.url in ("/", LOGIN, "/accounts/")


def test_keys_and_seeds_are_sealed_and_rotated_and_of_lost_keys_no_code_is_made(
    alice_with_app: tuple[str, list[str]], settings: Any
) -> None:
    secret, codes = alice_with_app
    stored = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    settings.CREDENTIAL_KEYS = ["a-new-key-" + "y" * 40]
    said = StringIO()
    call_command("rotate_credentials", stdout=said)
    assert said.getvalue().startswith("2 sealed")
    assert json.dumps(list(Authenticator.objects.values_list("data", flat=True))) != stored
    settings.SECRET_KEY = "another-" + "z" * 40
    client, answer = sign_in("alice")
    assert client.post(answer.url, {"code": code(secret)}).status_code == 302
    settings.CREDENTIAL_KEYS = []
    client, answer = sign_in("alice")
    for tried in (code(secret), codes[0], code("")):
        page = client.post(answer.url, {"code": tried})
        assert "cannot read your second factor" in page.content.decode()
    assert client.get("/").status_code == 302
