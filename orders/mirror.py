"""The only writer of mirrored columns: partners and billing contacts as the vendor lists them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import structlog
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from redis.exceptions import RedisError

from orders.models import SEARCH_LENGTH, Contact, Mirrored, Partner
from orders.text import fold, storable
from yeastar_api.client import PartnerPortal
from yeastar_api.messages import BillingContact
from yeastar_api.messages import Partner as RemotePartner

BATCH = 500
"""Rows in one statement: more would keep SQLite's one writer for too long."""

ID_LENGTH = 40
"""Characters of an id that a column holds; theirs have 19 digits."""

MANY, MANY_PERCENT = 5, 20
"""So many, and more than so many in a hundred, do not vanish at once: the list must say so twice, to be believed."""

DOUBT_SECONDS = 24 * 60 * 60
"""So long the second list that says the same is waited for."""

COLUMNS = (
    "email",
    "company",
    "first_name",
    "last_name",
    "country",
    "raw",
    "search",
    "mirrored_at",
    "gone_at",
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class MirrorResult:
    """What one run found."""

    listed: int
    changed: int
    gone: int
    doubted: int = 0
    unusable: int = 0

    @property
    def words(self) -> str:
        """The result as a person reads it."""
        said = f"{self.listed} listed, {self.changed} new or changed, {self.gone} gone"
        if self.doubted:
            said += f"; {self.doubted} are missing all at once, and kept until the next list says so too"
        if self.unusable:
            said += f"; {self.unusable} without a usable id left out"
        return said


def mirror_partners(portal: PartnerPortal) -> MirrorResult:
    """Mirror the subordinate users. Raises ApiError, and then changes nothing."""
    return _mirror(Partner, [_row(Partner, each.partner_id, each) for each in portal.partners()])


def mirror_contacts(portal: PartnerPortal) -> MirrorResult:
    """Mirror the billing contacts. Raises ApiError, and then changes nothing."""
    return _mirror(Contact, [_row(Contact, each.billing_contact_id, each) for each in portal.billing_contacts()])


def _row(model: type[Mirrored], remote_id: str, remote: RemotePartner | BillingContact) -> Mirrored:
    email = remote.email if isinstance(remote, RemotePartner) else remote.email_address
    words = (remote.company, remote.first_name, remote.last_name, email, remote.country, remote_id)
    return model(
        remote_id=remote_id,
        email=email[:254],
        company=remote.company[:255],
        first_name=remote.first_name[:255],
        last_name=remote.last_name[:255],
        country=remote.country[:100],
        raw=storable(remote.raw),
        search=fold(" ".join(words))[:SEARCH_LENGTH],
    )


def _mirror(model: type[Mirrored], listed: Sequence[Mirrored]) -> MirrorResult:
    """Upsert what changed, mark what vanished, revive what came back. Nothing is deleted."""
    now = timezone.now()
    rows = {row.remote_id: row for row in listed if _is_usable(row.remote_id)}
    unusable = sum(not _is_usable(row.remote_id) for row in listed)
    if unusable:
        log.warning("mirror.unusable_ids_left_out", model=model.__name__, rows=unusable)
    known = {row.remote_id: row for row in model._default_manager.all()}
    present = {remote_id for remote_id, row in known.items() if row.gone_at is None}
    if present and not rows:
        # An empty answer is more likely a fault of theirs than the loss of every customer.
        log.error("mirror.empty_answer_ignored", model=model.__name__, known=len(present))
        return MirrorResult(listed=0, changed=0, gone=0, unusable=unusable)
    changed = [row for remote_id, row in rows.items() if _differs(known.get(remote_id), row)]
    for row in changed:
        row.mirrored_at, row.gone_at = now, None
    missing = present - rows.keys()
    gone = missing if _believable(model, missing, present) else set()
    with transaction.atomic():
        model._default_manager.bulk_create(
            changed, BATCH, update_conflicts=True, unique_fields=["remote_id", "destination"], update_fields=COLUMNS
        )
        for batch in _batches(sorted(gone)):
            model._default_manager.filter(remote_id__in=batch).update(gone_at=now)
        for batch in _batches(sorted(rows)):
            model._default_manager.filter(remote_id__in=batch).update(mirrored_at=now)
    return MirrorResult(
        listed=len(rows),
        changed=len(changed),
        gone=len(gone),
        doubted=len(missing) - len(gone),
        unusable=unusable,
    )


def _is_usable(remote_id: str) -> bool:
    """Whether a database can keep it, and a form send it: one bad id must not keep all others from being mirrored."""
    return 1 <= len(remote_id) <= ID_LENGTH and remote_id.isascii() and remote_id.isprintable()


def _believable(model: type[Mirrored], missing: Collection[str], present: Collection[str]) -> bool:
    """Whether those who are missing have gone: a few at once, or just those whom the list before this missed too."""
    few = len(missing) < MANY or len(missing) * 100 <= len(present) * MANY_PERCENT
    these = "" if few else hashlib.sha256("\n".join(sorted(missing)).encode()).hexdigest()
    key = f"orders.mirror.missing.{model.__name__}"
    before = None
    try:
        before = cache.get(key)
        cache.set(key, these, DOUBT_SECONDS)
    except RedisError as error:
        log.warning("mirror.cache_down", error=type(error).__name__)
    if few or before == these:
        return True
    log.error("mirror.many_missing_kept", model=model.__name__, missing=len(missing), known=len(present))
    return False


def _differs(known: Mirrored | None, row: Mirrored) -> bool:
    return known is None or known.gone_at is not None or known.raw != row.raw or known.search != row.search


def _batches(ids: list[str]) -> list[list[str]]:
    return [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
