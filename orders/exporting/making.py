"""The verbs around an export: ask for it, claim it, cancel it, begin it again, throw its file away, tidy up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, F, Q, QuerySet
from django.utils import timezone

from orders import auditing, doorbell
from orders.browsing.asked import Asked
from orders.browsing.finding import find
from orders.exporting import files, writing
from orders.exporting.counting import count_up_to
from orders.models import Export

AT_ONCE = 5
"""One person waits for so many, at most."""

NEVER_CAME_BACK = "The worker that wrote it never came back. Start it again."
LOST_DOWNLOAD = "The download was not finished."


def ask(owner: User, asked: Asked, kind: Export.Format, told: str) -> Export | None:
    """A row for what is asked for: to be sent straight away, or rung for. None if somebody waits for too many.

    Whoever asks for the same again while it is being made gets that.
    """
    now = timezone.now()
    moving = Export.objects.filter(owner=owner, state__in=Export.MOVING, straight=False)
    if same := moving.filter(query=asked.query, format=kind).first():
        return same
    limit = settings.EXPORT_STREAM_ROWS_XLSX if kind == Export.Format.XLSX else settings.EXPORT_STREAM_ROWS
    rows = count_up_to(find(asked, now, whole=True).rows, limit)
    if rows is None and moving.count() >= AT_ONCE:
        return None
    export = Export(
        owner=owner,
        format=kind,
        query=asked.query,
        told=told,
        name=f"history-{timezone.localtime(now):%Y-%m-%d-%H%M%S}.{kind}",
        asked_at=now,
    )
    if rows is not None:
        export.straight, export.state, export.total = True, Export.State.RUNNING, rows
        export.started_at, export.alive_until = now, now + writing.SILENT_DOWNLOAD
    with transaction.atomic():
        export.save(force_insert=True)
        auditing.note(
            "export.made",
            actor=owner,
            target=export,
            words=told or "Everything",
            data={"format": kind.value, "query": asked.query, "rows": rows},
        )
    if not export.straight:
        ring()
    return export


def ring() -> bool:
    """Call a worker for the one that waits longest. False if the queue cannot be reached: it is rung for again."""
    waiting = Export.objects.filter(state=Export.State.WAITING).order_by("asked_at")
    pk = waiting.values_list("pk", flat=True).first()
    if pk is None:
        return True
    waiting.filter(pk=pk).update(rung_at=timezone.now())
    return doorbell.ring([pk], doorbell.EXPORT)


def make(pk: UUID, stopping: Callable[[], bool]) -> None:
    """Write one that waits, if no other is being written; then call for the next."""
    export = claim(pk)
    if export is None:
        return
    writing.write(export, stopping)
    if not stopping():
        ring()


def may_begin(pk: UUID) -> bool:
    """Whether it waits, and it is its turn."""
    return _due(pk, timezone.now()).exists()


def _due(pk: UUID, now: datetime) -> QuerySet[Export]:
    others = Export.objects.filter(state=Export.State.RUNNING, straight=False, alive_until__gt=now)
    return Export.objects.filter(~Exists(others), pk=pk, state=Export.State.WAITING)


def claim(pk: UUID) -> Export | None:
    """Take one that waits. One at a time: more would only be slower, and take from everything else."""
    now = timezone.now()
    mine = _due(pk, now)
    claimed = mine.update(
        state=Export.State.RUNNING,
        run=F("run") + 1,
        started_at=now,
        alive_until=now + writing.SILENCE,
        rows=0,
        size=0,
        words="",
    )
    return Export.objects.get(pk=pk) if claimed else None


def cancel(export: Export) -> bool:
    """Whoever writes it learns of it within a second. False if it has ended already."""
    moving = Export.objects.filter(pk=export.pk, state__in=Export.MOVING, straight=False)
    with transaction.atomic():
        cancelled = moving.update(state=Export.State.CANCELLED, finished_at=timezone.now(), alive_until=None)
        if cancelled:
            auditing.note("export.cancelled", target=export, words=export.told or "Everything")
    return bool(cancelled)


def again(export: Export) -> bool:
    """Begin it anew, of the same rows as they are now. False if it is being made, or was sent without a file."""
    ended = Q(state__in=[Export.State.FAILED, Export.State.CANCELLED]) | Q(removed_at__isnull=False)
    dead = Q(state=Export.State.RUNNING, alive_until__lt=timezone.now())
    with transaction.atomic():
        begun = Export.objects.filter(ended | dead, pk=export.pk).update(
            state=Export.State.WAITING,
            straight=False,
            finished_at=None,
            removed_at=None,
            alive_until=None,
            total=None,
            rows=0,
            size=0,
            words="",
        )
        if begun:
            auditing.note("export.made", target=export, words=f"Once more: {export.told or 'everything'}")
    if begun:
        ring()
    return bool(begun)


def throw_away(export: Export) -> None:
    """Remove its file; the row stays, and tells who had it made. Raises OSError if it cannot be removed."""
    export.path.unlink(missing_ok=True)
    Export.objects.filter(pk=export.pk, state=Export.State.READY).update(removed_at=timezone.now())


def tidy() -> None:
    """Say of the dead that they are dead, remove what was kept long enough, call again for who waits."""
    now = timezone.now()
    dead = Export.objects.filter(state=Export.State.RUNNING, alive_until__lt=now)
    for straight, words in ((False, NEVER_CAME_BACK), (True, LOST_DOWNLOAD)):
        dead.filter(straight=straight).update(state=Export.State.FAILED, words=words, finished_at=now, alive_until=None)
    for export in Export.objects.filter(_old(now)):
        throw_away(export)
    files.remove_strays()
    ring()


def _old(now: datetime) -> Q:
    return Q(state=Export.State.READY, removed_at=None, finished_at__lt=now - settings.EXPORT_KEEP)
