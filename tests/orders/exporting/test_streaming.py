"""A small export is sent straight to the browser: its name, its chunks, its row in the list, and what breaks it off."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.signals import request_finished
from django.db import close_old_connections
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from orders.browsing.asked import parse
from orders.destination import current_destination
from orders.exporting import files, making, writing
from orders.models import Export, Order, Record
from tests.orders.browsing.kit import NOW
from tests.orders.exporting.kit import table, take


def test_a_small_export_leaves_a_row_of_who_what_and_how_much(monas: Client, mona: User, shelf: Order) -> None:
    data = take(monas, "csv", "status=succeed")
    export = Export.objects.get()
    assert (export.owner, export.format, export.query) == (mona, "csv", "status=succeed")
    assert export.told == "Status: succeed"
    assert (export.state, export.rows, export.size) == (Export.State.SENT, 2, len(data))
    assert not list(files.folder().iterdir()), "nothing stays behind"
    shown = monas.get("/history/exports/").content.decode()
    assert "Downloaded" in shown
    assert "straight to the browser; no file of it is kept" in shown, "so Mona looks for none"


def test_the_name_says_what_and_when_and_takes_nothing_from_the_filters(monas: Client, shelf: Order) -> None:
    query = 'q=LR1"; filename=evil\r\nX-Evil: 1'
    answer = monas.post("/history/exports/ask/", {"format": "csv", "query": query})
    assert re.fullmatch(r'attachment; filename="history-\d{4}-\d\d-\d\d-\d{6}\.csv"', answer["Content-Disposition"])
    assert "X-Evil" not in answer
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Cache-Control"] == "no-store, private"


def test_mona_who_exports_three_filters_in_one_minute_has_three_names(monas: Client, shelf: Order) -> None:
    names, begin = set(), timezone.now()
    for second, status in enumerate(("succeed", "pending", "failed")):
        with time_machine.travel(begin + timedelta(seconds=second), tick=False):
            answer = monas.post("/history/exports/ask/", {"format": "csv", "query": f"status={status}"})
        b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        names.add(answer["Content-Disposition"])
    assert len(names) == 3, names


def test_chunks_are_of_a_size(monas: Client, db: None) -> None:
    Record.objects.bulk_create(
        Record(destination=current_destination(), key=str(n), at=NOW, first_seen_at=NOW, changed_at=NOW)
        for n in range(6000)
    )
    answer = monas.post("/history/exports/ask/", {"format": "csv", "query": ""})
    chunks = list(answer.streaming_content)
    assert {len(each) for each in chunks[:-1]} == {writing.CHUNK}
    assert len(table(b"".join(chunks))) == 6000


def test_a_download_that_is_broken_off_says_so(mona: User, shelf: Order) -> None:
    export = making.ask(mona, parse({}), Export.Format.CSV, "")
    assert export is not None
    chunks = writing.send(export)
    next(chunks)
    chunks.close()
    assert Export.objects.get().words == writing.BROKEN_OFF


def close(answer: HttpResponse) -> None:
    """As a server does, but not with the database, which a test holds open: a test's client closes it so, too."""
    request_finished.disconnect(close_old_connections)
    answer.close()
    request_finished.connect(close_old_connections)


@pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl"])
def test_a_download_that_nobody_takes_is_broken_off_at_once(monas: Client, shelf: Order, kind: str) -> None:
    answer = monas.post("/history/exports/ask/", {"format": kind, "query": ""})
    assert Export.objects.get().state == Export.State.RUNNING
    close(answer)
    assert (Export.objects.get().state, Export.objects.get().words) == (Export.State.FAILED, writing.BROKEN_OFF)
    assert "The download was broken off" in monas.get("/history/exports/").content.decode()
    assert not list(files.folder().iterdir())


def test_a_format_that_does_not_exist_is_asked_back(monas: Client, shelf: Order) -> None:
    page = monas.post("/history/exports/ask/", {"format": "exe", "query": ""}, follow=True).content.decode()
    assert "Choose CSV" in page
    assert not Export.objects.exists()


def test_a_folder_that_cannot_be_written_says_so(monas: Client, shelf: Order, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings.EXPORT_DIR = tmp_path / "file"
    page = monas.post("/history/exports/ask/", {"format": "xlsx", "query": ""}, follow=True)
    assert writing.NOT_WRITTEN in page.content.decode()
    assert Export.objects.get().state == Export.State.FAILED
