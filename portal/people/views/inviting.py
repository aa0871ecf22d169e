"""Admins: invite somebody, send the link again, hand it over, take it back."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orders.rendering import HtmxHttpRequest, page
from portal import mailing
from portal.models import Invitation
from portal.people import inviting, listing
from portal.people.forms import InviteForm
from portal.people.keeping import Refused
from portal.roles import ROLE_WORDS

ADD_PEOPLE = "auth.add_user"

LINK_COOKIE, LINK_SECONDS = "invitation", 120
"""Carries a link over the redirect to the one page that shows it, in nobody's browser but the admin's."""

admins_only = permission_required(ADD_PEOPLE, raise_exception=True)


@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
def invite(request: HtmxHttpRequest) -> HttpResponse:
    """Ask somebody in."""
    form = InviteForm(request.POST if request.method == "POST" else None, initial={"role": "staff"})
    if form.is_valid():
        try:
            invitation, token = inviting.invite(**form.cleaned_data, actor=request.user)
        except Refused as error:
            form.add_error("email", str(error))
        else:
            return _deliver(request, invitation, token, by_mail=settings.CAN_MAIL)
    context = {
        "form": form,
        "role_words": ROLE_WORDS,
        "can_mail": settings.CAN_MAIL,
        "days": settings.INVITATION_LIFE.days,
    }
    return page(request, "people/invite.html", "people/invite.html", context, status=422 if form.errors else 200)


@require_safe
@admins_only
def invitation_page(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """What became of an invitation. Its link is shown once, right after it was made, if it is to be handed over."""
    invitation = get_object_or_404(Invitation.objects.select_related("invited_by", "used_by"), pk=pk)
    token = request.get_signed_cookie(LINK_COOKIE, default="", max_age=LINK_SECONDS) or ""
    fresh = bool(token) and invitation.pending and inviting.digest(token) == invitation.token_hash
    context = {
        "invitation": invitation,
        "link": inviting.link(request, token) if fresh else "",
        "role": ROLE_WORDS.get(invitation.role, (invitation.role, ""))[0],
        "limits": listing.in_words(invitation),
        "can_mail": settings.CAN_MAIL,
    }
    response = page(request, "people/invitation.html", "people/invitation.html", context)
    if token:
        response.delete_cookie(LINK_COOKIE, path=request.path, samesite="Strict")
    return response


@require_POST
@admins_only
def renew(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """A new link: sent, or shown to be handed over. The one before ends."""
    invitation = get_object_or_404(Invitation, pk=pk)
    try:
        token = inviting.renew(invitation, actor=request.user)
    except Refused as error:
        messages.error(request, str(error))
        return redirect("people:invitation", pk)
    invitation.refresh_from_db()
    return _deliver(request, invitation, token, by_mail=settings.CAN_MAIL and request.POST.get("do") == "send")


@require_POST
@admins_only
def revoke(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """Take it back."""
    invitation = get_object_or_404(Invitation, pk=pk)
    try:
        inviting.revoke(invitation, actor=request.user)
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The link for {invitation.email} does not work any more.")
    return redirect("people:people")


def _deliver(request: HtmxHttpRequest, invitation: Invitation, token: str, *, by_mail: bool) -> HttpResponse:
    """Mail the link. What cannot be mailed is shown once; the invitation stands either way."""
    here = reverse("people:invitation", args=[invitation.pk])
    response = redirect(here)
    if by_mail:
        try:
            inviting.send(invitation, inviting.link(request, token))
        except mailing.NotSent:
            messages.error(
                request,
                "The mail could not be sent: the mail server did not take it. Hand the link over yourself, "
                "or send it again.",
            )
        else:
            messages.success(request, f"The invitation is on its way to {invitation.email}.")
            return response
    response.set_signed_cookie(
        LINK_COOKIE,
        token,
        max_age=LINK_SECONDS,
        path=here,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return response
