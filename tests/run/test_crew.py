"""Stopping is patient with a child that finishes its work, and can be forced."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.services

# A crew of one child, which takes {work} seconds to end when it is asked to.
SCRIPT = """
import os, sys
from pathlib import Path
from portal.run import environment
from portal.run.crew import Crew
from portal.run.guardian import Guardian
from portal.run.sorry import Sorry, Stop
os.environ["DATA_DIR"] = sys.argv[1]
plan = environment.make_plan()
environment.make_room(plan.data)
guardian = Guardian(os.open(plan.data / "lock", os.O_CREAT | os.O_RDWR))
crew = Crew(plan, guardian, None)
child = crew.start("worker", sys.executable, "-c", sys.argv[2])
crew.wait_for(child, child.flag.exists, 10)
print("ready", flush=True)
try:
    crew.pause(30)
except Stop:
    pass
forced = not crew.stop({"worker": 20})
guardian.dismiss()
sys.exit(130 if forced else 0)
"""

CHILD = """
import os, signal, sys, time
def end(*_):
    time.sleep(%s)
    print("finished", flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
open(os.environ["READY_FILE"], "w").close()
time.sleep(60)
"""


def start(data: Path, work: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT, str(data), CHILD % work]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for process in psutil.process_iter(["cmdline"]):
        assert str(tmp_path) not in " ".join(process.info["cmdline"] or [])


def test_a_child_finishes_what_it_does_and_the_person_is_told(data: Path) -> None:
    with start(data, work=3) as process:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "worker     finishes its work, up to 20 s" in said
    assert "finished" in (data / "logs" / "worker.log").read_text()


def test_a_second_ctrl_c_ends_everything_at_once(data: Path) -> None:
    with start(data, work=15) as process:
        child = psutil.Process(process.pid).children(recursive=True)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        time.sleep(0.7)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "at once" in said
    assert time.monotonic() - began < 5
    assert not any(process.is_running() for process in child)


def test_one_ctrl_c_that_arrives_twice_is_one(data: Path) -> None:
    with start(data, work=1) as process:
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0
