"""The URLs of the building: ordering, accounts, health."""

from allauth.account.urls import urlpatterns as account_urls
from django.urls import include, path
from django.views.generic import RedirectView

from portal.views import healthz, trouble

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    # An address is a way to reset a password: it is kept by an operator, not by the person.
    path("accounts/email/", RedirectView.as_view(pattern_name="account_change_password"), name="account_email"),
    path("accounts/", include([url for url in account_urls if url.name != "account_email"])),
    path("", include("orders.urls")),
]

handler500 = trouble
