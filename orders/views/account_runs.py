"""Admins: how fresh the lists of accounts are, each run with what it changed, and the list that waits for them."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from orders import auditing, tasks
from orders.accounts import deciding, runs
from orders.accounts.deciding import NotDecided
from orders.accounts.lists import List
from orders.destination import current_destination
from orders.models import AccountChange, AccountRun
from orders.rendering import HtmxHttpRequest, page
from orders.views.account_pages import admins_only, framed, url_of

SHOWN = 30
"""So many runs are listed, the latest first."""

ON_A_PAGE = 100
"""So many changes of a run."""

KINDS = (
    AccountChange.Kind.GONE,
    AccountChange.Kind.CHANGED,
    AccountChange.Kind.ADDED,
    AccountChange.Kind.REVIVED,
)
"""In the order in which they want to be looked at."""


@require_safe
@admins_only
def sync_page(request: HtmxHttpRequest, kind: List) -> HttpResponse:
    """The last runs, and how far the open one has come. Asks nobody but our own database."""
    freshness = runs.freshness(kind.what)
    here = AccountRun.objects.filter(destination=current_destination(), what=kind.what).order_by("-pk")
    listed = [run for run in here.select_related("who", "decided_by")[: SHOWN + 1] if run != freshness.running]
    context = framed(
        kind,
        freshness=freshness,
        running=freshness.running,
        held_url=url_of(kind, "run", freshness.held.pk) if freshness.held else "",
        runs=[(run, url_of(kind, "run", run.pk)) for run in listed[:SHOWN]],
    )
    return page(request, "accounts/sync.html", "accounts/_sync.html", context)


@require_POST
@admins_only
def sync_now(request: HtmxHttpRequest, kind: List) -> HttpResponse:
    """Open a run, and ring for a worker to do it. One at a time, whoever starts it."""
    with transaction.atomic():
        run = runs.begin(kind.what, runs.BY_HAND, who=request.user)
        if run:
            auditing.note("accounts.synced", target=run, words="Asked Yeastar for the list")
    if run is None:
        messages.info(request, "A run is asking already. Its progress is shown here.")
        return redirect(f"orders:{kind.what}_sync")
    try:
        tasks.mirror_by_hand.delay(run.pk)
    except (OperationalError, RedisError, OSError):
        words = "No worker could be called: the queue did not answer."
        ended = {"finished_at": timezone.now(), "state": AccountRun.State.FAILED, "words": words}
        AccountRun.objects.filter(pk=run.pk, finished_at=None).update(**ended)
        messages.error(request, f"{words} Nothing was read. Try again in a moment.")
    return redirect(f"orders:{kind.what}_sync")


@require_safe
@admins_only
def run_page(request: HtmxHttpRequest, kind: List, pk: int) -> HttpResponse:
    """What a run changed, field by field; or what the list would change that waits."""
    return _show(request, kind, _run(kind, pk))


def _run(kind: List, pk: int) -> AccountRun:
    here = AccountRun.objects.filter(destination=current_destination(), what=kind.what)
    return get_object_or_404(here.select_related("who", "decided_by"), pk=pk)


def _show(request: HtmxHttpRequest, kind: List, run: AccountRun, status: int = 200) -> HttpResponse:
    shown = request.GET.get("kind", "")
    counts = {each: getattr(run, each.value) for each in KINDS}
    if shown not in [each.value for each in KINDS]:
        shown = next((each.value for each in KINDS if counts[each]), "")
    after = request.GET.get("after", "")
    changes = AccountChange.objects.filter(run=run, kind=shown).order_by("pk")
    if after.isascii() and after.isdecimal() and len(after) < 19:
        changes = changes.filter(pk__gt=int(after))
    rows = list(changes[: ON_A_PAGE + 1])
    keys = _keys(kind, rows)
    context = framed(
        kind,
        run=run,
        tabs=[(each, counts[each], each.value == shown) for each in KINDS if counts[each]],
        rows=[(row, keys.get(row.remote_id, "")) for row in rows[:ON_A_PAGE]],
        more=f"?kind={shown}&after={rows[ON_A_PAGE - 1].pk}" if len(rows) > ON_A_PAGE else "",
        held=deciding.held(run),
        decide_url=url_of(kind, "decide", run.pk),
        named=deciding.SHOWN,
    )
    return page(request, "accounts/run.html", "accounts/run.html", context, status=status)


def _keys(kind: List, rows: list[AccountChange]) -> dict[str, str]:
    ids = {row.remote_id for row in rows}
    found = kind.model.objects.filter(remote_id__in=ids).values_list("remote_id", "pk")
    return {remote_id: url_of(kind, "account", pk) for remote_id, pk in found}


@require_POST
@admins_only
def decide(request: HtmxHttpRequest, kind: List, pk: int) -> HttpResponse:
    """Write the list that was shown, or keep all as it is."""
    run, given = _run(kind, pk), request.POST
    try:
        if given.get("do") == "refuse":
            deciding.refuse(run, request.user)
            messages.success(request, "All stays as it is. The same list is asked about again only after Sync now.")
        elif given.get("do") != "confirm" or not given.get("sure"):
            messages.error(request, "Say that you have looked at who would go. Nothing was changed.")
            return _show(request, kind, run, 422)
        else:
            done = deciding.confirm(run, request.user, seen=given.get("seen", ""))
            if done.state == AccountRun.State.DONE:
                messages.success(request, f"The list was taken. {done.words}")
            else:
                messages.error(request, "Another run took over. Look at what it did.")
    except NotDecided as error:
        messages.error(request, str(error))
        return _show(request, kind, run, 422)
    return redirect(url_of(kind, "run", pk))
