"""`make run` for real: everything is started, used, stopped, killed, and started again.

The tests of one file share a start where they can: starting everything costs some seconds.
"""

import http.client
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("make-run")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Portal:
    """One start of the supervisor in a data directory of its own."""

    def __init__(self, data: Path, output: Path | None = None, **variables: str) -> None:
        self.port = int(variables.pop("PORT", 0)) or free_port()
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.output = output or data.with_name(f"{data.name}-{self.port}.out")
        self.data = data
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "portal.run"],
                cwd=ROOT,
                env=kept | {"DATA_DIR": str(data), "PORT": str(self.port), "SANDBOX_PORT": ""} | variables,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self.seen: dict[int, psutil.Process] = {}

    @property
    def said(self) -> str:
        return self.output.read_text()

    def wait_until_ready(self, seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while "Ctrl-C stops everything." not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.05)
        self.look()

    def look(self) -> dict[str, psutil.Process]:
        """The living children, by what they are; all that were ever seen are remembered."""
        found = {}
        for process in psutil.Process(self.process.pid).children(recursive=True):
            self.seen[process.pid] = process
            words = " ".join(process.cmdline())
            for name in ("valkey-server", "yeastar_api.sandbox", "gunicorn", "celery", "portal-guardian"):
                if name in words:
                    found.setdefault(name, process)
        return found

    def left_over(self) -> list[str]:
        left = []
        for process in self.seen.values():
            try:
                if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    left.append(" ".join(process.cmdline()))
            except psutil.NoSuchProcess:
                continue
        return left

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def end(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.look()
            self.process.send_signal(number)
        return self.process.wait(90)


def wait_for_nobody(portal: Portal, seconds: float) -> None:
    end = time.monotonic() + seconds
    while portal.left_over() and time.monotonic() < end:
        time.sleep(0.1)
    assert portal.left_over() == []


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run") / "var"


@pytest.fixture(scope="module")
def portal(data: Path) -> Iterator[Portal]:
    started = Portal(data)
    try:
        started.wait_until_ready()
        yield started
    finally:
        started.end()


def test_a_start_says_where_the_portal_is_and_how_to_log_in(portal: Portal) -> None:
    assert f"http://127.0.0.1:{portal.port}/" in portal.said
    assert "staff, manager, admin" in portal.said
    assert "yeastar-demo" in portal.said
    assert "/_sandbox/" in portal.said


def test_a_start_fills_partners_and_contacts(portal: Portal) -> None:
    found = re.search(r"(\d+) partners, (\d+) contacts", portal.said)
    assert found, portal.said
    assert int(found[1]) > 0
    assert int(found[2]) > 0


def test_a_start_fills_the_history_long_before_beat_asks_for_it(portal: Portal) -> None:
    end = time.monotonic() + 30
    with closing(sqlite3.connect(portal.data / "portal.sqlite3")) as database:
        while not database.execute("SELECT 1 FROM orders_reading WHERE complete AND total > 0").fetchone():
            assert time.monotonic() < end, "the history is empty"
            time.sleep(0.2)


def test_the_health_check_and_the_login_page_answer(portal: Portal) -> None:
    assert portal.get("/healthz")[0] == 200
    status, page = portal.get("/accounts/login/")
    assert status == 200
    assert 'name="password"' in page
    assert "nothing is really bought" in page


def test_every_child_has_a_log_and_no_secret_lies_open(portal: Portal) -> None:
    logs = {path.stem for path in (portal.data / "logs").glob("*.log")}
    assert {"web", "worker", "sandbox", "valkey", "prepare"} <= logs
    for name in ("secret_key", "valkey/valkey.conf"):
        assert (portal.data / name).stat().st_mode & 0o077 == 0, name


def test_a_command_given_beside_it_uses_its_key_its_broker_and_its_sandbox(portal: Portal) -> None:
    env = {"PATH": os.environ["PATH"], "DATA_DIR": str(portal.data)}
    command = [sys.executable, "manage.py", "mirror_accounts"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Customers: 22 listed" in done.stdout
    assert (portal.data / "running.json").stat().st_mode & 0o077 == 0


def test_a_second_portal_in_the_same_place_is_refused_in_one_line(portal: Portal) -> None:
    other = Portal(portal.data)
    assert other.process.wait(20) == 1
    assert len(other.said.splitlines()) == 1
    assert f"process {portal.process.pid}" in other.said


def test_a_busy_port_is_said_in_one_line(portal: Portal, tmp_path: Path) -> None:
    other = Portal(tmp_path / "var", PORT=str(portal.port))
    assert other.process.wait(20) == 1
    assert len(other.said.splitlines()) == 1
    assert f"port {portal.port} is busy" in other.said
    assert "make run" in other.said


def test_a_place_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    other = Portal(tmp_path / "file" / "var", tmp_path / "out")
    assert other.process.wait(20) == 1
    assert len(other.said.splitlines()) == 1
    assert "DATA_DIR" in other.said


def test_killing_the_supervisor_leaves_no_orphan_and_the_next_start_keeps_the_data(data: Path) -> None:
    first = Portal(data.with_name("killed"))
    first.wait_until_ready()
    with sqlite3.connect(first.data / "portal.sqlite3") as database:
        database.execute("CREATE TABLE kept (word TEXT)")
        database.execute("INSERT INTO kept VALUES ('still here')")
    database.close()
    key = (first.data / "secret_key").read_text()
    assert {"valkey-server", "yeastar_api.sandbox", "gunicorn", "celery", "portal-guardian"} <= set(first.look())
    first.process.kill()
    first.process.wait()
    second = Portal(first.data)  # waits until the first one's children have ended
    try:
        second.wait_until_ready()
        wait_for_nobody(first, 1)
        with sqlite3.connect(second.data / "portal.sqlite3") as database:
            assert database.execute("SELECT word FROM kept").fetchall() == [("still here",)]
        database.close()
        assert (second.data / "secret_key").read_text() == key
    finally:
        code = second.end()
    assert code == 0, second.said
    wait_for_nobody(second, 2)
    assert "Stopped" in second.said


def test_a_dead_child_is_named_and_takes_everything_along(data: Path) -> None:
    started = Portal(data.with_name("dying"))
    started.wait_until_ready()
    started.look()["yeastar_api.sandbox"].kill()
    assert started.process.wait(60) == 1
    assert "portal: sandbox died (killed by SIGKILL); its log: " in started.said
    wait_for_nobody(started, 2)


def test_ctrl_c_while_it_starts_stops_what_was_started(data: Path) -> None:
    started = Portal(data.with_name("hasty"))
    end = time.monotonic() + 30
    while "valkey" not in started.said:
        assert time.monotonic() < end, started.said
        time.sleep(0.02)
    assert started.end() == 0, started.said
    wait_for_nobody(started, 2)
