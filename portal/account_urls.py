"""Everybody's own doors: in, out, password, second factor, sessions. What is not named here is not open."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from allauth.usersessions.views import list_usersessions
from django.urls import URLPattern, path, re_path
from django.views.decorators.cache import cache_control
from django.views.generic import RedirectView

from portal import sso
from portal.views import own_account, password_reset


def door(url: URLPattern) -> URLPattern:
    """The page, kept by no browser and no proxy; shut if it is of passwords and only single sign-on counts."""
    view = sso.local_door(url.callback) if url.name in LOCAL else url.callback
    return URLPattern(url.pattern, cache_control(no_store=True, private=True)(view), url.default_args, url.name)


PASSWORD = [
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/set/", account.password_set, name="account_set_password"),
    path("password/reset/", password_reset, name="account_reset_password"),
    path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    path(
        "password/reset/key/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
]

PASSKEYS = [
    path("passkeys/", webauthn.list_webauthn, name="mfa_list_webauthn"),
    path("passkeys/add/", webauthn.add_webauthn, name="mfa_add_webauthn"),
    path("passkeys/login/", webauthn.login_webauthn, name="mfa_login_webauthn"),
    path("passkeys/reauthenticate/", webauthn.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("passkeys/<int:pk>/remove/", webauthn.remove_webauthn, name="mfa_remove_webauthn"),
    path("passkeys/<int:pk>/edit/", webauthn.edit_webauthn, name="mfa_edit_webauthn"),
]

urls = [
    path("", own_account, name="mfa_index"),
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("signup/", account.signup, name="account_signup"),  # says that there is none
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    # An address is a way to reset a password: it is kept by an operator, not by the person.
    path("email/", RedirectView.as_view(pattern_name="mfa_index"), name="account_email"),
    *PASSWORD,
    path("second-factor/", mfa.authenticate, name="mfa_authenticate"),
    path("second-factor/again/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("app/activate/", totp.activate_totp, name="mfa_activate_totp"),
    path("app/deactivate/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("recovery-codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("recovery-codes/generate/", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("recovery-codes/download/", codes.download_recovery_codes, name="mfa_download_recovery_codes"),
    *PASSKEYS,
    path("sessions/", list_usersessions, name="usersessions_list"),
    path("sso/", sso.login, name="sso_login"),
    path("sso/callback/", sso.callback, name="sso_callback"),
    path("sso/cancelled/", sso.cancelled, name="socialaccount_login_cancelled"),
]

LOCAL = {*(url.name for url in PASSWORD), "mfa_login_webauthn", "account_login"}

urlpatterns = [door(url) for url in urls]
