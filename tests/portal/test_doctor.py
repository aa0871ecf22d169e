"""`manage.py doctor`, /readyz and `check --deploy`, each in a process of its own with a real database and broker."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from portal import readiness
from portal.doctor.report import masked
from tests.portal.test_settings import ROOT, SECRET, TLS, python
from tests.services.servers import free_port, redis
from yeastar_api.sandbox import Sandbox, serve

CLIENT, CLIENT_SECRET = "sandbox-client", "sandbox-secret"


@pytest.fixture
def vendor() -> Iterator[tuple[Sandbox, str]]:
    """The vendor on a real socket."""
    sandbox = Sandbox()
    with serve(sandbox) as server:
        yield sandbox, server.url


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    """A Redis of its own."""
    with redis(tmp_path) as url:
        yield url


@pytest.fixture
def installation(
    tmp_path: Path, vendor: tuple[Sandbox, str], broker: str, migrated: Callable[[Path], Path]
) -> dict[str, str]:
    """A sandbox's installation, migrated, with nobody in it and nothing running."""
    migrated(tmp_path)
    return {
        "SECRET_KEY": SECRET,
        "SANDBOX": "true",
        "YEASTAR_BASE_URL": vendor[1],
        "YEASTAR_CLIENT_ID": CLIENT,
        "YEASTAR_CLIENT_SECRET": CLIENT_SECRET,
        "REDIS_URL": broker,
        "SECURE_COOKIES": "false",
    }


def examined(tmp_path: Path, *options: str, **variables: str) -> tuple[int, dict[str, list[dict[str, str]]], str]:
    """The exit code, the lines by their name, and all that was printed."""
    done = python(tmp_path, "manage.py", "doctor", "--json", *options, **variables)
    assert "Traceback" not in done.stderr, done.stderr
    lines: dict[str, list[dict[str, str]]] = {}
    for line in json.loads(done.stdout)["lines"]:
        lines.setdefault(line["name"], []).append(line)
    return done.returncode, lines, done.stdout + done.stderr


def test_of_a_fresh_installation_it_says_what_is_missing(tmp_path: Path, installation: dict[str, str]) -> None:
    code, lines, printed = examined(tmp_path, **installation)
    assert code == 2
    states = {name: found[0]["state"] for name, found in lines.items()}
    assert {name for name, state in states.items() if state == "bad"} == {"Worker", "Beat", "Admins", "Static files"}
    for name in ("Database", "Migrations", "Broker", "Vendor", "Clock", "Credentials", "Disk"):
        assert states[name] == "ok", lines[name]
    assert "add_person" in lines["Admins"][0]["todo"]
    for secret in (SECRET, CLIENT, CLIENT_SECRET):
        assert secret not in printed


LIVE = """
import django; django.setup()
from django.utils import timezone
from django.contrib.auth.models import Group, User
from orders.models import Heartbeat
from orders import pulse
for kind in ("worker", "beat", "sweep"):
    pulse.give(kind, kind)
adam = User.objects.create_user("adam", "adam@example.com", "a-good-password")
adam.groups.set(Group.objects.filter(name="admin"))
"""


def test_of_one_that_works_nothing_but_its_youth_is_to_be_looked_at(
    tmp_path: Path, installation: dict[str, str]
) -> None:
    lived = python(tmp_path, "-c", LIVE, DJANGO_SETTINGS_MODULE="portal.settings", **installation)
    assert lived.returncode == 0, lived.stderr
    collected = python(tmp_path, "manage.py", "collectstatic", "--no-input", "-v", "0", **installation)
    assert collected.returncode == 0, collected.stderr
    code, lines, _ = examined(tmp_path, **installation)
    wrong = [each for found in lines.values() for each in found if each["state"] != "ok"]
    assert [each["name"] for each in wrong] == ["History"], wrong
    assert code == 1
    screen = python(tmp_path, "manage.py", "doctor", "--offline", **installation)
    assert "Vendor" not in screen.stdout
    assert re.search(r"^✓ Worker +1 alive: worker$", screen.stdout, re.MULTILINE), screen.stdout
    assert len(screen.stdout.splitlines()) <= 40, "one screen"


def test_without_database_broker_and_vendor_it_says_so_of_each(tmp_path: Path, installation: dict[str, str]) -> None:
    nobody = free_port()
    away = {
        "DATABASE_URL": f"postgresql://portal:pa55-of-the-database@127.0.0.1:{nobody}/portal",
        "REDIS_URL": f"redis://:pa55-of-redis@127.0.0.1:{nobody}/0",
        "YEASTAR_BASE_URL": f"http://127.0.0.1:{nobody}",
    }
    code, lines, printed = examined(tmp_path, **installation | away)
    assert code == 2
    assert "The database does not answer" in lines["Database"][0]["words"]
    assert "Redis does not answer" in lines["Broker"][0]["words"]
    assert "refuses the connection" in lines["Vendor"][0]["words"]
    assert "pa55" not in printed


def test_what_hangs_does_not_keep_the_rest_from_being_told(tmp_path: Path, installation: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        code, lines, _ = examined(tmp_path, **installation | {"REDIS_URL": url})
    assert code == 2
    assert lines["Broker"][0]["state"] == "bad"
    assert lines["Vendor"][0]["state"] == "ok", "it needs no Redis for its question"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "refuse", "code": "invalid_client", "status": 401}, "does not accept client id and secret"),
        ({"kind": "refuse", "detailMessage": "IP not in whitelist"}, "does not take calls from our address"),
    ],
)
def test_a_vendor_that_refuses_us_is_told_in_words(
    fault: dict[str, Any], words: str, tmp_path: Path, installation: dict[str, str], vendor: tuple[Sandbox, str]
) -> None:
    vendor[0].fault("token", times=None, **fault)
    code, lines, _ = examined(tmp_path, **installation)
    assert code == 2
    assert words in lines["Vendor"][0]["words"]


def test_migrations_that_are_missing_are_told_and_nothing_is_asked_of_what_is_not_there(
    tmp_path: Path, installation: dict[str, str]
) -> None:
    (tmp_path / "portal.sqlite3").unlink()
    begun = python(tmp_path, "manage.py", "migrate", "auth", "-v", "0", **installation)
    assert begun.returncode == 0, begun.stderr
    code, lines, _ = examined(tmp_path, "--offline", **installation)
    assert code == 2
    assert "account.0001" in lines["Migrations"][0]["words"]
    assert "Worker" not in lines
    status, answer = asked(tmp_path, **installation)
    assert (status, answer["checks"]["migrations"]) == (503, "missing")
    assert "0001" not in str(answer)


def test_a_key_that_does_not_open_the_credentials_is_told(tmp_path: Path, installation: dict[str, str]) -> None:
    kept = {**installation, "YEASTAR_CLIENT_ID": "", "YEASTAR_CLIENT_SECRET": ""}
    keep = (
        "import django; django.setup()\nfrom orders import credentials\n"
        "from django.contrib.auth.models import User\n"
        "credentials.keep('a-client', 'a-secret', who=User.objects.create_user('adam'), tested=False)"
    )
    done = python(tmp_path, "-c", keep, DJANGO_SETTINGS_MODULE="portal.settings", **kept)
    assert done.returncode == 0, done.stderr
    _, lines, _ = examined(tmp_path, "--offline", **kept)
    assert lines["Credentials"][0]["words"] == "client id …ient, set on the page of the connection"
    code, lines, _ = examined(tmp_path, "--offline", **kept | {"SECRET_KEY": "another-" + SECRET})
    assert code == 2
    assert "cannot be read" in lines["Credentials"][0]["words"]
    _, lines, _ = examined(
        tmp_path, "--offline", **kept | {"SECRET_KEY": "another-" + SECRET, "SECRET_KEY_FALLBACKS": SECRET}
    )
    assert lines["Credentials"][0]["state"] == "ok"


def test_what_a_secret_is_does_not_get_through(settings: Any) -> None:
    settings.REDIS_URL = "redis://:p%40ss-word@host/0"
    said = masked(f"cannot reach redis://:p%40ss-word@host\nwith p@ss-word and {settings.SECRET_KEY}")
    assert said == "cannot reach redis://:***@host with *** and ***"


# check --deploy

EARNEST = TLS | {
    "YEASTAR_CLIENT_ID": "an-id",
    "YEASTAR_CLIENT_SECRET": "a-secret",
    "EMAIL_URL": "smtp+tls://user:secret@mail.example.com:587",
}


def said(tmp_path: Path, **variables: str) -> set[str]:
    done: subprocess.CompletedProcess[str] = python(tmp_path, "manage.py", "check", "--deploy", **variables)
    return set(re.findall(r"\((portal\.[EW]\d+|security\.\w+)\)", done.stderr + done.stdout))


def documented() -> dict[str, str]:
    """The environment that docs/operating.md gives for earnest."""
    text = (ROOT / "docs" / "operating.md").read_text()
    block = text.partition("<!-- earnest -->")[2].partition("```")[2].partition("```")[0]
    return dict(line.split("=", 1) for line in block.strip().splitlines() if "=" in line and not line.startswith("#"))


def test_the_documented_environment_for_earnest_is_clean(tmp_path: Path) -> None:
    variables = documented()
    assert {"ALLOWED_HOSTS", "SECURE_HSTS_SECONDS", "SECRET_KEY", "YEASTAR_CLIENT_ID"} <= set(variables)
    done = python(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "WARNING", **variables)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"ALLOWED_HOSTS": "*"}, "portal.W002"),
        ({"DEMO_PASSWORD": "yeastar-demo"}, "portal.W003"),
        ({"YEASTAR_BASE_URL": "http://openapi.partner.yeastar.com"}, "portal.E003"),
        ({"SANDBOX": "true"}, "portal.W001"),
        ({"YEASTAR_CLIENT_SECRET": ""}, "portal.E001"),
        ({"CREDENTIAL_KEYS": "short"}, "portal.E002"),
        ({"REQUIRE_MFA": "false"}, "portal.W004"),
        ({"EMAIL_URL": ""}, "portal.W005"),
        ({"BEHIND_TLS_PROXY": "false"}, "portal.W006"),
    ],
)
def test_what_is_dangerous_is_said(changed: dict[str, str], found: str, tmp_path: Path) -> None:
    assert found in said(tmp_path, **EARNEST | changed)


def test_what_is_safe_is_not_called_dangerous(tmp_path: Path) -> None:
    assert not {found for found in said(tmp_path, **EARNEST) if found.startswith("portal.")}


# /readyz

ASK = """
import django; django.setup()
from django.test import Client
answer = Client(headers={"host": "localhost"}).get("/readyz")
print(answer.status_code, answer.content.decode())
"""


def asked(tmp_path: Path, **variables: str) -> tuple[int, dict[str, Any]]:
    """What /readyz answers in a process of its own, with migrations and without what tests change."""
    done = python(tmp_path, "-c", ASK, DJANGO_SETTINGS_MODULE="portal.settings", **variables)
    assert done.returncode == 0, done.stderr
    status, _, answer = done.stdout.partition(" ")
    return int(status), json.loads(answer)


@pytest.fixture(autouse=True)
def _unlooked() -> Iterator[None]:
    readiness.forget()
    yield
    readiness.forget()


def test_ready_with_database_and_migrations_whatever_the_broker_does(
    db: None, client: Client, settings: Any, broker: str
) -> None:
    settings.REDIS_URL = broker
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        200,
        {"ready": True, "checks": {"database": "ok", "migrations": "ok", "broker": "ok"}},
    )
    assert answer["Cache-Control"] == "no-store"
    readiness.forget()
    settings.REDIS_URL = f"redis://:a-password@127.0.0.1:{free_port()}/0"
    answer = client.get("/readyz")
    assert answer.status_code == 200, "orders are kept without it"
    assert answer.json()["checks"]["broker"] == "away"
    assert "a-password" not in answer.content.decode()


def test_not_ready_without_a_database_and_ready_again_with_it(tmp_path: Path, installation: dict[str, str]) -> None:
    assert asked(tmp_path, **installation)[0] == 200
    url = f"postgresql://portal:a-password@127.0.0.1:{free_port()}/portal"
    status, answer = asked(tmp_path, **installation | {"DATABASE_URL": url})
    assert (status, answer["checks"]["database"]) == (503, "away")
    assert "a-password" not in str(answer)


def test_an_answer_serves_for_a_second_whoever_asks(
    db: None, client: Client, django_assert_num_queries: Callable[..., Any]
) -> None:
    client.get("/readyz")
    with django_assert_num_queries(0):
        assert client.get("/readyz").status_code == 200
    assert client.post("/readyz").status_code == 405
