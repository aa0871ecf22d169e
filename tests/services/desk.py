"""A process of the portal that does what a test asks for, with the portal's real settings: `Desk` starts and asks it.

A question and its answer are a line of JSON each; what the portal logs goes to the error output.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import django
import time_machine

if __name__ == "__main__":
    django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from orders import doorbell, evidence, gateway, placing, sweeping
from orders.accounts import syncing
from orders.browsing.asked import parse
from orders.destination import current_destination
from orders.exporting import making
from orders.history import reconciling
from orders.models import Export, Order, Reading, Record
from tests.tutorials import CHOICES

SLUG = "linkus-cloud-service"

ROOT = Path(__file__).resolve().parents[2]


class Desk:
    """The test's end of it."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.services.desk"],
                cwd=ROOT,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._log = log

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # It ends when it is asked nothing more.
        self._process.communicate(timeout=30)

    def ask(self, verb: str, **about: Any) -> Any:
        """Have it done; what came of it."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([verb, about]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"{verb}: {self._log.read_text()[-2000:]}"
        return json.loads(answer)


def open_up() -> None:
    """An empty database gets its tables, a person, and the vendor's customers and contacts."""
    call_command("migrate", interactive=False, verbosity=0)
    User.objects.create_user("staff")
    syncing.sync_all(gateway.portal())


def place() -> dict[str, str]:
    """A person places an order, each for another PBX; its bell rings."""
    person = User.objects.get()
    order = placing.start(slug=SLUG, owner=person)
    placing.answer(order, {**CHOICES[SLUG], "product_no": f"3694716{Order.objects.count():05}"})
    assert placing.place(order, approved_sha256=placing.preview(order)[2], actor=person)
    return {"pk": str(order.pk), "reference": order.reference}


def ring(pks: list[str]) -> bool:
    """A bell for each of these, whatever the row says; twice for what is named twice."""
    return doorbell.ring([UUID(pk) for pk in pks])


def sweep(seconds: float) -> list[int]:
    """The sweep, with a clock that is so many seconds ahead."""
    return list(sweeping.sweep(timezone.now() + timedelta(seconds=seconds)))


def reconcile(hours: float) -> bool:
    """One look into the vendor's history, so many hours from now. Whether it was due, and saw all of it."""
    with time_machine.travel(timezone.now() + timedelta(hours=hours)):
        reading = reconciling.reconcile(gateway.portal())
    return reading is not None and reading.complete


def shelve(records: int) -> None:
    """So many records in the history, which was read to the end."""
    now = timezone.now()
    about = {"destination": current_destination(), "at": now, "first_seen_at": now, "changed_at": now}
    Record.objects.bulk_create((Record(key=f"LR{number}", **about) for number in range(records)), batch_size=500)
    Reading.objects.create(
        destination=current_destination(),
        kind=Reading.Kind.WHOLE,
        started_at=now,
        beat_at=now,
        finished_at=now,
        complete=True,
    )


def take_away(kind: str) -> None:
    """A person asks for all of the history."""
    making.ask(User.objects.get(), parse({}), Export.Format(kind), "")


def ring_for_exports() -> bool:
    """As the beat does."""
    return making.ring()


def exports() -> list[dict[str, Any]]:
    """How far they are, in the order in which they were asked for."""
    return list(Export.objects.order_by("asked_at").values("state", "rows", "run"))


def look() -> dict[str, dict[str, Any]]:
    """Every order, as it is committed."""
    return {
        str(order.pk): {
            "status": order.status,
            "order_no": order.order_no,
            "events": order.chain_length,
            "updated_at": order.updated_at.isoformat(),
            "tries": [attempt.outcome for attempt in order.tries.all()],
            "proven": evidence.first_broken_link(order) is None,
        }
        for order in Order.objects.all()
    }


def serve() -> None:
    """Answer until nothing more is asked."""
    verbs: dict[str, Callable[..., Any]] = {
        verb.__name__: verb
        for verb in (open_up, place, ring, sweep, reconcile, shelve, take_away, ring_for_exports, exports, look)
    }
    for line in sys.stdin:
        verb, about = json.loads(line)
        sys.stdout.write(json.dumps(verbs[verb](**about)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
