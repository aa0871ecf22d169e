"""What ends the making of an export early, and how it goes on: cancelled, a full disk, workers that stop or die."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from orders import tasks
from orders.exporting import files, making, writing
from orders.models import Export, Order
from tests.orders.exporting.kit import asked, made, table


def test_a_cancelled_export_stops_and_leaves_nothing(
    monas: Client, shelf: Order, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = asked(monas)
    monkeypatch.setattr(writing, "BEAT", 0)
    wrote = writing._Row.wrote

    def cancelled(row: Any, rows: int) -> None:
        monas.post(f"/history/exports/{export.pk}/cancel/")
        wrote(row, rows)

    monkeypatch.setattr(writing._Row, "wrote", cancelled)
    made(export)
    export.refresh_from_db()
    assert export.state == Export.State.CANCELLED
    assert not list(files.folder().iterdir())
    assert "It had ended already" in monas.post(f"/history/exports/{export.pk}/cancel/", follow=True).content.decode()
    monkeypatch.undo()


@pytest.mark.filterwarnings("ignore:Exception ignored in. <function ZipFile.__del__")  # it tries once more
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_full_disk_says_so_and_leaves_nothing(
    monas: Client, shelf: Order, large: None, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """/dev/full is a disk that is full: the operating system says so itself."""
    export = asked(monas, kind)
    place = files.folder() / f"{export.pk}.1{files.PART}"
    place.mkdir()
    (place / export.file_name).symlink_to("/dev/full")
    made(export)
    export.refresh_from_db()
    assert (export.state, export.words) == (Export.State.FAILED, writing.DISK_FULL)
    assert not list(files.folder().iterdir())
    assert "The disk is full" in monas.get("/history/exports/").content.decode()


def test_a_killed_workers_export_is_noticed_and_started_again_with_one_click(
    monas: Client, shelf: Order, large: None, bells: list[str]
) -> None:
    export = asked(monas)
    claimed = making.claim(export.pk)
    assert claimed is not None
    with files.workshop(claimed) as place:
        (place / "half").write_text("half of it")
        Export.objects.filter(pk=export.pk).update(alive_until=timezone.now() - timedelta(seconds=1))
        page = monas.get("/history/exports/").content.decode()
        assert "was not heard of any more" in page
        assert "Start again" in page
        assert "every 1s" not in page, "nobody waits for the dead"
        making.tidy()
        export.refresh_from_db()
        assert (export.state, export.words) == (Export.State.FAILED, making.NEVER_CAME_BACK)
        bells.clear()
        monas.post(f"/history/exports/{export.pk}/again/")
        assert bells == [str(export.pk)]
        made(export)
        writing.write(claimed, stopping=lambda: False)  # the dead one wakes up
    export.refresh_from_db()
    assert (export.state, export.run, export.rows) == (Export.State.READY, 2, 3)
    assert len(table(b"".join(monas.get(f"/history/exports/{export.pk}/file/").streaming_content))) == 3


def test_a_worker_that_stops_puts_it_back(monas: Client, shelf: Order, large: None) -> None:
    export = asked(monas)
    making.make(export.pk, stopping=lambda: True)
    export.refresh_from_db()
    assert (export.state, export.rows) == (Export.State.WAITING, 0)
    assert not list(files.folder().iterdir())


def test_who_waits_is_called_again_by_the_beat(monas: Client, shelf: Order, large: None, bells: list[str]) -> None:
    export = asked(monas)
    bells.clear()
    tasks.tidy_exports()
    assert bells == [str(export.pk)]
