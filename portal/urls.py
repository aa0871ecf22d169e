"""The URLs of the building: ordering, accounts, health."""

from django.urls import include, path

from portal.views import healthz, readyz, trouble

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("accounts/", include("portal.account_urls")),
    path("", include("portal.people.urls")),
    path("", include("orders.urls")),
]

handler500 = trouble
