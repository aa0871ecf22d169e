"""Payloads coming in: tolerant of everything, exact about ids."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.yeastar_api.kit import SLUGS, envelope, tutorial
from yeastar_api.messages import (
    BillingContact,
    Device,
    Envelope,
    OrderDetail,
    OrderRow,
    Page,
    Partner,
    Receipt,
    as_list,
    judged_status,
    parse_json,
    retry_after_seconds,
)

BIG = 3197218168379846218


@given(st.integers(min_value=1, max_value=10**20 - 1))
def test_an_id_keeps_every_digit_whether_it_came_as_number_or_text(number):
    body = json.dumps([{"partnerId": number}, {"partnerId": str(number)}]).encode()
    assert {Partner.model_validate(row).partner_id for row in parse_json(body)} == {str(number)}


def test_no_float_is_ever_made_of_a_number():
    assert parse_json(b"[3.197e18, 1.5, NaN, 3197218168379846218]") == ["3.197e18", "1.5", "NaN", BIG]
    with pytest.raises(ValueError, match="float"):
        Partner.model_validate({"partnerId": 3.197e18})


def test_null_is_empty_text_and_unknown_fields_stay_reachable():
    payload = {"partnerId": BIG, "company": None, "taxNum": 7, "newField": {"a": [1]}, "raw": "theirs"}
    partner = Partner.model_validate(payload)
    assert (partner.partner_id, partner.company, partner.tax_num) == (str(BIG), "", "7")
    assert partner.raw == payload


def test_text_fields_survive_values_of_any_type():
    contact = BillingContact.model_validate({"billingContactId": True, "company": {"en": "Ä"}, "city": ["x"]})
    assert (contact.billing_contact_id, contact.company, contact.city) == ("true", '{"en": "Ä"}', '["x"]')
    assert Device.model_validate({"activationStatus": "brand_new"}).activation_status == "brand_new"


def test_what_no_database_can_store_is_replaced():
    assert parse_json(b'{"a\\u0000": "\\ud800x\\u0000", "b": "\\ud83d\\ude00"}') == {"a�": "�x�", "b": "😀"}
    assert parse_json(b'\xef\xbb\xbf["\xff"]') == ["�"]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[" * 5000, b'[{"token": "secret-in-here"}', b"[" * 200 + b"]" * 200, b"9" * 9999]
)
def test_unreadable_json_is_a_value_error_that_quotes_nothing(body):
    with pytest.raises(ValueError, match=r"^the answer is not readable JSON$") as caught:
        parse_json(body)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("body", [b"[]", b'"success"', b"{}", b'{"code": 200}', b'{"code": null}', b'{"code": " "}'])
def test_json_of_another_shape_is_no_envelope(body):
    with pytest.raises(ValueError, match="envelope"):
        Envelope.read(body)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_sample_response_of_each_tutorial_parses_to_a_receipt(slug):
    sample = tutorial(slug, "response")
    read = Envelope.read(json.dumps(sample).encode())
    assert read.success
    receipt = Receipt.read(read.result, request_id=read.request_id, answer="as it came")
    assert receipt.order_no == sample["result"]["orderNo"]
    assert receipt.transaction_no == sample["result"]["transactionNo"]
    assert receipt.order_id == sample["result"].get("orderId", "")
    assert receipt.request_id == sample["requestId"]
    assert receipt.raw == sample["result"]
    assert receipt.answer == "as it came"


def test_there_are_five_tutorials():
    assert len(SLUGS) == 5


@pytest.mark.parametrize(
    "result", [None, [], "x", {}, {"orderNo": None}, {"orderNo": ["x"]}, {"orderNo": " "}, {"orderNo": "9" * 65}]
)
def test_a_success_that_names_no_order_is_no_receipt(result):
    with pytest.raises(ValueError, match="names no order"):
        Receipt.read(result)


@pytest.mark.parametrize(
    ("result", "ids"),
    [
        (None, []),
        ([], []),
        ([{"id": 1}, None, {"id": 2}], [1, 2]),
        ({"results": [{"id": 1}], "total": 1}, [1]),
        ({"results": None, "total": 0}, []),
        ({"tags": [], "meta": {"sort": ["id"]}, "partners": [{"id": 1, "roles": [{"id": 9}]}]}, [1]),
        ({"data": {"list": [{"id": 1}]}}, [1]),
        ({"data": None, "list": [{"id": 1}]}, [1]),
    ],
)
def test_a_list_is_an_array_or_an_object_that_holds_one(result, ids):
    assert [row["id"] for row in as_list(result)] == ids


@pytest.mark.parametrize("result", ["x", 7, {}, {"total": 0}, {"ids": [1, 2]}, [1, 2], False])
def test_an_unknown_shape_is_not_read_as_an_empty_list(result):
    with pytest.raises(ValueError, match="no list"):
        as_list(result)


def test_a_page_tells_its_claims_and_none_where_there_are_none():
    page = Page.read({"results": [{"productNo": "a"}], "total": "7", "pageNo": 1}, Device.model_validate)
    assert ([device.product_no for device in page.results], page.total, page.page_no) == (["a"], 7, 1)
    assert (page.count, page.page_size, page.total_page) == (None, None, None)
    assert Page.read([{"productNo": "a"}], Device.model_validate).total is None


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1700000000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("1700000000123", datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC)),
        (10**11, datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
        (10**20, None),
        (0, None),
        (None, None),
        ("soon", None),
        (True, None),
        ([], None),
    ],
)
def test_a_time_is_read_as_milliseconds_or_seconds_by_its_size(value, moment):
    assert OrderRow.model_validate({"createTime": value}).create_time == moment


def test_an_order_in_full_keeps_its_parts_as_mappings():
    payload = {"basicInformation": {"productNo": "1"}, "orderSummary": "not a mapping", "more": 1}
    detail = OrderDetail.model_validate(payload)
    assert detail.basic_information == {"productNo": "1"}
    assert (detail.order_summary, detail.billing_information) == ({}, {})
    assert detail.raw == payload


@pytest.mark.parametrize(
    ("http", "told", "judged"),
    [
        (200, 200, 200),
        (200, None, 200),
        (200, 401, 401),
        (200, 400, 400),
        (200, 503, 503),
        (400, 500, 500),
        (502, 401, 502),
        (400, 401, 401),
        (403, 404, 403),
        (302, 401, 302),
        (200, 50001, 200),
    ],
)
def test_an_answer_is_judged_by_its_http_status_and_by_its_envelope(http, told, judged):
    read = Envelope.read(json.dumps(envelope(status=told)).encode())
    assert judged_status(http, read) == judged
    assert judged_status(http, None) == http


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("1.5", 1.5), (None, None), ("", None), ("soon", None), ("-1", None), ("inf", None), ("nan", None)],
)
def test_retry_after_in_seconds(header, seconds):
    assert retry_after_seconds(header) == seconds


def test_retry_after_as_a_date_is_seconds_from_now():
    later = (datetime.now(UTC) + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert retry_after_seconds(later) == pytest.approx(90, abs=5)
    assert retry_after_seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
