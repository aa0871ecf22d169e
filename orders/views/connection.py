"""Admins: how the connection to Yeastar is, and a question to it at once."""

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

from orders import breaking, gateway, sweeping, watching
from orders.destination import account_mark
from orders.lifecycle import Status
from orders.models import MANAGE_CONNECTION, Order
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


@require_safe
@those_who_may
def connection_page(request: HtmxHttpRequest) -> HttpResponse:
    """Where orders go, whether they are sent, and how each call went last. Asks nobody but our own stores."""
    breaker = breaking.state(fresh=True)
    context = {
        "account": account_mark(),
        "credentials": bool(settings.YEASTAR_CLIENT_ID and settings.YEASTAR_CLIENT_SECRET),
        "token": _token(),
        "breaker": breaker,
        "limit": settings.BREAKER_FAILURES,
        "calls": watching.watched(),
        "counts": _counts(everything_held=breaker.opened_at is not None),
    }
    return page(request, "orders/connection.html", "orders/connection.html", context)


@require_POST
@those_who_may
def ask(request: HtmxHttpRequest) -> HttpResponse:
    """Ask Yeastar now. If orders are held and it answers, they are sent."""
    if not cache.add(f"connection:asked:{account_mark()}", True, QUIET_SECONDS):
        messages.info(request, "Yeastar was asked a moment ago. Wait five seconds before you ask again.")
        return redirect("orders:connection")
    held = breaking.state(fresh=True).opened_at is not None
    error = sweeping.ask_now(gateway.portal())
    if isinstance(error, Refused):
        messages.warning(request, f"Yeastar answered, but refused the question. {breaking.reason(error)}")
    elif error:
        messages.error(request, f"Yeastar did not answer. {breaking.reason(error)}")
    elif held and not breaking.is_open():
        messages.success(request, "Yeastar answered. The orders that were held are sent now, the oldest first.")
    else:
        messages.success(request, "Yeastar answered.")
    return redirect("orders:connection")


def _token() -> TokenState:
    try:
        times = gateway.portal().token_times()
    except NotDelivered as error:
        return TokenState(problem=breaking.reason(error))
    return TokenState(_moment(times.obtained_at), _moment(times.expires_at)) if times else TokenState()


def _moment(epoch: float | None) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC)


def _counts(*, everything_held: bool) -> dict[str, object]:
    """How many orders are on their way, and since when the oldest waits."""
    queued = Q(status=Status.QUEUED)
    held = queued if everything_held else queued & Q(held_since__isnull=False) & ~Q(problem="")
    moving = Order.objects.filter(status__in=[Status.QUEUED, Status.SENDING, Status.UNCERTAIN]).order_by()
    found = moving.aggregate(
        queued=Count("pk", filter=queued),
        held=Count("pk", filter=held),
        sending=Count("pk", filter=Q(status=Status.SENDING)),
        uncertain=Count("pk", filter=Q(status=Status.UNCERTAIN)),
        oldest=Min("placed_at", filter=queued),
    )
    return {**found, "waiting": found["queued"] - found["held"]}
