"""Everything that goes wrong: answers are spoiled, tokens end, clocks jump, processes freeze and are killed."""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

from tests.chaos.stage import Stage

Fault = tuple[str, dict[str, Any]]

LATE = 5.0
"""Seconds of a delay past the budget of a save, and shorter than the lag that the history is granted."""

CUTS: list[Fault] = [
    ("reset", {"processed": True}),
    ("reset", {"processed": False}),
    ("half", {}),
    ("status", {"status": 502, "processed": True}),
    ("status", {"status": 502, "processed": False}),
    ("garbage", {"processed": True}),
    ("garbage", {"body": "", "processed": False}),
    ("redirect", {}),
    ("delay_after", {"seconds": LATE}),
    ("slow_body", {"seconds": LATE}),
]
"""After these nobody can tell whether the call was done."""

SPOILT: dict[str, list[Fault]] = {
    # A vendor who says no and buys all the same is left out: nobody could tell, and nobody could be blamed.
    "save": [
        *CUTS,
        ("delay", {"seconds": LATE}),
        ("delay", {"seconds": 1.0}),
        ("refuse_after", {"status": 500}),
        ("refuse", {"status": 500}),
        ("refuse", {}),
        ("status", {"status": 429, "retry_after": 1}),
        ("extra_fields", {}),
    ],
    "token": [*CUTS, ("refuse", {"status": 500}), ("delay", {"seconds": 1.0})],
    "order_page": [*CUTS, ("delay", {"seconds": 1.0}), ("extra_fields", {})],
    "order_get": [*CUTS, ("delay", {"seconds": 1.0}), ("extra_fields", {})],
    "purchase_product_info": CUTS,
    "instance_product_list": CUTS,
    "partner_list": CUTS,
    "billing_contact_list": CUTS,
}
"""By call: what may become of it."""

VICTIMS = {"worker-1": 3, "worker-2": 3, "broker": 3, "web": 2, "beat": 2}
"""Who is killed, and how often in comparison. The sandbox is the vendor: it has its own troubles."""

FROZEN = 7.0
"""Seconds for which a worker stands still: longer than anybody waits for it."""


class Trouble(threading.Thread):
    """Makes trouble until it is told to end; then counts what of it really happened."""

    def __init__(self, stage: Stage, random: Random, *, pace: float = 1.0) -> None:
        super().__init__(name="trouble", daemon=True)
        self.stage, self.random = stage, random
        self.happened: Counter[str] = Counter()
        self.broken: list[str] = []
        self._armed: dict[int, str] = {}
        self._over = threading.Event()
        self._diary: list[tuple[float, Callable[[], object]]] = []
        self._habits: dict[Callable[[], object], tuple[float, float]] = {
            self._spoil_a_save: (0.3 * pace, 1.0 * pace),
            self._spoil_another_call: (0.3 * pace, 1.0 * pace),
            self._kill: (1.5 * pace, 5.0 * pace),
            self._age: (1.0 * pace, 4.0 * pace),
            self._expire: (3.0 * pace, 8.0 * pace),
            self._freeze: (12.0 * pace, 25.0 * pace),
        }

    def run(self) -> None:
        """Do each thing when its time has come, and think of the next."""
        try:
            for habit in self._habits:
                self._plan(habit)
            while self._diary:
                self._diary.sort(key=lambda entry: entry[0])
                at, act = self._diary.pop(0)
                if self._over.wait(max(0.0, at - time.monotonic())):
                    return
                act()
                self._plan(act)
        except Exception:
            self.broken.append(traceback.format_exc())

    def _plan(self, act: Callable[[], object]) -> None:
        if act in self._habits:
            self._diary.append((time.monotonic() + self.random.uniform(*self._habits[act]), act))

    def end(self) -> None:
        """No more of it: what was armed and met no call is taken back, what was frozen thaws."""
        self._over.set()
        self.join()
        waiting = {fault["id"] for fault in self.stage.vendor.control("GET", "faults")}
        self.stage.vendor.control("DELETE", "faults")
        self.happened.update(self._armed[each] for each in self._armed.keys() - waiting)
        for worker in ("worker-1", "worker-2"):
            self.stage.kept[worker].send(signal.SIGCONT)

    def _note(self, what: str) -> None:
        """Count it, and write it down with its time: beside the logs of the processes it explains them."""
        self.happened[what] += 1
        self._log(what)

    def _log(self, what: str) -> None:
        with (self.stage.data / "trouble.log").open("a") as log:
            log.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {what}\n")

    @property
    def never(self) -> list[str]:
        """Faults that met no call: they prove nothing."""
        return sorted({_label(call, each) for call, faults in SPOILT.items() for each in faults} - self.happened.keys())

    def _spoil_a_save(self) -> None:
        self._spoil("save")

    def _spoil_another_call(self) -> None:
        self._spoil(self.random.choice([call for call in SPOILT if call != "save"]))

    def _spoil(self, call: str) -> None:
        """Arm one fault for a call, if none waits for it: a queue of them would spoil every call for a while."""
        if any(fault["call"] == call for fault in self.stage.vendor.control("GET", "faults")):
            return
        fault = self.random.choice(SPOILT[call])
        kind, options = fault
        armed = self.stage.vendor.control("POST", "faults", {"call": call, "kind": kind, **options})
        self._armed[armed["id"]] = _label(call, fault)
        self._log(f"armed: {_label(call, fault)}")

    def _kill(self) -> None:
        name = self.random.choices(list(VICTIMS), list(VICTIMS.values()))[0]
        if self.stage.kept[name].send(signal.SIGKILL):
            self._note(f"killed: {name}")

    def _age(self) -> None:
        if self.stage.database.age(self.random):
            self._note("a row being sent aged by an hour")

    def _expire(self) -> None:
        self.stage.vendor.control("POST", "tokens/expire", {})
        self._note("all tokens ended")

    def _freeze(self) -> None:
        name = self.random.choice(["worker-1", "worker-2"])
        worker = self.stage.kept[name]
        if worker.send(signal.SIGSTOP):
            self._note(f"frozen for a while: {name}")
            self._diary.append((time.monotonic() + FROZEN, lambda: worker.send(signal.SIGCONT)))


def _label(call: str, fault: Fault) -> str:
    kind, options = fault
    words = {True: "after doing it", False: "before doing it"}
    told = [words[value] if name == "processed" else f"{value}" for name, value in options.items()]
    return f"{call}: {' '.join([kind, *told]).strip()}"
