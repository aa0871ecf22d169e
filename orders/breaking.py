"""The breaker: when one order after another is not delivered, all of them wait until one harmless question is answered.

What is not delivered buys nothing, so it may be sent again; but to try order after order at a door that is shut only
fills their histories. So `settings.BREAKER_FAILURES` in a row open the breaker, no order is claimed while it is open,
and one probe at a time asks. After that a single further failure opens it again, and each opening without an order
that came through makes the pauses longer: a vendor who answers questions but takes no orders does not make it flap.

One row for each destination holds it, changed by compare-and-set. An order that is sent without trouble must not pay
for it with a query: each process looks at the row once a second at most.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import ParamSpec

import structlog
from django.conf import settings
from django.db import DatabaseError, models, transaction
from django.utils import timezone

from orders.credentials import PROBLEMS
from orders.destination import current_destination
from orders.lifecycle import Status
from orders.models import Attempt, Breaker, Order
from orders.text import storable
from yeastar_api.auth import STORE_AWAY
from yeastar_api.errors import ApiError, NotDelivered

LOOK_SECONDS = 1.0
"""For so long a process believes what it saw of the row."""

LONGEST_PAUSE = 300.0
"""Seconds between two probes, at most; the setting may ask for more."""

LONGEST_ASKED = 3600.0
"""Seconds for which Yeastar may ask us not to come back, as far as we listen."""

LONGEST_HOLD = timedelta(seconds=LONGEST_ASKED)
"""No order waits longer for its next attempt. A later time was written by a clock that was ahead."""

TOO_MANY_REQUESTS = 429

P = ParamSpec("P")

log = structlog.get_logger(__name__)

_looking = threading.Lock()
_seen: dict[str, tuple[float, Breaker]] = {}


def forget() -> None:
    """Look at the row anew; for tests, where one database follows another."""
    _seen.clear()


def state(here: str = "", *, fresh: bool = False) -> Breaker:
    """The breaker of a destination, of the one that orders go to now without it, as it was a second ago at most."""
    here = here or current_destination()
    with _looking:  # one thread looks, and those who come meanwhile share what it sees
        seen_at, breaker = _seen.get(here, (0.0, None))
        if breaker is None or fresh or time.monotonic() - seen_at >= LOOK_SECONDS:
            breaker = Breaker.objects.filter(destination=here).first() or Breaker(destination=here)
            _seen[here] = (time.monotonic(), breaker)
        return breaker


def may_be_sent(now: datetime) -> models.Q:
    """What a queued order must fulfil to be sent now: it is due, it was placed for where orders go now, and nothing
    says that Yeastar has it already.
    """
    due = models.Q(not_before=None) | models.Q(not_before__lte=now) | models.Q(not_before__gt=now + LONGEST_HOLD)
    return due & models.Q(conflict="", destination=current_destination())


def hold() -> Breaker | None:
    """The breaker if it is open, for pages; None while orders are sent as they come."""
    breaker = state()
    return breaker if breaker.opened_at else None


def is_open() -> bool:
    """Whether no order may be claimed. Who believes it open looks again, so that no bell of a release is lost."""
    return state().opened_at is not None and state(fresh=True).opened_at is not None


def _never_in_the_way(verb: Callable[P, None]) -> Callable[P, None]:
    """What became of the order is recorded by now: a database that fails us here must not say otherwise."""

    @wraps(verb)
    def careful(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            verb(*args, **kwargs)
        except DatabaseError:
            log.exception("breaker.not_written")

    return careful


@_never_in_the_way
def failed(error: NotDelivered, here: str = "") -> None:
    """Count an order that was not delivered where it goes; enough of them, one after another, open the breaker."""
    here = here or current_destination()
    row, _ = Breaker.objects.get_or_create(destination=here)
    rows = Breaker.objects.filter(pk=row.pk)
    rows.filter(opened_at=None).update(failures=models.F("failures") + 1)
    while True:
        seen = state(here, fresh=True)
        if seen.opened_at:
            _listen(seen, error)
            return
        if seen.failures < settings.BREAKER_FAILURES:
            return
        now, trips = timezone.now(), seen.trips + 1
        words = reason(error)
        shut = rows.filter(opened_at=None, trips=seen.trips, failures__gte=settings.BREAKER_FAILURES)
        if shut.update(opened_at=now, trips=trips, probes=0, reason=words, probe_at=now + pause(trips=trips, probes=0)):
            log.error("breaker.opened", reason=words, trips=trips, failures=seen.failures)


@_never_in_the_way
def came_through(here: str = "") -> None:
    """An order reached Yeastar and was answered: whatever failed before it, was not one after another."""
    seen = state(here)
    if not (seen.failures or seen.trips or seen.opened_at):
        return
    rows = Breaker.objects.filter(destination=seen.destination)
    if not rows.filter(opened_at=None).update(failures=0, trips=0):
        # It was on its way when the breaker opened. To close it is the probe's business; now is a good moment.
        now = timezone.now()
        rows.filter(probe_at__gt=now).update(probe_at=now)
    state(seen.destination, fresh=True)


def pause(*, trips: int, probes: int) -> timedelta:
    """Until the next probe: twice as long after each one, and after each opening without an order in between."""
    first = settings.BREAKER_PROBE_SECONDS
    seconds = first * 2.0 ** min(trips - 1 + probes, 30)
    return timedelta(seconds=max(first, min(seconds, LONGEST_PAUSE)))


def take_probe(now: datetime, here: str = "", *, at_once: bool = False) -> Breaker | None:
    """Be the one who asks, if it is time (or `at_once`); None if it is not, or somebody else has taken it.

    The next probe is due in any case: who took this one may be killed before it has asked.
    """
    seen = state(here, fresh=True)
    if seen.opened_at is None or not (at_once or _probe_is_due(seen.probe_at, now)):
        return None
    mine = Breaker.objects.filter(
        pk=seen.pk, opened_at=seen.opened_at, probes=seen.probes, probe_at=seen.probe_at
    ).update(probes=seen.probes + 1, probe_at=now + pause(trips=seen.trips, probes=seen.probes + 1))
    return state(seen.destination, fresh=True) if mine else None


def _probe_is_due(at: datetime | None, now: datetime) -> bool:
    """Whether it is time; a time further ahead than any rule puts it was written by a clock that was ahead."""
    longest = max(settings.BREAKER_PROBE_SECONDS, LONGEST_PAUSE) + LONGEST_ASKED
    return at is None or at <= now or at > now + timedelta(seconds=longest)


def stay_open(taken: Breaker, error: ApiError) -> None:
    """The probe was not answered: the page tells what is in the way now."""
    Breaker.objects.filter(pk=taken.pk, opened_at=taken.opened_at).update(reason=reason(error))
    _listen(taken, error)
    state(taken.destination, fresh=True)


def close(taken: Breaker) -> bool:
    """The probe was answered: orders may be sent again. Whether it was still open."""
    with transaction.atomic():
        # One short of enough: the next order that is not delivered opens it again.
        closed = (
            Breaker.objects.filter(pk=taken.pk, opened_at=taken.opened_at)
            .exclude(opened_at=None)
            .update(opened_at=None, reason="", probe_at=None, probes=0, failures=max(0, settings.BREAKER_FAILURES - 1))
        )
        if closed:
            _release(taken.destination)
    state(taken.destination, fresh=True)
    if closed:
        log.warning("breaker.closed", probes=taken.probes)
    return closed == 1


def _release(destination: str) -> None:
    """All that waits is due and wants its bell, but for orders that Yeastar itself asked to bring later."""
    told_later = Attempt.objects.filter(
        order=models.OuterRef("pk"), number=models.OuterRef("attempts"), http_status=TOO_MANY_REQUESTS
    )
    waiting = Order.objects.filter(
        ~models.Exists(told_later), status=Status.QUEUED, destination=destination, conflict=""
    )
    waiting.exclude(held_since=None).update(problem="")
    waiting.update(not_before=None, rung_at=None)


def _listen(seen: Breaker, error: ApiError) -> None:
    """No probe comes back earlier than Yeastar asks."""
    if error.retry_after:
        earliest = timezone.now() + timedelta(seconds=min(error.retry_after, LONGEST_ASKED))
        Breaker.objects.filter(pk=seen.pk, opened_at=seen.opened_at, probe_at__lt=earliest).update(probe_at=earliest)


def reason(error: ApiError) -> str:
    """Why nothing is delivered, in one plain line."""
    facts = [error.code, f"request id {error.request_id}" if error.request_id else ""]
    known = ", ".join(fact for fact in facts if fact)
    said = (error.detail or "it said nothing more").rstrip(".")
    words = f"{_subject(error)}: {said} ({known})." if known else f"{_subject(error)}: {said}."
    return " ".join(str(storable(words)).split())


def _subject(error: ApiError) -> str:
    if error.detail in PROBLEMS:
        return "Yeastar cannot be asked"
    if error.detail.startswith(STORE_AWAY):
        return "Our own Redis, where the access token is kept, does not answer"
    if error.call == "token" and error.http_status is not None:
        return "Yeastar gives no access token"
    if error.http_status == TOO_MANY_REQUESTS:
        return "Yeastar asks to come back later"
    if error.http_status == 401:
        return "Yeastar does not accept our access token"
    if error.http_status is not None:
        return "Yeastar does not answer as it should"
    return "Yeastar cannot be reached"


def since(breaker: Breaker) -> str:
    """When it opened, as a sentence says it: 12:03, or 20 Nov, 12:03."""
    if breaker.opened_at is None:
        return ""
    opened, today = timezone.localtime(breaker.opened_at), timezone.localdate()
    return f"{opened:%H:%M}" if opened.date() == today else f"{opened.day} {opened:%b, %H:%M}"


def warning() -> str:
    """What somebody who is about to order should know, in one line; empty while orders are sent as they come."""
    breaker = hold()
    if breaker is None:
        return ""
    return (
        f"Yeastar has taken no orders since {since(breaker)}. What you place waits here, and is sent by itself once "
        "Yeastar answers."
    )
