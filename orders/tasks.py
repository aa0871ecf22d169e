"""Celery's shells around the verbs. A message carries an id and nothing else."""

import threading
from typing import Any
from uuid import UUID

import structlog
from celery import shared_task
from celery.signals import beat_init, worker_ready, worker_shutting_down
from django.utils import timezone

from orders import gateway, pulse, submitting, sweeping
from orders.accounts import syncing
from orders.destination import destination_of
from orders.doorbell import EXPORT, SUBMIT
from orders.exporting import apart, making
from orders.history import drift, following, reconciling, records, runs
from orders.models import AccountRun, Listed, Reading, Record
from orders.overview import figures
from yeastar_api.errors import ApiError

log = structlog.get_logger(__name__)

_stopping = threading.Event()


@worker_shutting_down.connect(weak=False)
def stop_taking_orders(**_: Any) -> None:
    """A worker that stops finishes what it is sending and begins nothing new: the sweep rings for the rest."""
    _stopping.set()
    apart.stop()
    pulse.end()


@worker_ready.connect(weak=False)
def worker_lives(**_: Any) -> None:
    """From now on it can be seen that this worker is there; and on the very first start the history is read at once."""
    pulse.begin(pulse.Kind.WORKER)
    begin_history.delay()


@beat_init.connect(weak=False)
def beat_lives(**_: Any) -> None:
    """From now on it can be seen that beat is there."""
    pulse.begin(pulse.Kind.BEAT)


@shared_task(name=SUBMIT, ignore_result=True)
def submit(pk: str) -> None:
    """Send one order, if it is still to be sent."""
    if not _stopping.is_set():
        submitting.submit(UUID(pk), gateway.portal())


@shared_task(ignore_result=True)
def sweep() -> None:
    """Ring for due orders; end the wait for lost ones; ask whether held ones may be sent."""
    sweeping.sweep(portal=gateway.portal())
    pulse.swept()


@shared_task(ignore_result=True)
def reconcile() -> None:
    """Look for uncertain orders in the vendor's history."""
    reconciling.reconcile(gateway.portal(), stopping=_stopping.is_set)


@shared_task(ignore_result=True)
def follow_history() -> None:
    """Read what is new in the vendor's history, and a few of its older pages once more."""
    following.follow(gateway.portal(), stopping=_stopping.is_set)
    following.roll(gateway.portal(), stopping=_stopping.is_set)
    figures.remember()


@shared_task(ignore_result=True)
def begin_history() -> None:
    """Follow the history unless it was read to the end before: nobody waits for beat's first round to see any of it.

    Several workers may start at once; one run reads at a time.
    """
    if runs.freshness().at is None:
        follow_history()


@shared_task(ignore_result=True)
def follow_by_hand(pk: int) -> None:
    """Do the run that a person has opened, unless it was given up meanwhile."""
    reading = Reading.objects.filter(pk=pk, finished_at=None).first()
    if reading is not None:
        whole = reading.kind == Reading.Kind.WHOLE
        following.follow(gateway.portal(), whole=whole, reading=reading, stopping=_stopping.is_set)


@shared_task(ignore_result=True)
def read_detail(pk: int) -> None:
    """Read one order of theirs in full, because somebody asked for it; then note what does not agree."""
    record, portal = Record.objects.get(pk=pk), gateway.portal()
    if record.destination != destination_of(portal):
        return  # the credentials were changed meanwhile, and the other account knows nothing of it
    try:
        records.read_detail(portal, record, timezone.now())
    except ApiError as error:  # the record says that it was tried in vain
        log.warning("history.no_detail", record=record.key, error=str(error))
    drift.note(record.destination, {record.ours_id} if record.ours_id else ())


@shared_task(name=EXPORT, ignore_result=True)
def export(pk: str) -> None:
    """Have one export written to its file, if it still waits and no other is being written."""
    if not _stopping.is_set() and making.may_begin(UUID(pk)):
        apart.start(UUID(pk))


@shared_task(ignore_result=True)
def tidy_exports() -> None:
    """Files that were kept long enough go; who waits is called for again; the dead are said to be dead."""
    making.tidy()


@shared_task(ignore_result=True)
def mirror_accounts() -> None:
    """Mirror partners and billing contacts."""
    syncing.sync_all(gateway.portal())


@shared_task(ignore_result=True)
def mirror_by_hand(pk: int) -> None:
    """Do the run of a list that a person has opened, unless it was given up meanwhile."""
    run = AccountRun.objects.filter(pk=pk, finished_at=None).first()
    if run is not None:
        syncing.sync(gateway.portal(), Listed(run.what), run=run)
