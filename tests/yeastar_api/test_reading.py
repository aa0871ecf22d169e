"""The calls that only read: their addresses, their patience, and lists that shift while one reads them."""

import time

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.yeastar_api.kit import Script, envelope, ok, portal_on
from yeastar_api.errors import ApiError, NotDelivered, Refused, Unanswered


def asked(respond, act, **settings):
    script = Script(respond)
    with portal_on(script, **settings) as portal:
        return act(portal), script


@pytest.mark.parametrize(
    ("act", "path", "query"),
    [
        (lambda p: p.partners(), "/user/openapi/user/v1/client/partner_list", {}),
        (lambda p: p.billing_contacts(), "/user/openapi/user/v1/client/billing_contact_list", {}),
        (lambda p: p.products(), "/pricing/openapi/purchase/v1/product_list", {}),
        (lambda p: p.offers("9"), "/pricing/openapi/purchase/v1/purchase_product_info", {"productId": "9"}),
        (
            lambda p: p.offers("12", "3651E1292455"),
            "/pricing/openapi/purchase/v1/purchase_product_info",
            {"productId": "12", "productNo": "3651E1292455"},
        ),
        (
            lambda p: p.device_page("12", 3, 50),
            "/product/openapi/instance_product/v1/client/instance_product_list",
            {"productId": "12", "pageNo": "3", "pageSize": "50"},
        ),
        (
            lambda p: p.order_page(2, page_size=40, sort="-id"),
            "/order/openapi/order/v1/page",
            {"pageNo": "2", "pageSize": "40", "sort": "-id"},
        ),
        (lambda p: p.order_page(1), "/order/openapi/order/v1/page", {"pageNo": "1", "pageSize": "100"}),
    ],
)
def test_each_call_asks_the_documented_address(act, path, query):
    _, script = asked(lambda _: ok([]), act)
    (request,) = script.requests
    assert (request.method, request.url.path, dict(request.url.params)) == ("GET", path, query)
    assert request.headers["User-Agent"] == "OpenAPI"


@pytest.mark.parametrize(
    ("number", "raw_path"),
    [
        ("QG3402614624696700928", b"/order/openapi/order/v1/get/QG3402614624696700928"),
        ("a/../b?c#d", b"/order/openapi/order/v1/get/a%2F..%2Fb%3Fc%23d"),
        ("ä %2F", b"/order/openapi/order/v1/get/%C3%A4%20%252F"),
    ],
)
def test_an_order_number_is_quoted_into_the_address(number, raw_path):
    _, script = asked(lambda _: ok({}), lambda portal: portal.order_detail(number))
    assert script.requests[0].url.raw_path == raw_path


@pytest.mark.parametrize("number", ["", " ", ".", ".."])
def test_an_order_number_that_is_none_is_the_callers_mistake(number):
    script = Script(lambda _: ok({}))
    with pytest.raises(ValueError, match="order number"):
        portal_on(script).order_detail(number)
    assert script.calls == []


def test_rows_without_an_id_are_left_out_of_lists_that_people_choose_from():
    partners, _ = asked(lambda _: ok([{"partnerId": 1}, {"company": "?"}]), lambda portal: portal.partners())
    assert [partner.partner_id for partner in partners] == ["1"]
    contacts, _ = asked(
        lambda _: ok({"list": [{"billingContactId": "2"}, {}]}), lambda portal: portal.billing_contacts()
    )
    assert [contact.billing_contact_id for contact in contacts] == ["2"]
    products, _ = asked(lambda _: ok([{"name": "Linkus", "productId": 9}, {}]), lambda portal: portal.products())
    assert [(product.product_id, product.name) for product in products] == [("9", "Linkus")]


def test_an_unknown_shape_is_an_error_and_not_an_empty_list():
    with pytest.raises(Unanswered, match="no list"):
        asked(lambda _: ok({"total": 3}), lambda portal: portal.partners())


def failing(times, failure, then):
    left = [failure] * times

    def respond(request):
        if not left:
            return then
        answer = left.pop()
        if isinstance(answer, Exception):
            raise answer
        return answer

    return respond


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("x"),
        httpx.ReadTimeout("x"),
        httpx.RemoteProtocolError("x"),
        httpx.Response(502, html="<html>"),
        httpx.Response(429),
        httpx.Response(200, json=envelope(code="busy", status=500)),
        httpx.Response(200, text="garbage"),
    ],
)
def test_a_reading_call_is_repeated_after_a_failure_that_may_pass(failure):
    _, script = asked(failing(2, failure, ok([])), lambda portal: portal.partners())
    assert len(script.calls) == 3


@pytest.mark.parametrize(
    ("failure", "kind"), [(httpx.ReadError("x"), Unanswered), (httpx.ConnectError("x"), NotDelivered)]
)
def test_it_is_repeated_four_times_at_most_and_the_last_error_comes_out(failure, kind):
    script = Script(failing(99, failure, None))
    with pytest.raises(kind) as caught:
        portal_on(script).partners()
    assert caught.value.call == "partner_list"
    assert len(script.calls) == 4


@pytest.mark.parametrize(
    ("answer", "kind", "requests"),
    [
        (httpx.Response(400, json=envelope(code="bad", status=400)), Refused, 1),
        (httpx.Response(200, json=envelope(code="bad")), Refused, 1),
        (httpx.Response(404), Refused, 1),
        (httpx.Response(401), NotDelivered, 2),
    ],
)
def test_what_would_be_refused_again_is_not_repeated(answer, kind, requests):
    script = Script(lambda _: answer)
    with pytest.raises(kind):
        portal_on(script).partners()
    assert len(script.calls) == requests


def test_the_wait_that_the_server_asks_for_is_kept():
    waits = []
    busy = httpx.Response(429, headers={"Retry-After": "2"})
    asked(failing(1, busy, ok([])), lambda portal: portal.partners(), sleep=waits.append)
    assert len(waits) == 1
    assert 2.0 <= waits[0] <= 2.25


def test_a_wait_longer_than_the_budget_is_not_begun():
    waits = []
    script = Script(lambda _: httpx.Response(429, headers={"Retry-After": "9"}))
    with pytest.raises(NotDelivered) as caught:
        portal_on(script, sleep=waits.append).partners()
    assert (waits, len(script.calls), caught.value.retry_after) == ([], 1, 9.0)


def test_repetitions_stay_within_the_time_budget():
    script = Script(failing(99, httpx.Response(503), None))
    begun = time.monotonic()
    with pytest.raises(ApiError):
        portal_on(script, sleep=time.sleep, get_budget_seconds=0.3).partners()
    assert time.monotonic() - begun < 2.5


class Catalogue:
    """Devices behind pages, told by a server of doubtful honesty."""

    def __init__(self, numbers, *, cap=100, total=None, beyond="empty", shift=None):
        self.numbers, self.cap, self.total, self.beyond, self.shift = list(numbers), cap, total, beyond, shift

    def __call__(self, request):
        page, size = int(request.url.params["pageNo"]), min(int(request.url.params["pageSize"]), self.cap)
        last = max(1, -(-len(self.numbers) // size))
        if page > last and self.beyond == "refuse":
            return httpx.Response(400, json=envelope(code="no_such_page", status=400))
        if page > last and self.beyond == "repeat":
            page = last
        rows = [{"productNo": number} for number in self.numbers[(page - 1) * size : page * size]]
        if self.shift is not None:
            self.shift(self.numbers, page)
        total = len(self.numbers) if self.total is None else self.total
        return ok({"results": rows, "total": total, "pageNo": page, "pageSize": size, "count": total})


@settings(deadline=None, max_examples=60)
@given(
    count=st.integers(0, 60),
    cap=st.integers(1, 30),
    total=st.sampled_from([None, 0, 1, 25, 10**9]),
    beyond=st.sampled_from(["empty", "repeat", "refuse"]),
)
def test_all_devices_are_found_whatever_the_server_claims(count, cap, total, beyond):
    numbers = [f"SN{n}" for n in range(count)]
    found, script = asked(Catalogue(numbers, cap=cap, total=total, beyond=beyond), lambda portal: portal.devices("12"))
    assert [device.product_no for device in found] == numbers
    assert len(script.calls) <= 2 * (count // cap + 2)


def test_a_device_added_in_front_while_reading_doubles_none():
    def shift(numbers, page):
        if page == 1:
            numbers.insert(0, "new")

    numbers = [f"SN{n}" for n in range(30)]
    found, _ = asked(Catalogue(numbers, cap=10, shift=shift), lambda portal: portal.devices("12"))
    assert sorted(device.product_no for device in found) == sorted([*numbers, "new"])


def test_a_device_that_slips_to_an_earlier_page_while_reading_is_found_by_a_second_look():
    removed = []

    def shift(numbers, page):
        if page == 1 and not removed:
            removed.append(numbers.pop(0))

    numbers = [f"SN{n}" for n in range(30)]
    found, _ = asked(Catalogue(numbers, cap=10, total=30, shift=shift), lambda portal: portal.devices("12"))
    assert {device.product_no for device in found} == set(numbers)


def test_a_list_that_never_ends_is_an_error_and_not_half_a_list(monkeypatch):
    monkeypatch.setattr("yeastar_api.client.portal.MAX_PAGES", 20)
    script = Script(lambda request: ok([{"productNo": request.url.params["pageNo"]}]))
    with pytest.raises(Unanswered, match="does not end"):
        portal_on(script).devices("12")
    assert len(script.calls) == 20


@pytest.mark.parametrize("base_url", ["", "portal.test", "ftp://portal.test", "https://portal.test?a=1"])
def test_a_base_url_that_cannot_work_is_refused_at_once(base_url):
    with pytest.raises(ValueError, match="base_url"):
        portal_on(Script(lambda _: ok([])), base_url=base_url)


def test_the_base_url_may_end_in_a_slash():
    _, script = asked(lambda _: ok([]), lambda portal: portal.partners(), base_url="https://portal.test/")
    assert script.calls == ["/user/openapi/user/v1/client/partner_list"]
