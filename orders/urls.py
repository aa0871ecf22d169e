"""The URLs of ordering."""

from django.urls import path

from orders.views import ordering, orders

app_name = "orders"

urlpatterns = [
    path("", ordering.catalogue, name="catalogue"),
    path("orders/", orders.order_list, name="list"),
    path("orders/start/<slug:slug>/", ordering.start, name="start"),
    path("orders/<uuid:pk>.json", orders.order_json, name="order_json"),
    path("orders/<uuid:pk>/", orders.order_page, name="order"),
    path("orders/<uuid:pk>/place/", ordering.place, name="place"),
    path("orders/<uuid:pk>/again/", ordering.again, name="again"),
    path("orders/<uuid:pk>/discard/", ordering.discard, name="discard"),
    path("orders/<uuid:pk>/restore/", ordering.restore, name="restore"),
    path("orders/<uuid:pk>/settle/", orders.settle, name="settle"),
    path("orders/<uuid:pk>/<slug:name>/", ordering.step, name="step"),
    path("orders/<uuid:pk>/<slug:name>/options/", ordering.options, name="options"),
]
