"""`python -m bench`: measure, print the table, and say by the exit code whether a goal was missed."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys

from bench.figure import Row, note, received, table
from bench.stage import ROOT, sync_seconds

ON_SQLITE = ("throughput", "place", "steps", "weight", "memory", "reconcile", "load")
ON_BOTH = ("history", "mirror", "accounts", "export", "overview")
FIGURES = {name: (f"bench.{name}",) for name in (*ON_SQLITE, *ON_BOTH)}
FIGURES |= {f"{name}-postgres": (f"bench.{name}", "--postgres") for name in ON_BOTH}


def main() -> int:
    """0 when every goal is met, 1 when one is missed, 2 when a measurement broke."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the portal with real processes.")
    parser.add_argument("--only", default=",".join(FIGURES), help=f"some of {','.join(FIGURES)}")
    chosen = parser.parse_args().only.split(",")
    if unknown := set(chosen) - set(FIGURES):
        parser.error(f"no figure is named {', '.join(sorted(unknown))}; there are {', '.join(FIGURES)}")
    rows: list[Row] = []
    broken: list[str] = []
    about = machine()
    for name in FIGURES:
        if name not in chosen:
            continue
        print(f"{name} …", file=sys.stderr, flush=True)
        done = subprocess.run([sys.executable, "-m", *FIGURES[name]], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        rows += received(done.stdout)
        if done.returncode:
            broken.append(name)
    print(f"{about}\n\n{table(rows)}")
    missed = [row.figure for row in rows if row.missed]
    for label, names in (("Missed", missed), ("Broken, not measured to the end", broken)):
        if names:
            print(f"\n{label}: {'; '.join(names)}")
    return 2 if broken else 1 if missed else 0


def machine() -> str:
    """What the figures depend on."""
    busy = os.getloadavg()[0]
    if busy > 0.5:
        note(f"The machine is busy with something else (load {busy:.1f}): figures will be worse than they are.")
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"a synchronous write of 4 kB takes {sync_seconds() * 1000:.1f} ms, load at the start {busy:.1f}"
    )


if __name__ == "__main__":
    sys.exit(main())
