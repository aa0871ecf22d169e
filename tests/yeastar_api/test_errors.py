"""The errors: what they keep, and that they can be read."""

import pytest

from yeastar_api.errors import ANSWER_LIMIT, ApiError, NotDelivered, Refused, Unanswered


@pytest.mark.parametrize("kind", [NotDelivered, Refused, Unanswered])
def test_every_error_of_ours_is_an_api_error_with_harmless_defaults(kind):
    error = kind(call="save")
    assert isinstance(error, ApiError)
    assert (error.code, error.detail, error.request_id, error.answer) == ("", "", "", "")
    assert error.http_status is None
    assert error.retry_after is None


def test_an_error_reads_as_one_line_with_what_support_would_ask_for():
    error = Refused(call="save", code="bad", detail="quantity is missing", request_id="abc", http_status=400)
    assert str(error) == "save: bad: quantity is missing (HTTP 400, request abc)"
    assert str(NotDelivered(call="token")) == "token"


def test_a_long_answer_is_cut_to_whole_characters_within_the_limit():
    error = Unanswered(call="save", answer="x" + "漢" * ANSWER_LIMIT)
    assert ANSWER_LIMIT - 3 < len(error.answer.encode()) <= ANSWER_LIMIT
    assert error.answer.endswith("漢")


def test_a_refusal_carries_the_fields_that_were_refused():
    assert Refused(call="save", fields={"field": "quantity"}).fields == {"field": "quantity"}
    assert Refused(call="save").fields is None
