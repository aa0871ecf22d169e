"""Single sign-on with a provider that is played: who gets in, as whom, and every way in which it goes wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
import responses
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from jwt.algorithms import RSAAlgorithm

from orders.models import AuditEntry, Limits, Partner
from portal.models import Invitation
from portal.people import inviting
from tests.conftest import person

ISSUER = "https://login.example.com/realm"
CLIENT = "portal"
SECRET = "the-client's-secret"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Played:
    """The provider: what it says of itself, its keys, tokens and people."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.mock = mock
        self.config: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/auth",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "userinfo_endpoint": f"{ISSUER}/userinfo",
        }
        self.claims: dict[str, Any] = {
            "sub": "7f3a",
            "email": "alice@example.com",
            "email_verified": True,
            "preferred_username": "alice.smith",
            "name": "Alice Smith",
            "groups": ["everybody", "yeastar-staff"],
        }
        self.token: dict[str, Any] = {}
        self.userinfo: dict[str, Any] | None = None
        self.key: RSAPrivateKey | str = KEY
        self.algorithm, self.key_id = "RS256", "k1"
        self.nonce = self.challenge = ""
        mock.add_callback("GET", f"{ISSUER}/.well-known/openid-configuration", lambda _: self.json(self.config))
        mock.add_callback("GET", f"{ISSUER}/keys", lambda _: self.json({"keys": [self.public()]}))
        mock.add_callback("GET", f"{ISSUER}/userinfo", lambda _: self.json(self.userinfo or self.claims))
        mock.add_callback("POST", f"{ISSUER}/token", self.give_token)

    def json(self, found: Any) -> tuple[int, dict[str, str], str]:
        return 200, {"Content-Type": "application/json"}, json.dumps(found)

    def public(self) -> dict[str, Any]:
        return {**RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "k1", "alg": "RS256", "use": "sig"}

    def give_token(self, request: Any) -> tuple[int, dict[str, str], str]:
        """As a real one: only for the right code, secret and verifier of the challenge."""
        given = {name: values[0] for name, values in parse_qs(request.body).items()}
        digest = hashlib.sha256(given["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == self.challenge
        assert (given["client_id"], given["client_secret"], given["code"]) == (CLIENT, SECRET, "the-code")
        assert given["redirect_uri"] == "http://testserver/accounts/sso/callback/"
        now = int(time.time())
        standard = {"iss": ISSUER, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": self.nonce}
        claims = {**self.claims, **standard, **self.token}
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(claims, self.key, self.algorithm, {"kid": self.key_id})
        return self.json({"access_token": "the-access-token", "token_type": "Bearer", "id_token": token})


@pytest.fixture
def provider(settings: Any, db: None) -> Any:
    settings.OIDC_SERVER_URL, settings.OIDC_NAME = ISSUER, "Example ID"
    settings.OIDC_ROLES = {"yeastar-staff": "staff", "yeastar-managers": "manager", "yeastar-admins": "admin"}
    app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    played = {"name": "Example ID", "client_id": CLIENT, "secret": SECRET}
    played["settings"] = {**app["settings"], "server_url": ISSUER}
    openid = {**settings.SOCIALACCOUNT_PROVIDERS["openid_connect"], "APPS": [{**app, **played}]}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": openid}
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Played(mock)


def leave(client: Client, provider: Played, **given: str) -> dict[str, str]:
    """Off to the provider; what the browser is sent there with."""
    page = client.post("/accounts/sso/", given)
    assert page.status_code == 200, page.content.decode()
    url = unescape(re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', page.content.decode())[0])
    assert url.startswith(f"{ISSUER}/auth?")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    provider.nonce, provider.challenge = asked["nonce"], asked["code_challenge"]
    return asked


def come_back(client: Client, asked: dict[str, str]) -> Any:
    return client.get("/accounts/sso/callback/", {"code": "the-code", "state": asked["state"]})


def sign_in(provider: Played, client: Client | None = None, **given: str) -> tuple[Client, Any]:
    client = client or Client()
    return client, come_back(client, leave(client, provider, **given))


def refused(client: Client, answer: Any, status: int, words: str) -> None:
    assert answer.status_code == status
    assert words in unescape(answer.content.decode())
    assert client.get("/").status_code == 302
    for secret in (SECRET, "the-access-token", "the-code"):
        assert secret not in answer.content.decode()


def roles(person: User) -> list[str]:
    return sorted(person.groups.values_list("name", flat=True))


def test_somebody_with_a_confirmed_address_gets_in_as_who_they_are(alice: User, provider: Played) -> None:
    client = Client()
    assert "Sign in with Example ID" in client.get("/accounts/login/").content.decode()
    asked = leave(client, provider, next="/orders/?q=x")
    assert asked["code_challenge_method"] == "S256"
    assert asked["response_type"] == "code"
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}
    assert come_back(client, asked).url == "/orders/?q=x"
    assert "alice" in client.get("/orders/").content.decode()
    assert alice.check_password("a-good-password"), "the password stays"
    assert User.objects.count() == 1
    account = SocialAccount.objects.get()
    assert (account.user, account.uid) == (alice, "7f3a")
    assert account.extra_data == {"email": "alice@example.com", "preferred_username": "alice.smith"}


def test_the_second_time_the_account_counts_and_no_address_any_more(alice: User, bob: User, provider: Played) -> None:
    sign_in(provider)
    provider.claims |= {"email": "bob@example.com", "email_verified": True}
    client, answer = sign_in(provider)
    assert answer.url == "/"
    assert client.session["_auth_user_id"] == str(alice.pk)


@pytest.mark.parametrize("told", [False, None, "false", 1, "yes"])
def test_an_address_that_is_not_confirmed_opens_nobodys_account(told: Any, alice: User, provider: Played) -> None:
    provider.claims["email_verified"] = told
    client, answer = sign_in(provider)
    refused(client, answer, 403, "Your e-mail address is not confirmed")
    assert not SocialAccount.objects.exists()


def test_nor_does_it_make_a_person(provider: Played, settings: Any) -> None:
    settings.OIDC_CREATE_PEOPLE = True
    provider.claims |= {"email": "eve@example.com", "email_verified": False}
    client, answer = sign_in(provider)
    refused(client, answer, 403, "Your e-mail address is not confirmed")
    assert not User.objects.exists()


def test_a_stranger_is_told_whom_to_ask(alice: User, provider: Played) -> None:
    provider.claims["email"] = "eve@example.com"
    client, answer = sign_in(provider)
    refused(client, answer, 403, "Nobody knows you here yet")
    assert User.objects.count() == 1


def test_a_stranger_becomes_a_person_where_that_is_wanted(alice: User, provider: Played, settings: Any) -> None:
    settings.OIDC_CREATE_PEOPLE = True
    provider.claims |= {"email": "eve@example.com", "preferred_username": "alice", "groups": ["yeastar-managers"]}
    client, answer = sign_in(provider)
    assert answer.url == "/"
    eve = User.objects.get(email="eve@example.com")
    assert eve != alice
    assert eve.username != "alice", "that name is taken"
    assert roles(eve) == ["manager"]
    assert not eve.has_usable_password()
    assert client.get("/history/").status_code == 200
    assert (eve.first_name, eve.last_name) == ("Alice", "Smith")


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("adam@example.com", "eve"),
        ("EVE@EXAMPLE.COM", "EVE"),
        ("@example.com", "eve"),
        ("ADAM", "eve"),
        ("x" * 200, "x" * 150),
        ("nul\x00", "eve"),
        (["a"], "eve"),
        (None, "eve"),
    ],
)
def test_a_strangers_name_is_nobodys_name_or_address(
    told: Any, name: str, adam: User, provider: Played, settings: Any
) -> None:
    settings.OIDC_CREATE_PEOPLE = True
    provider.claims |= {"email": "eve@example.com", "preferred_username": told, "name": "Eve"}
    assert sign_in(provider)[1].url == "/"
    assert User.objects.get(email="eve@example.com").username == name
    given = {"login": "adam@example.com", "password": "a-good-password"}
    assert Client().post("/accounts/login/", given).url == "/"


@pytest.mark.parametrize("expired", [False, True])
def test_a_stranger_who_was_invited_has_the_limits_of_the_invitation(
    expired: bool, adam: User, accounts: None, provider: Played, settings: Any
) -> None:
    settings.OIDC_CREATE_PEOPLE = True
    invitation, token = inviting.invite(email="eve@example.com", name="", role="staff", limited=True, actor=adam)
    invitation.partners.set(Partner.objects.all()[:2])
    if expired:
        Invitation.objects.update(expires_at=timezone.now())
    provider.claims |= {"email": "Eve@example.com", "groups": ["yeastar-managers"]}
    assert sign_in(provider)[1].url == "/"
    limits = Limits.objects.get(person__email__iexact="eve@example.com")
    assert (limits.limited, limits.own_account, limits.any_pbx) == (True, False, False)
    assert limits.partners.count() == 2
    assert roles(limits.person) == ["manager"]
    invitation.refresh_from_db()
    assert invitation.used_by == limits.person
    assert inviting.find(token) is None


def test_a_stranger_without_a_known_group_becomes_nobody(provider: Played, settings: Any) -> None:
    settings.OIDC_CREATE_PEOPLE = True
    provider.claims |= {"email": "eve@example.com", "groups": ["everybody"]}
    client, answer = sign_in(provider)
    refused(client, answer, 403, "None of your groups has a role here")
    assert not User.objects.exists()


def test_the_strongest_group_gives_the_role_anew_at_each_login(alice: User, adam: User, provider: Played) -> None:
    for groups, role in (
        (["yeastar-staff", "yeastar-admins"], "admin"),
        (["yeastar-managers", "else"], "manager"),
        ("yeastar-staff everybody", "staff"),
    ):
        provider.claims["groups"] = groups
        assert sign_in(provider)[1].status_code == 302
        assert roles(alice) == [role]


def test_who_has_no_group_any_more_has_no_role_any_more(alice: User, adam: User, provider: Played) -> None:
    open_session, _ = sign_in(provider)
    provider.claims["groups"] = ["everybody", 7, None]
    client, answer = sign_in(provider)
    refused(client, answer, 403, "None of your groups has a role here")
    assert roles(alice) == []
    assert open_session.get("/").status_code == 403, "nor in another browser"


def test_invitations_of_an_admin_end_with_the_groups_that_made_them_one(
    adam: User, provider: Played, settings: Any
) -> None:
    person("ann", "admin")
    provider.claims |= {"email": "adam@example.com", "groups": ["yeastar-admins"]}
    for groups in (["yeastar-staff"], []):
        adam.groups.set([Group.objects.get(name="admin")])
        inviting.invite(email="eve@example.com", name="", role="admin", limited=False, actor=adam)
        provider.claims["groups"] = groups
        sign_in(provider)
        assert not Invitation.objects.open().exists()


def test_a_provider_that_tells_no_groups_changes_no_role(alice: User, provider: Played) -> None:
    del provider.claims["groups"]
    client, answer = sign_in(provider)
    refused(client, answer, 403, "Example ID did not tell your groups")
    assert roles(alice) == ["staff"]


@pytest.mark.parametrize("groups", [["yeastar-staff"], []])
def test_the_last_admin_stays_one_whatever_the_groups(groups: list[str], adam: User, provider: Played) -> None:
    provider.claims |= {"email": "adam@example.com", "groups": groups}
    sign_in(provider)
    assert roles(adam) == ["admin"]


def test_other_groups_of_the_claim_may_be_named_otherwise(alice: User, provider: Played, settings: Any) -> None:
    settings.OIDC_GROUPS_CLAIM = "memberOf"
    provider.claims["memberOf"] = ["yeastar-managers"]
    assert sign_in(provider)[1].status_code == 302
    assert roles(alice) == ["manager"]


def test_without_roles_by_group_the_portal_gives_them(alice: User, provider: Played, settings: Any) -> None:
    settings.OIDC_ROLES = {}
    del provider.claims["groups"]
    alice.groups.set([Group.objects.get(name="manager")])
    assert sign_in(provider)[1].url == "/"
    assert roles(alice) == ["manager"]


def test_an_address_of_two_people_is_nobodys(alice: User, bob: User, provider: Played) -> None:
    User.objects.update(email="Alice@Example.com")
    client, answer = sign_in(provider)
    refused(client, answer, 403, "Nobody knows you here yet")


@pytest.mark.parametrize("known", [False, True])
def test_somebody_switched_off_stays_out_and_who_they_were(known: bool, alice: User, provider: Played) -> None:
    if known:
        sign_in(provider)
    User.objects.update(is_active=False)
    provider.claims["groups"] = ["yeastar-admins"]
    client, answer = sign_in(provider)
    assert answer.url == "/accounts/inactive/"
    assert client.get("/").status_code == 302
    assert roles(alice) == ["staff"]
    assert SocialAccount.objects.exists() == known
    last = AuditEntry.objects.order_by("-pk")[0]
    assert (last.action, last.target_id) == ("login.failed", str(alice.pk))


FORGED: dict[str, Callable[[Played], Any]] = {
    "of another issuer": lambda p: p.token.update(iss="https://evil.example"),
    "for another client": lambda p: p.token.update(aud="shop"),
    "for several, made for another": lambda p: p.token.update(aud=[CLIENT, "shop"], azp="shop"),
    "too old": lambda p: p.token.update(exp=int(time.time()) - 600),
    "without an end": lambda p: p.token.update(exp=None),
    "of nobody": lambda p: p.token.update(sub=None),
    "of somebody else's login": lambda p: p.token.update(nonce="another"),
    "of no login": lambda p: p.token.update(nonce=None),
    "signed by another": lambda p: setattr(p, "key", OTHER_KEY),
    "signed by an unknown key": lambda p: setattr(p, "key_id", "k2"),
    "signed with the secret": lambda p: (setattr(p, "key", SECRET * 3), setattr(p, "algorithm", "HS256")),
    "not signed": lambda p: (setattr(p, "key", ""), setattr(p, "algorithm", "none")),
    "with userinfo of somebody else": lambda p: setattr(p, "userinfo", {**p.claims, "sub": "other"}),
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_token_that_does_not_hold_opens_nothing(
    forged: str, alice: User, provider: Played, caplog: pytest.LogCaptureFixture
) -> None:
    FORGED[forged](provider)
    client, answer = sign_in(provider)
    refused(client, answer, 401, "Signing in did not work")
    assert not SocialAccount.objects.exists()
    assert [line for line in caplog.messages if line.startswith("Single sign-on failed")]
    assert not [line for line in caplog.messages if SECRET in line or "the-access-token" in line or "eyJ" in line]


@pytest.mark.parametrize("issuer", ["https://evil.example", "", None, f"{ISSUER}/other"])
def test_a_discovery_document_of_another_issuer_leads_nowhere(issuer: Any, alice: User, provider: Played) -> None:
    provider.config["issuer"] = issuer
    client = Client()
    refused(client, client.post("/accounts/sso/"), 401, "Signing in did not work")


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_a_discovery_document_that_lacks_something_leads_nowhere(name: str, provider: Played) -> None:
    del provider.config[name]
    client = Client()
    refused(client, client.post("/accounts/sso/"), 401, "Signing in did not work")


DOWN = [
    {"body": requests.ConnectionError("Connection refused")},
    {"body": requests.Timeout("too slow")},
    {"status": 503},
    {"body": "<html>We will be back soon</html>"},
]


@pytest.mark.parametrize("how", DOWN, ids=str)
@pytest.mark.parametrize("what", [".well-known/openid-configuration", "keys", "userinfo"])
def test_while_the_provider_is_down_nothing_is_lost_and_the_password_works(
    what: str, how: dict[str, Any], alice: User, provider: Played
) -> None:
    client = Client()
    asked = {"state": "none"} if "known" in what else leave(client, provider)
    provider.mock.remove("GET", f"{ISSUER}/{what}")
    provider.mock.add("GET", f"{ISSUER}/{what}", **how)
    answer = client.post("/accounts/sso/") if "known" in what else come_back(client, asked)
    refused(client, answer, 503, "Example ID does not answer")
    assert "it works as before" in answer.content.decode()
    given = {"login": "alice", "password": "a-good-password"}
    assert client.post("/accounts/login/", given).url == "/"


@pytest.mark.parametrize("how", [*DOWN[:2], {"status": 400, "json": {"error": "invalid_grant"}}], ids=str)
def test_a_code_that_cannot_be_redeemed_opens_nothing(how: dict[str, Any], alice: User, provider: Played) -> None:
    client = Client()
    asked = leave(client, provider)
    provider.mock.remove("POST", f"{ISSUER}/token")
    provider.mock.add("POST", f"{ISSUER}/token", **how)
    answer = come_back(client, asked)
    assert answer.status_code in (401, 503)
    refused(client, answer, answer.status_code, "Signing in did not work" if "json" in how else "does not answer")


def test_a_callback_that_nobody_asked_for_opens_nothing(alice: User, provider: Played) -> None:
    """Neither a state of another browser, nor one that was used: somebody else's login is not put under a person."""
    asked = leave(Client(), provider)
    stranger = Client()
    refused(stranger, come_back(stranger, asked), 401, "Signing in did not work")
    client, _ = sign_in(provider)
    client.post("/accounts/logout/")
    refused(client, client.get("/accounts/sso/callback/"), 401, "Signing in did not work")
    asked = leave(client, provider)
    assert come_back(client, asked).status_code == 302
    assert come_back(client, asked).status_code == 401


def test_one_may_turn_round(alice: User, provider: Played) -> None:
    client = Client()
    asked = leave(client, provider)
    answer = client.get("/accounts/sso/callback/", {"error": "access_denied", "state": asked["state"]})
    refused(client, answer, 200, "Signing in was cancelled")


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
def test_it_leads_to_no_other_site(target: str, alice: User, provider: Played) -> None:
    assert sign_in(provider, next=target)[1].url == "/"


def test_only_our_own_button_begins_it_and_nobody_adds_to_it(alice: User, provider: Played) -> None:
    assert Client().get("/accounts/sso/").status_code == 405
    assert Client(enforce_csrf_checks=True).post("/accounts/sso/").status_code == 403
    client = Client()
    page = client.post("/accounts/sso/?scope=admin&auth_params=redirect_uri%3Dhttps://evil.example&process=connect")
    assert "evil" not in page.content.decode()
    assert "scope=admin" not in page.content.decode()
    assert page["Content-Security-Policy"] == client.get("/accounts/login/")["Content-Security-Policy"]


def test_nobody_asks_the_provider_without_end(alice: User, provider: Played) -> None:
    client = Client()
    answers = [client.post("/accounts/sso/").status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]


def test_the_session_is_another_one_after_it(alice: User, provider: Played) -> None:
    client = Client()
    asked = leave(client, provider)
    before = client.cookies["sessionid"].value
    come_back(client, asked)
    assert client.cookies["sessionid"].value != before
    planted = Client()
    planted.cookies["sessionid"] = before
    assert planted.get("/").status_code == 302


@pytest.mark.parametrize(
    ("claims", "enough"),
    [
        ({"amr": ["pwd", "mfa"]}, True),
        ({"acr": "mfa"}, True),
        ({"amr": ["pwd"]}, False),
        ({"amr": "mfa"}, False),
        ({}, False),
    ],
)
def test_a_second_factor_that_the_provider_vouches_for_counts(
    claims: dict[str, Any], enough: bool, alice: User, provider: Played, settings: Any
) -> None:
    settings.REQUIRE_MFA = True
    provider.token = claims
    client, _ = sign_in(provider)
    assert client.get("/").status_code == (200 if enough else 302)


def test_userinfo_does_not_vouch(alice: User, provider: Played, settings: Any) -> None:
    settings.REQUIRE_MFA = True
    provider.userinfo = {**provider.claims, "amr": ["mfa"]}
    client, _ = sign_in(provider)
    assert client.get("/").url == "/accounts/"


def test_where_only_single_sign_on_counts_no_password_does(alice: User, provider: Played, settings: Any) -> None:
    settings.OIDC_ONLY = True
    client = Client()
    page = client.get("/accounts/login/").content.decode()
    assert 'name="password"' not in page
    assert "passkey" not in page
    assert client.post("/accounts/login/", {"login": "alice", "password": "a-good-password"}).status_code == 302
    for url in ("password/reset/", "password/reset/key/1-x/", "passkeys/login/"):
        assert client.get(f"/accounts/{url}").url == "/accounts/login/"
        assert client.post(f"/accounts/{url}", {"email": "alice@example.com"}).url == "/accounts/login/"
    assert client.get("/").status_code == 302
    assert sign_in(provider, client)[1].url == "/"
    assert client.get("/accounts/password/change/").url == "/accounts/"
    assert "Changing it signs you out" not in client.get("/accounts/").content.decode()


def test_the_audit_log_tells_of_it(alice: User, adam: User, provider: Played, settings: Any) -> None:
    def told() -> list[tuple[str, str]]:
        return list(AuditEntry.objects.order_by("pk").values_list("action", "actor_name"))

    provider.claims["groups"] = ["yeastar-managers"]
    sign_in(provider)
    assert {("login.connected", "alice"), ("login", "alice")} <= set(told())
    assert "role.changed" in dict(told())
    provider.claims |= {"sub": "other", "email": "eve@example.com"}
    sign_in(provider)
    assert told()[-1][0] == "login.failed"
    settings.OIDC_CREATE_PEOPLE = True
    sign_in(provider)
    assert ("person.added", "alice.smith") in told()
