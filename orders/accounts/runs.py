"""One run of a list at a time, whoever starts it; each leaves a row behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from orders.destination import current_destination
from orders.models import AccountRun, HeldList, Listed
from orders.prepared import Prepared

State = AccountRun.State

BY_HAND = "By hand"
"""Why a run goes that a person asked for, and not for something else that was done."""

KEPT = timedelta(days=7)
"""So long the row of a run that changed nothing is kept; there are some three hundred a day. Others stay."""

LATELY = 8
"""Among so many runs nearly always one was good, and the open one is the last."""


class Interrupted(Exception):
    """Another worker took over."""


def silence() -> timedelta:
    """A run that was not heard of for so long has died."""
    return timedelta(seconds=30 + settings.YEASTAR_GET_BUDGET)


def begin(what: Listed, why: str, *, who: User | None = None, destination: str = "") -> AccountRun | None:
    """Open a run, in place of one that has died; None while another one lives.

    `destination` is where the client goes that is to ask; without it, where orders go now.
    """
    now, destination = timezone.now(), destination or current_destination()
    dead = AccountRun.objects.filter(~_lives(now), destination=destination, what=what, finished_at=None)
    dead.update(finished_at=now, state=State.FAILED, words="The worker that ran it never came back.")
    try:
        with transaction.atomic():
            return AccountRun.objects.create(
                destination=destination, what=what, why=why, who=who, started_at=now, beat_at=now
            )
    except IntegrityError:
        return None


def _lives(now: datetime) -> Q:
    # A beat from the future is that of a clock that was ahead.
    return Q(beat_at__range=(now - silence(), now + silence()))


def beat(run: AccountRun, **columns: Any) -> None:
    """Say that it lives, and how far it has come. Raises Interrupted if the run was given up."""
    columns["beat_at"] = timezone.now()
    if not _open(run).update(**columns):
        raise Interrupted
    for name, value in columns.items():
        if not hasattr(value, "resolve_expression"):
            setattr(run, name, value)


def end(run: AccountRun, state: State, words: str, **columns: Any) -> None:
    """Close it. Raises Interrupted if it was given up."""
    beat(run, state=state, words=words, finished_at=timezone.now(), stage="", **columns)


def _open(run: AccountRun) -> Any:
    return AccountRun.objects.filter(pk=run.pk, finished_at=None)


def overtake(run: AccountRun) -> None:
    """What still waits for an admin is older than this run's list, and waits no longer."""
    older = AccountRun.objects.filter(destination=run.destination, what=run.what, state=State.HELD, pk__lt=run.pk)
    older.update(state=State.SUPERSEDED)
    kept = HeldList.objects.filter(run__destination=run.destination, run__what=run.what, run__pk__lt=run.pk)
    kept.exclude(run__state=State.HELD).delete()


def prune(what: Listed) -> None:
    """Rows of old runs that changed nothing and on which nobody decided are removed."""
    old = AccountRun.objects.filter(what=what, finished_at__lt=timezone.now() - KEPT, decided_at=None)
    nothing = Q(added=0, changed=0, gone=0, revived=0)
    some = old.filter(nothing, changes=None).exclude(state__in=[State.HELD, State.SUPERSEDED]).order_by("pk")
    AccountRun.objects.filter(pk__in=list(some.values_list("pk", flat=True)[:500])).delete()


@dataclass(frozen=True)
class Freshness:
    """As of when a list is, and what stands against it."""

    at: datetime | None  # everybody whom Yeastar listed by then is here
    running: AccountRun | None
    held: AccountRun | None  # waits for an admin
    trouble: str  # why a later run did not bring it up to date


class _Told(NamedTuple):
    """What counts of a run for those who look at the list that it mirrored."""

    pk: int
    state: str
    started_at: datetime
    beat_at: datetime
    finished_at: datetime | None
    decided_at: datetime | None
    words: str


_LATELY = Prepared(
    lambda destination, what: (
        AccountRun.objects.filter(destination=destination, what=what).order_by("-pk").values_list(*_Told._fields)
    )[:LATELY],
    *(str, str),
)


def freshness(what: Listed) -> Freshness:
    """How fresh a mirrored list is: for every page that shows it."""
    destination = current_destination()
    here = AccountRun.objects.filter(destination=destination, what=what).select_related("who").order_by("-pk")
    lately = [_Told(*row) for row in _LATELY.rows(destination, what.value)]
    ended = [each for each in lately if each.finished_at]
    good: _Told | AccountRun | None = next((each for each in ended if each.state == State.DONE), None)
    if good is None and len(lately) == LATELY:
        good = here.filter(state=State.DONE).first()
    held = None
    waits = next((each for each in lately if each.state == State.HELD), None)
    if waits:
        held = here.filter(pk=waits.pk).first()
    elif ended and ended[0].state == State.SAME:
        held = here.filter(state=State.HELD).first()
    trouble = ""
    if ended and ended[0].state != State.DONE and not _decided_since(good, ended[0]):
        trouble = ended[0].words
    now = timezone.now()
    living = next((each for each in lately if not each.finished_at and abs(now - each.beat_at) <= silence()), None)
    running = here.filter(pk=living.pk).first() if living else None
    return Freshness(good.started_at if good else None, running, held, trouble)


def _decided_since(good: _Told | AccountRun | None, last: _Told) -> bool:
    return bool(good and good.decided_at and last.finished_at and good.decided_at > last.finished_at)
