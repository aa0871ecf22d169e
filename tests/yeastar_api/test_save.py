"""The call that buys: these bytes, once."""

import gzip

import httpx
import pytest

from tests.yeastar_api.kit import RECEIPT, SAVE_PATH, SLUGS, Script, envelope, ok, portal_on, token_value, tutorial
from yeastar_api.errors import ApiError, NotDelivered, Unanswered


@pytest.mark.parametrize("slug", SLUGS)
def test_each_tutorials_answer_comes_back_as_its_receipt(slug):
    sample = tutorial(slug, "response")
    receipt = portal_on(Script(lambda _: httpx.Response(200, json=sample))).save(b"{}")
    assert receipt.order_no == sample["result"]["orderNo"]
    assert receipt.request_id == sample["requestId"]
    assert receipt.raw == sample["result"]
    assert sample["requestId"] in receipt.answer


def test_exactly_the_bytes_handed_in_are_sent_with_the_documented_headers():
    body = b'{ "productId" : 9,\n\n"x": "\xc3\xa9" }'
    script = Script(lambda _: ok(RECEIPT))
    portal_on(script, user_agent="OpenAPI").save(body)
    (sent,) = script.requests
    assert (sent.method, sent.url.path, sent.content) == ("POST", SAVE_PATH, body)
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.headers["User-Agent"] == "OpenAPI"
    assert sent.headers["Authorization"] == f"Bearer {token_value(1)}"
    assert sent.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("body", ["{}", None, bytearray(b"{}"), {"a": 1}, b""])
def test_a_caller_who_hands_in_no_bytes_hears_so_plainly_and_nothing_is_sent(body):
    script = Script(lambda _: ok(RECEIPT))
    with pytest.raises((TypeError, ValueError)):
        portal_on(script).save(body)
    assert (script.calls, script.tokens) == ([], 0)


def test_a_401_is_followed_by_one_renewal_and_one_more_request():
    def once_expired(request):
        fresh = request.headers["Authorization"] == f"Bearer {token_value(2)}"
        return ok(RECEIPT) if fresh else httpx.Response(401, json=envelope(code="unauthorized", status=401))

    script = Script(once_expired)
    assert portal_on(script).save(b"{}").order_no == RECEIPT["orderNo"]
    assert (len(script.calls), script.tokens) == (2, 2)
    assert {request.content for request in script.requests} == {b"{}"}


@pytest.mark.parametrize("http", [200, 401])
def test_a_401_that_survives_one_renewal_was_not_delivered(http):
    script = Script(lambda _: httpx.Response(http, json=envelope(code="unauthorized", status=401)))
    with pytest.raises(NotDelivered) as caught:
        portal_on(script).save(b"{}")
    assert (len(script.calls), script.tokens) == (2, 2)
    assert (caught.value.call, caught.value.http_status) == ("save", 401)


def test_a_401_that_claims_success_is_not_sent_again():
    script = Script(lambda _: httpx.Response(401, json=envelope(RECEIPT)))
    with pytest.raises(Unanswered):
        portal_on(script).save(b"{}")
    assert (len(script.calls), script.tokens) == (1, 1)


def test_trouble_with_the_token_call_means_not_delivered_whatever_it_is():
    for trouble in (httpx.ReadTimeout, httpx.ReadError, OSError, KeyError):

        def fail(request, trouble=trouble):
            assert request.url.path != SAVE_PATH
            raise trouble("lost")

        with pytest.raises(NotDelivered) as caught:
            portal_on(fail).save(b"{}")
        assert caught.value.call == "token"


def test_a_save_is_not_begun_with_too_little_time_left():
    script = Script(lambda _: ok(RECEIPT))
    with pytest.raises(ApiError) as caught:
        portal_on(script, save_budget_seconds=0.0).save(b"{}")
    assert isinstance(caught.value, NotDelivered)
    assert script.calls == []


def test_a_gzipped_receipt_is_not_lost():
    packed = gzip.compress(ok(RECEIPT).content)
    script = Script(
        lambda _: httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(packed))
    )
    assert portal_on(script).save(b"{}").order_no == RECEIPT["orderNo"]


def test_a_receipt_never_shows_the_token_even_if_the_answer_does():
    script = Script(lambda request: ok(RECEIPT | {"note": request.headers["Authorization"]}))
    receipt = portal_on(script).save(b"{}")
    assert token_value(1) not in repr(receipt) + receipt.answer + str(receipt.raw)


def test_the_headers_of_an_attempt_are_told_without_secrets():
    script = Script(
        lambda request: httpx.Response(
            200,
            json=envelope(RECEIPT),
            headers={"X-Trace-Id": f"t-1 {request.headers['Authorization']}", "Set-Cookie": "session=secret"},
        )
    )
    headers = portal_on(script).save(b"{}").headers
    assert headers["sent"]["content-type"] == "application/json"
    assert headers["sent"]["authorization"] == "[left out]"
    assert "session=secret" not in str(headers)
    assert headers["received"]["x-trace-id"] == "t-1 Bearer [left out]"
    assert token_value(1) not in str(headers)


def test_a_header_of_the_answer_that_may_hold_another_token_is_told_by_its_name_alone():
    secret = {
        "X-Auth-Token": "n3w-t0ken",
        "X-Refresh-Token": "r3fresh",
        "Location": "https://me:passw0rd@portal.test/order/7?access_token=qu3ry#fr4gment",
    }
    known = {"Date": "Mon, 01 Jun 2026 10:00:00 GMT", "Server": "nginx", "CF-Ray": "8a-FRA", "X-Request-Id": "r-7"}
    script = Script(lambda _: httpx.Response(200, json=envelope(RECEIPT), headers=secret | known))
    received = portal_on(script).save(b"{}").headers["received"]
    assert received["x-auth-token"] == received["x-refresh-token"] == "[left out]"
    assert received["location"] == "https://portal.test/order/7"
    assert {name: received[name.lower()] for name in known} == known
    for value in ("n3w", "r3fresh", "passw0rd", "qu3ry", "fr4gment"):
        assert value not in str(received)


def test_who_sends_is_asked_last_whether_it_is_still_to_be_sent():
    script = Script(lambda _: ok(RECEIPT))
    with pytest.raises(NotDelivered) as caught:
        portal_on(script).save(b"{}", still=lambda: script.tokens == 0)
    assert (script.calls, script.tokens) == ([], 1), "the token was at hand"
    assert "too late" in caught.value.detail


def test_it_is_asked_again_before_the_one_more_request_after_a_401():
    answers = iter([True, False])
    script = Script(lambda _: httpx.Response(401, json=envelope(code="unauthorized", status=401)))
    with pytest.raises(NotDelivered):
        portal_on(script).save(b"{}", still=lambda: next(answers))
    assert (len(script.calls), script.tokens) == (1, 2)


@pytest.mark.parametrize("answer", [httpx.Response(502, text="bad gateway", headers={"Via": "proxy 7"}), None])
def test_the_headers_of_an_attempt_that_failed_are_told_as_far_as_it_came(answer):
    def lost(request):
        if answer is None:
            raise httpx.ReadError("lost")
        return answer

    with pytest.raises(Unanswered) as caught:
        portal_on(Script(lost)).save(b"{}")
    assert caught.value.headers["sent"]["authorization"] == "[left out]"
    assert caught.value.headers["received"].get("via") == (answer.headers["via"] if answer else None)


def test_an_order_that_was_never_sent_has_no_headers():
    def no_token(request):
        raise httpx.ConnectError("nobody there")

    with pytest.raises(NotDelivered) as caught:
        portal_on(no_token).save(b"{}")
    assert caught.value.headers == {}
