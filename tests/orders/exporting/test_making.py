"""A large export is made by a worker, one at a time: asked for, waiting, written, watched, downloaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from orders import tasks
from orders.exporting import apart, files, making, reading, writing
from orders.models import Export, Order
from tests.orders.exporting.kit import asked, made, objects, sheets, table


@pytest.mark.parametrize(("kind", "read"), [("csv", table), ("xlsx", lambda data: sheets(data)[0]), ("jsonl", objects)])
def test_a_large_export_is_made_by_a_worker_and_downloaded(
    monas: Client, shelf: Order, large: None, bells: list[str], kind: str, read: Callable[[bytes], Any]
) -> None:
    export = asked(monas, kind, "status=succeed")
    assert bells == [str(export.pk)]
    page = monas.get("/history/exports/").content.decode()
    assert "Waiting for a worker" in page
    assert "every 1s" in page
    assert 'http-equiv="refresh"' in page, "without JavaScript the page reloads"
    made(export)
    made(export)  # a message that comes twice changes nothing
    export.refresh_from_db()
    assert (export.state, export.rows, export.total, export.run) == (Export.State.READY, 2, 2, 1)
    page = monas.get("/history/exports/").content.decode()
    assert "every 1s" not in page
    answer = monas.get(f"/history/exports/{export.pk}/file/")
    data = b"".join(answer.streaming_content)
    assert len(data) == export.size == int(answer["Content-Length"])
    assert [each["order_no"] for each in read(data)] == ["LR1", "LR3"]
    assert [each.name for each in files.folder().iterdir()] == [export.file_name]


def test_the_same_asked_for_twice_is_made_once(monas: Client, shelf: Order, large: None) -> None:
    first = asked(monas)
    assert asked(monas) == first
    assert asked(monas, "xlsx") != first


def test_nobody_waits_for_many(monas: Client, shelf: Order, large: None) -> None:
    for number in range(making.AT_ONCE):
        asked(monas, query=f"q=LR{number}")
    page = monas.post("/history/exports/ask/", {"format": "csv", "query": "q=one+more"}, follow=True)
    assert "You wait for 5 exports already" in page.content.decode()
    assert Export.objects.count() == making.AT_ONCE


def test_one_is_written_at_a_time_and_the_next_is_called_for(
    monas: Client, shelf: Order, large: None, bells: list[str]
) -> None:
    first, second = asked(monas), asked(monas, "jsonl")
    assert making.claim(first.pk) is not None
    made(second)
    assert Export.objects.get(pk=second.pk).state == Export.State.WAITING, "it waits its turn"
    Export.objects.filter(pk=first.pk).update(state=Export.State.WAITING)
    bells.clear()
    made(first)
    assert bells == [str(second.pk)]


def test_a_worker_starts_a_process_only_for_one_whose_turn_it_is(
    monas: Client, shelf: Order, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(apart, "start", started.append)
    first, second = asked(monas), asked(monas, "jsonl")
    tasks.export(str(first.pk))
    assert making.claim(first.pk) is not None
    for each in (first, second):
        tasks.export(str(each.pk))
    assert started == [first.pk]


def test_progress_is_told_while_it_is_written(
    monas: Client, shelf: Order, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = asked(monas)
    monkeypatch.setattr(writing, "BEAT", 0)
    monkeypatch.setattr(reading, "BATCH", 1)
    pages: list[str] = []
    wrote = writing._Row.wrote

    def looked_at(row: Any, rows: int) -> None:
        wrote(row, rows)
        pages.append(monas.get("/history/exports/").content.decode())

    monkeypatch.setattr(writing._Row, "wrote", looked_at)
    made(export)
    assert "1 of 3 rows" in pages[0]
    assert 'value="33"' in pages[0]
    assert "3 of 3 rows" in pages[2]
