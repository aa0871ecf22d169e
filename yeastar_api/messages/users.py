"""What is asked about a subordinate user, strict to the field; and the countries that the vendor knows."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from yeastar_api.messages.wire import Message, Text

WIRE_NAMES = {
    "email": "yeastarId",
    "company": "company",
    "first_name": "firstName",
    "last_name": "lastName",
    "country": "country",
    "state_province": "stateProvince",
    "city": "city",
    "street": "street",
    "zip_code": "zipCode",
    "phone_number": "phoneNumber",
    "tax_type": "taxType",
    "tax_num": "taxNum",
    "remark": "remark",
}
"""Our names, and theirs (source: reference, "Subordinate Users")."""

TAX_TYPES = ("VAT_number", "Tax_ID", "TIN_number", "RUC", "CUIT")


class Country(Message):
    """A country of `area/v1/page` (source: reference)."""

    code: Text = ""
    name: Text = ""


@dataclass(frozen=True)
class UserRequest:
    """A subordinate user to create or change: what is not named stays as it is. `activation` only for a new one."""

    email: str
    values: Mapping[str, str] = field(default_factory=dict)  # by our names
    activation: bool | None = None  # whether the vendor writes to them, inviting them in

    def to_bytes(self) -> bytes:
        """The body. Raises ValueError for a field that is none, or text that is not one line of ordinary characters."""
        body: dict[str, str | bool] = {"userType": "Customer"}
        for name, value in {"email": self.email, **self.values}.items():
            if name not in WIRE_NAMES:
                raise ValueError(f"{name} is no field of a user")
            if not isinstance(value, str) or any(unicodedata.category(char) in ("Cc", "Cs") for char in value):
                raise ValueError(f"{name} holds what is no text")
            body[WIRE_NAMES[name]] = value
        if not self.email:
            raise ValueError("a user has an email address")
        if self.activation is not None:
            body["sendUserActivationEmail"] = self.activation
        return json.dumps(body, ensure_ascii=False).encode()
