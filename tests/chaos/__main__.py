"""`python -m tests.chaos`: on both databases, with and without echoed references; the exit code is the verdict."""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
from itertools import product

from tests.chaos.run import NAMES, Plan, Report, run, say, tell
from tests.chaos.stage import missing
from tests.chaos.verdict import DEFECTS


def main() -> int:
    """0 if every count that must be zero is zero, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=180, help="over which the orders are spread (default 180)")
    parser.add_argument("--people", type=int, default=6, choices=range(1, len(NAMES) + 1))
    parser.add_argument("--seed", type=int, help="the dice of people and trouble; the timing is the machine's own")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], help="only this one")
    parser.add_argument("--echo", action=argparse.BooleanOptionalAction, help="only with, or only without")
    parser.add_argument("--quiet", type=float, default=420, help="seconds to wait at most for rest (default 420)")
    parser.add_argument("--keep", action="store_true", help="keep logs and database of a good run too")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every process is ended on this way out too

    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    databases = [given.database] if given.database else ["sqlite", "postgresql"]
    echoes = [True, False] if given.echo is None else [given.echo]
    reports = []
    for database, echo in product(databases, echoes):
        if why := missing(database):
            say(f"Not run on {database}: {why}.")
            continue
        plan = Plan(
            database=database,
            echo=echo,
            orders=given.orders,
            seconds=given.seconds,
            seed=seed,
            people=given.people,
            quiet=given.quiet,
            keep=given.keep,
        )
        reports.append(run(plan))
        tell(reports[-1])
    table(reports)
    return 0 if reports and all(report.good for report in reports) else 1


def table(reports: list[Report]) -> None:
    """All runs side by side."""
    say()
    for number, report in enumerate(reports, 1):
        say(f"({number}) {report.plan}, seed {report.plan.seed}: {'good' if report.good else 'BAD'}")
    width = max(map(len, DEFECTS))
    say("".join([" " * width, *(f"{f'({number})':>8}" for number in range(1, len(reports) + 1))]))
    say("".join(["orders accepted".ljust(width), *(f"{report.accepted:8}" for report in reports)]))
    for name in DEFECTS:
        say("".join([name.ljust(width), *(f"{len(report.defects[name]):8}" for report in reports)]))
    say("".join(["anything else".ljust(width), *(f"{len(report.other):8}" for report in reports)]))


if __name__ == "__main__":
    sys.exit(main())
