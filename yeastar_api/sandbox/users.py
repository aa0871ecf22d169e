"""Creating and changing subordinate users (reference, "Subordinate Users")."""

from __future__ import annotations

import re
from typing import Any

from .answers import Refusal
from .checking import Fields, parse_json
from .countries import COUNTRY_NAMES
from .world import World

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_OPTIONAL = ("company", "phoneNumber", "stateProvince", "city", "street", "zipCode", "taxNum", "remark")
_TAX_TYPES = ("VAT_number", "Tax_ID", "TIN_number", "RUC", "CUIT")


def by_email(world: World, email: str) -> dict[str, Any] | None:
    """The subordinate user with this address, in any case of letters."""
    wanted = email.casefold()
    return next((row for row in world.partners.values() if row["email"].casefold() == wanted), None)


def save_user(world: World, raw: bytes) -> bool:
    """`POST .../client/save_user`: a new subordinate user."""
    body = Fields(parse_json(raw))
    record = _read(body)
    record["country"] = body.text("country")
    if record["country"] not in COUNTRY_NAMES:
        raise body.refuse("country", "oneof", "is not a name of the country list")
    body.flag("sendUserActivationEmail")
    body.nothing_else()
    if not (record.get("firstName") or record.get("lastName")):
        raise body.refuse("firstName", "required_without", "or lastName is required")
    with world.lock:
        if by_email(world, record["email"]):
            raise Refusal("user_already_exists", f"{record['email']} is a user already")
        blank = dict.fromkeys((*_OPTIONAL, "firstName", "lastName"), "")
        number = {"partnerId": world.numbers.numbered(world.now_ms())[2:], "userType": "Enduser"}
        world.happen({"event": "partner", "record": number | blank | record})
    return True


def edit_user(world: World, raw: bytes) -> bool:
    """`POST .../client/edit_user`: changes what is given; the country cannot be changed."""
    body = Fields(parse_json(raw))
    record = _read(body)
    body.nothing_else()
    with world.lock:
        known = by_email(world, record.pop("email"))
        if known is None:
            raise Refusal("user_not_found", "No subordinate user has this yeastarId", status=404)
        world.happen({"event": "partner", "record": record | {"partnerId": known["partnerId"]}})
    return True


def _read(body: Fields) -> dict[str, str]:
    body.one_of("userType", ("Customer",))
    email = body.text("yeastarId")
    if not _EMAIL.fullmatch(email):
        raise body.refuse("yeastarId", "email", "is not an email address")
    body.one_of("taxType", _TAX_TYPES, required=False)
    given = {name: body.text(name, required=False) for name in ("firstName", "lastName", *_OPTIONAL)}
    return {"email": email} | {name: value for name, value in given.items() if body.has(name)}
