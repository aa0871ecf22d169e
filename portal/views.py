"""The building's own pages."""

import sys

from allauth.account.views import PasswordResetView
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe
from django.views.defaults import server_error


@login_not_required
@require_safe
def healthz(_: HttpRequest) -> HttpResponse:
    """200 while the process runs and reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
def password_reset(request: HttpRequest) -> HttpResponse:
    """A link by mail; without mail nothing is made or sent, and the page says whom to ask."""
    if not settings.CAN_MAIL:
        return render(request, "account/password_reset.html")
    response: HttpResponse = PasswordResetView.as_view(extra_context={"can_mail": True})(request)
    return response


def trouble(request: HttpRequest) -> HttpResponse:
    """A mistake of ours, or a database that is busy or away: the only place that sees the error wherever it rose."""
    error = sys.exc_info()[1]
    if not isinstance(error, OperationalError):
        return server_error(request)
    # A write that never got the lock has changed nothing. Of a connection that broke, nobody knows.
    page = render_to_string("503.html", {"busy": "locked" in str(error)})
    return HttpResponse(page, status=503, headers={"Retry-After": "5", "Cache-Control": "no-store"})
