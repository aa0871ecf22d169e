"""Single sign-on with one OpenID Connect provider: who is let in, as whom, and with which roles."""

from __future__ import annotations

import functools
import logging
import secrets
from collections.abc import Callable
from typing import Any, cast

import jwt
from allauth.account.signals import user_logged_in
from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.dispatch import receiver
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_GET, require_POST
from requests import RequestException

from orders import auditing
from portal.people import inviting, keeping
from portal.roles import ROLES
from portal.second_factor import PROVEN

logger = logging.getLogger(__name__)

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures that only the provider can make; a shared secret proves nothing of the kind."""
LEEWAY = 60
"""Seconds by which the provider's clock may differ from ours."""

RATE = {"sso": "30/m/ip"}
"""Each asks the provider, and keeps a session."""

TROUBLE = {
    # kind: (status, title, words)
    "down": (503, "{name} does not answer", "Nothing is lost. Try again in a moment."),
    "failed": (401, "Signing in did not work", "The answer of {name} could not be trusted, or came too late."),
    "cancelled": (200, "Signing in was cancelled", "You, or {name}, did not go through with it."),
    "unknown": (403, "Nobody knows you here yet", "Ask your administrator to invite you with your e-mail address."),
    "unverified": (403, "Your e-mail address is not confirmed", "{name} must have confirmed it before it counts here."),
    "no_groups": (403, "{name} did not tell your groups", "Your role here depends on them. Tell your administrator."),
    "no_role": (403, "None of your groups has a role here", "Ask your administrator for access to ordering."),
}


class Refused(ImmediateHttpResponse):  # type: ignore[misc]
    """Nobody gets in this way; the response is a page that says why."""

    def __init__(self, request: HttpRequest, kind: str) -> None:
        super().__init__(trouble(request, kind))
        logger.warning("Single sign-on refused: %s", kind)
        auditing.note("login.failed", words=f"{settings.OIDC_NAME}: {TROUBLE[kind][1].format(name='it')}")


def trouble(request: HttpRequest, kind: str) -> HttpResponse:
    """A page that says what is the matter, and how else one gets in."""
    status, title, words = TROUBLE[kind]
    context = {"title": title.format(name=settings.OIDC_NAME), "words": words.format(name=settings.OIDC_NAME)}
    context["title"] = context["title"][0].upper() + context["title"][1:]
    return render(request, "account/sso_trouble.html", {**context, "sso_only": settings.OIDC_ONLY}, status=status)


class Adapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """allauth's side of the protocol, where it is less strict than the specification allows us to be."""

    def __init__(self, request: HttpRequest, provider_id: str = "sso") -> None:
        super().__init__(request, provider_id)

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return request.build_absolute_uri(reverse("sso_callback"))

    @functools.cached_property
    def openid_config(self) -> dict[str, Any]:
        """What the provider says of itself, if it is the one that we were told of (Discovery 1.0, 4.3)."""
        issuer = settings.OIDC_SERVER_URL.split("/.well-known/")[0]
        config = self._get(self.get_provider().server_url)
        if str(config.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
            raise OAuth2Error("the discovery document is of another issuer")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(config.get(name), str):
                raise OAuth2Error(f"the discovery document has no {name}")
        return config

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **more: Any) -> SocialLogin:
        """The ID token says who; userinfo may say more of the same person, never of another (Core 1.0, 5.3.2)."""
        said = self._decode_id_token(app, str(more["response"].get("id_token") or ""))
        told = {}
        if self.openid_config.get("userinfo_endpoint"):
            told = self._get(self.profile_url, headers={"Authorization": f"Bearer {token.token}"})
            if told.get("sub") != said["sub"]:
                raise OAuth2Error("userinfo is of somebody else")
        return self.get_provider().sociallogin_from_response(request, {"userinfo": {**said, **told}, "id_token": said})

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        """Its claims; raises OAuth2Error unless signed by the provider, for us, and still good."""
        try:
            key_id = jwt.get_unverified_header(id_token).get("kid")
            keys = jwt.PyJWKSet.from_dict(self._get(self.openid_config["jwks_uri"])).keys
            key = next((each for each in keys if key_id is None or each.key_id == key_id), None)
            if key is None:
                raise OAuth2Error("the ID token is signed by an unknown key")
            claims: dict[str, Any] = jwt.decode(
                id_token,
                key,
                algorithms=ALGORITHMS,
                audience=app.client_id,
                issuer=self.openid_config["issuer"],
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise OAuth2Error(f"the ID token does not hold: {type(error).__name__}") from error
        if claims.get("azp", app.client_id) != app.client_id:
            raise OAuth2Error("the ID token was made for another client")
        return claims

    def _get(self, url: str, **options: Any) -> dict[str, Any]:
        """JSON of the provider; raises RequestException if it does not come."""
        with get_adapter().get_requests_session() as session:
            answer = session.get(url, **options)
            answer.raise_for_status()
            found = answer.json()
        if not isinstance(found, dict):
            raise OAuth2Error("the provider's answer is no object")
        return found


class Provider(OpenIDConnectProvider):  # type: ignore[misc]
    """The one provider that the environment names."""

    oauth2_adapter_class = Adapter

    def get_login_url(self, request: HttpRequest, **more: Any) -> str:
        return reverse("sso_login")

    def get_callback_url(self) -> str:
        return reverse("sso_callback")

    def sociallogin_from_response(self, request: HttpRequest, response: dict[str, Any]) -> SocialLogin:
        """Claims are for this login alone and are not kept; a name is never what decides."""
        login = super().sociallogin_from_response(request, response)
        login.claims, login.id_token = response["userinfo"], response["id_token"]
        login.email_addresses = [each for each in login.email_addresses if str(each.verified) in ("True", "true")]
        for address in login.email_addresses:
            address.verified = True  # some write it as a word
        return login

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """What the portal remembers of the account at the provider."""
        return {name: data["userinfo"].get(name) for name in ("email", "preferred_username")}


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Who gets in, as whom, with which roles."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Before anything is written or anybody is let in."""
        if not constant_time_compare(sociallogin.id_token.get("nonce"), sociallogin.state.get("nonce")):
            logger.warning("Single sign-on failed: the ID token answers another question")
            raise Refused(request, "failed")
        person = sociallogin.user if sociallogin.is_existing else person_of(request, sociallogin)
        if person and not person.is_active:
            auditing.note("login.failed", target=person, words=f"{settings.OIDC_NAME}: deactivated")
            raise ImmediateHttpResponse(redirect("account_inactive"))
        role = role_of_groups(request, sociallogin.claims)
        if person and role is not None:
            renew_role(person, role)
        if role == "":
            raise Refused(request, "no_role")
        if not person:
            if not settings.OIDC_CREATE_PEOPLE:
                raise Refused(request, "unknown")
        elif not sociallogin.is_existing:
            sociallogin.connect(request, person)
            auditing.note("login.connected", actor=person, target=person, words=settings.OIDC_NAME)

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        """What the provider calls them, up to an @: a user name might else be the address of somebody else."""
        name = str(data.get("username") or "").partition("@")[0][:150]
        return cast(User, super().populate_user(request, sociallogin, {**data, "username": name}))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Only the provider's people, and only if they are to be made."""
        return bool(settings.OIDC_CREATE_PEOPLE)

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        """A new person, with the role of their groups, and the limits of the invitation that waits for them."""
        with keeping.in_line(None):
            user = cast(User, super().save_user(request, sociallogin, form))
            words = f"At the first login with {settings.OIDC_NAME}"
            auditing.note("person.added", actor=user, target=user, words=words)
            inviting.accept_by_address(user)
        renew_role(user, role_of_groups(request, sociallogin.claims) or "")
        return user

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Exception | None = None, **_: Any
    ) -> None:
        """Our page instead of allauth's. The log has the kind of error: its text may hold what the provider sent."""
        if error == "cancelled":
            raise ImmediateHttpResponse(trouble(request, "cancelled"))
        raise ImmediateHttpResponse(failure(request, exception))


def failure(request: HttpRequest, error: Exception | None) -> HttpResponse:
    """The page for what went wrong between the provider and us."""
    words = error.args[0] if isinstance(error, OAuth2Error) and "retrieving" not in str(error) else ""
    logger.warning("Single sign-on failed: %s %s", type(error).__name__, words)
    return trouble(request, "down" if isinstance(error, RequestException) else "failed")


def person_of(request: HttpRequest, sociallogin: SocialLogin) -> User | None:
    """Whom the confirmed e-mail address belongs to here. An unconfirmed one opens nothing, not even a new account."""
    if not sociallogin.email_addresses:
        raise Refused(request, "unverified")
    people = User.objects.filter(email__iexact=sociallogin.email_addresses[0].email)
    if len(people) > 1:
        raise Refused(request, "unknown")
    return people.first()


def role_of_groups(request: HttpRequest, claims: dict[str, Any]) -> str | None:
    """The strongest role of the groups that the provider names, empty without one; None if the portal gives roles."""
    if not settings.OIDC_ROLES:
        return None
    groups = claims.get(settings.OIDC_GROUPS_CLAIM)
    if isinstance(groups, str):
        groups = groups.split()
    if not isinstance(groups, list):
        raise Refused(request, "no_groups")
    named = {settings.OIDC_ROLES[group] for group in groups if isinstance(group, str) and group in settings.OIDC_ROLES}
    return next((role for role in reversed(ROLES) if role in named), "")


def renew_role(person: User, role: str) -> None:
    """What the provider says now; none if empty. The last admin stays one: else nobody could let people in."""
    try:
        keeping.give_role(person, role, actor=None)
    except keeping.Refused:
        logger.warning("Single sign-on leaves person %s the role admin: there is no other admin", person.pk)


@receiver(user_logged_in, dispatch_uid="portal.sso")
def vouch(request: HttpRequest, sociallogin: SocialLogin | None = None, **_: Any) -> None:
    """A factor that was shown to the provider counts here, if the ID token says so (RFC 8176)."""
    claims = getattr(sociallogin, "id_token", {})
    methods = claims.get("amr")
    told = {str(each) for each in methods} if isinstance(methods, list) else set()
    if set(settings.OIDC_MFA) & {*told, str(claims.get("acr"))}:
        request.session[PROVEN] = "provider"


def local_door(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A way in, or to a way in, by password or passkey: shut where only single sign-on counts."""

    @functools.wraps(view)
    def door(request: HttpRequest, *given: Any, **named: Any) -> HttpResponse:
        page_of_doors = request.resolver_match and request.resolver_match.view_name == "account_login"
        if not settings.OIDC_ONLY or (page_of_doors and request.method in ("GET", "HEAD")):
            return view(request, *given, **named)
        return redirect("mfa_index" if request.user.is_authenticated else "account_login")

    return door


@login_not_required
@require_POST
def login(request: HttpRequest) -> HttpResponse:
    """Off to the provider. By a page that goes on by itself: a form may not lead to other sites (form-action)."""
    if not settings.OIDC_SERVER_URL:
        raise Http404
    if ratelimit.consume(request, app="portal", action="sso", config=RATE) is None:
        return cast(HttpResponse, ratelimit.respond_429(request))
    nonce = secrets.token_urlsafe(32)
    try:
        answer = (
            get_adapter()
            .get_provider(request, "sso")
            .redirect(
                request,
                AuthProcess.LOGIN,
                next_url=get_next_redirect_url(request),
                auth_params={"nonce": nonce},
                nonce=nonce,
            )
        )
    except (OAuth2Error, RequestException, ValueError) as error:
        return failure(request, error)
    return render(request, "account/sso_going.html", {"url": answer.url})


@login_not_required
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Back from the provider."""
    if not settings.OIDC_SERVER_URL:
        raise Http404
    try:
        response: HttpResponse = OAuth2CallbackView.adapter_view(Adapter)(request)
    except ImmediateHttpResponse as error:
        return cast(HttpResponse, error.response)
    except (OAuth2Error, RequestException, KeyError, TypeError, ValueError) as error:
        return failure(request, error)
    return response


@login_not_required
@require_GET
def cancelled(request: HttpRequest) -> HttpResponse:
    """The person turned round at the provider's."""
    return trouble(request, "cancelled")
