"""The broker is killed under a worker, and the worker goes on: `make run` ends with its first process that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import Celery
from redis import Redis

from portal.run import ready
from portal.run.valkey import Valkey
from tests.services.servers import ROOT, free_port, until


class Stage:
    """A Valkey that can be killed, and a worker of one thread."""

    def __init__(self, where: Path) -> None:
        self.where = where
        self.valkey = Valkey(where)
        self.broker = self.start_broker()
        self.ready = where / "worker.ready"
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(where),
            "DATA_DIR": str(where),
            "SECRET_KEY": "only-for-tests-" + "x" * 40,
            "REDIS_URL": self.valkey.url,
            "YEASTAR_BASE_URL": f"http://127.0.0.1:{free_port()}",
            "READY_FILE": str(self.ready),
            "WORKER_THREADS": "1",
        }
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "tests.services.busy_worker"]
            self.worker = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)

    @property
    def log(self) -> Path:
        return self.where / "worker.log"

    def says(self, words: str) -> int:
        return self.log.read_text(errors="replace").count(words)

    def await_worker(self) -> None:
        until(lambda: self.ready.exists() or self.worker.poll() is not None, "the worker", 30)
        assert self.worker.poll() is None, self.log.read_text(errors="replace")[-3000:]

    def start_broker(self) -> subprocess.Popen[bytes]:
        with (self.where / "valkey.log").open("ab") as log:
            broker = subprocess.Popen(self.valkey.command, stdout=log, stderr=log)
        until(lambda: ready.pongs(self.valkey.port, self.valkey.password), "Valkey")
        return broker

    def lose_broker(self) -> None:
        """Killed, and started again; until the worker has found it."""
        connected = self.says("Connected to redis")
        self.broker.kill()
        self.broker.wait()
        self.broker = self.start_broker()
        until(lambda: self.says("Connected to redis") > connected, "the worker's new connection", 30)

    def send(self, task: str, *args: str) -> None:
        with Celery("bells", broker=self.valkey.url) as bells:
            bells.send_task(f"tests.{task}", args, queue="portal", ignore_result=True)

    def waiting(self) -> int:
        """Messages that no worker has fetched yet."""
        with Redis.from_url(self.valkey.url) as broker:
            return int(broker.llen("portal"))

    def begun(self, name: str) -> Callable[[], bool]:
        return (self.where / f"{name}.begun").exists

    def close(self) -> None:
        (self.where / "go").touch()
        for process in (self.worker, self.broker):
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    try:
        made.await_worker()
        yield made
    finally:
        made.close()


def test_messages_that_waited_for_a_thread_while_the_broker_was_lost_do_not_end_the_worker(stage: Stage) -> None:
    stage.send("keep", "first")
    until(stage.begun("first"), "the first message")
    for name in ("second", "third"):
        stage.send("keep", name)
    # The worker has fetched them before the broker dies: its queue there is empty.
    until(lambda: stage.waiting() == 0, "the worker's fetching")
    stage.lose_broker()
    (stage.where / "go").touch()
    until(stage.begun("third"), "the messages that waited")
    stage.send("keep", "fourth")
    until(stage.begun("fourth"), "a message of the new connection")
    assert stage.worker.poll() is None
    assert stage.says("Unrecoverable error") == 0
    stage.worker.send_signal(signal.SIGTERM)
    assert stage.worker.wait(30) == 0


def test_a_worker_whose_loop_ends_by_itself_starts_again_and_still_stops_when_told(stage: Stage) -> None:
    stage.ready.unlink()
    stage.send("end_the_loop")
    stage.await_worker()
    assert stage.says("Unrecoverable error") == 1
    stage.worker.send_signal(signal.SIGTERM)
    assert stage.worker.wait(30) == 0


def test_a_worker_that_is_told_to_stop_before_it_has_started_again_ends(stage: Stage) -> None:
    stage.send("end_the_loop")
    until(lambda: stage.says("Unrecoverable error") == 1, "its end")
    stage.worker.send_signal(signal.SIGTERM)
    stage.worker.wait(30)
    assert stage.worker.returncode in (0, 1, -signal.SIGTERM)
