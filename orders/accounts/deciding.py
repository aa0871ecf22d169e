"""An admin decides on a list that was held: what was shown is written, or all stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from orders import auditing
from orders.accounts import guarding, reading, syncing
from orders.accounts.depending import Broken, broken
from orders.accounts.guarding import Plan
from orders.accounts.lists import LISTS
from orders.accounts.reading import Told
from orders.destination import current_destination
from orders.models import AccountRun, HeldList, Listed, Mirrored

State = AccountRun.State

SHOWN = 500
"""So many of those who would go are named; the rest is counted."""


class NotDecided(Exception):
    """Nothing was changed; the words say why."""


@dataclass(frozen=True)
class Held:
    """A list that waits, compared with what is known now."""

    plan: Plan
    told: Told
    leaving: list[Mirrored]  # the first of those who would go
    breaks: Broken


def held(run: AccountRun) -> Held | None:
    """What a run that is held would change; None if it waits no longer."""
    kept = HeldList.objects.filter(run=run, run__state=State.HELD).first()
    if kept is None:
        return None
    kind = LISTS[Listed(run.what)]
    told = reading.unpack(bytes(kept.packed))
    plan = guarding.plan(kind, run.destination, told, as_of=run.started_at)
    leaving = kind.at(run.destination).filter(remote_id__in=plan.gone[:SHOWN]).defer("raw")
    return Held(plan, told, list(leaving), broken(kind, plan.gone))


def confirm(run: AccountRun, actor: User, *, seen: str) -> AccountRun:
    """Write the list that was shown; `seen` is the mark of what it would change. Raises NotDecided otherwise."""
    found = _held(run)
    if found.plan.mark != seen:
        raise NotDecided("What it would change is no longer what you saw. Look at it again. Nothing was changed.")
    kind, now = LISTS[Listed(run.what)], timezone.now()
    open_again = {"state": State.RUNNING, "finished_at": None, "beat_at": now, "stage": "Confirmed", "written": 0}
    try:
        with transaction.atomic():
            _decide(run, actor, **open_again)
            # Before the first row is written: what breaks off was decided all the same.
            gone, present = len(found.plan.gone), found.plan.present
            words = f"Took the list: {gone:,} of {present:,} {kind.many} go"
            auditing.note("accounts.confirmed", target=run, words=words, data={"doubted": run.words})
    except IntegrityError:
        raise NotDecided("A run is asking Yeastar just now. Wait until it is done, and look again.") from None
    run.refresh_from_db()
    try:
        with syncing.closing(run):
            syncing.take(kind, run, found.told, found.plan)
    finally:
        HeldList.objects.filter(run=run).delete()
    run.refresh_from_db()
    return run


def refuse(run: AccountRun, actor: User) -> None:
    """Keep all as it is. The same list does not ask again by itself. Raises NotDecided if it waits no longer."""
    with transaction.atomic():
        _decide(run, actor, state=State.REFUSED)
        HeldList.objects.filter(run=run).delete()
        auditing.note("accounts.refused", target=run, words="Kept all as it was", data={"doubted": run.words})


def _decide(run: AccountRun, actor: User, **columns: Any) -> None:
    """Of all who decide, one does."""
    waiting = AccountRun.objects.filter(pk=run.pk, state=State.HELD)
    if not waiting.update(decided_by=actor, decided_at=timezone.now(), **columns):
        raise NotDecided(_moved(run))


def _held(run: AccountRun) -> Held:
    if run.destination != current_destination():
        raise NotDecided("This list came from another host or account.")
    found = held(run)
    if found is None:
        raise NotDecided(_moved(run))
    return found


def _moved(run: AccountRun) -> str:
    run.refresh_from_db()
    if run.state == State.SUPERSEDED:
        return "A newer list has come since. Look at that one; nothing was changed."
    if run.decided_by:
        return f"{run.decided_by} has decided already."
    return "This list waits for nobody any more."
