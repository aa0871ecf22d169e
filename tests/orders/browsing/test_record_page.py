"""The page of one record, and the way back from it to the list."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orders.models import Order
from tests.orders.browsing.kit import NOW, listed, partner, record


def test_a_record_tells_all_and_leads_to_our_order_and_to_the_customers_others(
    monas: Client, queued: Callable[..., Order], alice: User
) -> None:
    order = queued()
    partner("77", "Hotel Mirador")
    row = record(
        "LR1", ours=order, owner=alice, partner_id="77", raw={"orderNo": "LR1", "odd": "field"}, amount="1234.5"
    )
    for number in range(12):
        record(f"OTHER{number:02}", partner_id="77", at=NOW - timedelta(days=number + 1))
    page = monas.get(f"/history/{row.pk}/").content.decode()
    assert f"/orders/{order.pk}/" in page
    for words in ("1,234.50", "Hotel Mirador", "odd", "alice", order.reference, "OTHER09", "What happened here"):
        assert words in page, words
    assert "OTHER10" not in page


def test_mona_goes_back_from_an_order_to_the_page_of_the_list_that_she_came_from(monas: Client) -> None:
    rows = [record(f"LR{number:02}", status="pending", at=NOW - timedelta(hours=number)) for number in range(60)]
    first = monas.get("/history/", {"status": "pending"})
    older = monas.get(f"/history/{first.context['older']}")
    there = re.search(r'href="(/history/\d+/\?back=[^"]+)" class="id"', older.content.decode())
    assert there
    page = monas.get(html.unescape(there[1]))
    here = f"/history/?status=pending&after={rows[49].pk}"
    assert f'<a href="{html.escape(here)}">History</a>' in page.content.decode()
    assert listed(monas, here)[0] == "LR50"
    action = re.search(r'action="(/history/\d+/ask/[^"]+)"', page.content.decode())
    assert action
    assert monas.post(html.unescape(action[1])).url == html.unescape(there[1])
    assert '<a href="/history/">History</a>' in monas.get(f"/history/{rows[0].pk}/").content.decode()
    assert f'href="/history/{rows[0].pk}/" class="id"' in monas.get("/history/").content.decode(), "nothing is filtered"


@pytest.mark.parametrize(
    "back", ["//evil.test/", '"><script>', "javascript:alert(1)", "after=" + "9" * 4000, "x=%00&q=%ff"]
)
def test_a_way_back_leads_nowhere_but_to_the_list(monas: Client, back: str) -> None:
    page = monas.get(f"/history/{record('A').pk}/", {"back": back}).content.decode()
    [there] = re.findall(r'<a href="([^"]*)">History</a></p>', page)
    assert re.fullmatch(r"/history/(\?[\w=&%.+-]*)?", html.unescape(there))
