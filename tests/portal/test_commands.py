"""What an operator types: people, demo people, and a mirror by hand."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from orders.models import AccountRun, Contact, Listed, Partner
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox


def run(*arguments: str) -> str:
    """What a command writes."""
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets a test say what comes on standard input."""

    def on_stdin(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))

    return on_stdin


@pytest.mark.parametrize("role", ["staff", "manager", "admin"])
def test_a_person_is_added_with_a_role_and_may_sign_in(role: str, db: None, typed: Any, client: Client) -> None:
    typed("correct horse battery\n")
    said = run("add_person", "eve", "eve@example.com", "--role", role, "--stdin")
    assert "eve" in said
    assert "correct horse" not in said
    user = User.objects.get()
    assert [group.name for group in user.groups.all()] == [role]
    assert not user.is_staff
    assert not user.is_superuser
    given = {"login": "eve@example.com", "password": "correct horse battery"}
    assert client.post("/accounts/login/", given).status_code == 302
    assert client.get("/").status_code == 200


def test_a_person_may_hold_several_roles(db: None, typed: Any) -> None:
    typed("correct horse battery\n")
    run("add_person", "eve", "eve@example.com", "--role", "staff", "--role", "admin", "--stdin")
    assert {group.name for group in User.objects.get().groups.all()} == {"staff", "admin"}


@pytest.mark.parametrize(
    ("arguments", "password", "words"),
    [
        (("ALICE", "new@example.com", "--role", "staff"), "correct horse battery", "is somebody called ALICE already"),
        (("eve", "Alice@example.com", "--role", "staff"), "correct horse battery", "alice@example.com"),
        (("eve", "eve@example.com", "--role", "staff"), "password", "too common"),
        (("eve", "eve@example.com", "--role", "staff"), "short", "too short"),
        (("everyman", "eve@example.com", "--role", "staff"), "everyman", "too similar"),
        (("eve", "no address", "--role", "staff"), "correct horse battery", "valid email"),
        (("eve", "eve@example.com", "--role", "boss"), "correct horse battery", "invalid choice"),
        (("eve", "eve@example.com"), "correct horse battery", "--role"),
    ],
)
def test_a_person_who_cannot_be_added_is_not(
    arguments: tuple[str, ...], password: str, words: str, alice: User, typed: Any
) -> None:
    typed(f"{password}\n")
    with pytest.raises(CommandError, match=f"(?i){words}"):
        run("add_person", *arguments, "--stdin")
    assert User.objects.count() == 1


@pytest.fixture
def demo(settings: Any, db: None) -> Any:
    """Settings with which demo users may be made."""
    settings.DEMO_PASSWORD = "a-demo-password"
    return settings


def test_demo_users_are_made_once_and_keep_their_password(demo: Any, client: Client) -> None:
    for _ in range(2):
        assert "staff, manager, admin" in run("demo_users")
    assert User.objects.count() == 3
    for user in User.objects.all():
        assert [group.name for group in user.groups.all()] == [user.username]
        given = {"login": user.username, "password": "a-demo-password"}
        assert Client().post("/accounts/login/", given).status_code == 302
    hashed = User.objects.get(username="staff").password
    run("demo_users")
    assert User.objects.get(username="staff").password == hashed, "a session is not ended by making them again"
    demo.DEMO_PASSWORD = "another-one"
    run("demo_users")
    assert User.objects.get(username="staff").check_password("another-one")


@pytest.mark.parametrize("host", ["openapi.partner.yeastar.com", "OPENAPI.partner.yeastar.com.:443"])
def test_demo_users_are_never_made_where_orders_cost_money(host: str, demo: Any) -> None:
    demo.YEASTAR_BASE_URL, demo.SANDBOX = f"https://{host}", True
    with pytest.raises(CommandError, match="costs money"):
        run("demo_users")
    assert User.objects.count() == 0


def test_demo_users_need_a_password(demo: Any) -> None:
    demo.DEMO_PASSWORD = ""
    with pytest.raises(CommandError, match="DEMO_PASSWORD"):
        run("demo_users")
    assert User.objects.count() == 0


def test_the_lists_are_mirrored_by_hand(db: None, portal: PartnerPortal, sandbox: Sandbox) -> None:
    said = run("mirror_accounts")
    assert said.splitlines() == [
        "Customers: 22 listed, 22 added.",
        "Billing contacts: 20 listed, 20 added.",
    ]
    sandbox.world.happen({"event": "removed", "what": "contacts", "id": "3197218168379846218"})
    assert "Billing contacts: 19 listed, 1 gone." in run("mirror_accounts")
    assert (Partner.objects.count(), Contact.objects.on_offer().count()) == (22, 19)


def test_a_mirror_that_fails_says_why_and_changes_nothing(accounts: None, sandbox: Sandbox) -> None:
    sandbox.fault("partner_list", "refuse", code="forbidden", detailMessage="Not yours", times=None)
    with pytest.raises(CommandError, match="Not all lists were taken"):
        run("mirror_accounts")
    failed = AccountRun.objects.filter(what=Listed.PARTNERS).last()
    assert failed is not None
    assert failed.words == "Yeastar did not give the list. Not yours"
    assert Partner.objects.on_offer().count() == 22
