"""The control routes under `/_sandbox/`: for tests and people, never part of the vendor's API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import people
from .answers import Reply, json_reply, text_reply
from .numbers import OWNER_ACCOUNT
from .overview import page
from .reading import Request
from .records import Order

if TYPE_CHECKING:
    from .app import Sandbox

_GENERATED_MOST = 1_000_000
_RECORDS = {"partners": ("partnerId", people.PARTNER_FIELDS), "contacts": ("billingContactId", people.CONTACT_FIELDS)}


class NotFound(Exception):
    """No control route is there."""


def answer(sandbox: Sandbox, request: Request) -> Reply:
    """Do what a control request says; 400 tells what was wrong with it."""
    parts = tuple(part for part in request.path.split("/")[2:] if part)
    try:
        body = json.loads(request.body) if request.body else {}
        if not parts and request.method == "GET":
            return text_reply(200, page(sandbox), "text/html;charset=UTF-8")
        return json_reply(200, _do(sandbox, request.method, parts, body))
    except NotFound:
        return json_reply(404, {"error": f"no control route {request.method} {request.path}"})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return json_reply(400, {"error": str(error)})


def _do(sandbox: Sandbox, method: str, parts: tuple[str, ...], body: Any) -> Any:
    match (method, *parts):
        case ("DELETE",) | ("POST", "reset"):
            sandbox.reset()
        case ("GET", "ledger"):
            orders, attempts = sandbox.ledger, sandbox.attempts
            return {"orders": orders, "saves": sandbox.saves, "attempts": attempts}
        case ("GET", "calls"):
            return sandbox.calls
        case ("GET", "faults"):
            return sandbox.faults.all()
        case ("POST", "faults"):
            return sandbox.faults.add(**body).as_dict()
        case ("DELETE", "faults"):
            sandbox.faults.clear()
        case ("DELETE", "faults", number):
            sandbox.faults.clear(int(number))
        case ("POST", "tokens", "expire"):
            sandbox.expire_tokens(refresh_too=body.get("refresh_too", False))
        case ("GET", "settings"):
            return sandbox.settings.as_dict()
        case ("PUT", "settings"):
            sandbox.configure(**body)
            return sandbox.settings.as_dict()
        case _:
            return _change_world(sandbox, method, parts, body)
    return {"ok": True}


def _change_world(sandbox: Sandbox, method: str, parts: tuple[str, ...], body: Any) -> Any:
    world = sandbox.world
    match (method, *parts):
        case ("PUT", "partners" | "contacts" as what):
            id_name, fields = _RECORDS[what]
            records = [people.cleaned(record, id_name, fields) for record in body]
            world.happen({"event": what, "records": records})
        case ("POST", "partners" | "contacts" | "pbxs" | "orders" as what, "generate"):
            if type(body.get("count")) is not int or not 0 <= body["count"] <= _GENERATED_MOST:
                raise ValueError(f"count: a whole number up to {_GENERATED_MOST}")
            world.generate(what, body["count"])
        case ("DELETE", "partners" | "contacts" | "plans" | "services" as what, number):
            if not number.isdigit():
                raise ValueError("the id: digits")
            world.happen({"event": "removed", "what": what, "id": number})
        case ("POST", "orders"):
            return _placed_elsewhere(sandbox, body)
        case ("PUT", "orders", number):
            order = world.order(number)
            if order is None:
                raise NotFound
            world.happen({"event": "order_status", "orderNo": order.order_no, "status": str(body["orderStatus"])})
            return order.row(echo=True)
        case _:
            raise NotFound
    return {"ok": True}


def _placed_elsewhere(sandbox: Sandbox, body: dict[str, Any]) -> dict[str, Any]:
    """An order that somebody placed in the vendor's own portal; every field has a believable default."""
    world = sandbox.world
    given = {name: body.pop(name) for name in list(body) if name in _ELSEWHERE}
    if body:
        raise ValueError(f"an order has no {', '.join(body)}; it has {', '.join(_ELSEWHERE)}")
    with world.lock:
        now = world.now_ms()
        order = Order(
            id=world.numbers.order_id(),
            order_no=world.numbers.numbered(now),
            transaction_no=world.numbers.numbered(now),
            instance_id=world.numbers.instance_id(),
            product_id=int(given.get("productId", 14)),
            product_no=str(given.get("productNo", OWNER_ACCOUNT)),
            operation=str(given.get("operationType", "purchase_service")),
            status=str(given.get("orderStatus", "succeed")),
            created_ms=int(given.get("createTime", now)),
            cents=int(given.get("cents", 9900)),
            currency=str(given.get("currencyCode", "USD")),
            reference=str(given.get("customReferenceNo", "")),
            partner_id=str(given.get("partnerId", "")),
            billing_id=str(given.get("billingId", people.TUTORIAL_CONTACT)),
            elsewhere_lines=list(given.get("serviceList", [])),
        )
        world.happen({"event": "order", "order": order.as_dict()})
    return order.row(echo=True) | {"transactionNo": order.transaction_no}


_ELSEWHERE = (
    "productId",
    "productNo",
    "operationType",
    "orderStatus",
    "createTime",
    "cents",
    "currencyCode",
    "customReferenceNo",
    "partnerId",
    "billingId",
    "serviceList",
)
