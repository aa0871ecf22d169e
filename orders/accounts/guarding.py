"""Whether a list may be believed: customers do not vanish by the dozen, and an empty list is rather a fault."""

from __future__ import annotations

import hashlib
from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from orders.accounts.lists import List
from orders.accounts.reading import Told

AT_LEAST = 5
"""Fewer than so many are never too many at once."""


@dataclass(frozen=True)
class Plan:
    """What a list would change."""

    added: list[str]
    changed: list[str]  # told otherwise than before; some perhaps only in what we make of it
    revived: list[str]
    gone: list[str]
    present: int  # how many there are now

    @property
    def mark(self) -> str:
        """The same while it would change the same."""
        parts = (self.added, self.changed, self.revived, self.gone)
        return hashlib.sha1("\n\n".join("\n".join(part) for part in parts).encode(), usedforsecurity=False).hexdigest()


def plan(kind: List, destination: str, told: Told, *, as_of: datetime | None = None) -> Plan:
    """Compare a list with what is known. What came to be known after `as_of` is newer than the list, and stays."""
    known: dict[str, tuple[str, bool]] = {}
    newer: set[str] = set()
    rows = kind.at(destination).order_by().values_list("remote_id", "digest", "gone_at", "mirrored_at")
    for remote_id, digest, gone_at, mirrored_at in rows.iterator(chunk_size=2_000):
        known[remote_id] = digest, gone_at is None
        if as_of and max(mirrored_at, gone_at or mirrored_at) > as_of:
            newer.add(remote_id)
    added, changed, revived = [], [], []
    for remote_id, digest in told.digests.items():
        if remote_id in newer:
            continue
        before = known.get(remote_id)
        if before is None:
            added.append(remote_id)
        elif not before[1]:
            revived.append(remote_id)
        elif before[0] != digest:
            changed.append(remote_id)
    present = {remote_id for remote_id, (_, there) in known.items() if there}
    gone = present - told.digests.keys() - told.held_back - newer
    return Plan(sorted(added), sorted(changed), sorted(revived), sorted(gone), len(present))


@dataclass(frozen=True)
class Doubt:
    """Why a list is not believed without being asked for."""

    words: str
    question: str  # the same while the same is doubted


def doubt(kind: List, told: Told, plan: Plan) -> Doubt | None:
    """None for a list that may be believed."""
    reasons = []
    if plan.present and not told.rows:
        reasons.append("The list is empty.")
    if told.cut:
        reasons.append("The list is cut: by its own count there are more.")
    if told.rows and _too_many(told.unusable, told.entries):
        reasons.append(
            f"{told.unusable:,} of {told.entries:,} rows cannot be used: they have no id, or nothing but an id, or are "
            "told twice and differently."
        )
    if told.rows and _too_many(len(plan.gone), plan.present):
        reasons.append(f"{len(plan.gone):,} of {plan.present:,} {kind.many} are missing all at once.")
    if not reasons:
        return None
    return Doubt(" ".join(reasons), _question(set(plan.gone), told))


def _too_many(some: int, of_all: int) -> bool:
    return some >= AT_LEAST and some * 100 > of_all * settings.ACCOUNTS_GUARD_PERCENT


def _question(gone: Set[str], told: Told) -> str:
    parts = [str(told.cut), str(not told.rows), str(_too_many(told.unusable, told.entries)), *sorted(gone)]
    return hashlib.sha1("\n".join(parts).encode(), usedforsecurity=False).hexdigest()
