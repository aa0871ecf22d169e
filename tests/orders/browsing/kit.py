"""What the tests of the history's pages share: records, customers, and what a page or a walk over all pages shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from orders.browsing import paging
from orders.browsing.asked import Asked, parse
from orders.browsing.finding import find
from orders.destination import current_destination
from orders.models import Partner, Record
from orders.text import fold

SignIn = Callable[[User], Client]

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)


def record(key: str, **columns: Any) -> Record:
    at = columns.pop("at", NOW)
    told = {"order_no": key, "destination": current_destination(), "first_seen_at": at, "changed_at": at}
    return Record.objects.create(key=key, at=at, **told | columns)


def partner(number: str, company: str, **columns: Any) -> Partner:
    found = fold(" ".join([company, *map(str, columns.values())]))
    return Partner.objects.create(remote_id=number, company=company, mirrored_at=NOW, search=found, **columns)


def listed(client: Client, query: str | dict[str, str] = "", **headers: str) -> list[str]:
    """The order numbers on a page, in their order."""
    answer = client.get("/history/", query, headers=headers) if isinstance(query, dict) else client.get(query)
    assert answer.status_code == 200
    return re.findall(r'data-copy="([^"]+)"', answer.content.decode())


def walk(asked: Asked, name: str, beginning: int | None = None) -> list[list[int]]:
    """The keys on each page, one page after the other."""
    pages: list[list[int]] = []
    key = beginning
    while True:
        now = parse({**asked.filters, "sort": asked.sort, **({name: str(key)} if key else {})})
        shown = paging.page(find(now, NOW), now)
        pages.append([each.pk for each in shown.rows])
        key = getattr(shown, name)
        if key is None:
            return pages
