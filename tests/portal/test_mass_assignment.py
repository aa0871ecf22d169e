"""Nothing but a form's own fields: what else is posted changes nothing, and nor does whoever may not post it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models, transaction
from django.test import Client

from orders import credentials
from orders.destination import current_destination
from orders.models import AccountImport, AccountRun, Contact, Export, Order, Partner, SavedView
from tests.conftest import person
from tests.portal.conftest import World
from tests.portal.test_audit import CONFLICT, FILLED, done_by_adam
from yeastar_api.sandbox import Sandbox

Given = Callable[[Client, World], dict[str, Any]]


def kept_form(browser: Client, url: str) -> dict[str, Any]:
    """The form of a page, as it stands there."""
    form = browser.get(url).context["form"]
    return {bound.html_name: "" if bound.value() is None else bound.value() for bound in form}


def always(**given: Any) -> Given:
    """What is sent does not depend on what there is."""
    return lambda *_: given


LIMITS = {"do": "save", "limited": "yes", "own_account": "on", "any_pbx": "", "q": ""}
SETTLE_MORE = dict.fromkeys(("candidate", "order_no", "transaction_no", "instance_id"), "")

FIELDS: dict[str, Given] = {
    **{name: always(**given) for name, (_, given, _) in FILLED.items()},
    "orders:settle": always(**FILLED["orders:settle"][1], **SETTLE_MORE),
    "people:limits": always(**LIMITS),
    "people:invitation_limits": always(**LIMITS),
    "people:invite": always(email="new@example.com", name="", role="staff", limited=""),
    "people:renew": always(do="show"),
    "orders:save_view": always(name="Late ones", query=""),
    "orders:export": always(format="csv", query=""),
    "orders:audit_export": always(format="csv", query=""),
    "orders:sync_now": always(whole="1"),
    "orders:see_to_drift": always(back=""),
    "orders:partners_hide": lambda _, world: {"pk": world["partner"], "do": "hide", "query": ""},
    "orders:contacts_hide": lambda _, world: {"pk": world["contact"], "do": "hide", "query": ""},
    "orders:partners_edit": lambda browser, world: kept_form(browser, f"/partners/{world['partner']}/"),
    "orders:contacts_edit": lambda browser, world: kept_form(browser, f"/contacts/{world['contact']}/"),
    "orders:partners_import": lambda *_: {"file": SimpleUploadedFile("a.csv", b"Id,Note\n1,x\n")},
    "orders:contacts_import": lambda *_: {"file": SimpleUploadedFile("a.csv", b"Id,Note\n1,x\n")},
    "orders:partners_import_decide": always(do="drop", seen=""),
    "orders:contacts_import_decide": always(do="drop", seen=""),
    "orders:credentials": always(client_id="an-id", client_secret="a-secret", stay="on", do="save"),
}
"""All that the forms ask for that ask for anything."""

NOTHING = always()

MORE_URLS = {
    "orders:partners_edit": "/partners/{partner}/edit/",
    "orders:contacts_edit": "/contacts/{contact}/edit/",
    "orders:partners_import": "/partners/import/",
    "orders:contacts_import": "/contacts/import/",
    "orders:partners_import_decide": "/partners/import/{p_file}/decide/",
    "orders:contacts_import_decide": "/contacts/import/{c_file}/decide/",
    "orders:credentials": "/connection/credentials/",
    "orders:discard": "/orders/{own}/discard/",
    "orders:restore": "/orders/{own}/restore/",
}

FORMS = sorted(
    {(row.name, row.url) for row in done_by_adam()}
    | {(name, url) for name, (url, *_) in FILLED.items()}
    | set(MORE_URLS.items())
)
"""Everything that an admin can send, but for what goes to Yeastar and a list that waits."""


def everything(mona: User) -> dict[str, Any]:
    """Each column of each table, with a value that somebody might like to see there."""
    found: dict[str, Any] = {"pk": mona.pk, "groups": [1, 2, 3], "user_permissions": [1, 2, 3], "roles": "admin"}
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            found[field.name] = found[field.attname] = tempting(field, mona)
    return found | {"role": "admin"}


def tempting(field: Any, mona: User) -> Any:
    if isinstance(field, models.BooleanField):
        return "on"
    if isinstance(field, models.ForeignKey | models.IntegerField | models.AutoField):
        return mona.pk
    if isinstance(field, models.DateTimeField):
        return "2001-01-01T00:00:00Z"
    if isinstance(field, models.JSONField):
        return '{"a": 1}'
    return field.choices[-1][0] if field.choices else "tempting"


def rows() -> dict[str, list[str]]:
    """Every row of every table. Sessions are of browsers."""
    fixed = (Session, Permission, ContentType)
    tables = [model for model in apps.get_models(include_auto_created=True) if model not in fixed]
    return {
        model._meta.label: [
            json.dumps(row, default=lambda value: bytes(value).hex() if isinstance(value, bytes) else str(value))
            for row in model._base_manager.order_by("pk").values()
        ]
        for model in tables
    }


RANDOM = re.compile(
    r"\d{4}-\d\d-\d\d[T -][\d:.]+(\+00:00|Z)?|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32,}|YP-[0-9A-Z-]+|gAAAA[\w=-]+"
)
"""Moments, keys and marks: of a row that is written twice they are never the same."""


def written(browser: Client, url: str, given: dict[str, Any]) -> tuple[int, dict[str, list[str]]]:
    """What is answered and what the database holds then. It is taken back."""
    cache.clear()
    credentials.forget()
    here = transaction.savepoint()
    try:
        answer = browser.post(url, given)
        b"".join(answer)  # what is streamed is written down at its end
        return answer.status_code, {name: [RANDOM.sub("·", row) for row in table] for name, table in rows().items()}
    finally:
        transaction.savepoint_rollback(here)


def differences(one: dict[str, list[str]], other: dict[str, list[str]]) -> dict[str, set[str]]:
    """The rows that are only in one of the two, by table; some are in a random order."""
    return {name: set(table) ^ set(other[name]) for name, table in one.items() if sorted(table) != sorted(other[name])}


@pytest.fixture(autouse=True)
def _nothing_in_the_background(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """No client id by the environment; and what would go on in a thread does not, for it would not be taken back."""
    settings.YEASTAR_CLIENT_ID = settings.YEASTAR_CLIENT_SECRET = ""
    monkeypatch.setattr("orders.trying._in_background", lambda *_: None)


@pytest.fixture
def adams(adam: User, sign_in: Callable[[User], Client]) -> Client:
    return sign_in(adam)


@pytest.mark.parametrize(("name", "url"), FORMS, ids=[url for _, url in FORMS])
def test_what_a_form_does_not_ask_for_makes_no_difference(
    name: str, url: str, world: World, adams: Client, mona: User
) -> None:
    Order.objects.filter(pk=world["order"]).update(conflict=CONFLICT)
    there, given = url.format(**world), FIELDS.get(name, NOTHING)
    status, plain = written(adams, there, given(adams, world))
    assert status < 400
    again, more = written(adams, there, everything(mona) | given(adams, world))
    assert (again, differences(plain, more)) == (status, {})


def test_the_columns_that_are_tried_are_those_that_matter(mona: User) -> None:
    tried = everything(mona)
    assert tried.keys() >= {"is_superuser", "is_staff", "is_active", "role", "password", "id", "pk", "owner_id"}
    assert tried.keys() >= {"destination", "raw", "remote_id", "state", "status", "gone_at", "token_hash", "sealed"}
    assert (tried["is_superuser"], tried["status"] != "", tried["owner_id"]) == ("on", True, mona.pk)


def test_what_else_is_posted_does_not_go_to_yeastar(
    accounts: None, adams: Client, mona: User, sandbox: Sandbox
) -> None:
    def told(email: str, **more: Any) -> dict[str, Any]:
        eva = {"email": email, "first_name": "Eva", "country": "Portugal", **dict.fromkeys(OPTIONAL, "")}
        change = {"change": str(uuid.uuid4()), "meant_for": current_destination()}
        answer = adams.post("/partners/new/", more | eva | change)
        there = f"/partners/{Partner.objects.get(email=email).pk}/"
        assert answer.url == there
        change = {"change": str(uuid.uuid4())}
        given = more | dict.fromkeys(OPTIONAL, "") | {"first_name": "Eva", "city": "Porto"} | change
        assert adams.post(f"{there}at-yeastar/", given).url == there
        [row] = [row for row in sandbox.world.partners.values() if row["email"] == email]
        return {name: value for name, value in row.items() if name not in ("email", "partnerId")}

    names = {"userType": "Reseller", "partnerId": "1", "yeastarId": "x@example.com", "sendUserActivationEmail": "on"}
    plain = told("eva@bakery.example")
    assert plain["city"] == "Porto"
    asked = {"email", "first_name", "country", "activation", "change", "meant_for", *OPTIONAL}
    more = {name: value for name, value in everything(mona).items() if name not in asked}
    assert told("eve@bakery.example", **more, **names) == plain


OPTIONAL = (
    "company", "last_name", "state_province", "city", "street", "zip_code", "phone_number", "tax_type", "tax_num",
    "remark",
)  # fmt: skip


# Ids of what is somebody else's -----------------------------------------------------------------------------------


OF_ADMINS = ("/partners/", "/contacts/", "/people/", "/connection/", "/audit/")


def test_whoever_is_refused_changes_nothing(
    world: World, adams: Client, mona: User, bob: User, sign_in: Callable[[User], Client]
) -> None:
    forms = [(url.format(**world), FIELDS.get(name, NOTHING)(adams, world)) for name, url in FORMS]
    for who in (person("nobody"), bob, mona):
        browser = sign_in(who)
        before = rows()
        for url, sent in forms:
            here = transaction.savepoint()
            refused = browser.post(url, sent).status_code in (403, 404)
            assert refused or not url.startswith(OF_ADMINS), (who, url)
            if refused:
                assert differences(before, rows()).keys() <= {"orders.AuditEntry"}, (who, url)
            transaction.savepoint_rollback(here)


NOT_HIS = (
    *(f"/orders/{{draft}}/{verb}/" for verb in ("target", "plan", "billing", "place", "again", "discard", "restore")),
    *(f"/orders/{{draft}}/{verb}/" for verb in ("settle", "cancel", "conflict")),
    "/people/{person}/drafts/{draft}/", "/people/{gone}/drafts/{draft}/", "/people/{gone}/drafts/{order}/",
    "/history/views/{monas}/delete/",
    "/contacts/sync/{p_run}/decide/", "/partners/sync/{c_run}/decide/",
    "/contacts/import/{p_file}/decide/", "/partners/import/{c_file}/decide/",
)  # fmt: skip
"""Drafts and views are their owners' alone, and nothing of one list is there under the address of the other."""


def test_for_an_admin_too_there_is_nothing_under_anothers_id(world: World, adams: Client, mona: User) -> None:
    world["monas"] = SavedView.objects.create(owner=mona, name="hers").pk
    nothing_is_there(adams, [url.format(**world) for url in NOT_HIS])


def nothing_is_there(browser: Client, urls: list[str]) -> None:
    """Whatever is sent to these, it is not found, and nothing is changed."""
    sent = {"sure": "1", "seen": "", "outcome": "never", "reason": "Because", "quantity": "5", "note": "x"}
    before = rows()
    for url in urls:
        for do in ("drop", "refuse", "confirm"):
            assert browser.post(url, sent | {"do": do}).status_code == 404, url
    assert differences(before, rows()) == {}


def test_an_export_of_somebody_else_is_not_there_for_a_manager(
    adam: User, mona: User, sign_in: Callable[[User], Client], world: World
) -> None:
    Export.objects.update(owner=adam)
    here = f"/history/exports/{world['export']}"
    nothing_is_there(sign_in(mona), [f"{here}/{verb}/" for verb in ("cancel", "again", "delete")])


def test_what_another_account_at_yeastar_has_is_not_there(world: World, adams: Client) -> None:
    elsewhere()
    urls = (
        "/partners/{partner}/edit/", "/contacts/{contact}/edit/", "/partners/{partner}/at-yeastar/",
        "/partners/sync/{p_run}/decide/", "/contacts/sync/{c_run}/decide/",
        "/partners/import/{p_file}/decide/", "/contacts/import/{c_file}/decide/",
    )  # fmt: skip
    nothing_is_there(adams, [url.format(**world) for url in urls])


def elsewhere() -> None:
    """Everything that we have of Yeastar is another account's."""
    for model in (Partner, Contact, AccountRun, AccountImport):
        models.QuerySet(model).update(destination="elsewhere.example (account 0)")


def test_no_id_in_a_form_reaches_what_another_account_has(world: World, adams: Client) -> None:
    elsewhere()
    before = rows()
    for kind in ("partner", "contact"):
        assert adams.post(f"/{kind}s/hide/", {"pk": world[kind], "do": "hide"}).status_code == 302
    for about in (f"{world['person']}", f"invitations/{world['invitation']}"):
        given = {"do": "add", "partner": world["partner"]}
        assert adams.post(f"/people/{about}/limits/", given).status_code == 302
    after = rows()
    for name in ("orders.Partner", "orders.Contact", "orders.Limits_partners", "portal.Invitation_partners"):
        assert after[name] == before[name], name


def test_nobody_ends_anothers_session(
    alice: User, alices: Client, adams: Client, sign_in: Callable[[User], Client]
) -> None:
    assert alices.get("/").status_code == 200
    theirs = {session.pk for session in Session.objects.all()}
    more = {"id": list(theirs), "pk": alice.pk, "user": alice.pk, "session": list(theirs), "session_key": list(theirs)}
    adams.post("/accounts/sessions/", more)
    assert alices.get("/").status_code == 200
    assert {session.pk for session in Session.objects.all()} >= {alices.session.session_key}
