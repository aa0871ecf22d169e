"""One run: people order while trouble is made; then quiet, and the verdict."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from tests.chaos.people import Person, Work
from tests.chaos.stage import HISTORY_LAG, PASSWORD, Stage
from tests.chaos.trouble import Trouble
from tests.chaos.verdict import at_rest, incomplete, judge

NAMES = ("staff", "manager", "admin", "alice", "bob", "carol", "dave", "erin")
"""The demo logins, and more people let in by `manage.py add_person`."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is run."""

    database: str
    echo: bool
    orders: int
    seconds: float
    seed: int
    people: int = 6
    quiet: float = 420
    pace: float = 1.0  # of the trouble: 2 is half as much
    keep: bool = False  # logs and database, even if all is good

    def __str__(self) -> str:
        pair = {"sqlite": "SQLite + Valkey", "postgresql": "PostgreSQL + Redis"}[self.database]
        return f"{pair}, references {'echoed' if self.echo else 'not echoed'}"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of a run."""

    plan: Plan
    defects: Mapping[str, list[str]]
    statuses: Mapping[str, int]
    happened: Mapping[str, int]
    never: list[str]  # faults that met no call, and so prove nothing
    seen: Mapping[str, int]
    bought: int
    incomplete: int
    accepted: int
    other: list[str]  # what is wrong besides: broken evidence, people or trouble that broke down, too few orders

    @property
    def good(self) -> bool:
        """Whether everything is as it must be."""
        return not any(self.defects.values()) and not self.other


def say(words: str = "") -> None:
    """Tell it at once, also into a pipe."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def run(plan: Plan) -> Report:
    """Start everything, let it happen, judge. The data stays where it is if the verdict is bad."""
    say(f"\n=== {plan}: {plan.orders} orders in {plan.seconds:.0f} s, seed {plan.seed}")
    stage = Stage(database=plan.database, echo=plan.echo)
    try:
        with stage:
            report = _play(stage, plan)
    except BaseException:
        say(f"The logs stay in {stage.data}")
        raise
    if report.good and not plan.keep:
        stage.forget()
    else:
        say(f"The logs and the database stay in {stage.data}")
    return report


def _play(stage: Stage, plan: Plan) -> Report:
    random = Random(plan.seed)
    for name in NAMES[3 : plan.people]:
        stage.manage("add_person", name, f"{name}@example.com", "--role", "staff", "--stdin", typed=f"{PASSWORD}\n")
    work = Work(orders=plan.orders, seconds=plan.seconds)
    people = [Person(name, PASSWORD, stage.url, work, Random(random.random())) for name in NAMES[: plan.people]]
    trouble = Trouble(stage, Random(random.random()), pace=plan.pace)
    trouble.start()
    for person in people:
        person.start()
    _let_them_order(stage, plan, work, people, trouble)
    trouble.end()
    _quiet(stage, plan)
    return _report(stage, plan, work, trouble)


def _let_them_order(stage: Stage, plan: Plan, work: Work, people: list[Person], trouble: Trouble) -> None:
    end = time.monotonic() + 3 * plan.seconds + 60
    began = told = time.monotonic()
    while any(person.is_alive() for person in people) and trouble.is_alive() and time.monotonic() < end:
        time.sleep(0.2)
        if time.monotonic() - told > 10:
            told = time.monotonic()
            say(f"  {told - began:4.0f} s: {len(work.accepted)} accepted; {counted(stage.database.statuses())}")
    work.over.set()
    for person in people:
        person.join()


def _quiet(stage: Stage, plan: Plan) -> None:
    """No more trouble: wait until nothing moves any more, and until what is late at the vendor must have come."""
    stage.wait_until_up()
    began = told = time.monotonic()
    while time.monotonic() - began < plan.quiet:
        time.sleep(0.3)
        statuses = stage.database.statuses()
        if time.monotonic() - told > 5:
            told = time.monotonic()
            say(f"  quiet for {told - began:.0f} s: {counted(statuses)}")
        if at_rest(statuses, echo=plan.echo) and time.monotonic() - began > HISTORY_LAG:
            return


def _report(stage: Stage, plan: Plan, work: Work, trouble: Trouble) -> Report:
    rows, ledger = stage.database.rows(), stage.vendor.ledger
    other = [*work.broken, *trouble.broken]
    if len(work.accepted) < plan.orders:
        other.append(f"Only {len(work.accepted)} orders were accepted.")
    try:
        stage.manage("verify_evidence")
    except RuntimeError as error:
        other.append(str(error))
    happened = trouble.happened + Counter(
        f"ended by itself: {name} (code {code})" for name, kept in stage.kept.items() for code in kept.ended_by_itself
    )
    return Report(
        plan=plan,
        defects=judge(rows, ledger, work.told, echo=plan.echo),
        statuses=stage.database.statuses(),
        happened=happened,
        never=trouble.never,
        seen=work.seen,
        bought=len(ledger),
        incomplete=incomplete(rows),
        accepted=len(work.accepted),
        other=other,
    )


def counted(counts: Mapping[str, int]) -> str:
    """Counts in one line."""
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "nothing"


def tell(report: Report) -> None:
    """The report of one run in words."""
    say(f"\n{report.plan}, seed {report.plan.seed}")
    say(f"  accepted {report.accepted}, bought {report.bought}; {counted(report.statuses)}")
    say(f"  placed without a number that nobody has told: {report.incomplete}")
    say(f"  people: {counted(report.seen)}")
    say("  what happened to the processes and to calls:")
    for name, count in sorted(report.happened.items()):
        say(f"    {count:5}  {name}")
    say(f"  met no call, and proves nothing: {', '.join(report.never) or 'none'}")
    for name, lines in report.defects.items():
        for line in lines:
            say(f"  {name.upper()}: {line}")
    for line in report.other:
        say(f"  ALSO WRONG: {line}")
