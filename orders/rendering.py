"""Page or partial, decided in one place."""

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails


class HtmxHttpRequest(HttpRequest):
    """A request after HtmxMiddleware, of somebody who has logged in: every view of ours is private."""

    htmx: HtmxDetails
    user: User


def wants_partial(request: HtmxHttpRequest) -> bool:
    """Whether htmx will swap a piece: not for boosted links, nor when it restores its history."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def page(
    request: HtmxHttpRequest, template: str, partial: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render `template`, or only its `partial` for htmx."""
    response = render(request, partial if wants_partial(request) else template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    # A page of one person must not come back from a shared cache, nor from Back after logging out.
    response["Cache-Control"] = "no-store, private"
    return response
