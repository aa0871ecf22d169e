"""Who buys and for what: subordinate users, billing contacts, products and devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from yeastar_api.messages.wire import Message, Text, as_array, whole


@dataclass(frozen=True)
class Listing:
    """A whole list as it came, for whoever must judge it: rows without an id and what is no row included.

    Thousands are read, nearly all unchanged; so a row is plain JSON until somebody reads it.
    """

    rows: list[dict[str, Any]]
    strange: int = 0  # entries that are no objects
    cut: bool = False  # by the vendor's own count there are more

    @classmethod
    def read(cls, result: Any) -> Self:
        """Read an array, or an object that holds one. Raises ValueError when there is no array at all."""
        entries = as_array(result)
        rows = [entry for entry in entries if isinstance(entry, dict)]
        outer = result if isinstance(result, dict) else {}
        cut = (whole(outer.get("total")) or 0) > len(entries) or (whole(outer.get("totalPage")) or 0) > 1
        return cls(rows, len(entries) - len(rows), cut)


class Partner(Message):
    """A subordinate user, as `partner_list` tells it (source: reference, tutorials step 1)."""

    partner_id: Text = ""
    email: Text = ""
    company: Text = ""
    first_name: Text = ""
    last_name: Text = ""
    country: Text = ""
    state_province: Text = ""
    city: Text = ""
    street: Text = ""
    zip_code: Text = ""
    phone_number: Text = ""
    tax_num: Text = ""
    remark: Text = ""
    user_type: Text = ""


class BillingContact(Message):
    """Who gets the invoice, at `email_address`: a row of `billing_contact_list` (reference, tutorials)."""

    billing_contact_id: Text = ""
    email_address: Text = ""
    company: Text = ""
    first_name: Text = ""
    last_name: Text = ""
    country: Text = ""
    state_province: Text = ""
    city: Text = ""
    street: Text = ""
    zip_code: Text = ""
    phone_number: Text = ""
    tax_num: Text = ""
    remark: Text = ""


class Product(Message):
    """A product that this account may buy, as `product_list` tells it (source: reference)."""

    name: Text = ""
    product_id: Text = ""


class Device(Message):
    """A PBX or licence of ours, as `instance_product_list` tells it (source: reference, tutorial for 12).

    `activation_status` is `unknown`, `unactivated` or `activated` by the reference; other words are kept.
    """

    product_no: Text = ""
    activation_code: Text = ""
    activation_status: Text = ""
    comment: Text = ""
