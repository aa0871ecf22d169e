"""One reading at a time, whoever starts it; each leaves a row behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from orders.destination import current_destination
from orders.history.reading import PAGE_SIZE, Interrupted, Scan
from orders.models import Reading
from orders.prepared import Prepared

BEAT = timedelta(seconds=2)
"""So often an open run says that it lives."""

KEPT = timedelta(days=30)
"""So long a run's row is kept: there are some six hundred a day. Older ones go when all was read to the end anew."""

LATELY = 8
"""Among so many runs nearly always one was complete, and the open one is the last: one question tells of both."""

_COLUMNS = ("kind", "beat_at", "finished_at", "complete", "words", "new", "changed", "gone", "details", "errors")


class _Told(NamedTuple):
    """What counts of a run for those who look at what it read. A row made of it would cost as much as a page."""

    pk: int
    kind: str
    started_at: datetime
    beat_at: datetime
    finished_at: datetime | None
    complete: bool
    words: str


_LATELY = Prepared(
    lambda destination: (
        Reading.objects.filter(destination=destination).order_by("-started_at", "-pk").values_list(*_Told._fields)
    )[:LATELY],
    str,
)


_WROTE = Prepared(
    lambda destination: (
        Reading.objects.filter(Q(new__gt=0) | Q(changed__gt=0) | Q(details__gt=0), destination=destination)
        .order_by("-started_at", "-pk")
        .values_list("pk", Coalesce("finished_at", "beat_at"))[:1]
    ),
    str,
)


def silence() -> timedelta:
    """A run that was not heard of for so long has died: it says that it lives before each question to Yeastar."""
    return timedelta(seconds=10 + settings.YEASTAR_GET_BUDGET)


def begin(
    destination: str, why: str, *, who: User | None = None, kind: Reading.Kind = Reading.Kind.WHOLE
) -> Reading | None:
    """Open a run, in place of one that has died; None while another one lives."""
    now = timezone.now()
    dead = Reading.objects.filter(~_lives(now), destination=destination, finished_at=None)
    dead.update(finished_at=now, words="The worker that read never came back.")
    try:
        with transaction.atomic():
            return Reading.objects.create(
                destination=destination, why=why, who=who, kind=kind, started_at=now, beat_at=now
            )
    except IntegrityError:
        return None


def _lives(now: datetime) -> Q:
    # A beat from the future is that of a clock that was ahead.
    return Q(beat_at__range=(now - silence(), now + silence()))


def is_due(reading: Reading) -> bool:
    """Whether it is time to say that it lives."""
    return timezone.now() - reading.beat_at >= BEAT


def beat(reading: Reading, scan: Scan) -> None:
    """Note how far it came, if that is due. Raises Interrupted if the run was given up and another may be reading."""
    if not is_due(reading):
        return
    reading.beat_at = timezone.now()
    if not _write(reading, scan):
        raise Interrupted("Another worker took over.")


def check(reading: Reading) -> None:
    """Raise Interrupted if another run has taken over."""
    if not _OPEN.rows(reading.pk):
        raise Interrupted("Another worker took over.")


_OPEN = Prepared(lambda key: Reading.objects.filter(pk=key, finished_at=None).values_list("pk"), int)


def end(reading: Reading, scan: Scan, words: str = "", *, complete: bool | None = None) -> None:
    """Close the run. `complete` if it did what its kind promises, when that is not simply to have seen all."""
    reading.finished_at = timezone.now()
    reading.words = words or scan.words
    reading.complete = scan.complete if complete is None else complete
    if _write(reading, scan) and reading.complete and reading.kind == Reading.Kind.WHOLE:
        ended = Reading.objects.filter(destination=reading.destination, started_at__lt=reading.started_at - KEPT)
        ended.exclude(finished_at=None).delete()


def _write(reading: Reading, scan: Scan) -> bool:
    columns = {name: getattr(reading, name) for name in _COLUMNS} | {"errors": reading.errors + scan.errors}
    told = {"pages": scan.pages, "seen": len(scan.keys), "total": scan.total, "next_page": scan.next_page}
    for name, value in told.items():
        setattr(reading, name, value)
    return Reading.objects.filter(pk=reading.pk, finished_at=None).update(**columns, **told) == 1


@dataclass(frozen=True)
class Freshness:
    """As of when the mirror is, and what stands against it."""

    at: datetime | None  # everything that Yeastar told of by then is here
    running: Reading | None
    trouble: str  # why a later run did not bring it up to date


def freshness() -> Freshness:
    """How fresh the mirrored history is: for every page that shows it."""
    destination = current_destination()
    lately = [_Told(*row) for row in _LATELY.rows(destination)]
    ended = [each for each in lately if each.finished_at and each.kind != Reading.Kind.ROLLING]
    good: _Told | Reading | None = next((each for each in ended if each.complete), None)
    if good is None:
        here = Reading.objects.filter(destination=destination, complete=True).exclude(kind=Reading.Kind.ROLLING)
        good = here.order_by("-started_at", "-pk").first()
    trouble = ended[0].words if ended and not ended[0].complete else ""
    living = _living(lately)
    running = Reading.objects.select_related("who").filter(pk=living.pk).first() if living else None
    return Freshness(good.started_at if good else None, running, trouble)


def _living(readings: Iterable[_Told]) -> _Told | None:
    """The run that is open now, unless it has died."""
    now = timezone.now()
    return next((each for each in readings if not each.finished_at and abs(now - each.beat_at) <= silence()), None)


def written() -> str:
    """Changes whenever a run has written records: what was counted before may be remembered until then."""
    last = next(iter(_WROTE.rows(current_destination())), None)
    return f"{last[0]}:{last[1].isoformat()}" if last else ""


@dataclass(frozen=True)
class Progress:
    """How far an open run came, in what a person asks: how much, how fast, how long still."""

    page: int
    pages: int | None
    per_second: float
    seconds_left: int | None

    @property
    def percent(self) -> int | None:
        """0 to 100; None while nobody knows of how much."""
        return min(100, 100 * self.page // self.pages) if self.pages else None


def progress(reading: Reading) -> Progress:
    """Of a run as its row tells."""
    seconds = max(0.001, (reading.beat_at - reading.started_at).total_seconds())
    per_second = reading.seen / seconds
    whole = reading.kind == Reading.Kind.WHOLE
    if not whole or not reading.total or not reading.pages:
        return Progress(reading.pages, None, per_second, None)
    # The vendor may give fewer rows than were asked for.
    size = max(1, min(PAGE_SIZE, -(-reading.seen // reading.pages)))
    pages = -(-reading.total // size)
    page = max(reading.pages, reading.next_page - 1)  # one that is resumed began further on
    left = max(0, pages - page) * size / per_second if per_second else None
    return Progress(min(page, pages), pages, per_second, None if left is None else round(left))
