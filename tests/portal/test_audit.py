"""The audit log: everything that somebody does is in it, nobody can change it, and no secret gets into it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import get_resolver, resolve, reverse
from django.utils import timezone

from orders import auditing, credentials
from orders.audit_trail.acts import ACTS
from orders.behalf import PORTAL, at_command_line, on_behalf_of
from orders.lifecycle import Status
from orders.models import AuditEntry, EvidenceIsKept, Order, OrderEvent, Partner
from orders.settling import mark_of
from portal.audit.middleware import SIGNED_OUT
from portal.audit.ordinary import BOOKMARKS, ORDERING, ORDINARY
from tests.conftest import person
from tests.portal.conftest import World
from tests.portal.test_login import GOOD, sign_in
from tests.portal.test_roles import PEOPLE, TABLE, Row, people_for, url_names
from tests.services.servers import free_port

ADAM = PEOPLE.index("adam")


def latest() -> AuditEntry:
    entry = AuditEntry.objects.order_by("-pk").first()
    assert entry
    return entry


# Everything somebody does is in it ---------------------------------------------------------------------------


CONFLICT = "Yeastar says that it was bought."
REASON = {"reason": "The customer said so on the telephone"}

FILLED: dict[str, tuple[str, dict[str, Any], str]] = {
    "orders:settle": (
        "/orders/{doubtful}/settle/",
        {"outcome": "never", "sure": "on", **REASON},
        "order.settled",
    ),
    "orders:cancel": ("/orders/{waiting}/cancel/", REASON, "order.cancelled"),
    "orders:conflict": ("/orders/{order}/conflict/", REASON | {"seen": mark_of(CONFLICT)}, "order.contradiction_seen"),
    "people:role": ("/people/{person}/role/", {"role": "manager"}, "role.changed"),
    "people:limits": ("/people/{person}/limits/", {"limited": "yes", "own_account": "on"}, "limits.changed"),
    "people:invitation_limits": (
        "/people/invitations/{invitation}/limits/",
        {"limited": "yes", "own_account": "on"},
        "limits.changed",
    ),
    "people:details": ("/people/{person}/details/", {"email": "zoe@new.example", "name": "Zoe"}, "email.changed"),
    "people:reset_factors": ("/people/{person}/second-factor/", REASON, "mfa.removed"),
    "people:invite": ("/people/invite/", {"email": "new@example.com", "role": "staff"}, "person.invited"),
}
"""Forms that do nothing when they are empty: where, filled in how, and what the log says then."""

SHOWN_ONLY = {
    "account_login", "account_logout", "account_signup", "account_reauthenticate", "account_inactive",
    "account_confirm_login_code", "account_change_password", "account_set_password", "account_reset_password",
    "account_reset_password_from_key", "account_email",
}  # fmt: skip
"""allauth's. What they do is told by its signals, and tested one by one below."""


def done_by_adam() -> list[Row]:
    """The rows of the table of roles in which an admin succeeds at changing something."""
    rows = [row for row in TABLE if row.method == "post" and row.answers[ADAM] < 400 and row.name not in SHOWN_ONLY]
    assert len(rows) > 20
    return rows


@pytest.mark.parametrize("row", done_by_adam(), ids=lambda row: row.url)
def test_whatever_an_admin_does_is_in_the_log(row: Row, world: World, adam: User, sign_in: Any) -> None:
    adams = sign_in(adam)
    before = latest().pk
    url = row.url.format(**world)
    assert adams.post(url).status_code < 400
    entries = AuditEntry.objects.filter(pk__gt=before, actor=adam)
    assert entries.exists() == (row.name not in ORDINARY)
    assert all(each.address == "127.0.0.1" and each.request_id for each in entries)
    assert all(each.words for each in entries)


@pytest.mark.parametrize("name", FILLED)
def test_a_form_that_is_filled_in_is_in_the_log_by_its_own_name_and_an_empty_one_is_not(
    name: str, world: World, adam: User, sign_in: Any
) -> None:
    Order.objects.filter(pk=world["order"]).update(conflict=CONFLICT)
    url, given, action = FILLED[name]
    adams, before = sign_in(adam), latest().pk
    assert adams.post(url.format(**world)).status_code == 422
    assert latest().pk == before
    answer = adams.post(url.format(**world), given)
    assert answer.status_code == 302
    entry = AuditEntry.objects.get(pk__gt=before)
    assert (entry.action, entry.actor, entry.actor_name) == (action, adam, "adam")
    assert entry.target_id
    assert entry.words or any(isinstance(each, dict) and "after" in each for each in entry.data.values())


CREDENTIALS = {"orders:credentials", "orders:take_credentials_away"}

ELSEWHERE = {
    "orders:partners_edit": ("orders/accounts/test_pages.py", "account.hidden"),
    "orders:contacts_edit": ("orders/accounts/test_pages.py", "account.hidden"),
    "orders:partners_decide": ("orders/accounts/test_pages.py", "accounts.confirmed"),
    "orders:contacts_decide": ("orders/accounts/test_pages.py", "accounts.confirmed"),
    "orders:partners_import_decide": ("orders/accounts/test_files.py", "accounts.imported"),
    "orders:contacts_import_decide": ("orders/accounts/test_files.py", "accounts.imported"),
    "orders:partners_import": ("orders/accounts/test_files.py", "accounts.imported"),
    "orders:contacts_import": ("orders/accounts/test_files.py", "accounts.imported"),
    "orders:new_partner": ("orders/test_partner_editing.py", "partner.created"),
    "orders:edit_partner": ("orders/test_partner_editing.py", "partner.edited"),
}
"""Forms that need a list, a file or an answer of Yeastar: the tests that fill them in look into the log, too."""


def test_forms_that_are_filled_in_elsewhere_are_looked_up_in_the_log_there() -> None:
    for name, action in ELSEWHERE.values():
        told = (Path(__file__).resolve().parents[1] / name).read_text()
        assert re.search(rf'AuditEntry\.objects\.(get|filter)\(action="{action}"\)', told), name


def test_credentials_are_in_the_log_without_the_secret(adam: User, sign_in: Any, client_of_nobody: None) -> None:
    adams, before = sign_in(adam), latest().pk
    given = {"client_id": "an-id-of-ours", "client_secret": "a-secret-of-ours", "do": "save"}
    assert adams.post(reverse("orders:credentials"), given).status_code == 302
    assert adams.post(reverse("orders:take_credentials_away")).status_code == 302
    entries = AuditEntry.objects.filter(pk__gt=before)
    assert [each.action for each in entries] == ["credentials.changed", "credentials.changed"]
    assert "a-secret" not in str(list(entries.values()))


@pytest.fixture
def client_of_nobody(settings: Any) -> Iterator[None]:
    """No client id and secret by the environment, and no broker that would have them tested."""
    settings.YEASTAR_CLIENT_ID = settings.YEASTAR_CLIENT_SECRET = ""
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    credentials.forget()
    yield
    credentials.forget()


def test_every_url_that_takes_a_form_is_walked(world: World, adam: User, sign_in: Any) -> None:
    """A URL that somebody adds tomorrow must be in the table of roles, or among the forms that are filled in here."""
    adams = sign_in(adam)
    walked = {row.name for row in done_by_adam()} | set(FILLED) | CREDENTIALS | set(ELSEWHERE)
    rows = {row.name: row for row in TABLE}
    unwalked = set()
    for name in set(url_names(get_resolver().url_patterns)) - walked - SHOWN_ONLY - ORDINARY:
        row = rows[name]
        answer = adams.post(row.url.format(**world))
        if answer.status_code not in (404, 405) and not resolve_module(row, world).startswith("allauth."):
            unwalked.add(name)
    assert unwalked == set()


def resolve_module(row: Row, world: World) -> str:
    return resolve(row.url.format(**world).partition("?")[0]).func.__module__


def test_ordering_has_events_of_its_own_and_what_is_ordinary_exists(
    draft: Callable[[str], Order], alices: Client
) -> None:
    assert set(url_names(get_resolver().url_patterns)) >= ORDINARY
    assert ORDINARY == ORDERING | BOOKMARKS
    order = draft("turnkey-capacity")
    before, noted = OrderEvent.objects.count(), latest().pk
    approved = alices.get(f"/orders/{order.pk}/review/").context["form"].initial
    assert alices.post(f"/orders/{order.pk}/place/", approved).status_code == 302
    order.refresh_from_db()
    assert order.status != Status.DRAFT
    assert OrderEvent.objects.count() > before
    assert latest().pk == noted


@pytest.mark.parametrize("name", sorted(ORDERING - {"orders:place"}))
def test_what_is_ordinary_buys_nothing(name: str, draft: Callable[[str], Order], alices: Client) -> None:
    order = draft("turnkey-capacity")
    given = {"slug": order.slug} if name == "orders:start" else {"pk": order.pk}
    given |= {"name": "plan"} if name == "orders:step" else {}
    alices.post(reverse(name, kwargs=given))
    assert not Order.objects.exclude(status=Status.DRAFT).exists()


def test_what_no_view_has_noted_is_noted_all_the_same(alices: Client, alice: User, monkeypatch: Any) -> None:
    monkeypatch.setattr("portal.audit.middleware.ORDINARY", frozenset())
    alices.post("/orders/start/turnkey-capacity/", headers={"User-Agent": "Browser \x00 of alice"})
    entry = latest()
    assert (entry.action, entry.topic, entry.actor) == ("request", "other", alice)
    assert entry.target_label == "POST /orders/start/turnkey-capacity/"
    assert entry.data == {"view": "orders:start", "status": 302}
    assert entry.agent == "Browser \ufffd of alice"


def test_what_was_asked_and_not_done_is_not_told_as_done(adam: User, sign_in: Any) -> None:
    sign_in(adam).post("/partners/hide/")
    entry = latest()
    assert (entry.action, entry.words) == ("request.declined", "Nothing was changed: tick the customers that you mean.")
    assert "Not done" in sign_in(adam).get(entry.get_absolute_url()).content.decode()


def test_changed_limits_are_told_in_words(alice: User, adam: User, accounts: None, sign_in: Any) -> None:
    adams, url = sign_in(adam), f"/people/{alice.pk}/limits/"
    some = list(Partner.objects.on_offer().order_by("pk")[:6])
    adams.post(url, {"do": "add", "partner": [each.pk for each in some]})
    assert latest().words.startswith("Added: ")
    assert latest().words.endswith(" and 1 more.")
    adams.post(url, {"limited": "yes", "own_account": "on"})
    assert latest().words == "Some customers only; our own account, too."
    adams.post(url, {"do": "remove", "partner": [some[0].pk]})
    assert latest().words == f"Taken out: {some[0]} ({some[0].remote_id})."
    adams.post(url, {"limited": "yes", "own_account": "on"})
    assert latest().words == "Saved without a change."


def test_an_entry_that_was_taken_back_does_not_count_as_one(alices: Client, alice: User, monkeypatch: Any) -> None:
    def started(**_: Any) -> None:
        with transaction.atomic():
            auditing.note("order.settled")
            transaction.set_rollback(True)
        raise PermissionError

    monkeypatch.setattr("portal.audit.middleware.ORDINARY", frozenset())
    monkeypatch.setattr("orders.views.ordering.placing.start", started)
    with pytest.raises(PermissionError):
        alices.post("/orders/start/turnkey-capacity/")
    alices.post("/accounts/logout/")
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {"login", "logout"}


def test_a_refusal_is_noted_once_a_minute_and_reading_is_not(alices: Client, alice: User) -> None:
    for _ in range(3):
        assert alices.post("/connection/ask/").status_code == 403
        assert alices.get("/connection/").status_code == 403
    entry = AuditEntry.objects.get(action="request.refused")
    assert (entry.actor, entry.target_label, entry.data["view"]) == (alice, "POST /connection/ask/", "orders:ask")


def test_what_is_done_stays_done_when_only_its_entry_fails(alices: Client, monkeypatch: Any) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise DatabaseError("no room")

    monkeypatch.setattr("portal.audit.middleware.ORDINARY", frozenset())
    monkeypatch.setattr("portal.audit.middleware.auditing.note", broken)
    assert alices.post("/orders/start/turnkey-capacity/").status_code == 302
    assert Order.objects.exists()


def test_a_write_and_its_entry_are_there_together_or_not_at_all(
    uncertain: Callable[[], Order], mona: User, sign_in: Any, monkeypatch: Any
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise DatabaseError("no room")

    order, monas = uncertain(), sign_in(mona)
    monkeypatch.setattr("orders.settling.auditing.note", broken)
    with pytest.raises(DatabaseError):
        monas.post(f"/orders/{order.pk}/settle/", {"outcome": "never", "sure": "on", **REASON})
    order.refresh_from_db()
    assert order.status == Status.UNCERTAIN


# The door ----------------------------------------------------------------------------------------------------


def test_who_came_in_and_who_left(alice: User, client: Client) -> None:
    sign_in(client, "alice")
    entry = latest()
    assert (entry.action, entry.topic, entry.actor, entry.target_id) == ("login", "signing-in", alice, str(alice.pk))
    client.post("/accounts/logout/")
    assert (latest().action, latest().actor) == ("logout", alice)
    assert AuditEntry.objects.count() == 2


@pytest.mark.parametrize("typed", ["alice", "ALICE@example.com"])
def test_a_wrong_password_is_noted_for_whom_it_was_meant(typed: str, alice: User, client: Client) -> None:
    sign_in(client, typed, "Tr0ub4dor&3")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.actor_name) == ("login.failed", None, SIGNED_OUT)
    assert (entry.target_type, entry.target_id, entry.target_label) == ("user", str(alice.pk), "alice")
    assert "Tr0ub4dor" not in str(entry.__dict__)


@pytest.mark.parametrize("typed", ["Tr0ub4dor&3", "x" * 254, "<script>alert(1)</script>", "\u202eecila"])
def test_what_was_typed_as_a_name_is_not_kept_for_it_may_be_a_password(typed: str, alice: User, client: Client) -> None:
    sign_in(client, typed, GOOD)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target_label, entry.target_id) == ("login.failed", "unknown", "")
    assert typed not in str(entry.__dict__)


def test_a_changed_password_is_noted_and_a_form_that_was_wrong_is_not(alices: Client, alice: User) -> None:
    new = "another-good-one"
    before = latest().pk
    alices.post("/accounts/password/change/", {"oldpassword": GOOD, "password1": new, "password2": "x"})
    assert latest().pk == before
    alices.post("/accounts/password/change/", {"oldpassword": GOOD, "password1": new, "password2": new})
    [entry] = AuditEntry.objects.filter(pk__gt=before)
    assert (entry.action, entry.actor) == ("password.changed", alice)
    assert new not in str(entry.__dict__)


def test_behind_a_proxy_of_ours_it_is_the_persons_own_address(alice: User, client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("allauth.core.internal.httpkit.allauth_settings.TRUSTED_PROXY_COUNT", 1, raising=False)
    client.post(
        "/accounts/login/", {"login": "alice", "password": GOOD}, headers={"X-Forwarded-For": "6.6.6.6, 2001:db8::7"}
    )
    assert latest().address == "2001:db8::7"


def test_an_address_that_is_none_is_left_out(alices: Client) -> None:
    alices.post("/accounts/logout/", REMOTE_ADDR="unix:")
    assert latest().address in ("", "unix:")


def test_commands_are_noted_under_the_name_of_whoever_gives_them(db: None, monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("a-good-password\n"))
    with on_behalf_of(at_command_line()):
        call_command("add_person", "zoe", "zoe@example.com", "--role", "admin", "--stdin", stdout=StringIO())
    entry = latest()
    assert (entry.action, entry.actor, entry.target_label) == ("person.added", None, "zoe")
    assert entry.actor_name.startswith("command line (")
    assert entry.data["roles"] == ["admin"]
    auditing.note("accounts.synced")
    assert latest().actor_name == PORTAL


# Nobody can change it ----------------------------------------------------------------------------------------


def test_models_and_querysets_refuse_to_change_or_delete_an_entry(db: None) -> None:
    auditing.note("login")
    entry = AuditEntry.objects.get()
    entry.action = "logout"
    for act in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(action="logout"),
        lambda: AuditEntry.objects.bulk_update([entry], ["action"]),
        lambda: AuditEntry.objects.update_or_create(pk=entry.pk, defaults={"action": "logout"}),
    ):
        with pytest.raises(EvidenceIsKept), transaction.atomic():
            act()
    assert AuditEntry.objects.get().action == "login"


def test_the_database_refuses_too(db: None) -> None:
    auditing.note("login")
    with connection.cursor() as cursor:
        make_trigger_again(cursor)
        for statement in ("UPDATE orders_auditentry SET action = 'logout'", "DELETE FROM orders_auditentry"):
            with pytest.raises(DatabaseError, match="only ever added to"), transaction.atomic():
                cursor.execute(statement)
    assert AuditEntry.objects.get().action == "login"


def make_trigger_again(cursor: Any) -> None:
    """The one that the tests' own database must do without (tests/conftest.py)."""
    if connection.vendor == "sqlite":
        cursor.execute(import_module("orders.migrations.0014_audit").SQLITE[1])


def test_whoever_is_in_the_log_cannot_be_deleted(alice: User, alices: Client) -> None:
    with pytest.raises(Exception, match="protected"):
        alice.delete()


def test_an_entry_says_what_was_then_whatever_happens_to_it_later(alice: User) -> None:
    auditing.note("role.changed", actor=alice, target=alice)
    User.objects.filter(pk=alice.pk).update(username="alicia")
    assert (latest().actor_name, latest().target_label) == ("alice", "alice")


# No secret gets into it --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["password", "new_password1", "client_secret", "token", "accessToken", "api_key", "code", "recovery_codes", "otp"],
)
def test_what_is_named_like_a_secret_is_left_out(name: str, db: None) -> None:
    auditing.note("credentials.changed", data={"deep": [{name: {"before": "s3cr3t", "after": ["s3cr3t"]}}]})
    assert "s3cr3t" not in str(latest().data)
    assert latest().data["deep"][0][name] == auditing.NOT_KEPT


def test_what_only_resembles_a_secrets_name_is_kept(db: None) -> None:
    told = {"country_code": "DE", "passed": 3, "keyboard": "qwertz", "client_id": "abc"}
    auditing.note("partner.edited", data=told)
    assert latest().data == told


def test_a_token_in_an_address_is_not_kept(client: Client, db: None, adam: User, mona: User, monkeypatch: Any) -> None:
    client.force_login(adam)
    people_for(TABLE[0], number=0, inviter=mona)
    client.post("/invitation/of-eve/")
    assert "of-eve" not in str(list(AuditEntry.objects.values_list("target_label", "data", "words")))


# Hostile input -----------------------------------------------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script>",
    "\u202egnp.exe\u202c \u2066evil",
    "null \x00 and half \ud800",
    '=HYPERLINK("http://evil","x")',
    "x" * 10_000,
    "🙈" * 3_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_that_is_noted_raises_or_is_executed(text: str, adam: User, sign_in: Any) -> None:
    hostile = person(text[:20].replace("\x00", "").replace("\ud800", ""))
    auditing.note("x" * 99, actor=hostile, target=text, words=text, data={text: {"before": text, "after": [text]}})
    entry = latest()
    assert len(entry.target_label) <= 300
    adams = sign_in(adam)
    for url in ("/audit/", entry.get_absolute_url(), "/audit/?who=" + "%3Cscript%3E", f"/audit/?on=x:{'y' * 90}"):
        page = adams.get(url)
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()
    for kind in ("csv", "xlsx", "jsonl"):
        file = b"".join(adams.post("/audit/export/", {"format": kind}))
        assert file
        assert b"\n=HYPER" not in file


def test_data_that_no_page_could_show_is_cut(db: None) -> None:
    auditing.note("accounts.imported", data={f"row {number}": "x" * 100 for number in range(5_000)})
    assert "characters" in latest().data["too_long"]
    assert len(str(latest().data)) < 20_000


def test_a_moment_a_model_and_what_is_no_json_can_be_noted(alice: User, db: None) -> None:
    told = {"at": timezone.now(), "life": timedelta(days=1), "who": alice, 5: {1, 2}, "group": Group(name="g")}
    auditing.note("person.changed", data=told)
    assert latest().data["who"] == "alice"


def test_partners_are_called_by_their_names(accounts: None) -> None:
    partner = Partner.objects.all()[0]
    auditing.note("account.hidden", target=partner)
    assert (latest().target_type, latest().target_id, latest().topic) == ("partner", str(partner.pk), "accounts")


def test_whatever_the_code_notes_has_a_name_on_the_page_and_a_part_of_the_log() -> None:
    root, noted = Path(__file__).resolve().parents[2], set()
    for path in [*(root / "orders").rglob("*.py"), *(root / "portal").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in ("note", "auditing.note") or called == "partial":
                noted |= {each.value for each in ast.walk(node) if _is_action(each)}
    assert len(noted) > 25
    assert noted - ACTS.keys() == set()
    others = {"request", "request.refused", "request.declined"}
    assert {each for each in noted if auditing.topic_of(each) == auditing.OTHER} <= others


def _is_action(node: ast.AST) -> bool:
    told = node.value if isinstance(node, ast.Constant) else None
    return isinstance(told, str) and bool(re.fullmatch(r"[a-z]+\.[a-z_]+", told))
