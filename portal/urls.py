"""The URLs of the building: ordering, accounts, health."""

from django.urls import include, path

from portal.views import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("accounts/", include("allauth.account.urls")),
    path("", include("orders.urls")),
]
