"""The body that buys: exact to the digit, and nothing in it that a reviewer cannot see."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.yeastar_api.kit import SLUGS, tutorial
from yeastar_api.messages import OrderLine, OrderRequest, parse_json


def line(**changes):
    return OrderLine(**{"service_type": "plan", "service_id": "77", "purchase_type": "purchase"} | changes)


def order(**changes):
    fields = {"operation_type": "purchase_plan", "product_id": "9", "billing_id": "5", "lines": (line(),)}
    return OrderRequest(**fields | changes)


def rebuilt(sample):
    """The same order, said in our words."""
    ids = {"productId", "partnerId", "billingId", "connectionPlanId", "serviceId"}

    def snake(payload):
        return {
            "".join(f"_{c.lower()}" if c.isupper() else c for c in name): str(value) if name in ids else value
            for name, value in payload.items()
        }

    lines = tuple(OrderLine(**snake(each)) for each in sample.pop("serviceList"))
    return OrderRequest(**snake(sample), lines=lines)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_sample_request_of_each_tutorial_can_be_said_exactly(slug):
    assert json.loads(rebuilt(tutorial(slug, "request")).to_bytes()) == tutorial(slug, "request")


def test_the_fields_stand_in_the_order_of_the_tutorials():
    full = order(
        partner_id="3",
        product_no="SN",
        po_number="PO 1",
        lines=(line(connection_plan_id="8", quantity=1, billing_model="once", billing_cycle="once", multi_cycle=0),),
    )
    body = json.loads(full.to_bytes())
    assert list(body) == [
        "operationType", "productId", "partnerId", "productNo", "billingId", "poNumber", "serviceList",
    ]  # fmt: skip
    assert list(body["serviceList"][0]) == [
        "connectionPlanId", "serviceType", "serviceId", "quantity", "purchaseType", "billingModel",
        "billingCycle", "multiCycle",
    ]  # fmt: skip


def test_the_bytes_are_those_that_people_review():
    assert order(po_number="Grüße 漢").to_bytes().decode() == (
        '{\n  "operationType": "purchase_plan",\n  "productId": 9,\n  "billingId": 5,\n'
        '  "poNumber": "Grüße 漢",\n  "serviceList": [\n    {\n      "serviceType": "plan",\n'
        '      "serviceId": 77,\n      "purchaseType": "purchase"\n    }\n  ]\n}'
    )


@given(st.integers(min_value=1, max_value=10**20 - 1))
def test_every_id_of_up_to_twenty_digits_becomes_the_same_number(number):
    body = order(billing_id=str(number), lines=(line(service_id=str(number)),)).to_bytes()
    assert f'"billingId": {number},' in body.decode()
    assert parse_json(body)["serviceList"][0]["serviceId"] == number


@pytest.mark.parametrize("wrong", ["x", "1.0", "3e18", "-1", "+1", " 1", "1\n", "01", "0", "١٢", "²", "1" * 21])
@pytest.mark.parametrize(("field", "name"), [("partner_id", "partnerId"), ("billing_id", "billingId")])
def test_an_id_that_is_not_all_digits_is_refused_by_name(field, name, wrong):
    with pytest.raises(ValueError, match=f"^{name}: "):
        order(**{field: wrong}).to_bytes()


def test_an_error_in_a_line_says_which_line():
    with pytest.raises(ValueError, match=r"^serviceList\[1\]\.serviceId: "):
        order(lines=(line(), line(service_id="x"))).to_bytes()


@pytest.mark.parametrize("changes", [{"quantity": 0}, {"quantity": -1}, {"multi_cycle": -1}, {"quantity": 10**10}])
def test_a_count_out_of_bounds_is_refused(changes):
    with pytest.raises(ValueError, match="whole number"):
        order(lines=(line(**changes),)).to_bytes()


@pytest.mark.parametrize("value", [True, 1.0, "1"])
def test_a_count_of_another_type_is_refused(value):
    with pytest.raises(ValueError, match="quantity"):
        line(quantity=value)


@pytest.mark.parametrize("field", ["operation_type", "product_id", "billing_id"])
def test_a_required_field_may_not_be_empty(field):
    with pytest.raises(ValueError, match="is required"):
        order(**{field: ""}).to_bytes()


def test_an_order_needs_a_line():
    with pytest.raises(ValueError, match="serviceList"):
        order(lines=()).to_bytes()


def test_a_misspelt_field_is_an_error():
    with pytest.raises(ValueError, match="partnerid"):
        order(partnerid="1")


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "a\ud800b"])
def test_control_characters_are_refused(text):
    with pytest.raises(ValueError, match=r"^poNumber: .*control characters"):
        order(po_number=text).to_bytes()


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1))
def test_any_other_text_keeps_its_value_and_shows_its_invisible_characters(text):
    body = order(po_number=text).to_bytes()
    assert json.loads(body)["poNumber"] == text
    assert all(char.isprintable() or char == "\n" for char in body.decode())
