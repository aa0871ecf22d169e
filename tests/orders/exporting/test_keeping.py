"""Made files: how long they are kept, what removes them, and who may take them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orders import tasks
from orders.exporting import files
from orders.models import Export, Order
from tests.conftest import person
from tests.orders.browsing.kit import SignIn
from tests.orders.exporting.kit import asked, made, table


def test_files_go_after_their_time_and_the_row_stays(monas: Client, shelf: Order, large: None, settings: Any) -> None:
    export = asked(monas)
    made(export)
    tasks.tidy_exports()
    assert export.path.exists()
    settings.EXPORT_KEEP = timedelta(0)
    tasks.tidy_exports()
    assert not export.path.exists()
    page = monas.get("/history/exports/").content.decode()
    assert "File removed" in page
    assert monas.get(f"/history/exports/{export.pk}/file/", follow=True).status_code == 200
    monas.post(f"/history/exports/{export.pk}/again/")
    made(export)
    assert export.path.exists()


def test_with_its_row_a_file_goes_too_and_strays_are_swept(
    monas: Client, shelf: Order, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = asked(monas)
    made(export)
    stray = files.folder() / "11111111-1111-4111-8111-111111111111.1.part"
    stray.mkdir()
    Export.objects.all().delete()
    assert not export.path.exists()
    tasks.tidy_exports()
    assert stray.exists(), "it may be of a row that is being written just now"
    monkeypatch.setattr(files, "FRESH", -1)
    tasks.tidy_exports()
    assert not stray.exists()


def test_a_file_is_thrown_away_by_hand(monas: Client, shelf: Order, large: None) -> None:
    export = asked(monas)
    made(export)
    monas.post(f"/history/exports/{export.pk}/delete/")
    assert not export.path.exists()
    assert Export.objects.get().removed_at


def test_a_file_that_somebody_else_removed_is_said(monas: Client, shelf: Order, large: None) -> None:
    export = asked(monas)
    made(export)
    export.path.unlink()
    page = monas.get(f"/history/exports/{export.pk}/file/", follow=True).content.decode()
    assert "no longer there" in page


def test_an_export_is_its_owners_and_admins_may(
    monas: Client, adam: User, sign_in: SignIn, alices: Client, shelf: Order, large: None
) -> None:
    mara = sign_in(person("mara", "manager"))
    export = asked(monas)
    made(export)
    for client, code in ((mara, 404), (alices, 403), (sign_in(adam), 200)):
        answer = client.get(f"/history/exports/{export.pk}/file/")
        assert answer.status_code == code
        assert not answer.streaming or len(table(b"".join(answer.streaming_content))) == 3
        for verb in ("cancel", "again", "delete"):
            answer = client.post(f"/history/exports/{export.pk}/{verb}/")
            assert answer.status_code == (302 if code == 200 else code)
    assert export.name not in mara.get("/history/exports/").content.decode()
    page = sign_in(adam).get("/history/exports/").content.decode()
    assert export.name in page
    assert "mona" in page
