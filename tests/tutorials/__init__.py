"""The oracle: the vendor's five tutorials as golden pairs, and the choices that lead to each."""

import json
from pathlib import Path
from typing import Any

from orders.reference import PATTERN

HERE = Path(__file__).parent

CONTACT = "3197218168379846218"

CHOICES: dict[str, dict[str, Any]] = {
    "remote-management-connections": {
        "partner_id": "",
        "plan_id": "3049036224189325312",
        "service_id": ("3049037245301022720",),
        "quantity": 10,
        "billing_contact_id": CONTACT,
    },
    "turnkey-capacity": {
        "partner_id": "",
        "plan_id": "3048941892189077504",
        "service_id": ("3049032137219817472",),
        "quantity": 50,
        "billing_contact_id": CONTACT,
    },
    "rm-premium-renewal": {
        "partner_id": "",
        "service_id": ("3375819276601303040",),
        "quantity": 10,
        "billing_contact_id": CONTACT,
    },
    "linkus-cloud-service": {
        "product_no": "369471667338",
        "plan_id": "3048918321840570368",
        "multi_cycle": 1,
        "billing_contact_id": CONTACT,
    },
    "software-edition-license": {
        "license_for": "existing",
        "product_no": "3651E1292455",
        "plan_id": "3049041101760282624",
        "service_id": ("3129372068699893760",),
        "quantity": 100,
        "multi_cycle": 2,
        "billing_contact_id": CONTACT,
    },
}
"""By slug: what a person picks in the wizard to get the tutorial's sample."""

SLUGS = list(CHOICES)


def sample_request(slug: str) -> dict[str, Any]:
    """The body of the tutorial's sample request."""
    return dict(json.loads((HERE / f"{slug}.request.json").read_text()))


def unsigned(body: str | dict[str, Any], reference: str = "") -> dict[str, Any]:
    """A body that was sent, but for our reference: it must be there, as the whole poNumber, for a sample has none."""
    sent = dict(json.loads(body) if isinstance(body, str) else body)
    signed = sent.pop("poNumber")
    assert signed == reference or (PATTERN.fullmatch(signed) and not reference), signed
    return sent


def sample_response(slug: str) -> dict[str, Any]:
    """The tutorial's sample response."""
    return dict(json.loads((HERE / f"{slug}.response.json").read_text()))
