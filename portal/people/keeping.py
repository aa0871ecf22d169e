"""Roles, the way out and the way back. An active admin always remains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Exists, Q, QuerySet
from django.utils import timezone

from orders import auditing
from orders.lifecycle import Status
from orders.models import Order
from portal.models import Invitation
from portal.roles import ADMIN_ROLE, ROLES
from portal.sessions import end_sessions


class Refused(Exception):
    """Nothing was changed; the message says why, in words for the person who asked."""


LAST_ADMIN = (
    "{} is the last admin who can sign in. Make somebody else an admin first: without one, nobody could let people in."
)
NO_ADMIN = "You are no admin any more: somebody changed that a moment ago. Nothing was changed."
YOURSELF = "This is you. Ask another admin to do it, so that nobody locks themselves out by mistake."


@contextmanager
def in_line(actor: User | None) -> Iterator[None]:
    """A transaction in which nobody else changes who may do what. Raises Refused if the actor is no admin any more.

    SQLite has one writer anyway; PostgreSQL locks the admins' group, and what is read behind the lock is committed.
    Without an actor it is the command line, or somebody with an invitation.
    """
    with transaction.atomic(durable=True):
        Group.objects.select_for_update().get(name=ADMIN_ROLE)
        if actor is not None and not admins().filter(pk=actor.pk).exists():
            raise Refused(NO_ADMIN)
        yield


def admins() -> QuerySet[User]:
    """Those who can sign in as an admin."""
    return User.objects.filter(is_active=True, groups__name=ADMIN_ROLE)


def role_of(person: User) -> str:
    """The strongest role of a person, for each includes the ones before it; empty without any."""
    held = {group.name for group in person.groups.all()}
    return next((role for role in reversed(ROLES) if role in held), "")


def is_last_admin(person: User) -> bool:
    """Whether nobody else is left who can sign in as an admin. Only behind the line it stays true."""
    return set(admins().values_list("pk", flat=True)) == {person.pk}


def give_role(person: User, role: str, *, actor: User | None) -> str:
    """Give this role, or none if empty, in place of any other. The role before.

    Raises Refused for the last admin, and for oneself.
    """
    with in_line(actor):
        before = role_of(person)
        if before == role:
            return before
        _refuse(person, actor, losing=role != ADMIN_ROLE)
        person.groups.set(Group.objects.filter(name=role))
        if before == ADMIN_ROLE:
            _end_invitations(person)
        auditing.note("role.changed", actor=actor, target=person, data={"role": {"before": before, "after": role}})
    return before


def change_details(person: User, *, email: str, name: str, actor: User | None) -> None:
    """Another address and name. The address is a way to a new password, so nobody changes their own. Raises Refused."""
    with in_line(actor):
        _refuse(person, actor, losing=False)
        before = User.objects.get(pk=person.pk)
        if email and User.objects.filter(email__iexact=email).exclude(pk=person.pk).exists():
            raise Refused("Somebody else has this e-mail address.")
        User.objects.filter(pk=person.pk).update(email=email, first_name=name, last_name="")
        if before.email != email:
            EmailAddress.objects.filter(user_id=person.pk).delete()  # else a link still went to the old one
        told = auditing.changes(
            {"email": before.email, "name": before.get_full_name()}, {"email": email, "name": name.strip()}
        )
        if told:
            auditing.note(
                "email.changed" if "email" in told else "person.changed", actor=actor, target=person, data=told
            )


def deactivate(person: User, *, actor: User | None) -> None:
    """Nobody signs in as this person any more, and whoever had is out. Raises Refused."""
    with in_line(actor):
        _refuse(person, actor, losing=True)
        User.objects.filter(pk=person.pk).update(is_active=False)
        revoked, ended = _end_invitations(person), end_sessions(person)
        told = {"sessions_ended": ended, "invitations_revoked": revoked}
        words = f"{_many(ended, 'session')} ended, {_many(revoked, 'invitation')} revoked."
        auditing.note("person.deactivated", actor=actor, target=person, words=words, data=told)


def reactivate(person: User, *, actor: User | None) -> None:
    """They may sign in again, as who they were."""
    with in_line(actor):
        if User.objects.filter(pk=person.pk, is_active=False).update(is_active=True):
            auditing.note("person.activated", actor=actor, target=person, words="They may sign in again.")


def sign_out(person: User, *, actor: User | None) -> int:
    """End all sessions of a person at once. How many there were. Raises Refused."""
    with in_line(actor):
        count = end_sessions(person)
        words, told = f"{_many(count, 'session')} ended.", {"sessions_ended": count}
        auditing.note("person.signed_out", actor=actor, target=person, words=words, data=told)
    return count


def reset_factors(person: User, *, reason: str, actor: User | None) -> int:
    """Take away every second factor and passkey, for somebody who lost theirs. How many. Raises Refused."""
    with in_line(actor):
        if actor is not None and actor.pk == person.pk:
            raise Refused("This is you. Change your own second factor under your account.")
        removed: int = Authenticator.objects.filter(user_id=person.pk).delete()[0]
        ended = end_sessions(person)
        told = {"removed": removed, "sessions_ended": ended}
        auditing.note("mfa.removed", actor=actor, target=person, words=reason, data=told)
    return removed


def take_over(draft: Order, *, actor: User) -> None:
    """Make a draft one's own, of somebody who cannot go on with it. Raises Refused if that changed a moment ago."""
    gone = User.objects.filter(pk=draft.owner_id, is_active=False)  # not a join: the UPDATE must look at the row itself
    left = Q(owner__in=gone, status=Status.DRAFT, discarded_at=None)
    if not draft.note(
        title=f"Draft taken over from {draft.owner}",
        actor=actor,
        only_if=left & Q(Exists(admins().filter(pk=actor.pk))),
        also=lambda: auditing.note("order.taken_over", target=draft, words=f"A draft of {draft.owner}"),
        owner_id=actor.pk,
    ):
        raise Refused(f"The draft is not yours: another admin was quicker, or {draft.owner} may sign in again.")


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _refuse(person: User, actor: User | None, *, losing: bool) -> None:
    if actor is not None and actor.pk == person.pk:
        raise Refused(YOURSELF)
    if losing and is_last_admin(person):
        raise Refused(LAST_ADMIN.format(person.get_username()))


def _end_invitations(person: User) -> int:
    """Whom they asked in as an admin, and who has not come, does not come on their word any more."""
    return Invitation.objects.pending().filter(invited_by=person).update(revoked_at=timezone.now())
