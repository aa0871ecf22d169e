"""The table "may I send it again?", row by row, for a save; and that no error of httpx is forgotten."""

import httpx
import pytest

from tests.yeastar_api.kit import RECEIPT, SECRET, Script, envelope, portal_on, token_value
from yeastar_api.client.outcome import from_exception
from yeastar_api.errors import NotDelivered, Refused, Unanswered

NEVER_SENT = {
    "ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol",
}  # fmt: skip
HTTPX_ERRORS = sorted(
    (each for each in vars(httpx).values() if isinstance(each, type) and issubclass(each, Exception)),
    key=lambda each: each.__name__,
)


def raised(error):
    if issubclass(error, httpx.HTTPStatusError):
        request = httpx.Request("GET", "http://x")
        return error("", request=request, response=httpx.Response(500))
    # Some take a message and some take nothing.
    return error.__new__(error)


@pytest.mark.parametrize("error", HTTPX_ERRORS, ids=lambda error: error.__name__)
def test_every_error_of_httpx_is_mapped_and_only_those_before_the_first_byte_to_not_delivered(error):
    wanted = NotDelivered if error.__name__ in NEVER_SENT else Unanswered
    assert type(from_exception("save", raised(error))) is wanted


def test_the_walk_over_httpx_found_its_errors():
    assert {each.__name__ for each in HTTPX_ERRORS} >= NEVER_SENT | {"ReadTimeout", "WriteError", "DecodingError"}


@pytest.mark.parametrize("error", [*HTTPX_ERRORS, OSError, ValueError, KeyError, RuntimeError, MemoryError])
def test_whatever_sending_a_save_raises_is_one_of_our_errors_after_one_request(error):
    def fail(request):
        raise raised(error)

    script = Script(fail)
    wanted = NotDelivered if error.__name__ in NEVER_SENT else Unanswered
    with pytest.raises(wanted) as caught:
        portal_on(script).save(b"{}")
    assert caught.value.call == "save"
    assert len(script.calls) == 1


def answer(http, **facts):
    return httpx.Response(http, json=envelope(**facts))


BAD = {"code": "parameter_validation_failed", "detail": "quantity is required"}
HTML = {"html": "<html>Bad Gateway</html>"}
TABLE = [
    ("429", lambda: answer(429, **BAD, status=429), NotDelivered),
    ("429 as a page", lambda: httpx.Response(429, **HTML), NotDelivered),
    ("429 inside 200", lambda: answer(200, **BAD, status=429), NotDelivered),
    ("400", lambda: answer(400, **BAD, status=400), Refused),
    ("403 as a page", lambda: httpx.Response(403, **HTML), Refused),
    ("404 empty", lambda: httpx.Response(404), Refused),
    ("400 inside 200", lambda: answer(200, **BAD, status=400), Refused),
    ("error code inside 200", lambda: answer(200, **BAD, status=200), Refused),
    ("error code without status", lambda: answer(200, **BAD, status=None), Refused),
    ("500", lambda: answer(500, **BAD, status=500), Unanswered),
    ("502 as a page", lambda: httpx.Response(502, **HTML), Unanswered),
    ("500 inside 200", lambda: answer(200, **BAD, status=500), Unanswered),
    ("500 inside 400", lambda: answer(400, **BAD, status=500), Unanswered),
    ("503 with a 401 inside", lambda: answer(503, **BAD, status=401), Unanswered),
    ("success inside 500", lambda: answer(500, result=RECEIPT), Unanswered),
    ("success inside 400", lambda: answer(400, result=RECEIPT), Unanswered),
    ("success inside 401", lambda: answer(401, result=RECEIPT), Unanswered),
    ("success inside 429", lambda: answer(429, result=RECEIPT), Unanswered),
    ("success with status 400", lambda: answer(200, result=RECEIPT, status=400), Unanswered),
    ("success with status 401", lambda: answer(200, result=RECEIPT, status=401), Unanswered),
    ("success with status 500", lambda: answer(200, result=RECEIPT, status=500), Unanswered),
    ("301", lambda: httpx.Response(301, headers={"Location": "https://elsewhere.test/"}), Unanswered),
    ("307 to itself", lambda: httpx.Response(307, headers={"Location": "/"}), Unanswered),
    ("302 with a 401 inside", lambda: answer(302, **BAD, status=401), Unanswered),
    ("204", lambda: httpx.Response(204), Unanswered),
    ("200 empty", lambda: httpx.Response(200), Unanswered),
    ("200 as a page", lambda: httpx.Response(200, **HTML), Unanswered),
    ("200 with another code", lambda: httpx.Response(200, json={"code": 0, "data": {}}), Unanswered),
    ("200 without a receipt", lambda: answer(200), Unanswered),
    ("200 with a list", lambda: answer(200, result=[RECEIPT]), Unanswered),
    ("200 with no order number", lambda: answer(200, result={"orderNo": ""}), Unanswered),
    (
        "200 with broken gzip",
        lambda: httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"x")),
        Unanswered,
    ),
    (
        "200 in brotli",
        lambda: httpx.Response(200, headers={"Content-Encoding": "br"}, stream=httpx.ByteStream(b"x")),
        Unanswered,
    ),
]


@pytest.mark.parametrize(("respond", "wanted"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_save_answered_so_means_this_and_is_sent_once(respond, wanted):
    script = Script(lambda _: respond())
    with pytest.raises(wanted) as caught:
        portal_on(script).save(b"{}")
    assert type(caught.value) is wanted
    assert len(script.calls) == 1
    assert "unexpected" not in caught.value.detail


def test_an_error_carries_their_words_and_the_whole_answer():
    script = Script(lambda _: answer(400, result={"field": "quantity", "tag": "required"}, **BAD, status=400))
    with pytest.raises(Refused) as caught:
        portal_on(script).save(b"{}")
    error = caught.value
    assert (error.code, error.detail, error.request_id) == (BAD["code"], BAD["detail"], "req-1")
    assert error.fields == {"field": "quantity", "tag": "required"}
    assert error.http_status == 400
    assert '"tag":"required"' in error.answer.replace(" ", "")


def test_a_surprising_success_keeps_its_answer_and_request_id():
    script = Script(lambda _: answer(200, result={"orderNo": None, "transactionNo": "QO1"}))
    with pytest.raises(Unanswered) as caught:
        portal_on(script).save(b"{}")
    assert "QO1" in caught.value.answer
    assert caught.value.request_id == "req-1"


def test_a_429_tells_how_long_to_wait():
    script = Script(lambda _: httpx.Response(429, headers={"Retry-After": "17"}))
    with pytest.raises(NotDelivered) as caught:
        portal_on(script).save(b"{}")
    assert caught.value.retry_after == 17.0
    assert caught.value.http_status == 429


def test_an_answer_that_echoes_the_token_is_kept_without_it():
    def echo(request):
        return answer(400, code="bad", detail=request.headers["Authorization"], result=[token_value(1)])

    with pytest.raises(Refused) as caught:
        portal_on(Script(echo)).save(b"{}")
    shown = f"{caught.value!r} {caught.value} {vars(caught.value)}"
    assert token_value(1) not in shown
    assert SECRET not in shown
    assert "[token]" in caught.value.detail
