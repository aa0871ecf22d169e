"""The building's own pages."""

import sys

from django.contrib.auth.decorators import login_not_required
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
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


def trouble(request: HttpRequest) -> HttpResponse:
    """A mistake of ours, or a database that is busy or away: the only place that sees the error wherever it rose."""
    error = sys.exc_info()[1]
    if not isinstance(error, OperationalError):
        return server_error(request)
    # A write that never got the lock has changed nothing. Of a connection that broke, nobody knows.
    page = render_to_string("503.html", {"busy": "locked" in str(error)})
    return HttpResponse(page, status=503, headers={"Retry-After": "5", "Cache-Control": "no-store"})
