"""Managers: how fresh the mirrored history is, the runs that read it, and a run at once."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from orders import auditing, tasks
from orders.browsing import unread
from orders.browsing.kept import kept
from orders.destination import current_destination
from orders.history import following, runs
from orders.models import SEE_ALL_ORDERS, Reading
from orders.rendering import HtmxHttpRequest, page

managers_only = permission_required(SEE_ALL_ORDERS, raise_exception=True)

SHOWN = 30
"""So many runs are listed, the latest first."""


@require_safe
@managers_only
def sync_page(request: HtmxHttpRequest) -> HttpResponse:
    """The last runs, and how far the open one has come. Asks nobody but our own database."""
    freshness = runs.freshness()
    running = freshness.running
    readings = Reading.objects.filter(destination=current_destination()).select_related("who").order_by("-started_at")
    context = {
        "freshness": freshness,
        "running": running,
        "progress": runs.progress(running) if running else None,
        "unread": unread.words((None, None), kept().destinations),
        "each_run": settings.HISTORY_DETAILS,
        "readings": [reading for reading in readings[: SHOWN + 1] if reading != running][:SHOWN],
    }
    return page(request, "history/sync.html", "history/_sync.html", context)


@require_POST
@managers_only
def sync_now(request: HtmxHttpRequest) -> HttpResponse:
    """Open a run, and ring for a worker to do it. One at a time, whoever starts it."""
    with transaction.atomic():
        reading = following.open_run(request.user, whole=bool(request.POST.get("whole")))
        if reading:
            auditing.note("history.synced", target=reading, words=reading.why)
    if reading is None:
        messages.info(request, "A run is reading already. Its progress is shown here.")
        return redirect("orders:sync")
    try:
        tasks.follow_by_hand.delay(reading.pk)
    except (OperationalError, RedisError, OSError):
        words = "No worker could be called: the queue did not answer."
        Reading.objects.filter(pk=reading.pk, finished_at=None).update(finished_at=timezone.now(), words=words)
        messages.error(request, f"{words} Nothing was read. Try again in a moment.")
    return redirect("orders:sync")
