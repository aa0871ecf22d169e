"""kill -9 of the worker at each line that matters: nothing is bought twice, nothing is forgotten, nothing is made up.

Real Valkey, a real sandbox, SQLite on a disk, real workers. One worker for each line takes an order and dies there
(`mortal_worker`). Then comes an ordinary worker, bells ring twice for what the dead had in hand, and the sweep does its
work, its clock set forward; and at the end reconciliation reads the vendor's history. There is no beat: what happens,
happens when the test says so.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from portal.run import ready
from portal.run.valkey import Valkey
from tests.services.desk import Desk
from tests.services.servers import ROOT, free_port, listens, running, until

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("killed-worker")]

RING_AGAIN = 65
"""Seconds after which the sweep rings again for what is due."""

LOOKS = (1, 3, 7)
"""Hours after which the vendor's history is read: each pause is as long as the doubt has lasted."""

LIMIT = 600
"""Seconds after which the sweep ends the wait for a worker: far more than the test may last."""


@dataclass(frozen=True)
class Line:
    """A line of the table: where the worker dies, and what is then so."""

    dies: str
    at_once: str  # the status that the dead worker leaves
    tries_at_once: list[str]  # how its attempts ended, as far as the row tells
    swept: str  # the status when another worker and the sweep have done all they can
    tries_swept: list[str]
    known: str  # the status by the evidence of the vendor's history
    bought: int  # what the vendor has sold
    received: int  # POSTs that the vendor got whole


LOST = ["LOST"]
OPEN = [""]
RECEIPT = ["RECEIPT"]

TABLE = [
    # where it dies; at once: status, attempts; swept: status, attempts; known; bought, received
    Line("before the claim", "QUEUED", [], "PLACED", RECEIPT, "PLACED", 1, 1),
    Line("in the claim, before its attempt is written", "QUEUED", [], "PLACED", RECEIPT, "PLACED", 1, 1),
    Line("in the claim, after its attempt is written", "QUEUED", [], "PLACED", RECEIPT, "PLACED", 1, 1),
    Line("after the claim, before a socket opens", "SENDING", OPEN, "UNCERTAIN", LOST, "FAILED", 0, 0),
    Line("in the middle of the POST", "SENDING", OPEN, "UNCERTAIN", LOST, "FAILED", 0, 0),
    Line("after the POST, before the answer", "SENDING", OPEN, "UNCERTAIN", LOST, "PLACED", 1, 1),
    Line("after the answer, before its commit begins", "SENDING", OPEN, "UNCERTAIN", LOST, "PLACED", 1, 1),
    Line("in the commit of the answer", "SENDING", OPEN, "UNCERTAIN", LOST, "PLACED", 1, 1),
    Line("after the commit of the answer", "PLACED", RECEIPT, "PLACED", RECEIPT, "PLACED", 1, 1),
]

EVERY_LINE = pytest.mark.parametrize("line", TABLE, ids=[line.dies for line in TABLE])


@dataclass
class Story:
    """What became of one order."""

    pk: str
    reference: str
    ended: int  # how its first worker ended
    fell: bool  # whether that was at the line
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)  # what was committed, by stage
    bought: list[str] = field(default_factory=list)  # the vendor's order numbers
    received: int = 0


@dataclass
class Ward:
    """Everything that runs beside the workers."""

    where: Path
    env: dict[str, str]
    desk: Desk
    sandbox: str

    def killed(self, place: str) -> Story:
        """An order is placed, a worker takes it and dies."""
        order = self.desk.ask("place")
        mark = self.where / f"{order['pk']}.mark"
        command = [sys.executable, "-m", "tests.services.mortal_worker", place, str(mark)]
        with (self.where / f"{order['pk']}.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=log)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
        return Story(**order, ended=process.wait(), fell=mark.exists())

    @contextmanager
    def ordinary_worker(self) -> Iterator[None]:
        """The worker of `make run`; at the end it finishes what it has begun."""
        flag = Path(self.env["READY_FILE"])
        flag.unlink(missing_ok=True)  # the dead were ready, too
        command = [sys.executable, "-m", "portal.run.queue", "worker"]
        with running(command, self.where / "worker.log", self.env):
            until(flag.exists, "the worker")
            yield

    def look(self, stories: list[Story], stage: str) -> None:
        """Write down what is committed."""
        rows = self.desk.ask("look")
        for story in stories:
            story.rows[stage] = rows[story.pk]

    def let_end(self, stories: list[Story]) -> None:
        """Give the worker time for these orders. What it does not end is seen in the rows."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            rows = self.desk.ask("look")
            if all(rows[story.pk]["status"] not in ("QUEUED", "SENDING") for story in stories):
                break
            time.sleep(0.05)

    def count(self, story: Story) -> None:
        """Write down what the vendor knows of it: each request names its order."""
        ledger = httpx.get(f"{self.sandbox}/_sandbox/ledger").json()
        story.received = sum(story.reference in each["body"] for each in ledger["attempts"])
        own = [each for each in ledger["orders"] if json.loads(each["body"]).get("poNumber") == story.reference]
        story.bought = [each["receipt"]["orderNo"] for each in own]


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    where = tmp_path_factory.mktemp("killed")
    valkey, sandbox_port = Valkey(where), free_port()
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(where),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DATA_DIR": str(where),
        "DATABASE_URL": f"sqlite:///{where / 'portal.sqlite3'}",
        "SECRET_KEY": "only-for-tests-" + "x" * 40,
        "REDIS_URL": valkey.url,
        "YEASTAR_BASE_URL": f"http://127.0.0.1:{sandbox_port}",
        "YEASTAR_CLIENT_ID": "sandbox-client",
        "YEASTAR_CLIENT_SECRET": "sandbox-secret",
        "SANDBOX": "true",
        "SEND_REFERENCE": "true",
        "HISTORY_LAG_SECONDS": "0",
        "ABSENCE_SCANS": str(len(LOOKS)),
        "YEASTAR_SAVE_BUDGET": "20",
        "ORDER_SENDING_GRACE": str(LIMIT - 20),
        "READY_FILE": str(where / "worker.ready"),
    }
    with ExitStack() as stack:
        stack.enter_context(running(valkey.command, where / "valkey.log", env))
        command = [sys.executable, "-m", "yeastar_api.sandbox", "--port", str(sandbox_port)]
        stack.enter_context(running(command, where / "sandbox.log", env))
        until(lambda: ready.pongs(valkey.port, valkey.password), "Valkey")
        until(lambda: listens(sandbox_port), "the sandbox")
        desk = stack.enter_context(Desk(env, where / "desk.log"))
        desk.ask("open_up")
        yield Ward(where, env, desk, f"http://127.0.0.1:{sandbox_port}")


@pytest.fixture(scope="module")
def stories(ward: Ward) -> dict[str, Story]:
    """All that happens, in this order; the tests only look at what was written down."""
    desk = ward.desk
    stories = {}
    for line in TABLE:
        stories[line.dies] = story = ward.killed(line.dies)
        ward.look([story], "at once")
    everyone = list(stories.values())
    pks = [story.pk for story in everyone]
    waiting = [story for story in everyone if story.rows["at once"]["status"] == "QUEUED"]
    in_hand = [story.pk for story in everyone if story not in waiting]
    with ward.ordinary_worker():
        # Its limit is not over: whatever is rung and swept now, what the dead had in hand must lie still.
        assert desk.ask("ring", pks=in_hand * 2)
        desk.ask("sweep", seconds=RING_AGAIN)
        ward.let_end(waiting)
        ward.look(everyone, "before the limit")
        desk.ask("sweep", seconds=LIMIT + RING_AGAIN)
        ward.look(everyone, "swept")
        # Once more everything that could wake the dead.
        assert desk.ask("ring", pks=pks * 2)
        desk.ask("sweep", seconds=2 * LIMIT)
        # A bell behind theirs: when this order is done, theirs were heard, and ending the worker waits for them.
        stories["after them all"] = last = Story(**desk.ask("place"), ended=0, fell=False)
        ward.let_end([last])
    ward.look([*everyone, last], "rung again")
    for story in stories.values():
        ward.count(story)
    return stories


@pytest.fixture(scope="module")
def known(ward: Ward, stories: dict[str, Story]) -> dict[str, Story]:
    """The same, when the vendor's history has been read."""
    for hours in LOOKS:
        assert ward.desk.ask("reconcile", hours=hours)
    ward.look(list(stories.values()), "known")
    return stories


@EVERY_LINE
def test_an_order_whose_worker_was_killed_is_what_the_table_says(stories: dict[str, Story], line: Line) -> None:
    story = stories[line.dies]
    assert (story.ended, story.fell) == (-signal.SIGKILL, True)
    at_once, swept = story.rows["at once"], story.rows["swept"]
    assert (at_once["status"], at_once["tries"]) == (line.at_once, line.tries_at_once)
    assert (swept["status"], swept["tries"]) == (line.swept, line.tries_swept)
    assert (len(story.bought), story.received) == (line.bought, line.received)


@EVERY_LINE
def test_what_a_dead_worker_had_in_hand_lies_still_until_the_limit(stories: dict[str, Story], line: Line) -> None:
    rows = stories[line.dies].rows
    if line.at_once == "QUEUED":
        assert rows["before the limit"] == rows["swept"]
    else:
        assert rows["before the limit"] == rows["at once"]


@EVERY_LINE
def test_doubled_bells_and_another_sweep_change_nothing_after_a_death(stories: dict[str, Story], line: Line) -> None:
    rows = stories[line.dies].rows
    assert rows["rung again"] == rows["swept"]


@EVERY_LINE
def test_what_we_say_of_an_order_whose_worker_was_killed_is_true(stories: dict[str, Story], line: Line) -> None:
    story = stories[line.dies]
    assert all(row["proven"] for row in story.rows.values())
    assert [story.rows["swept"]["order_no"]] == (story.bought if line.swept == "PLACED" else [""])


@EVERY_LINE
def test_the_vendors_history_tells_what_a_killed_worker_could_not(known: dict[str, Story], line: Line) -> None:
    story = known[line.dies]
    row = story.rows["known"]
    assert row["status"] == line.known
    assert [row["order_no"]] == (story.bought if line.known == "PLACED" else [""])
    assert (row == story.rows["swept"]) == (line.known == line.swept)


def test_an_order_placed_after_all_the_deaths_is_bought_once(stories: dict[str, Story]) -> None:
    last = stories["after them all"]
    assert (last.rows["rung again"]["status"], last.rows["rung again"]["tries"]) == ("PLACED", RECEIPT)
    assert [last.rows["rung again"]["order_no"]] == last.bought
