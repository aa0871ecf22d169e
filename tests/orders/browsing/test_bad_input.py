"""Addresses that cannot be meant, and hostile text in records and in what is asked."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.orders.browsing.kit import listed, partner, record


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-13-45",
        "to=yesterday",
        "period=ever",
        "sort=amount",
        "after=-1",
        "after=" + "9" * 40,
        "after=99999999",
        "before=99999999",
        "ours=DRAFT",
        "made=up",
        "q=" + "x" * 10_000,
        "from=0001-01-01",
        "to=9999-12-31",
        "period=custom",
    ],
)
def test_what_cannot_be_meant_is_said_and_ignored(monas: Client, query: str) -> None:
    record("LR1")
    answer = monas.get(f"/history/?{query}")
    assert answer.status_code == 200
    assert answer.context["notes"]
    if not query.startswith("q="):
        assert listed(monas, f"/history/?{query}") == ["LR1"]


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "\u202eevil", "%00", "' OR 1=1 --", "%", "_", "\\", "\ud800"]
)
def test_hostile_text_is_shown_as_text(monas: Client, text: str) -> None:
    shown = text.encode("utf-8", "replace").decode()
    row = record("<b>1</b>", status=shown[:100], product_name=shown, product_no=shown, custom_reference_no=shown)
    partner("9", shown)
    record("2", partner_id='9"><script>')
    for url in ("/history/", f"/history/{row.pk}/"):
        page = monas.get(url).content.decode()
        assert "<script>alert" not in page
        assert "<b>1</b>" not in page
    for name in ("q", "customer", "status", "product", "who", "currency", "from", "after", "period"):
        answer = monas.get("/history/", {name: shown})
        assert answer.status_code == 200
        assert "<script>alert" not in answer.content.decode()
