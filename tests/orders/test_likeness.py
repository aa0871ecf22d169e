"""Two orders are alike by target, product, services and quantities; what the vendor does not tell is unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from orders import placing
from orders.likeness import NO_CUSTOMER, OWN_ACCOUNT, Wanted, compare, values_of, wanted_by, word
from orders.models import Order, Partner, Record
from tests.tutorials import SLUGS, sample_request

LICENCE = Wanted("12", "3651E1292455", "", (("3049041101760282624", 100), ("3129372068699893760", None)))
CONNECTIONS = Wanted("15", "", "", (("31", 20),))
FOR_WYNYARD = Wanted("15", "", "3300000000000000001", (("31", 20),))


def record(**told: Any) -> Record:
    return Record(key="LR1", order_no="LR1", first_seen_at=timezone.now(), **told)


def verdicts(wanted: Wanted, theirs: Record) -> dict[str, str]:
    return {trait.label: trait.verdict for trait in compare(wanted, theirs)}


@pytest.mark.parametrize("slug", SLUGS)
def test_a_draft_and_its_frozen_text_are_one_word(
    slug: str, draft: Callable[[str], Order], queued: Callable[[str], Order]
) -> None:
    request, body, _ = placing.preview(draft(slug))
    assert wanted_by(request) == wanted_by(body) == wanted_by(queued(slug).request_body)
    assert wanted_by(body).product_id == str(sample_request(slug)["productId"])


@pytest.mark.parametrize(
    "other",
    [
        Wanted("15", "", "", (("31", 21),)),
        Wanted("15", "", "", (("32", 20),)),
        Wanted("15", "", "", (("31", None),)),
        Wanted("15", "", "", (("31", 20), ("32", 20))),
        Wanted("14", "", "", (("31", 20),)),
        Wanted("15", "20", "", (("31", 20),)),
        FOR_WYNYARD,
    ],
)
def test_another_target_product_service_or_quantity_is_another_word(other: Wanted) -> None:
    assert word(other) != word(CONNECTIONS)
    assert len(word(other)) == 64


def test_a_serial_number_in_small_letters_is_the_same_pbx() -> None:
    assert word(Wanted("9", "3651e1", "", (("1", None),))) == word(Wanted("9", "3651E1", "", (("1", None),)))
    assert verdicts(LICENCE, record(product_no="3651e1292455"))["PBX"] == "same"


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"serviceList": 5}'])
def test_what_is_no_order_has_no_likeness(body: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  json's own error is one, too
        wanted_by(body)


def test_of_a_record_that_tells_nothing_nothing_is_known() -> None:
    assert set(verdicts(LICENCE, record()).values()) == {"unknown"}
    assert set(verdicts(FOR_WYNYARD, record(raw={"a": None}, detail={"partnerId": None})).values()) == {"unknown"}


def test_columns_are_compared_as_text() -> None:
    theirs = record(product_id="12", product_no="3651E1292455")
    assert verdicts(LICENCE, theirs) == {
        "Product": "same",
        "PBX": "same",
        "Plan and services": "unknown",
        "Quantity": "unknown",
    }
    assert verdicts(LICENCE, record(product_id="11"))["Product"] == "different"
    assert verdicts(LICENCE, record(product_no="3651E1292456"))["PBX"] == "different"


def test_what_no_column_holds_is_found_by_its_key_however_deep() -> None:
    line = {"serviceId": 31, "info": {"x": [{"quantity": "7"}]}, "quantity": "20"}
    theirs = record(raw={"a": [{"productId": 15}]}, detail={"b": {"c": [[{"partnerId": 3300000000000000001}], line]}})
    assert set(verdicts(FOR_WYNYARD, theirs).values()) == {"same"}
    line["quantity"] = 21
    assert verdicts(FOR_WYNYARD, theirs)["Quantity"] == "different"
    line["serviceId"] = "32"
    assert verdicts(FOR_WYNYARD, theirs)["Plan or service"] == "different"


def test_of_account_products_the_product_number_tells_nothing() -> None:
    theirs = record(product_id="15", product_no="3076913644890832896")
    assert verdicts(CONNECTIONS, theirs)["For"] == "unknown"


def test_our_own_account_is_where_they_name_no_customer() -> None:
    (target,) = (
        trait for trait in compare(CONNECTIONS, record(detail={"a": {"partnerId": ""}})) if trait.label == "For"
    )
    assert (target.ours, target.theirs, target.verdict) == (OWN_ACCOUNT, NO_CUSTOMER, "same")


def test_whom_they_name_is_not_our_own_account_if_it_is_a_customer_of_ours(accounts: None) -> None:
    customer = Partner.objects.all()[0].remote_id
    assert verdicts(CONNECTIONS, record(partner_id=customer))["For"] == "different"
    assert verdicts(CONNECTIONS, record(partner_id="3300000000000000009"))["For"] == "unknown"


def test_plans_may_be_named_as_plans_and_quantities_stand_alone() -> None:
    told = [{"planId": "3049041101760282624", "quantity": 100}, {"serviceId": 3129372068699893760}]
    assert verdicts(LICENCE, record(detail={"lines": told}))["Plan and services"] == "same"
    assert verdicts(LICENCE, record(detail={"lines": told}))["Quantity"] == "same"
    assert verdicts(LICENCE, record(detail={"quantity": 99}))["Quantity"] == "different"
    assert verdicts(LICENCE, record(raw={"quantity": 100}))["Quantity"] == "same"


def test_an_order_without_quantities_compares_none() -> None:
    assert "Quantity" not in verdicts(Wanted("9", "369471667338", "", (("1", None),)), record(detail={"quantity": 1}))


def test_values_are_found_anywhere_and_are_text() -> None:
    told = {"a": 1, "b": [{"a": "2 "}, {"a": [3, 4.0, None, "", True, {"a": 5}]}], "c": "a"}
    assert values_of(told, "a") == {"1", "2", "3", "4", "5"}
    assert values_of("a", "a") == values_of(None, "a") == set()


def test_what_is_nested_very_deep_is_read_all_the_same() -> None:
    told: Any = {"a": 1}
    for _ in range(100_000):
        told = [told]
    assert values_of(told, "a") == {"1"}


def test_what_we_sent_ourselves_is_no_evidence_of_what_they_have(queued: Callable[[str], Order]) -> None:
    order = queued("rm-premium-renewal")
    wanted = wanted_by(order.request_body)
    told = {"product_id": wanted.product_id, "product_no": wanted.product_no, "partner_id": wanted.partner_id}
    silent, other = record(**told, ours=order), record(**told, ours=order, raw={"productId": "77777"})
    assert verdicts(wanted, silent)["Product"] == "unknown"
    assert verdicts(wanted, other)["Product"] == "different"
    assert verdicts(wanted, record(**told))["Product"] == "same", "of one that was made elsewhere it is what they told"
