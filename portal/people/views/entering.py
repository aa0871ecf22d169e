"""Whoever was invited: opens the link, chooses a name and a password, and is in."""

from __future__ import annotations

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portal.models import Invitation
from portal.people import inviting
from portal.people.forms import AcceptForm
from portal.people.inviting import Gone
from portal.people.keeping import Refused

RATE = {"invitation": "30/m/ip"}


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Opening it changes nothing, for scanners of mail open it too; sending the form uses it up."""
    if ratelimit.consume(request, app="portal", action="invitation", config=RATE, limit_get=True) is None:
        return _private(ratelimit.respond_429(request))
    invitation = inviting.find(token)
    return _private(_answer(request, invitation) if invitation else _gone(request))


def _answer(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    if request.user.is_authenticated:
        return render(request, "people/accept_signed_in.html", {"invitation": invitation})
    if User.objects.filter(email__iexact=invitation.email).exists():
        return _taken(request, invitation)
    asked_in = User(email=invitation.email, first_name=invitation.name)
    form = AcceptForm(request.POST if request.method == "POST" else None, instance=asked_in)
    if form.is_valid():
        try:
            person = inviting.accept(invitation, form.save(commit=False))
        except Gone:
            return _gone(request)
        except Refused as error:
            if str(error) == inviting.TAKEN:
                return _taken(request, invitation)
            form.add_error("username", str(error))
        else:
            if settings.OIDC_ONLY:
                messages.success(request, "Your account is open. Sign in.")
                return redirect("account_login")
            credentials = {"username": person.get_username()}
            response: HttpResponse = perform_password_login(request, credentials, Login(user=person))
            return response
    context = {"form": form, "invitation": invitation}
    return render(request, "people/accept.html", context, status=422 if form.errors else 200)


def _gone(request: HttpRequest) -> HttpResponse:
    """The same for a link that is unknown, used, revoked or old: it tells a stranger nothing."""
    return render(request, "people/accept_gone.html", status=404)


def _taken(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    return render(request, "people/accept_taken.html", {"invitation": invitation}, status=409)


def _private(response: HttpResponse) -> HttpResponse:
    """The address is a key: no cache keeps it, and no Referer tells it, not even to us."""
    response["Cache-Control"] = "no-store, private"
    response["Referrer-Policy"] = "strict-origin"
    response["X-Robots-Tag"] = "noindex"
    return response
