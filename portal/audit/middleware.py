"""Everything somebody does gets into the audit log: by the view that does it, or else by this."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from allauth.account.adapter import get_adapter
from django.contrib.messages import constants, get_messages
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from orders import auditing
from orders.behalf import Behalf, on_behalf_of
from orders.models import AuditEntry
from portal.audit.ordinary import ORDINARY

log = structlog.get_logger(__name__)

NAMED = {"account_reauthenticate": "login.confirmed", "usersessions_list": "session.ended"}
"""What others' views do without telling it, by their names."""

UNTOLD = "No more is known of it than its address."

SIGNED_OUT = "somebody not signed in"
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
AGAIN = 60
"""Seconds in which the same refusal of the same person is noted once: a script must not fill the log."""


class AuditMiddleware:
    """Says on whose behalf a request is, and notes what changed something and was noted by nobody.

    Innermost, so that it sees the answer of the view itself, and the request's id in the server's log is known.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and see that it is noted."""
        before = request.user
        behalf = Behalf(
            name=SIGNED_OUT,
            person=lambda: request.user,
            address=partial(address_of, request),
            agent=request.headers.get("User-Agent", ""),
        )
        with on_behalf_of(behalf):
            response = self.get_response(request)
            if request.method not in SAFE and before.is_authenticated:
                try:
                    _see_to(request, response, before, behalf)
                except DatabaseError:
                    # What was done is done: an error page would say that it was not.
                    log.exception("audit_entry_lost", path=path_of(request), status=response.status_code)
        return response


def _see_to(request: HttpRequest, response: HttpResponse, person: Any, behalf: Behalf) -> None:
    match, status = request.resolver_match, response.status_code
    view = match.view_name if match else ""
    data = {"view": view, "status": status}
    target = f"{request.method} {path_of(request)}"
    if status == 403:
        if cache.add(f"audit:refused:{person.pk}:{view}", True, AGAIN):
            words = "Refused: this person may not do that, or the form was too old."
            auditing.note("request.refused", actor=person, target=target, words=words, data=data)
        return
    if view in ORDINARY or not _succeeded(request, status):
        return
    if not AuditEntry.objects.filter(pk__in=behalf.noted).exists():  # an entry that was rolled back tells of nothing
        action, words = _said(request)
        auditing.note(NAMED.get(view, action), actor=person, target=target, words=words, data=data)


def _said(request: HttpRequest) -> tuple[str, str]:
    """What the person was told in answer: that it was done, or why not."""
    told = getattr(get_messages(request), "_queued_messages", [])  # to read them all would take them off the page
    words = " ".join(str(each) for each in told)
    done = not told or any(each.level == constants.SUCCESS for each in told)
    return "request" if done else "request.declined", words or UNTOLD


def _succeeded(request: HttpRequest, status: int) -> bool:
    """A form of allauth's that was not filled in well comes back with 200; what it did ends with a redirect."""
    theirs = request.resolver_match is not None and request.resolver_match.func.__module__.startswith("allauth.")
    return 300 <= status < 400 if theirs else status < 400


def address_of(request: HttpRequest) -> str:
    """The address of whoever asks, as the limits of logins count it; empty if it cannot be told."""
    try:
        return str(get_adapter().get_client_ip(request))
    except (PermissionDenied, ImproperlyConfigured, ValueError):
        return ""


def path_of(request: HttpRequest) -> str:
    """The path, without keys and tokens that stand in it."""
    path = request.path
    match = request.resolver_match
    for name, value in (match.kwargs if match else {}).items():
        if auditing.SECRET.search(name):
            path = path.replace(str(value), "***")
    return path
