"""The door: who came in, who left, who was turned away, and who changed the lock."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from allauth.account import signals as account
from django.apps import apps
from django.contrib.auth import get_user_model, user_logged_in, user_logged_out, user_login_failed
from django.db.models import Q

from orders.auditing import note


def connect() -> None:
    """Listen, once."""
    heard: list[tuple[Any, Callable[..., None]]] = [
        (user_logged_in, came_in),
        (user_logged_out, left),
        (user_login_failed, turned_away),
        (account.password_changed, password_changed),
        (account.password_set, password_changed),
        (account.password_reset, password_reset),
        (account.email_changed, email_changed),
    ]
    if apps.is_installed("allauth.mfa"):
        mfa = import_module("allauth.mfa.signals")  # which cannot be imported where it is not installed
        heard += [
            (mfa.authenticator_added, factor_added),
            (mfa.authenticator_removed, factor_removed),
            (mfa.authenticator_reset, factor_made_anew),
            (mfa.authentication_failed, factor_wrong),
        ]
    for signal, receiver in heard:
        signal.connect(receiver, dispatch_uid=f"portal.audit.{receiver.__name__}")


def came_in(*, user: Any, **_: Any) -> None:
    """A login that has passed every stage."""
    note("login", actor=user, target=user)


def left(*, user: Any, **_: Any) -> None:
    """Somebody has logged out. There may be nobody to log out."""
    if user is not None:
        note("logout", actor=user, target=user)


def turned_away(*, credentials: dict[str, Any], **_: Any) -> None:
    """A name and a password that do not belong together.

    What was typed as a name may be a password, in the wrong field: only a name or address that we know is kept.
    """
    typed = str(credentials.get("username") or credentials.get("email") or "")[:254].replace("\x00", "")
    known = Q(username__iexact=typed) | Q(email__iexact=typed)
    user = get_user_model().objects.filter(known).order_by("pk").first() if typed else None
    words = "" if user else "No such name or address. What was typed is not kept: it may be somebody's password."
    note("login.failed", target=user or "unknown", words=words)


def password_changed(*, user: Any, **_: Any) -> None:
    """By the person, who knew the old one."""
    note("password.changed", actor=user, target=user)


def password_reset(*, user: Any, **_: Any) -> None:
    """By whoever had the link that was sent to the person's address."""
    note("password.reset", actor=user, target=user)


def email_changed(*, user: Any, from_email_address: Any, to_email_address: Any, **_: Any) -> None:
    """Where a link to reset the password is sent."""
    addresses = {"before": getattr(from_email_address, "email", ""), "after": getattr(to_email_address, "email", "")}
    note("email.changed", actor=user, target=user, data={"address": addresses})


def factor_added(*, user: Any, authenticator: Any, **_: Any) -> None:
    """A second factor more."""
    note("mfa.added", target=user, words=_kind(authenticator))


def factor_removed(*, user: Any, authenticator: Any, **_: Any) -> None:
    """A second factor less; by the person, or by an admin."""
    note("mfa.removed", target=user, words=_kind(authenticator))


def factor_made_anew(*, user: Any, authenticator: Any, **_: Any) -> None:
    """Recovery codes, mostly."""
    note("mfa.reset", target=user, words=_kind(authenticator))


def factor_wrong(*, user: Any, **_: Any) -> None:
    """The password was right, the second factor was not."""
    note("login.failed", target=user, words="The second factor was wrong.")


def _kind(authenticator: Any) -> str:
    return str(authenticator.get_type_display())
