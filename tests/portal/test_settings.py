"""The real settings in a process of their own: secrets from files, safe by default, ready to deploy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

SECRET = "a-secret-key-of-fifty-characters-or-more-0123456789-abcdefghij"

SHOW = """
import json, sys
from portal import settings
print(json.dumps({name: str(getattr(settings, name)) for name in sys.argv[1:]}))
"""


def environment(tmp_path: Path, **variables: str) -> dict[str, str]:
    """Nothing of ours from outside, and a data directory of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **kept,
        "DATA_DIR": str(tmp_path),
        "LOG_LEVEL": "ERROR",
        "PYTHONWARNINGS": "error::RuntimeWarning",
        **variables,
    }


def python(tmp_path: Path, *arguments: str, root: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python at the root of the project."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env=environment(tmp_path, **variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def show(tmp_path: Path, *names: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Print settings, read by a copy of the portal: the `.env` of whoever runs the tests is not beside it."""
    (tmp_path / "elsewhere").mkdir(exist_ok=True)
    shutil.copytree(ROOT / "portal", tmp_path / "elsewhere" / "portal", dirs_exist_ok=True)
    return python(tmp_path, "-c", SHOW, *names, root=tmp_path / "elsewhere", **variables)


def settings(tmp_path: Path, *names: str, **variables: str) -> dict[str, Any]:
    """Some settings as they are with these variables."""
    done = show(tmp_path, *names, **variables)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_secret_may_be_the_path_of_a_file(tmp_path: Path) -> None:
    for name in ("key", "secret", "url"):
        (tmp_path / name).write_text(f"{SECRET}-{name}\n" if name != "url" else "postgres://u:p@db:5432/portal\n")
    found = settings(
        tmp_path,
        "SECRET_KEY",
        "YEASTAR_CLIENT_SECRET",
        "DATABASES",
        SECRET_KEY_FILE=str(tmp_path / "key"),
        YEASTAR_CLIENT_SECRET_FILE=str(tmp_path / "secret"),
        DATABASE_URL_FILE=str(tmp_path / "url"),
    )
    assert found["SECRET_KEY"] == f"{SECRET}-key", "without the line's end"
    assert found["YEASTAR_CLIENT_SECRET"] == f"{SECRET}-secret"
    assert "'NAME': 'portal'" in found["DATABASES"]
    assert "postgresql" in found["DATABASES"]


def test_what_is_safe_is_the_default(tmp_path: Path) -> None:
    names = [
        "DEBUG",
        "SECURE_COOKIES",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SESSION_COOKIE_HTTPONLY",
        "CSRF_COOKIE_HTTPONLY",
        "YEASTAR_BASE_URL",
        "SANDBOX",
        "DEMO_PASSWORD",
    ]
    found = settings(tmp_path, *names, SECRET_KEY=SECRET)
    assert found == {
        "DEBUG": "False",
        "SECURE_COOKIES": "True",
        "SESSION_COOKIE_SECURE": "True",
        "CSRF_COOKIE_SECURE": "True",
        "SESSION_COOKIE_HTTPONLY": "True",
        "CSRF_COOKIE_HTTPONLY": "True",
        "YEASTAR_BASE_URL": "https://openapi.partner.yeastar.com",
        "SANDBOX": "False",
        "DEMO_PASSWORD": "",
    }


def test_a_sqlite_that_several_processes_write_is_set_up_for_it(tmp_path: Path) -> None:
    found = settings(tmp_path, "DATABASES", SECRET_KEY=SECRET)
    for word in ("IMMEDIATE", "journal_mode=WAL", "synchronous=FULL", str(tmp_path)):
        assert word in found["DATABASES"]
    assert "ATOMIC_REQUESTS': True" not in found["DATABASES"]


@pytest.mark.parametrize("variables", [{}, {"SECRET_KEY": ""}])
def test_without_a_secret_key_nothing_starts(variables: dict[str, str], tmp_path: Path) -> None:
    done = show(tmp_path, "DEBUG", **variables)
    assert done.returncode != 0
    assert "Set SECRET_KEY" in done.stderr


TLS = {
    "SECRET_KEY": SECRET,
    "SECURE_SSL_REDIRECT": "true",
    "SECURE_HSTS_SECONDS": "31536000",
    "BEHIND_TLS_PROXY": "true",
    "ALLOWED_HOSTS": "portal.example.com",
    "CSRF_TRUSTED_ORIGINS": "https://portal.example.com",
}


def test_check_deploy_has_nothing_to_say_but_the_hsts_that_an_operator_decides(tmp_path: Path) -> None:
    done = python(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "ERROR", **TLS)
    assert done.returncode == 0, done.stdout + done.stderr
    said = {word.strip("?:()") for word in done.stderr.split() if word.startswith("(security.")}
    # Subdomains and preload bind hosts that are not ours.
    assert said <= {"security.W005", "security.W021"}, done.stderr


def test_no_migration_is_missing(tmp_path: Path) -> None:
    done = python(tmp_path, "manage.py", "makemigrations", "--check", "--dry-run", SECRET_KEY=SECRET)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_values_of_the_example_are_understood(tmp_path: Path) -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    given = dict(
        line.lstrip("# ").split("=", 1) for line in lines if "=" in line and line.lstrip("# ").split("=")[0].isupper()
    )
    assert given
    known = (
        (ROOT / "portal" / "settings.py").read_text()
        + "".join(path.read_text() for path in (ROOT / "portal" / "run").rglob("*.*") if path.suffix in (".py", ".sh"))
        + (ROOT / "portal" / "gunicorn.py").read_text()
        + (ROOT / "docker-compose.yml").read_text()
    )
    unknown = {name for name in given if name.removesuffix("_FILE") not in known and not name.startswith("ANYMAIL_")}
    assert unknown == set()


@pytest.mark.parametrize(
    ("variables", "backend", "can"),
    [
        ({}, "dummy", "False"),
        ({"EMAIL_BACKEND": ""}, "dummy", "False"),
        ({"DEBUG": "true"}, "console", "True"),
        ({"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend"}, "smtp", "True"),
        ({"EMAIL_URL": "smtp+tls://user:secret@mail.example.com:587"}, "smtp", "True"),
    ],
)
def test_reset_links_are_made_only_where_they_can_be_sent(
    variables: dict[str, str], backend: str, can: str, tmp_path: Path
) -> None:
    found = settings(tmp_path, "EMAIL_BACKEND", "CAN_MAIL", SECRET_KEY=SECRET, **variables)
    assert found == {"EMAIL_BACKEND": f"django.core.mail.backends.{backend}.EmailBackend", "CAN_MAIL": can}


def test_the_mail_server_is_read_from_one_url(tmp_path: Path) -> None:
    url = "smtp+tls://user:secret@mail.example.com:587"
    found = settings(tmp_path, "EMAIL_HOST", "EMAIL_PORT", "EMAIL_USE_TLS", SECRET_KEY=SECRET, EMAIL_URL=url)
    assert found == {"EMAIL_HOST": "mail.example.com", "EMAIL_PORT": "587", "EMAIL_USE_TLS": "True"}


@pytest.mark.parametrize(("variables", "count"), [({}, "1"), ({"TRUSTED_PROXIES": "2"}, "2")])
def test_behind_a_proxy_its_word_on_addresses_is_trusted(variables: dict[str, str], count: str, tmp_path: Path) -> None:
    found = settings(tmp_path, "ALLAUTH_TRUSTED_PROXY_COUNT", SECRET_KEY=SECRET, BEHIND_TLS_PROXY="true", **variables)
    assert found == {"ALLAUTH_TRUSTED_PROXY_COUNT": count}
    assert show(tmp_path, "ALLAUTH_TRUSTED_PROXY_COUNT", SECRET_KEY=SECRET, **variables).returncode != 0


FAIL = """
import django, logging
django.setup()
from portal.celery import app

@app.task
def breaks():
    raise ValueError("no such thing, see /accounts/reset/key/1-secret/")

breaks.apply()
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("django.request").exception("A page broke")
"""


def test_tracebacks_of_celery_and_django_stand_in_the_log_as_text(tmp_path: Path) -> None:
    done = python(tmp_path, "-c", FAIL, SECRET_KEY=SECRET, DJANGO_SETTINGS_MODULE="portal.settings")
    task, page = (json.loads(line) for line in done.stderr.splitlines())
    for line, error in ((task, "ValueError: no such thing"), (page, "ZeroDivisionError: division by zero")):
        assert line["exception"].startswith("Traceback (most recent call last):")
        assert error in line["exception"]
        assert "exc_info" not in line
    assert "/reset/key/***" in task["exception"], "and hides what a log must not hold"
    assert "traceback object" not in done.stderr
    assert "1-secret" not in done.stderr


@pytest.mark.parametrize(
    ("variables", "required"),
    [({}, "True"), ({"SANDBOX": "true"}, "False"), ({"SANDBOX": "true", "REQUIRE_MFA": "true"}, "True")],
)
def test_a_second_factor_is_required_wherever_something_is_really_bought(
    variables: dict[str, str], required: str, tmp_path: Path
) -> None:
    assert settings(tmp_path, "REQUIRE_MFA", SECRET_KEY=SECRET, **variables) == {"REQUIRE_MFA": required}


def test_a_mail_service_is_told_what_the_environment_and_files_say(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("the-token\n")
    variables = {"ANYMAIL_POSTMARK_SERVER_TOKEN_FILE": str(token), "ANYMAIL_MAILGUN_API_KEY": "the-key"}
    found = settings(tmp_path, "ANYMAIL", SECRET_KEY=SECRET, **variables)["ANYMAIL"]
    for told in ("'POSTMARK_SERVER_TOKEN': 'the-token'", "'MAILGUN_API_KEY': 'the-key'", "'REQUESTS_TIMEOUT': 10"):
        assert told in str(found)
    assert "_FILE" not in str(found)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"OIDC_ROLES": "a=admin,b=boss"}, "roles that there are not"),
        ({"OIDC_CREATE_PEOPLE": "true"}, "OIDC_CREATE_PEOPLE needs OIDC_ROLES"),
        ({"OIDC_ONLY": "true"}, "OIDC_ONLY needs OIDC_SERVER_URL"),
        ({"OIDC_SERVER_URL": "http://login.example.com"}, "OIDC_SERVER_URL must be https"),
        ({"OIDC_SERVER_URL": "https://login.example.com"}, "OIDC_CLIENT_ID"),
    ],
)
def test_a_single_sign_on_that_cannot_work_or_is_not_safe_does_not_start(
    variables: dict[str, str], words: str, tmp_path: Path
) -> None:
    done = show(tmp_path, "DEBUG", SECRET_KEY=SECRET, **variables)
    assert done.returncode != 0
    assert words in done.stderr


def test_single_sign_on_is_set_up_by_the_environment(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the-secret\n")
    variables = {
        "OIDC_SERVER_URL": "https://login.example.com/realm",
        "OIDC_CLIENT_ID": "portal",
        "OIDC_CLIENT_SECRET_FILE": str(secret),
        "OIDC_ROLES": "yeastar-admins=admin,yeastar-staff=staff",
    }
    found = settings(tmp_path, "OIDC_ROLES", "SOCIALACCOUNT_PROVIDERS", SECRET_KEY=SECRET, **variables)
    assert str(found["OIDC_ROLES"]) == "{'yeastar-admins': 'admin', 'yeastar-staff': 'staff'}"
    for told in ("'secret': 'the-secret'", "'client_id': 'portal'", "'oauth_pkce_enabled': True"):
        assert told in str(found["SOCIALACCOUNT_PROVIDERS"])
