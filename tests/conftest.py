"""The people, the sandbox and the client that tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_webtest import DjangoTestApp
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django.plugin import DjangoDbBlocker

from orders import breaking, gateway, placing
from orders.accounts import syncing
from orders.destination import current_destination
from orders.lifecycle import Status
from orders.models import Order
from orders.recipes import RECIPES
from tests.tutorials import CHOICES
from yeastar_api.auth import MemoryTokenStore
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes is the machine's affair.
hypothesis_settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("house")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Tests that commit empty the database afterwards; the trigger that forbids just that goes, in theirs."""
    trigger = "audit_not_deleted" if connection.vendor == "sqlite" else "audit_not_emptied ON orders_auditentry"
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER IF EXISTS {trigger}")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Puts a database into a folder, in which nothing is but what the migrations make: they take long, once will do."""
    original = tmp_path_factory.mktemp("migrated") / "portal.sqlite3"
    env = os.environ | {"DATABASE_URL": f"sqlite:///{original}"}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)

    def settled(folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        shutil.copy(original, folder)
        return folder

    return settled


@pytest.fixture(autouse=True)
def fresh_cache() -> Iterator[None]:
    """The rate limits of one test are not those of the next, nor is what was seen of the breaker."""
    breaking.forget()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages wait longer than any answer takes, however busy this machine is; tests of slow ones set it anew."""
    monkeypatch.setattr(gateway, "PATIENCE", 10)


@pytest.fixture
def sandbox() -> Sandbox:
    """A pristine world of the vendor, in this process."""
    return Sandbox()


@pytest.fixture
def portal(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[PartnerPortal]:
    """Our client, talking to the sandbox through WSGI; the pages use it too."""
    with portal_for(httpx.WSGITransport(app=sandbox)) as client:
        monkeypatch.setattr(gateway, "portal", lambda: client)
        yield client
        gateway.lookups.clear()


def portal_for(transport: httpx.BaseTransport, **options: Any) -> PartnerPortal:
    """A client over any transport."""
    return PartnerPortal(
        base_url="http://sandbox.test",
        client_id="sandbox-client",
        client_secret="sandbox-secret",
        token_store=MemoryTokenStore(),
        transport=transport,
        **options,
    )


@pytest.fixture
def accounts(db: None, portal: PartnerPortal) -> None:
    """Partners and billing contacts, mirrored."""
    syncing.sync_all(portal)


def person(name: str, *roles: str) -> User:
    user = User.objects.create_user(name, f"{name}@example.com", "a-good-password")
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


@pytest.fixture
def alice(db: None) -> User:
    """Staff."""
    return person("alice", "staff")


@pytest.fixture
def bob(db: None) -> User:
    """Staff elsewhere: sees nothing of Alice's."""
    return person("bob", "staff")


@pytest.fixture
def mona(db: None) -> User:
    """A manager."""
    return person("mona", "manager")


@pytest.fixture
def adam(db: None) -> User:
    """An admin."""
    return person("adam", "admin")


@pytest.fixture
def sign_in() -> Callable[[User], Client]:
    """A browser of its own for each person."""

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def alices(alice: User, sign_in: Callable[[User], Client]) -> Client:
    """Alice's browser."""
    return sign_in(alice)


@pytest.fixture
def app(django_app: DjangoTestApp, accounts: None, alice: User) -> DjangoTestApp:
    """Alice's browser, which knows no JavaScript and keeps to the forms it is shown."""
    django_app.set_user(alice)
    return django_app


@pytest.fixture
def draft(accounts: None, alice: User) -> Callable[[str], Order]:
    """A draft of Alice's with all the choices of a tutorial."""

    def drafted(slug: str) -> Order:
        order = placing.start(slug=RECIPES[slug].slug, owner=alice)
        placing.answer(order, CHOICES[slug])
        return order

    return drafted


@pytest.fixture
def uncertain(queued: Callable[[str], Order]) -> Callable[[], Order]:
    """An order of Alice's of which nobody knows whether it was bought."""

    def lost() -> Order:
        order = queued("linkus-cloud-service")
        assert order.move(Status.SENDING, title="Sending", sending_since=timezone.now())
        assert order.move(Status.UNCERTAIN, title="No clear answer", problem="The answer was lost.")
        return order

    return lost


def approval(order: Order) -> dict[str, str]:
    """What the review's form carries: the hash of what is sent, and where it goes."""
    return {"approved_sha256": placing.preview(order)[2], "approved_for": current_destination()}


@pytest.fixture
def queued(draft: Callable[[str], Order], alice: User) -> Callable[[str], Order]:
    """An order of Alice's, placed and not yet sent."""

    def placed(slug: str = "linkus-cloud-service") -> Order:
        order = draft(slug)
        sha256 = placing.preview(order)[2]
        assert placing.place(order, approved_sha256=sha256, actor=alice, reason="The same in many tests")
        return order

    return placed
