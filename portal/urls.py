"""The URLs of the building: ordering, accounts, health."""

from allauth.account.urls import urlpatterns as account_urls
from django.urls import URLPattern, include, path
from django.views.decorators.cache import cache_control
from django.views.generic import RedirectView

from portal.views import healthz, password_reset, trouble

OURS = {"account_email", "account_reset_password"}


def not_kept(url: URLPattern) -> URLPattern:
    """allauth's page, kept by no browser and no proxy."""
    view = cache_control(no_store=True, private=True)(url.callback)
    return URLPattern(url.pattern, view, url.default_args, url.name)


accounts = [
    # An address is a way to reset a password: it is kept by an operator, not by the person.
    path("email/", RedirectView.as_view(pattern_name="account_change_password"), name="account_email"),
    path("password/reset/", password_reset, name="account_reset_password"),
    *(url for url in account_urls if url.name not in OURS),
]

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("accounts/", include([not_kept(url) for url in accounts])),
    path("", include("portal.people.urls")),
    path("", include("orders.urls")),
]

handler500 = trouble
