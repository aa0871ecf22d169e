"""The only writer of what the vendor tells of accounts. Nothing is deleted, and each change leaves a row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from orders.accounts import runs
from orders.accounts.guarding import Plan
from orders.accounts.lists import COLUMNS, List, Raw
from orders.accounts.reading import Told
from orders.models import AccountChange, AccountRun, Mirrored

BATCH = 500
"""Rows in one transaction: more would keep SQLite's one writer for too long."""

LONGEST = 500
"""Characters of a value that a change keeps."""

Kind = AccountChange.Kind


def apply(kind: List, run: AccountRun, told: Told, plan: Plan) -> None:
    """Write what a list changes. Raises runs.Interrupted between two batches if the run was given up."""
    runs.beat(run, stage="Writing what has changed", to_write=_size(plan))
    for ids in _batches([*plan.added, *plan.changed, *plan.revived]):
        _upsert(kind, run, told, ids)
    for ids in _batches(plan.gone):
        _bury(kind, run, ids)


def _size(plan: Plan) -> int:
    return len(plan.added) + len(plan.changed) + len(plan.revived) + len(plan.gone)


def _upsert(kind: List, run: AccountRun, told: Told, ids: list[str]) -> None:
    now = timezone.now()
    rows = [kind.row(run.destination, each, told.rows[each], told.digests[each]) for each in ids]
    for row in rows:
        row.mirrored_at = row.first_seen_at = now
    with transaction.atomic():
        known = {each.remote_id: each for each in kind.at(run.destination).filter(remote_id__in=ids)}
        changes = [change for row in rows if (change := _change(kind, run, known.get(row.remote_id), row, now))]
        # First, so that a run that was given up writes nothing.
        runs.beat(run, written=F("written") + len(ids), **_counted(changes))
        kind.model.objects.bulk_create(
            rows, BATCH, update_conflicts=True, unique_fields=["remote_id", "destination"], update_fields=COLUMNS
        )
        AccountChange.objects.bulk_create(changes, BATCH)


def _bury(kind: List, run: AccountRun, ids: list[str]) -> None:
    """Mark them as gone."""
    now = timezone.now()
    with transaction.atomic():
        rows = kind.at(run.destination).filter(remote_id__in=ids, gone_at=None)
        changes = [_entry(kind, run, row, Kind.GONE, now) for row in rows.defer("raw", "search")]
        runs.beat(run, written=F("written") + len(ids), **_counted(changes))
        rows.update(gone_at=now, mirrored_at=now)
        AccountChange.objects.bulk_create(changes, BATCH)


def _counted(changes: list[AccountChange]) -> dict[str, Any]:
    kinds = [str(change.kind) for change in changes]
    return {kind: F(kind) + kinds.count(kind) for kind in set(kinds)}


def _change(kind: List, run: AccountRun, before: Mirrored | None, row: Mirrored, now: datetime) -> AccountChange | None:
    """None if nothing has changed but what we make of it."""
    if before is None:
        return _entry(kind, run, row, Kind.ADDED, now)
    fields = differences(before.raw, row.raw)
    if before.gone_at is not None:
        return _entry(kind, run, row, Kind.REVIVED, now, fields)
    return _entry(kind, run, row, Kind.CHANGED, now, fields) if fields else None


def _entry(
    kind: List, run: AccountRun, row: Mirrored, what: AccountChange.Kind, now: datetime, fields: Raw | None = None
) -> AccountChange:
    return AccountChange(
        destination=run.destination,
        what=kind.what,
        remote_id=row.remote_id,
        label=str(row)[:255],
        kind=what,
        at=now,
        run=run,
        fields=fields or {},
    )


def differences(before: Raw, after: Raw) -> Raw:
    """Field by field, in the order in which they are told: before and after. A field that is missing is null."""
    names = dict.fromkeys([*after, *before])
    found = {name: [before.get(name), after.get(name)] for name in names if before.get(name) != after.get(name)}
    return {name: [_short(value) for value in pair] for name, pair in found.items()}


def _short(value: Any) -> Any:
    text = value if isinstance(value, str) else str(value)
    return value if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _batches(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
