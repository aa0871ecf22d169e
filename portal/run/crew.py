"""The children: started in one process group, each with its log, watched, and stopped in order."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from portal.run.environment import ROOT, Plan
from portal.run.guardian import Guardian
from portal.run.sorry import Sorry, Stop

LOG_LIMIT = 5_000_000  # a log that is longer at a start makes room


def say(name: str, text: str) -> None:
    try:
        print(f"  {name:<10} {text}", flush=True)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - nobody reads any more; go on all the same


class Child(NamedTuple):
    name: str
    process: subprocess.Popen[bytes]
    log: Path
    log_start: int
    may_end: bool
    flag: Path  # a file that some children make when they are ready

    def last_lines(self, count: int = 12) -> list[str]:
        with self.log.open("rb") as file:
            file.seek(max(self.log_start, file.seek(0, os.SEEK_END) - 8000))
            return file.read().decode(errors="replace").splitlines()[-count:]

    def end(self) -> str:
        code = self.process.returncode
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


class Crew:
    def __init__(self, plan: Plan, guardian: Guardian, parent: int | None) -> None:
        self.plan = plan
        self.guardian = guardian
        self.parent = parent
        self.children: list[Child] = []
        self.asked = 0  # how often we were asked to stop
        self._asked_at = -1.0
        self._wake, wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _ask(self, *_: object) -> None:
        now = time.monotonic()
        if now - self._asked_at > 0.5:  # one Ctrl-C may reach us twice, by the terminal and by make
            self.asked += 1
        self._asked_at = now

    def start(self, name: str, *command: str, may_end: bool = False, talks: bool = False) -> Child:
        """Start one. A child that `talks` has pipes for its input and output; its errors go to the log."""
        log = self.plan.data / "logs" / f"{name}.log"
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        flag = self.plan.data / f"{name}.ready"
        with log.open("ab") as file:
            flag.unlink(missing_ok=True)
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.plan.variables | {"READY_FILE": str(flag)},
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else file,
                stderr=file,
                process_group=self.guardian.group,
            )
            self.guardian.watch(process.pid)
            child = Child(name, process, log, file.tell(), may_end, flag)
        self.children.append(child)
        return child

    def _sleep(self, seconds: float) -> None:
        """Until a signal comes (ours, or the end of a child), or the time is over."""
        if select.select([self._wake], [], [], seconds)[0]:
            os.read(self._wake, 512)
        if self.parent is not None and os.getppid() != self.parent:
            self.asked = max(self.asked, 1)

    def pause(self, seconds: float) -> None:
        """Sleep; raise when we are asked to stop, or when a child that should live has died."""
        self._sleep(seconds)
        if self.asked:
            raise Stop
        if self.guardian.process.poll() is not None:
            raise Sorry("the guardian of the processes is gone; everything stops.")
        for child in self.children:
            if child.process.poll() is None or (child.may_end and child.process.returncode == 0):
                continue
            lines = "".join(f"  | {line}\n" for line in child.last_lines())
            raise Sorry(f"{child.name} died ({child.end()}); its log: {child.log}", lines)

    def wait_for(self, child: Child, test: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not test():
            if time.monotonic() > end:
                raise Sorry(f"{child.name} is not ready after {seconds:.0f} s; its log: {child.log}")
            self.pause(0.05)

    def stop(self, patience: dict[str, float]) -> bool:
        """End the children one after another, in the order of `patience`. False when it had to be forced."""
        already = self.asked
        waiting = sorted(
            (child for child in self.children if child.process.poll() is None),
            key=lambda child: list(patience).index(child.name),
        )
        for child in waiting:
            child.process.terminate()
            started, told = time.monotonic(), False
            while child.process.poll() is None:
                self._sleep(0.2)
                waited = time.monotonic() - started
                if self.asked > already:
                    say("stopping", "at once, as asked")
                    self.kill()
                    return False
                if waited > patience[child.name]:
                    say(child.name, f"did not end within {patience[child.name]:.0f} s and is killed")
                    child.process.kill()
                    child.process.wait()
                elif waited > 2 and not told:
                    told = True
                    say(child.name, f"finishes its work, up to {patience[child.name]:.0f} s (Ctrl-C: at once)")
        return True

    def kill(self) -> None:
        """The whole group at once, the children of our children and the guardian included."""
        os.killpg(self.guardian.group, signal.SIGKILL)
        for child in self.children:
            child.process.wait()
