"""Admins: how the connection to Yeastar is, and questions to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.cache import cache
from django.db.models import Count, Min, Q
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from orders import auditing, breaking, credentials, doorbell, gateway, pulse, sweeping, trying, watching
from orders.accounts import runs as account_runs
from orders.destination import account_mark, current_destination
from orders.history import runs
from orders.lifecycle import Status
from orders.models import MANAGE_CONNECTION, Attempt, Listed, Order, Outcome
from orders.rendering import HtmxHttpRequest, page
from yeastar_api.errors import NotDelivered, Refused

QUIET_SECONDS = 5
"""A person may ask once in so many seconds, whoever it is: a button must not hammer."""

those_who_may = permission_required(MANAGE_CONNECTION, raise_exception=True)


@dataclass(frozen=True)
class TokenState:
    """What is known of the shared access token; its value is not."""

    obtained_at: datetime | None = None
    expires_at: datetime | None = None
    problem: str = ""

    @property
    def ended(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= timezone.now()


WENT = {
    Outcome.OPEN: "One is being sent just now.",
    Outcome.RECEIPT: "The last one came through: Yeastar answered with a receipt.",
    Outcome.REFUSED: "The last one reached Yeastar, which refused it. Nothing was bought.",
    Outcome.NOT_DELIVERED: "The last one did not reach Yeastar. Nothing was bought by that.",
    Outcome.UNANSWERED: "The last one was sent, but no clear answer came back.",
    Outcome.LOST: "The last one was perhaps sent, and its worker never came back.",
}
"""How the latest attempt to send an order went."""


@dataclass(frozen=True)
class Last:
    """The latest attempt to send an order, in words."""

    words: str
    order: Order
    at: datetime
    tone: str  # good · held · warn


@require_safe
@those_who_may
def connection_page(request: HtmxHttpRequest) -> HttpResponse:
    """Where orders go, whether they are sent, what works for us, and how each call went last.

    Asks nobody but our own stores.
    """
    breaker = breaking.state(fresh=True)
    context = {
        "account": account_mark(),
        "credentials": credentials.in_force(),
        "token": _token(),
        "breaker": breaker,
        "last": _last(),
        "limit": settings.BREAKER_FAILURES,
        "calls": watching.watched(),
        "skew": watching.skew(),
        "counts": _counts(everything_held=breaker.opened_at is not None),
        "bells": doorbell.bells(),
        "alive": pulse.alive(),
        "history": runs.freshness(),
        "accounts_at": _accounts_at(),
        **_test(),
    }
    return page(request, "orders/connection.html", "orders/connection.html", context)


@require_safe
@those_who_may
def test_page(request: HtmxHttpRequest) -> HttpResponse:
    """How far the test is; without htmx the whole page of the connection."""
    if not request.htmx:
        return redirect("orders:connection")
    return page(request, "orders/_test.html", "orders/_test.html", _test())


@require_POST
@those_who_may
def test_now(request: HtmxHttpRequest) -> HttpResponse:
    """Make all the harmless calls, in the background. One test at a time, whoever starts it."""
    if trying.begin(gateway.portal(), who=request.user):
        words = f"{trying.calls()} harmless calls were begun; their results stand on the page of the connection."
        auditing.note("connection.tested", target=current_destination(), words=words)
    else:
        messages.info(request, "The connection is being tested already. What it says is shown here.")
    return redirect("orders:connection")


@require_POST
@those_who_may
def ask(request: HtmxHttpRequest) -> HttpResponse:
    """Ask Yeastar now. If orders are held and it answers, they are sent."""
    if not cache.add(f"connection:asked:{account_mark()}", True, QUIET_SECONDS):
        messages.info(request, "Yeastar was asked a moment ago. Wait five seconds before you ask again.")
        return redirect("orders:connection")
    held = breaking.state(fresh=True).opened_at is not None
    error = sweeping.ask_now(gateway.portal())
    auditing.note("connection.asked", target=current_destination(), words=str(error) if error else "It answered.")
    if isinstance(error, Refused):
        messages.warning(request, f"Yeastar answered, but refused the question. {breaking.reason(error)}")
    elif error:
        messages.error(request, f"Yeastar did not answer. {breaking.reason(error)}")
    elif held and not breaking.is_open():
        messages.success(request, "Yeastar answered. The orders that were held are sent now, the oldest first.")
    else:
        messages.success(request, "Yeastar answered.")
    return redirect("orders:connection")


def _test() -> dict[str, object]:
    """The latest test, and whether it goes on."""
    test = trying.latest()
    going_on = test is not None and test.finished_at is None and timezone.now() - test.started_at < trying.GIVEN_UP
    states = [result["state"] for result in test.results] if test else []
    return {
        "test": test,
        "testing": going_on,
        "test_calls": trying.calls(),
        "test_cut_off": test is not None and not test.finished_at and not going_on,
        "test_failed": trying.BAD in states,
        "test_odd": trying.ODD in states,
    }


def _last() -> Last | None:
    """None if no order was ever sent from here to where orders go now."""
    here = Attempt.objects.filter(order__destination=current_destination()).select_related("order")
    if (last := here.order_by("-pk").first()) is None:
        return None
    if last.order.conflict or last.order.found_as:
        words = "The history contradicts what came back for the last one."
        return Last(words, last.order, last.started_at, "warn")
    words = WENT[Outcome(last.outcome)]
    if last.order.status == Status.UNCERTAIN:
        return Last(f"{words} Nobody knows yet whether it was bought.", last.order, last.started_at, "warn")
    if last.outcome in (Outcome.UNANSWERED, Outcome.LOST):
        bought = last.order.status == Status.PLACED
        known = "It is known by now: it was bought." if bought else "It is settled by now: nothing was bought."
        return Last(f"{words} {known}", last.order, last.started_at, "good" if bought else "held")
    well = last.outcome in (Outcome.OPEN, Outcome.RECEIPT)
    return Last(words, last.order, last.started_at, "good" if well else "held")


def _token() -> TokenState:
    try:
        times = gateway.portal().token_times()
    except NotDelivered as error:
        return TokenState(problem=breaking.reason(error))
    return TokenState(_moment(times.obtained_at), _moment(times.expires_at)) if times else TokenState()


def _moment(epoch: float | None) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC)


def _accounts_at() -> datetime | None:
    """When customers and billing contacts were last read: the older of the two."""
    read = [account_runs.freshness(what).at for what in Listed]
    return None if None in read else min(filter(None, read))


def _counts(*, everything_held: bool) -> dict[str, object]:
    """How many orders are on their way, and since when the oldest waits."""
    queued, elsewhere = Q(status=Status.QUEUED), ~Q(destination=current_destination())
    held = queued & (elsewhere | Q(held_since__isnull=False) & ~Q(problem=""))
    moving = Order.objects.filter(status__in=[Status.QUEUED, Status.SENDING, Status.UNCERTAIN]).order_by()
    found = moving.aggregate(
        queued=Count("pk", filter=queued),
        held=Count("pk", filter=queued if everything_held else held),
        elsewhere=Count("pk", filter=queued & elsewhere),
        sending=Count("pk", filter=Q(status=Status.SENDING)),
        uncertain=Count("pk", filter=Q(status=Status.UNCERTAIN)),
        oldest=Min("placed_at", filter=queued),
    )
    return {**found, "waiting": found["queued"] - found["held"]}
