"""The containers' health checks: `python -m portal.run.health web|sandbox PORT|beat SCHEDULE`."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from portal.run import environment, ready

BEAT_LIMIT = 600  # beat writes its schedule every three minutes


def web() -> bool:
    plan = environment.make_plan()
    return ready.serves(plan.reach, plan.port, "/readyz", plan.host_header)


def sandbox(port: str) -> bool:
    return ready.serves("127.0.0.1", int(port), "/_sandbox/calls")


def beat(schedule: str) -> bool:
    path = Path(schedule)
    written = [file.stat().st_mtime for file in path.parent.glob(path.name + "*")]
    return bool(written) and time.time() - max(written) < BEAT_LIMIT


CHECKS: dict[str, Callable[..., bool]] = {"web": web, "sandbox": sandbox, "beat": beat}

if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    sys.exit(0 if CHECKS[name](*arguments) else 1)
