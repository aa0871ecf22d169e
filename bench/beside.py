"""What the history's list is measured beside: the plainest page of the same rows, and Django's own list of them."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path

from orders.models import Record

ROWS = 50

ROW = (
    "<tr><td>{{ row.at }}</td><td>{{ row.order_no }}</td><td>{{ row.status }}</td><td>{{ row.product_name }}</td>"
    "<td>{{ row.partner_id }}</td><td>{{ row.product_no }}</td><td>{{ row.owner }}</td>"
    "<td>{{ row.reference }} {{ row.custom_reference_no }}</td><td>{{ row.amount }} {{ row.currency }}</td></tr>"
)


TABLE = "<table>{% for row in rows %}" + ROW + "{% endfor %}</table>"
FRAMED = '{% extends "base.html" %}{% block content %}' + TABLE + "{% endblock %}"


@cache
def template(text: str) -> Any:
    """Compiled once, as the portal's own are."""
    return engines["django"].from_string(text)


def bare_list(text: str = TABLE, request: HttpRequest | None = None) -> str:
    """A query and a template of the newest rows, and nothing else: no filters, no names of customers."""
    rows = Record.objects.order_by("-at", "-pk").select_related("ours", "owner").defer("raw", "detail")[:ROWS]
    return str(template(text).render({"rows": rows}, request))


def bare_page(_: HttpRequest) -> HttpResponse:
    """The same behind the portal's login, for whoever has one."""
    return HttpResponse(bare_list())


def framed_page(request: HttpRequest) -> HttpResponse:
    """The same within the portal's frame: its head and navigation."""
    return HttpResponse(bare_list(FRAMED, request))


class Plain(admin.ModelAdmin):  # type: ignore[type-arg] - it takes none when it runs
    """As one would write it in a minute."""

    list_display = (
        "at",
        "order_no",
        "status",
        "product_name",
        "partner_id",
        "product_no",
        "owner",
        "amount",
        "currency",
    )
    list_select_related = ("owner",)
    list_per_page = ROWS
    ordering = ("-at", "-pk")
    search_fields = ("order_no", "transaction_no", "instance_id", "invoice_no", "product_no", "custom_reference_no")


class Dated(Plain):
    """With the years above the list."""

    date_hierarchy = "at"


def _site(name: str, how: type[Plain]) -> admin.AdminSite:
    site = admin.AdminSite(name)
    site.register(Record, how)
    return site


urlpatterns = [
    path("bare/", bare_page),
    path("framed/", framed_page),
    path("plain/", _site("plain", Plain).urls),
    path("dated/", _site("dated", Dated).urls),
    path("", include("portal.urls")),
]
