"""The vendor's calls: which path is which, and what each answers as `result`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote

from . import users
from .answers import Refusal, invalid
from .catalogue import PRODUCTS, product_info
from .checking import Fields, parse_json
from .countries import COUNTRIES
from .ordering import buy
from .reading import Request, form_of, needed, number_in, query_of
from .records import Device
from .settings import Settings
from .tokens import Tokens
from .world import World

_PAGE = ("pageNo", "pageSize", "sort")


class Endpoints:
    """One method per call; each returns the `result` or raises Refusal."""

    def __init__(self, world: World, tokens: Tokens, settings: Settings):
        self._world = world
        self._tokens = tokens
        self._settings = settings

    def token(self, request: Request) -> Any:
        return self._tokens.grant(form_of(request))

    def partner_list(self, request: Request) -> Any:
        query_of(request)
        with self._world.lock:
            return list(self._world.partners.values())

    def billing_contact_list(self, request: Request) -> Any:
        query_of(request)
        with self._world.lock:
            return list(self._world.contacts.values())

    def product_list(self, request: Request) -> Any:
        query_of(request)
        return [{"name": product.name, "productId": str(product.id)} for product in PRODUCTS.values()]

    def purchase_product_info(self, request: Request) -> Any:
        query = query_of(request, "productId", "productNo")
        product = PRODUCTS.get(number_in(query, "productId"))
        if product is None:
            raise invalid("productId", "exists", "is not a product that this account may buy")
        with self._world.lock:
            if product.id in (12, 13) and query.get("productNo"):
                self._device(product.id, query["productNo"])
            return product_info(product, self._world.withdrawn, set(self._settings.catalogue_shape))

    def instance_product_list(self, request: Request) -> Any:
        query = query_of(request, "productId", "pageNo", "pageSize")
        product = number_in(query, "productId")
        with self._world.lock:
            return self._paged(query, self._world.instances(product), Device.row)

    def instance_detail(self, request: Request) -> Any:
        query = query_of(request, "productId", "productNo")
        product, serial = number_in(query, "productId"), needed(query, "productNo")
        with self._world.lock:
            return self._device(product, serial).detail()

    def save(self, request: Request) -> Any:
        return buy(
            self._world, request.body, request.text, request_id=request.id, status=self._settings.order_status
        ).receipt()

    def order_page(self, request: Request) -> Any:
        query = query_of(request, *_PAGE)
        if query.get("sort", "id") not in ("id", "-id"):
            raise invalid("sort", "oneof", "must be id or -id")
        with self._world.lock:
            orders = self._world.history(self._settings.history_lag_seconds)
            return self._paged(
                query,
                orders,
                lambda order: order.row(echo=self._settings.echo_po_number),
                backwards=query.get("sort") == "-id",
            )

    def order_get(self, request: Request, number: str) -> Any:
        query_of(request)
        with self._world.lock:
            order = self._world.order(number)
            lag = self._settings.history_lag_seconds
            if order is None or (lag and order not in self._world.history(lag)):
                raise Refusal("order_not_found", f"No order {number}", status=404)
            contact = self._world.contacts.get(order.billing_id, {})
            partner = self._world.partners.get(order.partner_id, {})
            return order.detail(contact, partner, echo=self._settings.echo_po_number)

    def area_page(self, request: Request) -> Any:
        query = query_of(request, *_PAGE, "name")
        sort = query.get("sort", "id")
        if sort.removeprefix("-") not in ("id", "name", "code"):
            raise invalid("sort", "oneof", "must be id, name or code, perhaps with a minus")
        wanted = query.get("name", "").casefold()
        rows = [country for country in COUNTRIES if wanted in country["name"].casefold()]
        if sort != "id":
            rows.sort(key=lambda country: country[sort.removeprefix("-")], reverse=sort.startswith("-"))
        return self._paged(query, rows, dict)

    def save_user(self, request: Request) -> Any:
        return users.save_user(self._world, request.body)

    def edit_user(self, request: Request) -> Any:
        return users.edit_user(self._world, request.body)

    def subordinate_user(self, request: Request, email: str) -> Any:
        query_of(request)
        with self._world.lock:
            found = users.by_email(self._world, unquote(email))
        if found is None:
            raise Refusal("user_not_found", f"No subordinate user {email}", status=404)
        return found

    def existed_auto_renew(self, request: Request) -> Any:
        query = query_of(request, "productId", "productNo")
        key = (number_in(query, "productId"), needed(query, "productNo"))
        with self._world.lock:
            return {"autoRenew": key in self._world.auto_renewed}

    def activate_auto_renew(self, request: Request) -> Any:
        body = Fields(parse_json(request.body))
        serial, product = body.text("productNo"), body.number("productId")
        body.number("planOrServiceId")
        body.nothing_else()
        self._world.happen({"event": "auto_renew", "productId": product, "productNo": serial})
        return True

    def _device(self, product: int, serial: str) -> Device:
        device = self._world.devices.get((product, serial))
        if device is None:
            raise invalid("productNo", "exists", "is not a PBX of this account")
        return device

    def _paged(
        self, query: dict[str, str], rows: Sequence[Any], draw: Callable[[Any], Any], *, backwards: bool = False
    ) -> dict[str, Any]:
        """A page as the reference draws it; `count` equals `total` in its sample."""
        number = number_in(query, "pageNo", 1)
        size = min(number_in(query, "pageSize", 25), self._settings.page_size_max)
        total, start = len(rows), (number - 1) * size
        if backwards:
            stop = max(0, total - start)
            shown = rows[max(0, stop - size) : stop][::-1]
        else:
            shown = rows[start : start + size]
        return {
            "count": total,
            "pageNo": number,
            "pageSize": size,
            "results": [draw(row) for row in shown],
            "total": total,
            "totalPage": -(-total // size),
        }


ROUTES: tuple[tuple[str, str, str], ...] = (
    ("POST", "/auth/openapi/v1/oauth/token", "token"),
    ("GET", "/user/openapi/user/v1/client/partner_list", "partner_list"),
    ("GET", "/user/openapi/user/v1/client/billing_contact_list", "billing_contact_list"),
    ("POST", "/user/openapi/user/v1/client/save_user", "save_user"),
    ("POST", "/user/openapi/user/v1/client/edit_user", "edit_user"),
    ("GET", "/user/openapi/user/v1/subordinate_user/([^/]+)", "subordinate_user"),
    ("GET", "/user/openapi/area/v1/page", "area_page"),
    ("GET", "/pricing/openapi/purchase/v1/product_list", "product_list"),
    ("GET", "/pricing/openapi/purchase/v1/purchase_product_info", "purchase_product_info"),
    ("GET", "/product/openapi/instance_product/v1/client/instance_product_list", "instance_product_list"),
    ("GET", "/product/openapi/instance_product/v1/detail", "instance_detail"),
    ("POST", "/product/openapi/instance_subscription/v1/active", "activate_auto_renew"),
    ("POST", "/order/openapi/order/v1/save", "save"),
    ("GET", "/order/openapi/order/v1/page", "order_page"),
    ("GET", "/order/openapi/order/v1/get/([^/]+)", "order_get"),
    ("GET", "/order/openapi/order/v1/check/existed_auto_renew", "existed_auto_renew"),
)

CALLS = tuple(name for _, _, name in ROUTES)
"""The names by which faults, latencies and counts speak of the calls."""

_COMPILED = tuple((method, re.compile(path), name) for method, path, name in ROUTES)


def route(method: str, path: str) -> tuple[str, tuple[str, ...]]:
    """The call's name and the parts of its path; Refusal when there is none."""
    for known, pattern, name in _COMPILED:
        if match := pattern.fullmatch(path):
            if method != known:
                raise Refusal("method_not_allowed", f"{path} takes {known}", status=405)
            return name, match.groups()
    raise Refusal("not_found", f"No API is at {path}", status=404)
