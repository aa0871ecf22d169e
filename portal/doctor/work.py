"""What the doctor looks at in the work: who does it, and what waits for it. All of it stands in the database."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Min, Q
from django.utils import timezone

from orders import breaking, credentials, pulse
from orders.destination import current_destination
from orders.history import runs
from orders.lifecycle import Status
from orders.models import Order
from portal.doctor.report import Line, bad, good, warn

LONG = timedelta(minutes=10)
"""An order that waits for so long, with nothing in its way, waits in vain."""

STALE = timedelta(hours=2)


def hands() -> list[Line]:
    """Workers, beat, and whether the two do something together."""
    alive, found = pulse.alive(), []
    if alive.workers:
        found.append(
            good("Worker", f"{len(alive.workers)} alive: {', '.join(each.name for each in alive.workers[:4])}")
        )
    else:
        words = f"None is alive{_since(alive.last_worker)}: nothing is sent."
        found.append(bad("Worker", words, "celery -A portal.celery worker …, or `make run`"))
    if not alive.beats:
        words = f"It is not alive{_since(alive.last_beat)}: nothing is done by itself."
        found.append(bad("Beat", words, "celery -A portal.celery beat, or `make run`"))
    elif len(alive.beats) > 1:
        names = ", ".join(each.name for each in alive.beats)
        found.append(warn("Beat", f"{len(alive.beats)} are alive: {names}", "Run exactly one."))
    else:
        found.append(good("Beat", "alive"))
    if alive.workers and alive.beats:
        if alive.sweep_is_late:
            words = f"The last sweep is too old{_since(alive.last_sweep)}: beat's bells do not reach a worker."
            found.append(bad("Sweep", words, "Do worker, beat and web use the same REDIS_URL? Are all threads busy?"))
        else:
            found.append(good("Sweep", f"done {_ago(alive.last_sweep)}"))
    return found


def _since(at: datetime | None) -> str:
    return f" (last heard of {_ago(at)})" if at else ""


def _ago(at: datetime | None) -> str:
    if at is None:
        return "never"
    seconds = max(0, round((timezone.now() - at).total_seconds()))
    if seconds < 120:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 7200 else f"{seconds // 3600} h ago"


def identity() -> Line:
    """Client id and secret."""
    mine = credentials.in_force()
    if mine.problem:
        todo = "Set YEASTAR_CLIENT_ID and YEASTAR_CLIENT_SECRET, or both on the page of the connection."
        if mine.problem == credentials.UNREADABLE:
            todo = "Put the former key back among CREDENTIAL_KEYS or SECRET_KEY_FALLBACKS, or set both anew."
        return bad("Credentials", f"{mine.problem[0].upper()}{mine.problem[1:]}.", todo)
    return good("Credentials", f"client id …{mine.tail}, set {_by(mine.source)}")


def _by(source: str) -> str:
    return "by the environment" if source == credentials.ENVIRONMENT else "on the page of the connection"


def waiting() -> list[Line]:
    """Orders that are not where they should be by now."""
    now, here = timezone.now(), current_destination()
    queued, elsewhere = Q(status=Status.QUEUED), ~Q(destination=here)
    found = Order.objects.filter(status__in=[Status.QUEUED, Status.SENDING, Status.UNCERTAIN]).aggregate(
        queued=Count("pk", filter=queued & ~elsewhere),
        elsewhere=Count("pk", filter=queued & elsewhere),
        oldest=Min("placed_at", filter=queued & ~elsewhere),
        uncertain=Count("pk", filter=Q(status=Status.UNCERTAIN)),
        doubted=Min("placed_at", filter=Q(status=Status.UNCERTAIN)),
    )
    lines = []
    breaker = breaking.hold()
    if breaker:
        lines.append(
            bad("Orders", f"All are held since {_ago(breaker.opened_at)}. {breaker.reason}", "Mend that first.")
        )
    if found["oldest"] and now - found["oldest"] > LONG:
        words = f"{found['queued']:,} wait, the oldest since {_ago(found['oldest'])}"
        lines.append(warn("Orders", words, "Look at their pages; is a worker alive?"))
    elif not breaker:
        lines.append(good("Orders", f"{found['queued']:,} wait to be sent" if found["queued"] else "none waits"))
    if found["elsewhere"]:
        words = f"{found['elsewhere']:,} were placed for another host or account, and are held"
        lines.append(warn("Orders", words, "Cancel them, or let orders go there again."))
    if found["uncertain"]:
        words = f"{found['uncertain']:,} perhaps bought; the oldest was placed {_ago(found['doubted'])}"
        lines.append(warn("In doubt", words, "A manager settles them on their pages."))
    return lines


def mirror() -> Line:
    """How fresh the vendor's history is here."""
    freshness = runs.freshness()
    if freshness.at is None:
        return warn("History", "It was not read to the end yet.", "python manage.py mirror_orders")
    words = f"as of {_ago(freshness.at)}"
    if timezone.now() - freshness.at > STALE:
        return warn("History", f"{words}. {freshness.trouble}", "python manage.py mirror_orders")
    return good("History", words)
