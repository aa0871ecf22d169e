"""Which records stand in a file and in which order: what the list shows, each once, whatever happens meanwhile."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.browsing.asked import parse
from orders.browsing.finding import find
from orders.exporting import reading, writing
from orders.models import Export, Order, Record
from tests.orders.browsing.kit import NOW, partner, record
from tests.orders.exporting.kit import asked, made, objects, sheets, table, take


@pytest.mark.parametrize(
    "query",
    [
        "status=succeed",
        "q=LR2",
        "customer=generale",
        "sort=order",
        "sort=at",
        "made=here",
        "from=2026-05-01&to=2026-05-31",
        "status=none",
    ],
)
def test_what_is_filtered_is_what_is_exported_in_the_same_order(monas: Client, shelf: Order, query: str) -> None:
    page = monas.get(f"/history/?{query}").content.decode()
    shown = re.findall(r'data-copy="([^"]+)"', page)
    for found in (
        table(take(monas, "csv", query)),
        *sheets(take(monas, "xlsx", query)),
        objects(take(monas, "jsonl", query)),
    ):
        assert [each["order_no"] for each in found] == shown
    assert ('id="export"' in page) == bool(shown)


def test_a_number_that_very_many_begin_with_is_exported_whole(monas: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders.browsing.finding.FEW", 3)
    for number in range(9):
        record(f"LR{number}", at=NOW - timedelta(hours=number), partner_id=str(number))
    record("XX", invoice_no="lr-7")
    record("YY", invoice_no="Lr-7")
    partner("99", "Lrxx")
    record("ZZ", partner_id="99")
    found = [each["order_no"] for each in table(take(monas, "csv", "q=LR"))]
    assert sorted(found) == [f"LR{number}" for number in range(9)] + ["ZZ"]
    found = [each["order_no"] for each in table(take(monas, "csv", "q=lr&sort=order"))]
    assert found == [f"LR{number}" for number in range(9)] + ["XX", "ZZ"]


@given(seed=st.randoms(use_true_random=False), sort=st.sampled_from(["-at", "at", "order", "-order"]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_row_comes_once_however_it_is_read(db: None, seed: Any, sort: str) -> None:
    Record.objects.all().delete()
    for number in range(40):
        at = NOW + timedelta(microseconds=seed.choice([0, 0, 1, 1_000_000]), hours=seed.randrange(4))
        record(f"k{number}", order_no=seed.choice(["", f"LR{number // 2}"]), at=at)
    asked = parse({"sort": sort})
    found = find(asked, NOW, whole=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BATCH", 7)
        keys = [key for batch in reading.batches(reading.keys(found, asked)) for key in batch["key"]]
    column, sign = ("order_no", "-") if "order" in sort else ("at", "-")
    sign = "-" if sort.startswith("-") else ""
    assert keys == list(Record.objects.order_by(f"{sign}{column}", f"{sign}pk").values_list("pk", flat=True))


@pytest.mark.parametrize("sort", ["at", "-at"])
def test_what_moves_in_the_order_meanwhile_comes_once_all_the_same(
    monas: Client, db: None, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    """A record stands where it was first seen until Yeastar tells when it was created."""
    monkeypatch.setattr(reading, "BATCH", 3)
    monkeypatch.setattr(writing, "CHUNK", 1)
    for number in range(10):
        record(f"D{number}", at=NOW - timedelta(days=number), status="pending")
    answer = monas.post("/history/exports/ask/", {"format": "csv", "query": f"sort={sort}&status=pending"})
    stream = iter(answer.streaming_content)
    data = b"".join(next(stream) for _ in range(300))
    Record.objects.filter(key="D1").update(at=NOW - timedelta(days=100))
    Record.objects.filter(key="D8").update(at=NOW + timedelta(days=100), status="succeed")
    record("D10", at=NOW + timedelta(days=200), status="pending")
    record("D11", at=NOW - timedelta(days=200), status="pending")
    names = [each["order_no"] for each in table(data + b"".join(stream))]
    assert names == [f"D{number}" for number in (range(10) if sort == "-at" else range(9, -1, -1))]
    assert Export.objects.get().rows == Export.objects.get().total == 10


def test_today_is_the_day_when_it_was_asked_for(monas: Client, shelf: Order, large: None) -> None:
    now = timezone.now()
    record("TODAY", at=now)
    export = asked(monas, query="period=today")
    Export.objects.filter(pk=export.pk).update(asked_at=now)
    record("TOMORROW", at=now + timedelta(days=1))
    made(export)
    data = b"".join(monas.get(f"/history/exports/{export.pk}/file/").streaming_content)
    assert [each["order_no"] for each in table(data)] == ["TODAY"]
