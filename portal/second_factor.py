"""The second factor: who needs one, where it is set up, and when a session has proven one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed
from allauth.mfa.utils import is_mfa_enabled
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django_htmx.http import HttpResponseClientRedirect

from orders.rendering import HtmxHttpRequest
from orders.sealing import Unreadable, reseal, seal, unseal
from portal.middleware import page_of
from portal.roles import ADMIN, MANAGER, STAFF
from portal.sessions import end_sessions

FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
"""What counts. Recovery codes stand in for one that is lost, and are no factor of their own."""

SENSITIVE = STAFF | {"orders.settle_order"} | (ADMIN - MANAGER)
"""To place, to settle, to administer."""

PROVEN = "second_factor"
"""In a session: how it has proven a second factor other than by a step of its login; empty once that is gone."""
AFTER = "after_second_factor"
"""In a session: the page to come back to once a factor is set up."""

OWN_PAGES = re.compile(r"account_|mfa_|usersessions_|sso_|socialaccount_")
"""Names of the URLs of one's own account, which stay open while there is no factor: there one is set up."""
ALWAYS_OPEN = {"account_logout", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"}
"""Names of those where a factor is shown, or one leaves."""


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """allauth's adapter, with our words and a picture that the strict policy shows."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "unreadable": "The portal cannot read your second factor any more. Your administrator can reset it.",
    }

    def encrypt(self, text: str) -> str:
        """Keys of apps and seeds of recovery codes do not lie open in a database or its backup."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Raises ValidationError if none of our keys opens it: never an empty key, whose codes anybody can compute."""
        try:
            return unseal(encrypted_text)
        except Unreadable:
            raise self.validation_error("unreadable") from None

    def build_totp_svg(self, url: str) -> SafeString:
        """The QR code as part of the page: a `data:` picture would need a softer policy."""
        svg: str = super().build_totp_svg(url)
        picture = svg[svg.index("<svg") :]
        return mark_safe(  # noqa: S308 - made by the library from modules, not from words
            re.sub(r' (?:width|height)="[^"]*"', "", picture, count=2).replace("<svg", '<svg class="qr"', 1)
        )

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Browsers show this name beside the passkey."""
        return {**super().get_public_key_credential_rp_entity(), "name": settings.MFA_TOTP_ISSUER}

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        """What a new key is called, if the person says nothing."""
        known = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return f"Passkey {known + 1}" if known else "Passkey"


def rotate() -> tuple[int, int]:
    """Seal all keys and seeds with the first key. Returns how many, and how many no key of ours opens."""
    resealed = unreadable = 0
    for factor in Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN):
        name = "secret" if factor.type == Authenticator.Type.TOTP else "seed"
        try:
            fresh = reseal(factor.data[name])
        except Unreadable:
            unreadable += 1
            continue
        with transaction.atomic():  # which codes are used stands in the same column
            row = Authenticator.objects.select_for_update().filter(pk=factor.pk).first()
            if row is not None and row.data.get(name) == factor.data[name]:
                row.data[name] = fresh
                row.save(update_fields=["data"])
                resealed += 1
    return resealed, unreadable


class Sound:
    """allauth's forms let some nonsense through to a library that stumbles over it; here it is no passkey."""

    def _heard(self, clean: Callable[[], Any]) -> Any:
        try:
            return clean()
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise get_adapter().validation_error("incorrect_code") from error


class AuthenticatePasskeyForm(Sound, AuthenticateWebAuthnForm):  # type: ignore[misc]
    """The second step of a login."""

    def clean_credential(self) -> Authenticator:
        return self._heard(super().clean_credential)


class LoginPasskeyForm(Sound, LoginWebAuthnForm):  # type: ignore[misc]
    """A login without a password."""

    def clean_credential(self) -> Authenticator:
        return self._heard(super().clean_credential)


class ReauthenticatePasskeyForm(Sound, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """Asked once more."""

    def clean_credential(self) -> Authenticator:
        return self._heard(super().clean_credential)


class AddPasskeyForm(Sound, AddWebAuthnForm):  # type: ignore[misc]
    """A passkey unless the person wants a mere second factor."""

    name = forms.CharField(
        label="Name", required=False, max_length=60, help_text="To tell it from others: “Phone”, “Blue key”."
    )
    passwordless = forms.BooleanField(
        label="Also sign in with it, without a password", required=False, initial=True, help_text=""
    )

    def clean(self) -> dict[str, Any]:
        return cast(dict[str, Any], self._heard(super().clean))


def needs_factor(user: Any) -> bool:
    """Whether this person can place, settle or administer, and the installation wants a factor for that."""
    return bool(settings.REQUIRE_MFA) and any(user.has_perm(permission) for permission in SENSITIVE)


def has_proven(request: HttpRequest) -> bool:
    """Whether this session has shown a second factor: when it began, since then, or by the provider's word."""
    if PROVEN in request.session:
        return bool(request.session[PROVEN])
    return any(record.get("method") == "mfa" for record in get_authentication_records(request, request.user))


class SecondFactorMiddleware:
    """Whoever needs a second factor and has not shown it is led to where that is done, and back afterwards."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HtmxHttpRequest, view: Callable[..., HttpResponse], _: tuple[Any], __: dict[str, Any]
    ) -> HttpResponse | None:
        """None lets the request through."""
        if not request.user.is_authenticated or not getattr(view, "login_required", True):
            return None
        name = request.resolver_match.view_name if request.resolver_match else ""
        if name in ALWAYS_OPEN:
            return None
        if OWN_PAGES.match(name):
            # Else a password alone would do to read the recovery codes, or to take the factor away.
            shut = not has_proven(request) and is_mfa_enabled(request.user, FACTORS)
            return self._lead_away(request) if shut else None
        if not has_proven(request) and needs_factor(request.user):
            return self._lead_away(request)
        if AFTER in request.session:
            del request.session[AFTER]
        return None

    def _lead_away(self, request: HtmxHttpRequest) -> HttpResponse:
        if request.htmx:
            page = page_of(request, request.htmx.current_url)
        elif request.method == "GET":
            page = request.get_full_path()
        else:
            page = page_of(request, request.headers.get("Referer"))
        if request.method == "POST":
            messages.warning(request, "Nothing was saved or ordered: your second factor comes first.")
        if is_mfa_enabled(request.user, FACTORS):  # it was added elsewhere after this session had begun
            url = f"{reverse('mfa_reauthenticate')}?{urlencode({'next': page})}"
        else:
            request.session[AFTER] = page
            url = reverse("mfa_index")
        return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)


@receiver(authenticator_added, dispatch_uid="portal.second_factor")
def added(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    """Setting up the first one takes a right answer of it: that proves it for this session, and ends the others."""
    if list(Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS)) == [authenticator]:
        request.session[PROVEN] = str(authenticator.type)
        end_sessions(user, but=request.session.session_key)


@receiver(authenticator_removed, dispatch_uid="portal.second_factor")
def removed(request: HttpRequest, user: User, **_: Any) -> None:
    """Without any factor left, what this session has shown before counts no more, and the others end."""
    if not is_mfa_enabled(user, FACTORS):
        request.session[PROVEN] = ""
        end_sessions(user, but=request.session.session_key)
