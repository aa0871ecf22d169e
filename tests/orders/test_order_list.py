"""The list of orders: mine only, a manager's everybody's, by status, page by page."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orders.lifecycle import Status
from orders.models import Order

SignIn = Callable[[User], Client]

START = datetime(2026, 1, 1, tzinfo=UTC)


def many(owner: User, count: int, status: Status = Status.PLACED, **columns: object) -> list[Order]:
    """Placed orders, oldest first."""
    return Order.objects.bulk_create(
        Order(
            owner=owner,
            slug="turnkey-capacity",
            status=status,
            placed_at=START + timedelta(minutes=number),
            order_no=f"LR{owner.username}{status}{number:04}" if status == Status.PLACED else "",
            **columns,
        )
        for number in range(count)
    )


def listed(client: Client, query: str = "", **headers: str) -> list[str]:
    """The ids of the orders on a page of the list, in their order."""
    page = client.get(f"/orders/{query}", headers=headers)
    assert page.status_code == 200
    table = page.content.decode().partition("<table")[2]
    return re.findall(r'<a href="/orders/([0-9a-f-]{36})/">', table)


def ids(orders: list[Order]) -> list[str]:
    return [str(order.pk) for order in orders]


def test_staff_see_their_own_orders_and_a_manager_everybodys(
    alice: User, bob: User, mona: User, adam: User, sign_in: SignIn
) -> None:
    hers, his = many(alice, 2), many(bob, 1)
    assert listed(sign_in(alice)) == ids(hers[::-1])
    assert listed(sign_in(bob)) == ids(his)
    for person in (mona, adam):
        client = sign_in(person)
        assert set(listed(client)) == {*ids(hers), *ids(his)}
        shown = client.get("/orders/").content.decode()
        assert "alice" in shown
        assert "bob" in shown
    assert "bob" not in sign_in(alice).get("/orders/").content.decode()


def test_pages_follow_each_other_without_a_gap(alice: User, alices: Client) -> None:
    orders = many(alice, 60)
    first, second, third = (listed(alices, f"?page={number}") for number in (1, 2, 3))
    assert first + second + third == ids(orders[::-1])
    assert [len(first), len(second), len(third)] == [25, 25, 10]
    shown = [alices.get(f"/orders/?page={number}").content.decode() for number in (1, 2, 3)]
    assert ['rel="prev"' in page for page in shown] == [False, True, True]
    assert ['rel="next"' in page for page in shown] == [True, True, False]


@pytest.mark.parametrize("page", ["0", "-1", "999", "abc", "1.5", "", "9" * 400, "１"])  # noqa: RUF001
def test_a_page_that_is_none_is_some_page(page: str, alice: User, alices: Client) -> None:
    many(alice, 30)
    assert listed(alices, f"?page={page}")


@pytest.mark.parametrize("status", [status for status in Status if status != Status.DRAFT])
def test_a_filter_shows_one_status_and_counts_all(status: Status, alice: User, bob: User, alices: Client) -> None:
    mine = {each: many(alice, 2, each) for each in Status if each != Status.DRAFT}
    many(bob, 3, status)
    assert listed(alices, f"?status={status}") == ids(mine[status][::-1])
    tabs = re.findall(r'aria-current="page"[^>]*>([^<]+)', alices.get(f"/orders/?status={status}").content.decode())
    assert status.label in [tab.strip() for tab in tabs]
    filters = {each["value"]: each["count"] for each in alices.get("/orders/").context["filters"]}
    assert filters == {"": 10, "DRAFT": 0, **dict.fromkeys(mine, 2)}


@pytest.mark.parametrize("status", ["placed", "NOPE", "<b>", "PLACED' OR 1=1"])
def test_an_unknown_filter_shows_everything(status: str, alice: User, alices: Client) -> None:
    orders = many(alice, 2)
    assert listed(alices, f"?status={status}") == ids(orders[::-1])


def test_a_filter_keeps_its_pages(alice: User, alices: Client) -> None:
    many(alice, 30, Status.FAILED)
    many(alice, 30)
    shown = alices.get("/orders/?status=FAILED").content.decode()
    assert "?status=FAILED&amp;page=2" in shown
    assert len(listed(alices, "?status=FAILED&page=2")) == 5


def test_drafts_have_a_filter_of_their_own(draft: Callable[[str], Order], alice: User, alices: Client) -> None:
    order, (placed,) = draft("turnkey-capacity"), many(alice, 1)
    drafts = alices.get("/orders/?status=DRAFT").content.decode()
    assert str(order.pk) in drafts
    assert str(placed.pk) not in drafts
    assert listed(alices) == [str(placed.pk)]


def test_htmx_gets_the_list_and_not_the_page(alice: User, alices: Client) -> None:
    (order,) = many(alice, 1)
    assert listed(alices, "?status=PLACED", **{"HX-Request": "true"}) == [str(order.pk)]
    piece = alices.get("/orders/", headers={"HX-Request": "true"}).content.decode()
    assert piece.lstrip().startswith('<div id="orders">')
    assert "<html" not in piece


def test_numbers_and_status_stand_beside_each_order(alice: User, alices: Client) -> None:
    many(alice, 1, target_label="Hotel Mirador")
    many(alice, 1, Status.UNCERTAIN)
    shown = alices.get("/orders/").content.decode()
    for word in ("LRalicePLACED0000", "Hotel Mirador", "Bought", "Not known yet"):
        assert word in shown


def test_a_list_takes_the_same_few_questions_however_long(
    alice: User, mona: User, sign_in: SignIn, django_assert_max_num_queries: Callable[..., object]
) -> None:
    many(alice, 60)
    client = sign_in(mona)
    with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
        client.get("/orders/")


def test_an_order_of_a_product_that_is_no_longer_sold_is_still_shown(alice: User, alices: Client) -> None:
    (order,) = many(alice, 1)
    Order.objects.filter(pk=order.pk).update(slug="sold-out-long-ago")
    assert listed(alices) == [str(order.pk)]
    page = alices.get(f"/orders/{order.pk}/")
    assert page.status_code == 200
    assert "sold-out-long-ago" in page.content.decode()
    assert alices.get(f"/orders/{order.pk}.json").status_code == 200
    assert alices.post(f"/orders/{order.pk}/again/").status_code == 404


def test_a_draft_of_a_product_that_is_no_longer_sold_does_not_exist(
    draft: Callable[[str], Order], alices: Client
) -> None:
    order = draft("turnkey-capacity")
    Order.objects.filter(pk=order.pk).update(slug="sold-out-long-ago")
    for url in ("/", "/orders/"):
        page = alices.get(url)
        assert page.status_code == 200
        assert str(order.pk) not in page.content.decode()
    for method, tail in (("get", ""), ("get", "plan/"), ("post", "plan/"), ("post", "place/"), ("post", "discard/")):
        assert getattr(alices, method)(f"/orders/{order.pk}/{tail}", follow=True).status_code == 404, tail


def test_no_draft_vanishes_however_many_there_are(alice: User, alices: Client) -> None:
    drafts = Order.objects.bulk_create(
        Order(owner=alice, slug="turnkey-capacity", status=Status.DRAFT) for _ in range(60)
    )
    Order.objects.bulk_create([Order(owner=alice, slug="sold-out", status=Status.DRAFT)])
    seen: list[str] = []
    for number in (1, 2, 3):
        shown = alices.get(f"/orders/?status=DRAFT&page={number}").content.decode()
        found = re.findall(r'class="row-main" href="/orders/([0-9a-f-]{36})/', shown)
        assert len(found) == (25, 25, 10)[number - 1]
        assert ('rel="next"' in shown, 'rel="prev"' in shown) == (number < 3, number > 1)
        assert "All 60 drafts" not in shown
        seen += found
    assert sorted(seen) == sorted(ids(drafts))
    counts = {each["value"]: each["count"] for each in alices.get("/orders/").context["filters"]}
    assert counts["DRAFT"] == 60
    for url in ("/", "/orders/"):
        assert 'href="/orders/?status=DRAFT">All 60 drafts' in alices.get(url).content.decode()


def test_a_few_drafts_need_no_list_of_their_own(draft: Callable[[str], Order], alices: Client) -> None:
    draft("turnkey-capacity")
    for url in ("/", "/orders/", "/orders/?status=DRAFT"):
        shown = alices.get(url).content.decode()
        assert "row-main" in shown
        assert "All 1 drafts" not in shown


def test_the_head_of_a_page_may_be_asked_for(queued: Callable[[str], Order], alices: Client) -> None:
    order = queued("turnkey-capacity")
    for url in ("/", "/orders/", f"/orders/{order.pk}/", f"/orders/{order.pk}.json"):
        answer = alices.head(url)
        assert (answer.status_code, answer.content) == (200, b"")
