"""The building's own pages."""

import sys

from allauth.account.views import PasswordResetView
from allauth.mfa.base.views import IndexView
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.http import require_safe
from django.views.defaults import server_error

from portal import readiness
from portal.second_factor import AFTER, has_proven, needs_factor


@login_not_required
@require_safe
def healthz(_: HttpRequest) -> HttpResponse:
    """200 while the process runs and reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_safe
def readyz(_: HttpRequest) -> HttpResponse:
    """200 while requests may come, else 503: which of the things that are needed is missing, and nothing else."""
    found = readiness.look()
    ready = readiness.ready(found)
    headers = {"Cache-Control": "no-store"}
    return JsonResponse({"ready": ready, "checks": found}, status=200 if ready else 503, headers=headers)


@login_not_required
def password_reset(request: HttpRequest) -> HttpResponse:
    """A link by mail; without mail nothing is made or sent, and the page says whom to ask."""
    if not settings.CAN_MAIL:
        return render(request, "account/password_reset.html")
    response: HttpResponse = PasswordResetView.as_view(extra_context={"can_mail": True})(request)
    return response


def own_account(request: HttpRequest) -> HttpResponse:
    """The person's own account: what leads to password, second factor and sessions."""
    sessions = UserSession.objects.purge_and_list(request.user)
    needed = needs_factor(request.user) and not has_proven(request)
    context = {"session_count": len(sessions), "needed": needed, "after": request.session.get(AFTER)}
    response: HttpResponse = IndexView.as_view(extra_context=context)(request)
    return response


def trouble(request: HttpRequest) -> HttpResponse:
    """A mistake of ours, or a database that is busy or away: the only place that sees the error wherever it rose."""
    error = sys.exc_info()[1]
    if not isinstance(error, OperationalError | InterfaceError):
        return server_error(request)
    # A write that never got the lock has changed nothing. Of a connection that broke, nobody knows.
    context = {"busy": "locked" in str(error), "placing": _order_that_was_placed(request)}
    page = render_to_string("503.html", context)
    return HttpResponse(page, status=503, headers={"Retry-After": "5", "Cache-Control": "no-store"})


def _order_that_was_placed(request: HttpRequest) -> str:
    """The page of the order that somebody was placing; empty if it was anything else.

    Also a busy database leaves it open: the order may be committed, and what is saved after it be what failed.
    """
    try:
        asked = resolve(request.path_info)
    except Resolver404:
        return ""
    if request.method != "POST" or asked.view_name != "orders:place":
        return ""
    return reverse("orders:order", kwargs=asked.kwargs)
