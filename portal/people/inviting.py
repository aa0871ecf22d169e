"""Inviting somebody: a link that works once and for some days, of which we keep nothing but a hash."""

from __future__ import annotations

import hashlib
import secrets

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import IntegrityError
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from orders import auditing
from orders.models import Limits
from portal import mailing
from portal.models import Invitation
from portal.people.keeping import Refused, in_line

GONE = "This invitation was used or revoked meanwhile."
TAKEN = "There is somebody with this e-mail address already."


class Gone(Exception):
    """The link does not work any more."""


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def invite(*, email: str, name: str, role: str, limited: bool, actor: User) -> tuple[Invitation, str]:
    """A new invitation, and the token of its link, which nobody can learn again. Raises Refused."""
    token = secrets.token_urlsafe(32)
    try:
        with in_line(actor):
            if User.objects.filter(email__iexact=email).exists():
                raise Refused(TAKEN)
            invitation = Invitation.objects.create(
                email=email,
                name=name,
                role=role,
                limited=limited,
                token_hash=digest(token),
                invited_by=actor,
                expires_at=timezone.now() + settings.INVITATION_LIFE,
            )
            told = {"role": role, "limited": limited}
            auditing.note(
                "person.invited", actor=actor, target=invitation, words=_as_what(role, limited=limited), data=told
            )
    except IntegrityError as error:
        raise Refused("This address is invited already. Send that invitation again, or revoke it.") from error
    return invitation, token


def renew(invitation: Invitation, *, actor: User) -> str:
    """A new link with a new term, on this admin's word; the one before ends. Raises Refused."""
    token, now = secrets.token_urlsafe(32), timezone.now()
    with in_line(actor):
        renewed = Invitation.objects.pending().filter(pk=invitation.pk)
        if not renewed.update(
            token_hash=digest(token), expires_at=now + settings.INVITATION_LIFE, mailed_at=None, invited_by=actor
        ):
            raise Refused(GONE)
        words = "A new link; the one before works no more."
        auditing.note("invitation.renewed", actor=actor, target=invitation, words=words)
    return token


def revoke(invitation: Invitation, *, actor: User) -> None:
    """End the link. Raises Refused if it was used."""
    with in_line(actor):
        if not Invitation.objects.pending().filter(pk=invitation.pk).update(revoked_at=timezone.now()):
            raise Refused(GONE)
        auditing.note("invitation.withdrawn", actor=actor, target=invitation, words="Its link works no more.")


def _as_what(role: str, *, limited: bool) -> str:
    limits = "for some customers only" if limited else "without limits"
    return f"As {role}, {limits}." if role else f"{limits.capitalize()}."


def link(request: HttpRequest, token: str) -> str:
    """The address to be opened by whoever is invited."""
    return request.build_absolute_uri(reverse("people:accept", args=[token]))


def send(invitation: Invitation, url: str) -> None:
    """Mail the link. Raises mailing.NotSent."""
    text = render_to_string("people/invitation.txt", {"invitation": invitation, "url": url}).strip()
    mailing.deliver(mailing.compose(invitation.email, "Your invitation to the ordering portal", text))
    Invitation.objects.filter(pk=invitation.pk, token_hash=digest(url.rstrip("/").rpartition("/")[2])).update(
        mailed_at=timezone.now()
    )


def find(token: str) -> Invitation | None:
    """The invitation whose link works now. Whether a link is unknown, used, revoked or old is not told apart."""
    return Invitation.objects.open().filter(token_hash=digest(token)).first()


def accept(invitation: Invitation, person: User) -> User:
    """Use the invitation: by compare-and-set, in the transaction that makes the person with role and limits.

    Raises Gone if somebody was quicker, Refused if the name or the address is taken meanwhile; then it is not used.
    """
    with in_line(None):
        unused = Invitation.objects.open().filter(pk=invitation.pk, token_hash=invitation.token_hash)
        if not unused.update(used_at=timezone.now()):
            raise Gone
        if User.objects.filter(email__iexact=invitation.email).exists():
            raise Refused(TAKEN)
        if User.objects.filter(username__iexact=person.username).exists():
            raise Refused("Somebody chose this name a moment ago. Choose another one.")
        now = Invitation.objects.get(pk=invitation.pk)
        person.email, person.first_name = now.email, now.name
        person.save()
        person.groups.set([Group.objects.get(name=now.role)])
        _join(now, person, role=now.role)
    return person


def accept_by_address(person: User) -> None:
    """Whoever comes in by another door has the limits of the invitation that waits for them, expired or not.

    To be called behind the line, in the transaction that makes the person.
    """
    waiting = Invitation.objects.pending().filter(email__iexact=person.email).first()
    if waiting:
        _join(waiting, person)


def _join(invitation: Invitation, person: User, **told: str) -> None:
    if invitation.limited:
        limits = Limits.objects.create(
            person=person, limited=True, own_account=invitation.own_account, any_pbx=invitation.any_pbx
        )
        limits.partners.set(invitation.partners.values_list("pk", flat=True))
    Invitation.objects.filter(pk=invitation.pk).update(used_at=timezone.now(), used_by=person)
    data = {**told, "limited": invitation.limited, "invited_by": invitation.invited_by.get_username()}
    words = _as_what(told.get("role", ""), limited=invitation.limited)
    auditing.note("person.joined", actor=person, target=person, words=words, data=data)
