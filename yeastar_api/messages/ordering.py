"""The one call that spends money: the body we send, strict to the digit, and the receipt that comes back."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr

from yeastar_api.messages.wire import Message, Text, id_text

_NUMBER = "number"
_TEXT = "text"
_COUNT = "count"

# (name on the wire, our attribute, JSON type), in the order of the tutorials' samples.
_TOP_LEVEL = (
    ("operationType", "operation_type", _TEXT),
    ("productId", "product_id", _NUMBER),
    # Assumption A: the tutorials' tables name partnerId, none of their samples shows it. Like every other id
    # it is taken to be a number, at the top level. If not, this line is the only one to change.
    ("partnerId", "partner_id", _NUMBER),
    ("productNo", "product_no", _TEXT),
    ("billingId", "billing_id", _NUMBER),
    ("poNumber", "po_number", _TEXT),
)
_LINE = (
    ("connectionPlanId", "connection_plan_id", _NUMBER),
    ("serviceType", "service_type", _TEXT),
    ("serviceId", "service_id", _NUMBER),
    ("quantity", "quantity", _COUNT),
    ("purchaseType", "purchase_type", _TEXT),
    ("billingModel", "billing_model", _TEXT),
    ("billingCycle", "billing_cycle", _TEXT),
    ("multiCycle", "multi_cycle", _COUNT),
)
_REQUIRED = {"operationType", "productId", "billingId", "serviceType", "serviceId", "purchaseType"}
_ID = re.compile(r"[1-9][0-9]{0,19}")
_ORDER_NO_LIMIT = 64


class _Outgoing(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class OrderLine(_Outgoing):
    """One entry of `serviceList` (source: tutorials). Ids are text here and numbers on the wire."""

    connection_plan_id: str = ""
    service_type: str
    service_id: str
    quantity: int | None = None
    purchase_type: str
    billing_model: str | None = None
    billing_cycle: str | None = None
    multi_cycle: int | None = None


class OrderRequest(_Outgoing):
    """The whole body of `POST /order/openapi/order/v1/save` (tutorials). Empty fields are left out."""

    operation_type: str
    product_id: str
    partner_id: str = ""
    product_no: str = ""
    billing_id: str
    po_number: str = ""
    lines: tuple[OrderLine, ...]

    def to_bytes(self) -> bytes:
        """The exact bytes to review, freeze and send: UTF-8 JSON, indented by two, ids as exact integers.

        Raises ValueError naming the field when an id is not all digits, a count is out of bounds, a required
        field is empty, or a text holds characters that a reviewer could not see.
        """
        if not self.lines:
            raise ValueError("serviceList: an order needs at least one line")
        body = _wire(self, _TOP_LEVEL, "")
        body["serviceList"] = [_wire(line, _LINE, f"serviceList[{n}].") for n, line in enumerate(self.lines)]
        return _show_invisible(json.dumps(body, ensure_ascii=False, indent=2)).encode()


def _wire(source: _Outgoing, fields: Sequence[tuple[str, str, str]], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, attribute, kind in fields:
        value = getattr(source, attribute)
        if value is None or value == "":
            if name in _REQUIRED:
                raise ValueError(f"{where}{name}: is required")
            continue
        found[name] = _value(where + name, value, kind)
    return found


def _value(field: str, value: str | int, kind: str) -> str | int:
    if kind == _NUMBER:
        # A leading zero would silently change the id, so it is refused like any other stray character.
        if not _ID.fullmatch(str(value)):
            raise ValueError(f"{field}: {value!r} is not an id of 1 to 20 digits")
        return int(value)
    if kind == _COUNT:
        least = 0 if field.endswith("multiCycle") else 1
        if not isinstance(value, int) or not least <= value <= 10**9:
            raise ValueError(f"{field}: {value!r} is not a whole number from {least}")
        return value
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in str(value)):
        raise ValueError(f"{field}: {value!r} holds control characters")
    return value


def _show_invisible(document: str) -> str:
    """Escape what a reader could not see (marks that turn text round, odd blanks); the value stays."""
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in document)


class Receipt(Message):
    """What `save` answered (source: the tutorials' five sample responses).

    `order_id` is missing in two of the five samples: `order_no` is the key. `answer` is the raw text.
    """

    instance_id: Text = ""
    order_id: Text = ""
    order_no: Text = ""
    order_status: Text = ""
    product_no: Text = ""
    transaction_no: Text = ""
    request_id: Text = ""
    answer: Text = ""

    _headers: dict[str, dict[str, str]] = PrivateAttr(default_factory=dict)

    @property
    def headers(self) -> dict[str, dict[str, str]]:
        """Those `sent` and `received` with it, without secrets."""
        return self._headers

    @classmethod
    def read(
        cls,
        result: Any,
        *,
        request_id: str = "",
        answer: str = "",
        headers: dict[str, dict[str, str]] | None = None,
    ) -> Self:
        """Read an envelope's `result`. Raises ValueError when it names no order."""
        order_no = id_text(result.get("orderNo")) if isinstance(result, dict) else ""
        if not order_no or len(order_no) > _ORDER_NO_LIMIT or not order_no.isprintable():
            raise ValueError("the answer says success but names no order")
        known = {"orderNo": order_no, "requestId": request_id, "answer": answer}
        receipt = cls.model_validate({**result, **known})
        receipt._raw = result
        receipt._headers = headers or {}
        return receipt
