"""Mirroring a list: ask, compare, be careful, write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog
from django.contrib.auth.models import User
from django.db import transaction

from orders.accounts import guarding, reading, runs, writing
from orders.accounts.guarding import Doubt, Plan
from orders.accounts.lists import LISTS, List
from orders.accounts.reading import Told
from orders.destination import CHANGED, destination_of
from orders.models import AccountRun, HeldList, Listed
from orders.text import plain
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError

log = structlog.get_logger(__name__)

State = AccountRun.State


def sync(
    portal: PartnerPortal,
    what: Listed,
    *,
    why: str = "By itself",
    who: User | None = None,
    run: AccountRun | None = None,
) -> AccountRun | None:
    """Mirror a list. `run` is one that was opened for this. None while another run of this list lives.

    What came of it stands in the run that is returned: a list that could not be had, or is doubted, changes nothing.
    """
    run = run or runs.begin(what, why, who=who, destination=destination_of(portal))
    if run is None:
        return None
    try:
        with closing(run):
            _run(portal, LISTS[what], run)
    except ApiError as error:
        log.warning("accounts.no_answer", what=what, error=str(error))
    run.refresh_from_db()
    runs.prune(what)
    return run


def sync_all(portal: PartnerPortal, why: str = "By itself") -> list[AccountRun]:
    """Mirror both lists, but for one that is being mirrored already."""
    runs_of = (sync(portal, what, why=why) for what in LISTS)
    return [run for run in runs_of if run is not None]


@contextmanager
def closing(run: AccountRun) -> Iterator[None]:
    """Close the run also when something goes wrong, unless another worker has taken over."""
    try:
        yield
    except runs.Interrupted:
        log.warning("accounts.interrupted", run=run.pk)
    except Exception as error:
        words = "Something unexpected went wrong here; the log has more."
        if isinstance(error, ApiError):
            words = plain(f"Yeastar did not give the list. {error.detail or error.code}")
        with suppress(runs.Interrupted):
            runs.end(run, State.FAILED, words)
        raise


def _run(portal: PartnerPortal, kind: List, run: AccountRun) -> None:
    if run.destination != destination_of(portal):
        runs.end(run, State.FAILED, CHANGED)
        return
    runs.beat(run, stage="Asking Yeastar for the list")
    told = reading.told(kind, kind.ask(portal))
    runs.beat(run, stage="Comparing it with what is known", listed=len(told.rows), unusable=told.unusable)
    if told.unusable:
        log.warning("accounts.unusable_left_out", what=kind.what, rows=told.unusable)
    plan = guarding.plan(kind, run.destination, told)
    doubt = guarding.doubt(kind, told, plan)
    if doubt:
        _hold(kind, run, told, doubt)
    else:
        take(kind, run, told, plan)


def take(kind: List, run: AccountRun, told: Told, plan: Plan) -> None:
    """Write a list that is believed, and close the run."""
    writing.apply(kind, run, told, plan)
    run.refresh_from_db()
    with transaction.atomic():
        runs.end(run, State.DONE, words(run))
        runs.overtake(run)


def _hold(kind: List, run: AccountRun, told: Told, doubt: Doubt) -> None:
    """Keep the list until an admin has looked at it. The same doubt is not raised twice, but by a run by hand."""
    here = AccountRun.objects.filter(destination=run.destination, what=run.what, pk__lt=run.pk)
    last = here.filter(state__in=[State.DONE, State.HELD, State.REFUSED]).order_by("-pk").first()
    refused = last is not None and last.state == State.REFUSED
    anew = refused and run.why == runs.BY_HAND
    if last and last.state != State.DONE and last.question == doubt.question and not anew:
        waits = "It was refused before: Sync now lets you decide anew." if refused else "It waits for an admin already."
        runs.end(run, State.SAME, f"{doubt.words} {waits} Nothing was changed.", question=doubt.question)
        return
    log.error("accounts.held", what=kind.what, run=run.pk, why=doubt.words)
    with transaction.atomic():
        HeldList.objects.create(run=run, packed=reading.pack(told))
        runs.end(run, State.HELD, f"{doubt.words} Nothing was changed.", question=doubt.question)
        runs.overtake(run)


def words(run: AccountRun) -> str:
    """What a run found, as a person reads it."""
    parts = [
        f"{number:,} {word}"
        for number, word in (
            (run.added, "added"),
            (run.changed, "changed"),
            (run.gone, "gone"),
            (run.revived, "back again"),
        )
        if number
    ]
    said = f"{run.listed:,} listed, {', '.join(parts) or 'nothing changed'}."
    if run.unusable:
        said += f" {run.unusable:,} row{'s' if run.unusable != 1 else ''} could not be used and left all as it was."
    return said
