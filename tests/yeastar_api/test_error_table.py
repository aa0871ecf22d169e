"""Each row of the design's error table, through the client and over a real socket."""

import time

import pytest

from tests.yeastar_api.error_table import TABLE
from tests.yeastar_api.kit import portal_at
from yeastar_api.errors import ApiError


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.seen)
def test_a_save_is_sent_once_and_its_failure_is_named_after_what_is_certain(row):
    begun = time.monotonic()
    with row.other_end() as other, portal_at(other.url, budget=row.budget) as client:
        with pytest.raises(ApiError) as caught:
            client.save(row.body)
        took = time.monotonic() - begun
    assert type(caught.value) is row.error
    assert row.words in caught.value.detail
    assert caught.value.retry_after == row.retry_after
    assert row.calls(other.requests) == row.arrived
    assert row.waits is (took > 0.9)
    assert took < 5
