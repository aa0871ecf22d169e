"""The payloads: tolerant of extra fields in, strict out.

The only place that knows wire types and 64-bit numbers.
"""

from yeastar_api.messages.accounts import BillingContact, Device, Listing, Partner, Product
from yeastar_api.messages.history import OrderDetail, OrderRow, Page
from yeastar_api.messages.offers import Offers, Plan, Service
from yeastar_api.messages.ordering import OrderLine, OrderRequest, Receipt
from yeastar_api.messages.users import TAX_TYPES, WIRE_NAMES, Country, UserRequest
from yeastar_api.messages.wire import (
    Envelope,
    as_list,
    as_text,
    id_text,
    judged_status,
    parse_json,
    retry_after_seconds,
    whole,
)

__all__ = [
    "TAX_TYPES",
    "WIRE_NAMES",
    "BillingContact",
    "Country",
    "Device",
    "Envelope",
    "Listing",
    "Offers",
    "OrderDetail",
    "OrderLine",
    "OrderRequest",
    "OrderRow",
    "Page",
    "Partner",
    "Plan",
    "Product",
    "Receipt",
    "Service",
    "UserRequest",
    "as_list",
    "as_text",
    "id_text",
    "judged_status",
    "parse_json",
    "retry_after_seconds",
    "whole",
]
