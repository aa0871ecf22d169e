"""The audit log as admins read it: what is filtered is found, each once, page by page and in a file."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from orders.audit_trail import finding, taking
from orders.auditing import topic_of
from orders.exporting.cells import read_back
from orders.models import AuditEntry

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def adams(adam: User, sign_in: Callable[[User], Client]) -> Client:
    return sign_in(adam)


def entry(number: int, **told: Any) -> AuditEntry:
    """Several share a second: only their keys tell which came first."""
    told = {"action": "order.settled", "actor_name": "mona", "words": f"Reason {number}", **told}
    return AuditEntry(at=NOON + timedelta(seconds=number // 3), topic=topic_of(told["action"]), **told)


@pytest.fixture
def log(adams: Client, mona: User, alice: User) -> list[AuditEntry]:
    """Of 130 entries each third is alice's, and each tenth about a role."""
    return AuditEntry.objects.bulk_create(
        entry(
            number,
            actor=alice if number % 3 == 0 else mona,
            action="role.changed" if number % 10 == 0 else "order.settled",
            target_type="order",
            target_id=str(number % 7),
            target_label=f"Order {number % 7}",
        )
        for number in range(130)
    )


def walk(client: Client, query: str, *, link: str = "older") -> list[int]:
    """The keys of all pages, from the first one on."""
    keys, address = [], f"?{query}"
    while address:
        context = client.get(f"/audit/{address}").context
        keys += [each.pk for each, *_ in context["rows"]]
        address = context[link]
    return keys


def fitting(*conditions: Any, **columns: Any) -> list[int]:
    found = AuditEntry.objects.filter(*conditions, **columns).order_by("-at", "-pk")
    return list(found.values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("", {}),
        ("who=alice", {"actor__username": "alice"}),
        ("what=people", {"topic": "people"}),
        ("what=role.changed", {"action": "role.changed"}),
        ("on=order:3", {"target_type": "order", "target_id": "3"}),
        ("who=mona&what=role.changed", {"actor__username": "mona", "action": "role.changed"}),
        ("q=reason+11", {"words__contains": "Reason 11"}),
        (
            "who=alice&on=order:3&what=orders&q=rEASON",
            {"actor__username": "alice", "target_id": "3", "topic": "orders"},
        ),
        ("from=2026-03-01&to=2026-03-01", {"at__date": NOON.date()}),
        ("who=nobody-is-called-so", {"pk": 0}),
        ("who=-", {"actor": None}),
    ],
)
@pytest.mark.parametrize("looked_at", [5_000, 20])
def test_all_that_fits_is_found_once_and_newest_first_however_short_a_page_looks(
    query: str, columns: dict[str, Any], looked_at: int, log: list[AuditEntry], adams: Client, monkeypatch: Any
) -> None:
    monkeypatch.setattr(finding, "LOOKED_AT", looked_at)
    assert walk(adams, query) == fitting(**columns)


@pytest.mark.parametrize("query", ["", "who=mona&what=orders"])
def test_one_goes_back_to_where_one_came_from(query: str, log: list[AuditEntry], adams: Client) -> None:
    pages = [adams.get(f"/audit/?{query}")]
    while older := pages[-1].context["older"]:
        pages.append(adams.get(f"/audit/{older}"))
    there = [[each.pk for each, *_ in page.context["rows"]] for page in pages]
    back, page = [there[-1]], pages[-1]
    while (newer := page.context["newer"]) and len(back) < len(there):
        page = adams.get(f"/audit/{newer}")
        back.append([each.pk for each, *_ in page.context["rows"]])
    assert back == there[::-1]


@pytest.mark.parametrize(
    "query",
    ["after=9" * 40, "after=99999999", "on=x", "what=%27%3B--", "period=never", "from=2026-02-31", "q=%00", "who=%ff"],
)
def test_nonsense_in_the_address_is_no_error(query: str, log: list[AuditEntry], adams: Client) -> None:
    assert adams.get(f"/audit/?{query}").status_code == 200


def test_a_million_would_ask_no_more_than_ten(
    log: list[AuditEntry], adams: Client, django_assert_max_num_queries: Any
) -> None:
    for query in ("", "who=alice&q=reason"):
        with django_assert_max_num_queries(12):
            adams.get(f"/audit/?{query}")


def test_a_file_holds_what_is_filtered_and_that_it_was_taken_is_in_the_log(
    log: list[AuditEntry], adams: Client, adam: User
) -> None:
    AuditEntry.objects.bulk_create([entry(999, action="role.changed", words="=1+1", data={"role": {"after": "x"}})])
    wanted = fitting(action="role.changed")

    def take(kind: str) -> Any:
        return adams.post("/audit/export/", {"format": kind, "query": "what=role.changed"})

    lines = [json.loads(line) for line in b"".join(take("jsonl")).splitlines()]
    assert [each["id"] for each in lines] == wanted
    assert lines[0]["data"] == {"role": {"after": "x"}}
    text = b"".join(take("csv")).decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert re.fullmatch(r"When \(.+\)", head[0])
    assert len(rows) == len(wanted)
    assert rows[0][7] == "'=1+1"
    assert read_back(rows[0][7]) == "=1+1"
    sheet = load_workbook(io.BytesIO(b"".join(take("xlsx")))).active
    assert sheet is not None
    cells = list(sheet.iter_rows(min_row=2, values_only=True))
    assert len(cells) == len(wanted)
    assert cells[0][7] == "=1+1"
    assert cells[0][0] == timezone.localtime(NOON + timedelta(seconds=333)).replace(tzinfo=None)
    taken = AuditEntry.objects.filter(action="export.audit", actor=adam)
    assert [each.data["format"] for each in taken.order_by("pk")] == ["jsonl", "csv", "xlsx"]
    assert {each.words for each in taken} == {"What: Roles changed"}


def test_an_excel_file_that_would_take_too_long_is_refused_in_words(
    log: list[AuditEntry], adams: Client, monkeypatch: Any
) -> None:
    monkeypatch.setattr(taking, "SHEET_ROWS", 100)
    answer = adams.post("/audit/export/", {"format": "xlsx", "query": ""}, follow=True)
    assert "An Excel file holds 100 entries at most" in answer.content.decode()
    assert adams.post("/audit/export/", {"format": "exe"}).status_code == 302


def test_an_entry_leads_to_its_target_and_shows_what_was_before_and_after(adams: Client, adam: User) -> None:
    [told] = AuditEntry.objects.bulk_create(
        [
            entry(
                1,
                action="role.changed",
                actor=adam,
                target_type="user",
                target_id=str(adam.pk),
                target_label="adam",
                data={"role": {"before": "staff", "after": None}, "why": ["much", 1]},
            )
        ]
    )
    page = adams.get(told.get_absolute_url()).content.decode()
    assert f'href="/people/{adam.pk}/"' in page
    assert ">staff<" in page
    assert "nothing" in page
    assert "much" in page
    assert adams.get("/audit/999999999/").status_code == 404


def test_a_target_whose_page_cannot_be_is_no_link(adams: Client) -> None:
    [told] = AuditEntry.objects.bulk_create([entry(1, target_type="order", target_id="no-uuid", target_label="x")])
    assert adams.get(told.get_absolute_url()).status_code == 200
