"""The subordinate users and billing contacts of a pristine sandbox, and makers of many more."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

TUTORIAL_CONTACT = 3197218168379846218
"""`billingId` of all five tutorials."""

_COLUMNS = (
    "email",
    "company",
    "firstName",
    "lastName",
    "country",
    "stateProvince",
    "city",
    "street",
    "zipCode",
    "phoneNumber",
    "taxNum",
    "remark",
)

PARTNER_FIELDS = ("partnerId", *_COLUMNS, "userType")
CONTACT_FIELDS = ("billingContactId", "emailAddress", *_COLUMNS[1:])

_STEP = 7_340_032_118_771
"""Keeps made-up ids at 19 digits, above 2^53 and far apart, like the vendor's."""

_FIRST = (
    "Ana",
    "Ben",
    "Chloé",
    "David",
    "Eva",
    "Farid",
    "Grace",
    "Hugo",
    "Inès",
    "Jonas",
    "Kaori",
    "Luís",
    "Mona",
    "Nils",
    "Oksana",
    "Paul",
    "Rosa",
    "Sven",
)
_LAST = (
    "Becker",
    "Cruz",
    "Durand",
    "Eriksen",
    "Ferrari",
    "García",
    "Hansen",
    "Ito",
    "Jansen",
    "Kovács",
    "López",
    "Moreau",
    "Novak",
    "Okafor",
)
_TRADE = (
    "Bakery",
    "Clinic",
    "Dental",
    "Foods",
    "Garage",
    "Hotel",
    "Legal",
    "Logistics",
    "Optics",
    "Pharma",
    "School",
    "Studio",
    "Travel",
)
_PLACE = ("Lisbon|Portugal", "Lyon|France", "Graz|Austria", "Gdynia|Poland", "Leeds|United Kingdom", "Cork|Ireland")


def _rows(name: str) -> list[dict[str, str]]:
    with (Path(__file__).parent / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def as_partner(partner_id: str, row: dict[str, str]) -> dict[str, str]:
    """A row of `partner_list`, every value a string (reference, "Query Subordinate User List")."""
    known = {"partnerId": partner_id, **row}
    return {name: known.get(name, "") for name in PARTNER_FIELDS[:-1]} | {"userType": "Enduser"}


def as_contact(contact_id: str, row: dict[str, str]) -> dict[str, str]:
    """A row of `billing_contact_list`; the invoice goes to `emailAddress`."""
    known = {"billingContactId": contact_id, "emailAddress": row.get("email", ""), **row}
    return {name: known.get(name, "") for name in CONTACT_FIELDS}


def first_partners() -> list[dict[str, str]]:
    """The subordinate users of a pristine sandbox."""
    return [as_partner(str(3106913644890832897 + i * _STEP), row) for i, row in enumerate(_rows("partners.csv"))]


def first_contacts() -> list[dict[str, str]]:
    """The billing contacts of a pristine sandbox; the first is the tutorials'."""
    return [as_contact(str(TUTORIAL_CONTACT + i * _STEP), row) for i, row in enumerate(_rows("contacts.csv"))]


def _made_up(number: int) -> dict[str, str]:
    first, last = _FIRST[number % len(_FIRST)], _LAST[number // 3 % len(_LAST)]
    city, country = _PLACE[number % len(_PLACE)].split("|")
    company = f"{last} {_TRADE[number % len(_TRADE)]} {number}"
    return {
        "email": f"user{number}@generated.example",
        "company": company,
        "firstName": first,
        "lastName": last,
        "country": country,
        "city": city,
        "street": f"{number % 199 + 1} Market Street",
        "zipCode": f"{10000 + number % 89999}",
        "phoneNumber": f"+44 20 5550 {number % 10000:04}",
        "remark": "generated",
    }


def made_up_partner(number: int) -> dict[str, str]:
    """The same believable partner for the same number, so that a replay makes the same world."""
    return as_partner(str(3300000000000000019 + number * _STEP), _made_up(number))


def made_up_contact(number: int) -> dict[str, str]:
    """Like `made_up_partner`, for billing contacts."""
    return as_contact(str(3500000000000000021 + number * _STEP), _made_up(number))


def cleaned(record: dict[str, Any], id_name: str, blank: tuple[str, ...]) -> dict[str, Any]:
    """A record handed in by a control call: all usual fields, the id as text, strange fields kept."""
    if not str(record.get(id_name, "")).isdigit():
        raise ValueError(f"each record needs {id_name}, digits")
    return dict.fromkeys(blank, "") | record | {id_name: str(record[id_name])}
