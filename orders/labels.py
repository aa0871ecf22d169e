"""What the vendor's fields of an account are called on our pages, wherever they stand."""

from __future__ import annotations

from yeastar_api.messages import WIRE_NAMES

_LABELS = {
    "yeastarId": "Email",
    "emailAddress": "Email",
    "userType": "Type",
    "stateProvince": "State or province",
    "zipCode": "Postcode",
    "phoneNumber": "Phone",
    "taxType": "Kind of tax number",
    "taxNum": "Tax number",
    "partnerId": "Id",
    "billingContactId": "Id",
}


def label(name: str) -> str:
    """Of a field by its name in their JSON; one that nobody knows keeps its own: loyaltyClass → Loyalty class."""
    spaced = "".join(f" {each.lower()}" if each.isupper() else each for each in name).strip()
    return _LABELS.get(name) or spaced[:1].upper() + spaced[1:]


def label_of_ours(name: str) -> str:
    """Of a field by our own name."""
    return label(WIRE_NAMES.get(name, name))
