"""The vendor's five tutorials, each bought by mouse, by keys and without scripts: from the catalogue to the receipt."""

from __future__ import annotations

import json

import pytest

from tests.browser.conftest import Visitor
from tests.browser.hands import Hands, Keys, Mouse, Plain, receipt
from tests.browser.running import Vendor
from tests.tutorials import CHOICES, SLUGS, sample_request, unsigned


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("way", [Mouse, Keys, Plain])
def test_a_tutorial_is_bought_and_yeastar_gets_exactly_its_sample(
    visitor: Visitor, vendor: Vendor, way: type[Hands], slug: str
) -> None:
    person = way(visitor.page(java_script_enabled=way is not Plain), visitor.site.url)
    person.walk(slug, CHOICES[slug])
    person.place()
    assert exactly(unsigned(vendor.bought(person.order_no))) == exactly(sample_request(slug))
    assert recorded(vendor, receipt(person.page))


def exactly(body: object) -> str:
    """Values and types: 10 is not 10.0 and not "10"."""
    return json.dumps(body, sort_keys=True)


def recorded(vendor: Vendor, shown: dict[str, str]) -> bool:
    """Whether the page shows the receipt that Yeastar gave."""
    given = next(o["receipt"] for o in vendor.ledger if o["receipt"]["orderNo"] == shown["Order number"])
    names = {
        "Order number": "orderNo",
        "Transaction number": "transactionNo",
        "Instance id": "instanceId",
        "Order id": "orderId",
        "Product number": "productNo",
        "Status when bought": "orderStatus",
    }
    return {label: shown[label] for label in names if label in shown} == {
        label: given[name] for label, name in names.items() if given.get(name)
    }
