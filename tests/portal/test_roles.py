"""Who may open what: every URL there is, with every role, from one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from orders.models import (
    AccountImport,
    AccountRun,
    AuditEntry,
    Contact,
    Drift,
    Export,
    Limits,
    Listed,
    Order,
    Partner,
    PartnerChange,
    Record,
    SavedView,
)
from orders.recipes import RECIPES
from portal.models import Invitation
from portal.people.inviting import digest
from portal.roles import ADMIN, MANAGER, ROLES, STAFF, make_roles
from portal.second_factor import PROVEN
from tests.conftest import person

PEOPLE = ("anonymous", "alice", "bob", "mona", "adam", "nobody")
"""Nobody; the owner; staff elsewhere; a manager; an admin; somebody without any role."""


class Row(NamedTuple):
    """A URL with a method, and what each of PEOPLE is answered. {order}: alice's placed order, {draft}: her draft."""

    name: str
    method: str
    url: str
    answers: tuple[int, ...]


OPEN_TO_ALL = {"healthz", "readyz", "people:accept"}
"""What asks nobody who they are."""

TABLE = [
    Row("healthz", "get", "/healthz", (200, 200, 200, 200, 200, 200)),
    Row("readyz", "get", "/readyz", (200, 200, 200, 200, 200, 200)),
    # Ordering: staff and above.
    Row("orders:catalogue", "get", "/", (302, 200, 200, 200, 200, 403)),
    Row("orders:list", "get", "/orders/", (302, 200, 200, 200, 200, 403)),
    Row("orders:start", "post", "/orders/start/turnkey-capacity/", (302, 302, 302, 302, 302, 403)),
    # A placed order: its owner's, and a manager's to read and to order again.
    Row("orders:order", "get", "/orders/{order}/", (302, 200, 404, 200, 200, 403)),
    Row("orders:order_json", "get", "/orders/{order}.json", (302, 200, 404, 200, 200, 403)),
    Row("orders:again", "post", "/orders/{order}/again/", (302, 302, 404, 302, 302, 403)),
    Row("orders:place", "post", "/orders/{order}/place/", (302, 302, 404, 404, 404, 403)),
    Row("orders:discard", "post", "/orders/{order}/discard/", (302, 302, 404, 404, 404, 403)),
    Row("orders:restore", "post", "/orders/{order}/restore/", (302, 302, 404, 404, 404, 403)),
    # Settling: managers and above. Without an answer in the form nothing is settled.
    Row("orders:settle", "post", "/orders/{order}/settle/", (302, 403, 403, 422, 422, 403)),
    Row("orders:cancel", "post", "/orders/{order}/cancel/", (302, 403, 403, 422, 422, 403)),
    Row("orders:conflict", "post", "/orders/{order}/conflict/", (302, 403, 403, 422, 422, 403)),
    Row("orders:evidence", "get", "/orders/{order}/evidence.json", (302, 200, 404, 200, 200, 403)),
    # The mirrored history: managers and above; a view of mona's is hers alone.
    Row("orders:history", "get", "/history/", (302, 403, 403, 200, 200, 403)),
    Row("orders:record", "get", "/history/{record}/", (302, 403, 403, 200, 200, 403)),
    Row("orders:ask_details", "post", "/history/{record}/ask/", (302, 403, 403, 302, 302, 403)),
    Row("orders:drift", "get", "/history/drift/", (302, 403, 403, 200, 200, 403)),
    Row("orders:see_to_drift", "post", "/history/drift/{drift}/seen/", (302, 403, 403, 302, 302, 403)),
    Row("orders:sync", "get", "/history/sync/", (302, 403, 403, 200, 200, 403)),
    Row("orders:sync_now", "post", "/history/sync/now/", (302, 403, 403, 302, 302, 403)),
    Row("orders:save_view", "post", "/history/views/", (302, 403, 403, 302, 302, 403)),
    Row("orders:delete_view", "post", "/history/views/{view}/delete/", (302, 403, 403, 302, 404, 403)),
    Row("orders:overview", "get", "/overview/", (302, 403, 403, 200, 200, 403)),
    Row("orders:statement", "get", "/statement/", (302, 403, 403, 200, 200, 403)),
    # Exports: managers and above; the one of mona's is hers, and an admin's to see.
    Row("orders:exports", "get", "/history/exports/", (302, 403, 403, 200, 200, 403)),
    Row("orders:export", "post", "/history/exports/ask/", (302, 403, 403, 302, 302, 403)),
    Row("orders:export_file", "get", "/history/exports/{export}/file/", (302, 403, 403, 302, 302, 403)),
    Row("orders:cancel_export", "post", "/history/exports/{export}/cancel/", (302, 403, 403, 302, 302, 403)),
    Row("orders:again_export", "post", "/history/exports/{export}/again/", (302, 403, 403, 302, 302, 403)),
    Row("orders:delete_export", "post", "/history/exports/{export}/delete/", (302, 403, 403, 302, 302, 403)),
    # Customers and billing contacts: admins.
    Row("orders:partners", "get", "/partners/", (302, 403, 403, 403, 200, 403)),
    Row("orders:partners_hide", "post", "/partners/hide/", (302, 403, 403, 403, 302, 403)),
    Row("orders:partners_account", "get", "/partners/{partner}/", (302, 403, 403, 403, 200, 403)),
    Row("orders:partners_edit", "post", "/partners/{partner}/edit/", (302, 403, 403, 403, 422, 403)),
    Row("orders:partners_sync", "get", "/partners/sync/", (302, 403, 403, 403, 200, 403)),
    Row("orders:partners_sync_now", "post", "/partners/sync/now/", (302, 403, 403, 403, 302, 403)),
    Row("orders:partners_run", "get", "/partners/sync/{p_run}/", (302, 403, 403, 403, 200, 403)),
    Row("orders:partners_decide", "post", "/partners/sync/{p_run}/decide/", (302, 403, 403, 403, 422, 403)),
    Row("orders:partners_export", "get", "/partners/export/?format=csv", (302, 403, 403, 403, 200, 403)),
    Row("orders:partners_import", "get", "/partners/import/", (302, 403, 403, 403, 200, 403)),
    Row("orders:partners_import", "post", "/partners/import/", (302, 403, 403, 403, 422, 403)),
    Row("orders:partners_import_shown", "get", "/partners/import/{p_file}/", (302, 403, 403, 403, 200, 403)),
    Row(
        "orders:partners_import_decide",
        "post",
        "/partners/import/{p_file}/decide/",
        (302, 403, 403, 403, 422, 403),
    ),
    Row("orders:contacts", "get", "/contacts/", (302, 403, 403, 403, 200, 403)),
    Row("orders:contacts_hide", "post", "/contacts/hide/", (302, 403, 403, 403, 302, 403)),
    Row("orders:contacts_account", "get", "/contacts/{contact}/", (302, 403, 403, 403, 200, 403)),
    Row("orders:contacts_edit", "post", "/contacts/{contact}/edit/", (302, 403, 403, 403, 422, 403)),
    Row("orders:contacts_sync", "get", "/contacts/sync/", (302, 403, 403, 403, 200, 403)),
    Row("orders:contacts_sync_now", "post", "/contacts/sync/now/", (302, 403, 403, 403, 302, 403)),
    Row("orders:contacts_run", "get", "/contacts/sync/{c_run}/", (302, 403, 403, 403, 200, 403)),
    Row("orders:contacts_decide", "post", "/contacts/sync/{c_run}/decide/", (302, 403, 403, 403, 422, 403)),
    Row("orders:contacts_export", "get", "/contacts/export/?format=csv", (302, 403, 403, 403, 200, 403)),
    Row("orders:contacts_import", "get", "/contacts/import/", (302, 403, 403, 403, 200, 403)),
    Row("orders:contacts_import", "post", "/contacts/import/", (302, 403, 403, 403, 422, 403)),
    Row("orders:contacts_import_shown", "get", "/contacts/import/{c_file}/", (302, 403, 403, 403, 200, 403)),
    Row(
        "orders:contacts_import_decide",
        "post",
        "/contacts/import/{c_file}/decide/",
        (302, 403, 403, 403, 422, 403),
    ),
    Row("orders:contact_options", "get", "/contacts/options/", (302, 403, 403, 403, 200, 403)),
    # Customers at Yeastar: admins. A form that is sent empty asks nobody.
    Row("orders:new_partner", "get", "/partners/new/", (302, 403, 403, 403, 200, 403)),
    Row("orders:new_partner", "post", "/partners/new/", (302, 403, 403, 403, 422, 403)),
    Row("orders:edit_partner", "get", "/partners/{partner}/at-yeastar/", (302, 403, 403, 403, 200, 403)),
    Row("orders:edit_partner", "post", "/partners/{partner}/at-yeastar/", (302, 403, 403, 403, 422, 403)),
    Row("orders:partner_change", "get", "/partners/changes/{change}/", (302, 403, 403, 403, 200, 403)),
    Row("orders:look_for_change", "post", "/partners/changes/{change}/look/", (302, 403, 403, 403, 302, 403)),
    # The connection: admins.
    Row("orders:connection", "get", "/connection/", (302, 403, 403, 403, 200, 403)),
    Row("orders:ask", "post", "/connection/ask/", (302, 403, 403, 403, 302, 403)),
    Row("orders:connection_test", "get", "/connection/test/", (302, 403, 403, 403, 302, 403)),
    Row("orders:connection_test_now", "post", "/connection/test/now/", (302, 403, 403, 403, 302, 403)),
    Row("orders:credentials", "get", "/connection/credentials/", (302, 403, 403, 403, 200, 403)),
    Row("orders:take_credentials_away", "get", "/connection/credentials/remove/", (302, 403, 403, 403, 302, 403)),
    # People: admins. {person} is somebody, {gone} was deactivated and left a draft.
    Row("people:people", "get", "/people/", (302, 403, 403, 403, 200, 403)),
    Row("people:person", "get", "/people/{person}/", (302, 403, 403, 403, 200, 403)),
    Row("people:details", "get", "/people/{person}/details/", (302, 403, 403, 403, 200, 403)),
    Row("people:details", "post", "/people/{person}/details/", (302, 403, 403, 403, 422, 403)),
    Row("people:role", "get", "/people/{person}/role/", (302, 403, 403, 403, 200, 403)),
    Row("people:role", "post", "/people/{person}/role/", (302, 403, 403, 403, 422, 403)),
    Row("people:limits", "get", "/people/{person}/limits/", (302, 403, 403, 403, 200, 403)),
    Row("people:limits", "post", "/people/{person}/limits/", (302, 403, 403, 403, 422, 403)),
    Row("people:deactivate", "get", "/people/{person}/deactivate/", (302, 403, 403, 403, 200, 403)),
    Row("people:deactivate", "post", "/people/{person}/deactivate/", (302, 403, 403, 403, 302, 403)),
    Row("people:reactivate", "post", "/people/{gone}/reactivate/", (302, 403, 403, 403, 302, 403)),
    Row("people:sign_out", "post", "/people/{person}/sign-out/", (302, 403, 403, 403, 302, 403)),
    Row("people:send_reset", "post", "/people/{person}/reset/", (302, 403, 403, 403, 302, 403)),
    Row("people:reset_factors", "get", "/people/{person}/second-factor/", (302, 403, 403, 403, 200, 403)),
    Row("people:reset_factors", "post", "/people/{person}/second-factor/", (302, 403, 403, 403, 422, 403)),
    Row("people:take_over", "post", "/people/{gone}/drafts/{left}/", (302, 403, 403, 403, 302, 403)),
    Row("people:take_over", "post", "/people/{person}/drafts/{draft}/", (302, 403, 403, 403, 404, 403)),
    Row("people:invite", "get", "/people/invite/", (302, 403, 403, 403, 200, 403)),
    Row("people:invite", "post", "/people/invite/", (302, 403, 403, 403, 422, 403)),
    Row("people:invitation", "get", "/people/invitations/{invitation}/", (302, 403, 403, 403, 200, 403)),
    Row("people:invitation_limits", "get", "/people/invitations/{invitation}/limits/", (302, 403, 403, 403, 200, 403)),
    Row("people:renew", "post", "/people/invitations/{invitation}/renew/", (302, 403, 403, 403, 302, 403)),
    Row("people:revoke", "post", "/people/invitations/{invitation}/revoke/", (302, 403, 403, 403, 302, 403)),
    # An invitation's link: for whoever has it.
    Row("people:accept", "get", "/invitation/of-eve/", (200, 200, 200, 200, 200, 200)),
    Row("people:accept", "post", "/invitation/of-eve/", (422, 200, 200, 200, 200, 200)),
    Row("people:accept", "get", "/invitation/unknown/", (404, 404, 404, 404, 404, 404)),
    # The audit log: admins.
    Row("orders:audit", "get", "/audit/", (302, 403, 403, 403, 200, 403)),
    Row("orders:audit_entry", "get", "/audit/{entry}/", (302, 403, 403, 403, 200, 403)),
    Row("orders:audit_export", "post", "/audit/export/", (302, 403, 403, 403, 302, 403)),
    # A draft: its owner's alone.
    Row("orders:order", "get", "/orders/{draft}/", (302, 302, 404, 404, 404, 403)),
    Row("orders:order_json", "get", "/orders/{draft}.json", (302, 200, 404, 404, 404, 403)),
    Row("orders:step", "get", "/orders/{draft}/target/", (302, 200, 404, 404, 404, 403)),
    Row("orders:step", "get", "/orders/{draft}/plan/", (302, 200, 404, 404, 404, 403)),
    Row("orders:step", "get", "/orders/{draft}/billing/", (302, 200, 404, 404, 404, 403)),
    Row("orders:step", "get", "/orders/{draft}/review/", (302, 200, 404, 404, 404, 403)),
    Row("orders:step", "post", "/orders/{draft}/plan/", (302, 422, 404, 404, 404, 403)),
    Row("orders:options", "get", "/orders/{draft}/target/options/?name=partner_id", (302, 200, 404, 404, 404, 403)),
    Row("orders:place", "post", "/orders/{draft}/place/", (302, 422, 404, 404, 404, 403)),
    Row("orders:again", "post", "/orders/{draft}/again/", (302, 302, 404, 404, 404, 403)),
    Row("orders:discard", "post", "/orders/{draft}/discard/", (302, 302, 404, 404, 404, 403)),
    Row("orders:restore", "post", "/orders/{draft}/restore/", (302, 302, 404, 404, 404, 403)),
    Row("orders:settle", "post", "/orders/{draft}/settle/", (302, 403, 403, 404, 404, 403)),
    Row("orders:cancel", "post", "/orders/{draft}/cancel/", (302, 403, 403, 404, 404, 403)),
    Row("orders:conflict", "post", "/orders/{draft}/conflict/", (302, 403, 403, 404, 404, 403)),
    Row("orders:evidence", "get", "/orders/{draft}/evidence.json", (302, 200, 404, 404, 404, 403)),
    # allauth: anybody's own account, nothing of others; no sign-up.
    Row("account_login", "get", "/accounts/login/", (200, 302, 302, 302, 302, 302)),
    Row("account_login", "post", "/accounts/login/", (200, 302, 302, 302, 302, 302)),
    Row("account_logout", "get", "/accounts/logout/", (302, 200, 200, 200, 200, 200)),
    Row("account_logout", "post", "/accounts/logout/", (302, 302, 302, 302, 302, 302)),
    Row("account_signup", "get", "/accounts/signup/", (200, 302, 302, 302, 302, 302)),
    Row("account_signup", "post", "/accounts/signup/", (200, 302, 302, 302, 302, 302)),
    Row("account_inactive", "get", "/accounts/inactive/", (200, 200, 200, 200, 200, 200)),
    Row("account_reauthenticate", "get", "/accounts/reauthenticate/", (302, 200, 200, 200, 200, 200)),
    Row("account_email", "get", "/accounts/email/", (302, 302, 302, 302, 302, 302)),
    Row("account_change_password", "get", "/accounts/password/change/", (302, 200, 200, 200, 200, 200)),
    Row("account_set_password", "get", "/accounts/password/set/", (302, 302, 302, 302, 302, 302)),
    Row("account_reset_password", "get", "/accounts/password/reset/", (200, 200, 200, 200, 200, 200)),
    Row("account_reset_password_done", "get", "/accounts/password/reset/done/", (200, 200, 200, 200, 200, 200)),
    Row("account_reset_password_from_key", "get", "/accounts/password/reset/key/1-x/", (200, 200, 200, 200, 200, 200)),
    Row(
        "account_reset_password_from_key_done",
        "get",
        "/accounts/password/reset/key/done/",
        (200, 200, 200, 200, 200, 200),
    ),
    # The second factor: nobody has one here, and nobody has just signed in; what changes it asks who it is.
    Row("mfa_index", "get", "/accounts/", (302, 200, 200, 200, 200, 200)),
    Row("mfa_authenticate", "get", "/accounts/second-factor/", (302, 302, 302, 302, 302, 302)),
    Row("mfa_reauthenticate", "get", "/accounts/second-factor/again/", (302, 302, 302, 302, 302, 302)),
    Row("mfa_activate_totp", "get", "/accounts/app/activate/", (302, 302, 302, 302, 302, 302)),
    Row("mfa_deactivate_totp", "get", "/accounts/app/deactivate/", (302, 404, 404, 404, 404, 404)),
    Row("mfa_view_recovery_codes", "get", "/accounts/recovery-codes/", (302, 404, 404, 404, 404, 404)),
    Row("mfa_generate_recovery_codes", "get", "/accounts/recovery-codes/generate/", (302, 302, 302, 302, 302, 302)),
    Row("mfa_download_recovery_codes", "get", "/accounts/recovery-codes/download/", (302, 404, 404, 404, 404, 404)),
    Row("mfa_list_webauthn", "get", "/accounts/passkeys/", (302, 200, 200, 200, 200, 200)),
    Row("mfa_add_webauthn", "get", "/accounts/passkeys/add/", (302, 302, 302, 302, 302, 302)),
    Row("mfa_login_webauthn", "get", "/accounts/passkeys/login/", (302, 302, 302, 302, 302, 302)),
    Row("mfa_reauthenticate_webauthn", "get", "/accounts/passkeys/reauthenticate/", (302, 302, 302, 302, 302, 302)),
    Row("mfa_remove_webauthn", "get", "/accounts/passkeys/1/remove/", (302, 302, 302, 302, 302, 302)),
    Row("mfa_edit_webauthn", "get", "/accounts/passkeys/1/edit/", (302, 302, 302, 302, 302, 302)),
    Row("usersessions_list", "get", "/accounts/sessions/", (302, 200, 200, 200, 200, 200)),
    # Single sign-on, which no provider is set up for.
    Row("sso_login", "post", "/accounts/sso/", (404, 404, 404, 404, 404, 404)),
    Row("sso_callback", "get", "/accounts/sso/callback/", (404, 404, 404, 404, 404, 404)),
    Row("socialaccount_login_cancelled", "get", "/accounts/sso/cancelled/", (200, 200, 200, 200, 200, 200)),
]


def url_names(patterns: list[URLPattern | URLResolver], namespace: str = "") -> Iterator[str]:
    """Every URL of the URLconf."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from url_names(pattern.url_patterns, namespace + inner)
        else:
            assert pattern.name, f"{pattern} has no name"
            yield namespace + pattern.name


def test_every_url_stands_in_the_table_and_no_other() -> None:
    names = list(url_names(get_resolver().url_patterns))
    assert set(names) == {row.name for row in TABLE}
    assert len(names) == len(set(names))


@pytest.fixture
def world(
    accounts: None,
    draft: Callable[[str], Order],
    queued: Callable[..., Order],
    alice: User,
    bob: User,
    mona: User,
    adam: User,
    client: Client,
) -> dict[str, object]:
    """One of each thing that a URL may name, and all of PEOPLE."""
    order, now = queued("turnkey-capacity"), timezone.now()
    Order.objects.filter(pk=order.pk).update(status="FAILED")
    person("nobody")
    client.force_login(adam)
    return {
        "order": order.pk,
        "draft": draft("turnkey-capacity").pk,
        "record": Record.objects.create(destination="-", key="1", at=now, first_seen_at=now, changed_at=now).pk,
        "export": Export.objects.create(owner=mona, format="csv", name="h.csv", state="cancelled", asked_at=now).pk,
        "view": SavedView.objects.create(owner=mona, name="hers").pk,
        "drift": Drift.objects.create(destination="-", kind="bought", order=order, at=now, noticed_at=now).pk,
        "entry": AuditEntry.objects.values_list("pk", flat=True)[0],  # adam has signed in
        **people_for(TABLE[0], number=0, inviter=mona),
        **accounts_for(mona),
    }


class Visit(NamedTuple):
    """What a row of the table is answered, and how many orders there were then."""

    row: Row
    answer: HttpResponse
    orders: int


@pytest.fixture
def visits(world: dict[str, object], client: Client) -> Callable[..., Iterator[Visit]]:
    """Somebody asks for each row of the table. Each finds the world as it was: what an answer did is undone."""

    def walked(name: str, *, proven: bool = False, headers: Any = None) -> Iterator[Visit]:
        client.logout()
        if name != "anonymous":
            client.force_login(User.objects.get(username=name))
        if proven:
            session = client.session
            session[PROVEN] = "totp"
            session.save()
        cookies = client.cookies.output(header="", sep=";")
        for row in TABLE:
            before = transaction.savepoint()
            answer = getattr(client, row.method)(row.url.format(**world), headers=headers)
            orders = Order.objects.count()
            transaction.savepoint_rollback(before)
            client.cookies = SimpleCookie(cookies)
            cache.clear()
            yield Visit(row, answer, orders)

    return walked


EVERYBODY = pytest.mark.parametrize("name", PEOPLE)


def answers_of(name: str) -> dict[str, int]:
    """The column of the table that is somebody's."""
    return {f"{row.method} {row.url}": row.answers[PEOPLE.index(name)] for row in TABLE}


@pytest.mark.parametrize("mfa", ["not required", "required and shown"])
@EVERYBODY
def test_each_role_is_answered_as_the_table_says(
    name: str, mfa: str, visits: Callable[..., Iterator[Visit]], settings: Any
) -> None:
    shown = settings.REQUIRE_MFA = mfa == "required and shown"
    found = {}
    for row, answer, _ in visits(name, proven=shown and name != "anonymous"):
        found[f"{row.method} {row.url}"] = answer.status_code
        if row.name.startswith("orders:") and answer.status_code == 302:
            assert answer.headers["Location"].startswith("/accounts/login/?next=") == (name == "anonymous"), row
    assert found == answers_of(name)


def accounts_for(owner: User) -> dict[str, object]:
    """A customer and a billing contact, a run of each list, and a file for each that waits to be confirmed."""
    partner, contact = Partner.objects.first(), Contact.objects.first()
    found: dict[str, object] = {"partner": partner.pk if partner else 0, "contact": contact.pk if contact else 0}
    found["change"] = PartnerChange.objects.create(who=owner, email="eve@example.com", at=timezone.now()).pk
    for letter, what in (("p", Listed.PARTNERS), ("c", Listed.CONTACTS)):
        AccountRun.objects.filter(finished_at=None).update(finished_at=timezone.now())
        found[f"{letter}_run"] = AccountRun.objects.filter(what=what).values_list("pk", flat=True)[0]
        found[f"{letter}_file"] = AccountImport.objects.create(owner=owner, what=what, name="a.csv", sha256="-").pk
    return found


def people_for(row: Row, *, number: int, inviter: User) -> dict[str, object]:
    """Somebody; somebody who was deactivated, and left a draft; an invitation that is open."""
    somebody, gone = person(f"zoe{number}", "staff"), person(f"gone{number}", "staff")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    Invitation.objects.all().delete()
    invitation = Invitation.objects.create(
        email="eve@example.com",
        role="staff",
        token_hash=digest("of-eve"),
        invited_by=inviter,
        expires_at=timezone.now() + timedelta(days=1),
    )
    left = Order.objects.create(owner=gone, slug="turnkey-capacity")
    return {"person": somebody.pk, "gone": gone.pk, "left": left.pk, "invitation": invitation.pk}


@EVERYBODY
@pytest.mark.parametrize("htmx", [False, True], ids=["page", "piece"])
def test_without_the_second_factor_that_is_required_nothing_but_ones_own_account_opens(
    name: str, htmx: bool, visits: Callable[..., Iterator[Visit]], settings: Any
) -> None:
    settings.REQUIRE_MFA = True
    before = Order.objects.count()
    for row, answer, orders in visits(name, headers={"HX-Request": "true"} if htmx else {}):
        leads = answer.headers.get("HX-Redirect" if htmx else "Location", "")
        if row.name in OPEN_TO_ALL or row.url.startswith("/accounts/"):
            assert leads != "/accounts/" or row.name == "account_email", row
        elif name == "anonymous":
            assert leads.startswith("/accounts/login/?next="), row
        elif name == "nobody":  # who may do nothing has nothing to protect
            assert answer.status_code == row.answers[PEOPLE.index(name)], row
        else:
            assert (answer.status_code, leads) == (200 if htmx else 302, "/accounts/"), row
        assert orders == before, f"something was begun by {row}"


def test_somebody_limited_is_answered_as_other_staff(visits: Callable[..., Iterator[Visit]], bob: User) -> None:
    limits = Limits.objects.create(person=bob, limited=True)
    limits.partners.set(Partner.objects.all()[:1])
    found = {f"{row.method} {row.url}": answer.status_code for row, answer, _ in visits("bob")}
    assert found == answers_of("bob")


def test_nobody_who_is_anonymous_learns_that_an_order_exists(client: Client, db: None) -> None:
    unknown = client.get("/orders/00000000-0000-4000-8000-000000000000/")
    assert unknown.status_code == 302, "the same answer as for one that exists"


def test_sign_up_is_closed(client: Client, db: None) -> None:
    given = {
        "username": "eve",
        "email": "eve@example.com",
        "password1": "a-good-password",
        "password2": "a-good-password",
    }
    for page in (client.get("/accounts/signup/"), client.post("/accounts/signup/", given)):
        assert "no sign-up here" in page.content.decode()
    assert User.objects.count() == 0


def test_each_role_may_do_what_the_one_before_may_and_more() -> None:
    assert STAFF < MANAGER < ADMIN
    assert set(ROLES) == {"staff", "manager", "admin"}


def test_roles_have_exactly_their_permissions_and_making_them_again_takes_back_what_is_not_theirs(db: None) -> None:
    def permissions(group: Group) -> set[str]:
        pairs = group.permissions.values_list("content_type__app_label", "codename")
        return {f"{app}.{codename}" for app, codename in pairs}

    for name, wanted in ROLES.items():
        assert permissions(Group.objects.get(name=name)) == wanted
    staff = Group.objects.get(name="staff")
    staff.permissions.add(Permission.objects.get(codename="settle_order"))
    make_roles()
    assert permissions(staff) == STAFF


def test_somebody_who_was_switched_off_is_out_at_once(alice: User, alices: Client) -> None:
    assert alices.get("/").status_code == 200
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert alices.get("/").status_code == 302


def test_somebody_who_lost_the_role_keeps_no_door_open(
    draft: Callable[[str], Order], alice: User, alices: Client
) -> None:
    order = draft("turnkey-capacity")
    alice.groups.clear()
    for url in ("/", "/orders/", f"/orders/{order.pk}/", f"/orders/{order.pk}/plan/"):
        assert alices.get(url).status_code == 403


def test_the_catalogue_offers_every_recipe(alices: Client) -> None:
    shown = alices.get("/").content.decode()
    for recipe in RECIPES.values():
        assert recipe.title in shown
