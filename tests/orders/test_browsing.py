"""The mirrored history as a manager reads it: filters, search, pages by key, saved views, the record's page."""

from __future__ import annotations

import html
import importlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders import prepared
from orders.browsing import kept, own, paging, unread
from orders.browsing.asked import SORTS, Asked, parse
from orders.browsing.finding import find
from orders.destination import current_destination
from orders.history import linking, records, tallies
from orders.models import Order, Partner, Record, SavedView
from orders.prepared import Query
from orders.text import fold
from yeastar_api.messages import OrderRow

SignIn = Callable[[User], Client]

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)


@pytest.fixture
def monas(mona: User, sign_in: SignIn) -> Client:
    """Mona's browser."""
    return sign_in(mona)


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


def test_the_newest_come_first_and_sorting_turns_them_round(monas: Client) -> None:
    for number, hours in (("LR2", 2), ("LR3", 1), ("LR1", 3)):
        record(number, at=NOW - timedelta(hours=hours))
    assert listed(monas, {}) == ["LR3", "LR2", "LR1"]
    assert listed(monas, {"sort": "at"}) == ["LR1", "LR2", "LR3"]
    assert listed(monas, {"sort": "order"}) == ["LR1", "LR2", "LR3"]
    assert listed(monas, {"sort": "-order"}) == ["LR3", "LR2", "LR1"]


def test_each_filter_leaves_only_what_fits(monas: Client, queued: Callable[..., Order], alice: User) -> None:
    order = queued()
    record("OURS", ours=order, owner=alice, status="pending", reference=order.reference)
    record("THEIRS", status="succeed", currency="RMB", product_id="9", product_name="Linkus", partner_id="77")
    record("ODD", status="con<b>", currency="USD", partner_id="78", at=NOW - timedelta(days=900))
    for query, found in {
        "status=pending": ["OURS"],
        "status=succeed": ["THEIRS"],
        "status=con%3Cb%3E": ["ODD"],
        "ours=QUEUED": ["OURS"],
        "ours=PLACED": [],
        "ours=QUEUED&made=elsewhere": [],
        "ours=QUEUED&made=here": ["OURS"],
        "product=9": ["THEIRS"],
        "customer=77": ["THEIRS"],
        "who=alice": ["OURS"],
        "who=nobody": [],
        "made=here": ["OURS"],
        "made=elsewhere": ["THEIRS", "ODD"],
        "currency=RMB": ["THEIRS"],
        "currency=USD": ["ODD"],
        "from=2026-05-20&to=2026-05-20": ["THEIRS", "OURS"],
        "to=2026-05-19": ["ODD"],
        "status=succeed&currency=RMB&made=elsewhere&sort=order": ["THEIRS"],
        "status=succeed&currency=USD": [],
        "product=-": ["OURS", "ODD"],
        "customer=-": ["OURS"],
        "currency=-&made=here": ["OURS"],
        "status=-": [],
    }.items():
        assert listed(monas, f"/history/?{query}") == found, query


def test_mona_is_told_that_no_customer_may_also_mean_not_yet_known(monas: Client) -> None:
    record("READ", detail_at=NOW)
    record("UNREAD")
    page = monas.get("/history/", {"customer": "-"}).content.decode()
    assert "<b>2</b> orders" in page
    assert '<span class="quiet">Customer</span> <span dir="auto">not told or not yet known</span>' in page
    assert ">Not told or not yet known</option>" in page
    assert ">Not told</option>" in page, "a status, which their list tells"


def test_mona_who_looks_for_kiwi_is_told_that_details_are_not_read_yet(
    monas: Client, queued: Callable[..., Order]
) -> None:
    partner("77", "Kiwi Orchards")
    for number, columns in enumerate(({}, {"detail_tried_at": NOW}, {"detail_at": NOW}, {"gone_at": NOW})):
        record(f"LR{number}", at=NOW - timedelta(days=number), **columns)
    record("OURS", ours=(order := queued()), owner=order.owner, partner_id="78")
    said = "Of 2 orders the details are not read yet: for whom they are, and what was bought, may not be known so far."
    for query in ({"q": "kiwi"}, {"customer": "77"}, {"customer": "-"}, {"product": "9"}):
        assert said in monas.get("/history/", query).content.decode(), query
    assert "Of 1 order the details" in monas.get("/history/?q=kiwi&to=2026-05-19").content.decode()
    assert "Of 1 order the details" in monas.get("/history/?q=kiwi&from=2026-05-20").content.decode()
    for query in ({}, {"status": "succeed"}, {"q": "kiwi", "to": "2026-05-17"}):
        assert "not read yet" not in monas.get("/history/", query).content.decode(), query
    Record.objects.filter(order_no="LR0").update(destination="of another account")
    tallies.rebuild("of another account")
    cache.clear()
    assert "Of 1 order the details" in monas.get("/history/?q=kiwi").content.decode()


def test_of_a_long_history_not_all_unread_details_are_counted(monas: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread, "MOST", 3)
    for number in range(5):
        record(f"LR{number}")
    assert "Of more than 3 orders the details" in monas.get("/history/?q=kiwi").content.decode()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL goes by what it has counted.")
def test_unread_details_are_counted_in_their_own_indexes(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Query] = []

    def ask(query: Query) -> list[tuple[int]]:
        asked.append(query)
        return [(0,)]

    monkeypatch.setattr(prepared, "rows_by_values", ask)
    unread.words((NOW, NOW), [])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {asked[0][0]}", asked[0][1])
        plan = " ".join(str(row[-1]) for row in cursor.fetchall())
    assert "INDEX record_unread (" in plan, plan
    assert "INDEX record_unreadable" in plan


def test_what_stands_together_for_the_first_time_is_found_at_once(monas: Client, queued: Callable[..., Order]) -> None:
    def told(**row: Any) -> None:
        records.keep(current_destination(), [OrderRow(row)], timezone.now())

    fillers = [{"orderNo": f"USUAL{number}", "orderStatus": "succeed", "currencyCode": "USD"} for number in range(400)]
    told(orderNo="FIRST", orderStatus="pending", currencyCode="RMB")
    assert listed(monas, {"status": "pending", "currency": "RMB"}) == ["FIRST"]
    assert listed(monas, {"status": "pending", "currency": "EUR"}) == []
    assert listed(monas, {"status": "pending", "made": "here"}) == []
    told(orderNo="SECOND", orderStatus="pending", currencyCode="EUR")
    records.keep(current_destination(), [OrderRow(row) for row in fillers], timezone.now())
    assert listed(monas, {"status": "pending", "currency": "EUR"}) == ["SECOND"]
    order = queued()
    Order.objects.filter(pk=order.pk).update(order_no="FIRST")
    linking.link(current_destination())
    assert listed(monas, {"status": "pending", "made": "here"}) == ["FIRST"]


def test_periods_are_days_of_the_portals_time_zone() -> None:
    begin = {name: parse({"period": name}).span(NOW) for name in ("today", "7-days", "last-month", "this-year")}
    assert {name: (span[0].date().isoformat(), span[1].date().isoformat()) for name, span in begin.items()} == {
        "today": ("2026-05-20", "2026-05-21"),
        "7-days": ("2026-05-14", "2026-05-21"),
        "last-month": ("2026-04-01", "2026-05-01"),
        "this-year": ("2026-01-01", "2026-05-21"),
    }


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("order_no", "LR20260001"),
        ("transaction_no", "TR4711"),
        ("instance_id", "3049041101760282624"),
        ("invoice_no", "INV-77"),
        ("product_no", "3651E1292455"),
        ("custom_reference_no", "PO-2317"),
        ("reference", "YP-7F3K-9QX2"),
    ],
)
def test_a_number_is_found_by_itself_and_by_its_beginning(monas: Client, column: str, value: str) -> None:
    record("WANTED", **{column: value})
    record("OTHER")
    wanted = value if column == "order_no" else "WANTED"
    for text in (value, value[:-2], value.lower(), f" {value} "):
        assert listed(monas, {"q": text}) == [wanted], text
    assert listed(monas, {"q": value[1:]}) == []


def test_a_customer_is_found_by_any_part_of_a_word_without_accents(monas: Client) -> None:
    partner("1", "Société Générale", last_name="Müller")
    partner("2", "Hotel Mirador")
    record("A", partner_id="1")
    record("B", partner_id="2")
    record("C")
    for words, found in (("generale", ["A"]), ("ULLER soc", ["A"]), ("irado", ["B"]), ("e", ["B", "A"]), ("x y", [])):
        assert listed(monas, {"q": words}) == found, words
        assert listed(monas, {"customer": words}) == found, words


@pytest.mark.parametrize("name", ["O'Brien", "O\u2019Brien", "O\u2018Brien", "O\u00b4Brien", "O`Brien"])
def test_mona_finds_o_brien_whichever_apostrophe_she_and_the_vendor_type(monas: Client, name: str) -> None:
    partner("1", name)
    record("A", partner_id="1")
    for typed in ("o'brien", "O\u2019BRIEN", "o\u00b4brien", "O`Brien"):
        assert listed(monas, {"q": typed}) == ["A"], typed
        assert listed(monas, {"customer": typed}) == ["A"], typed


def test_what_was_folded_before_has_the_one_apostrophe_by_now(db: None) -> None:
    for number, words in enumerate(("o\u2019brien \u2018s", "o'brien", "plain")):
        Partner.objects.create(remote_id=f"{number}", mirrored_at=NOW, search=words)
    importlib.import_module("orders.migrations.0019_called").fold_apostrophes(apps, None)
    assert [*Partner.objects.order_by("pk").values_list("search", flat=True)] == ["o'brien 's", "o'brien", "plain"]


def test_mona_looks_for_an_order_that_was_bought_a_minute_ago(
    monas: Client, queued: Callable[..., Order], draft: Callable[[str], Order]
) -> None:
    order = queued()
    Order.objects.filter(pk=order.pk).update(status="PLACED", order_no="LR77", order_id="3755141")
    said = f'An order of ours is called so: <a href="/orders/{order.pk}/">Linkus Cloud Service</a>'
    for typed in (order.reference, order.reference.lower(), "LR77", "lr77", "3755141"):
        page = monas.get("/history/", {"q": typed}).content.decode()
        assert said in page, typed
        assert "It was not read from Yeastar\u2019s history yet." in page
    for typed in ("LR7", draft("linkus-cloud-service").reference, "nothing"):
        assert "An order of ours" not in monas.get("/history/", {"q": typed}).content.decode(), typed
    row = record("LR77", ours=order, owner=order.owner, order_id="3755141")
    assert listed(monas, {"q": "LR77"}) == ["LR77"]
    for query in ({"q": "3755141"}, {"q": "LR77", "currency": "EUR"}):
        page = monas.get("/history/", query).content.decode()
        assert f'It stands in the history as <a href="/history/{row.pk}/">LR77</a>.' in page


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads a small table whole.")
def test_our_orders_are_found_by_indexes(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {own.CALLED}", ("x", "X") * 3)
        assert "SCAN" not in str(cursor.fetchall())


@pytest.mark.parametrize(
    ("number", "company", "shows"),
    [("77", "Kiwi Orchards", "Kiwi Orchards"), ("77", "K  <b> " + "x" * 130, "K &lt;b&gt; " + "x" * 94), ("-", "", "")],
)
def test_mona_who_clicked_a_customer_reads_the_name_and_keeps_just_that_customer(
    monas: Client, number: str, company: str, shows: str
) -> None:
    partner("77", company)
    partner("78", f"{company} of the south")
    record("A", partner_id="" if number == "-" else number, status="succeed")
    record("B", partner_id="78", status="succeed")
    page = monas.get("/history/", {"customer": number}).content.decode()
    [value] = re.findall(r'<input name="customer" id="id_customer" value="([^"]*)"', page)
    [was] = re.findall(r'<input type="hidden" name="was" value="([^"]*)">', page)
    assert (value, was) == (shows or "not told or not yet known", number)
    form = {"customer": html.unescape(value), "was": was, "status": "succeed"}
    answer = monas.get("/history/", form, headers={"HX-Request": "true"})
    assert answer["HX-Push-Url"] == f"/history/?status=succeed&customer={number}"
    assert listed(monas, form) == ["A"]
    assert listed(monas, form | {"customer": "south"}) == ["B"]
    assert listed(monas, form | {"customer": ""}) == ["B", "A"]


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


def test_what_is_common_and_what_is_rare_give_the_same_list(monas: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        partner(str(number), f"Hotel {number % 3}")
        record(f"LR{number:02}", partner_id=str(number), status=("succeed", "pending")[number % 2])
    queries = [
        {"q": "hotel"},
        {"q": "hotel 1"},
        {"q": "hotel", "status": "pending"},
        {"customer": "2"},
    ]
    rare = [listed(monas, query) for query in queries]
    monkeypatch.setattr("orders.browsing.finding.FEW", 2)
    assert [listed(monas, query) for query in queries] == rare
    assert len(rare[0]) == 30


def test_too_many_are_sorted_by_date_and_it_is_said(monas: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, hours in ((3, 1), (1, 2), (2, 3)):
        record(f"LR{number}", at=NOW - timedelta(hours=hours), currency="RMB")
    asked = {"currency": "RMB", "sort": "order"}
    assert listed(monas, asked) == ["LR1", "LR2", "LR3"]
    monkeypatch.setattr("orders.browsing.finding.FEW", 2)
    assert listed(monas, asked) == ["LR2", "LR1", "LR3"]
    page = monas.get("/history/", asked)
    assert "sorted by date" in page.context["notes"][0]
    assert page.context["sorts"]["at"]["now"] == "ascending"
    assert listed(monas, {"sort": "order"}) == ["LR1", "LR2", "LR3"]


def test_a_page_that_was_looked_for_long_enough_says_how_far(monas: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    partner("1", "Hotel Mirador")
    for number in range(9):
        record(f"LR{number}", partner_id="1", status="pending" if number == 1 else "succeed", at=NOW)
    monkeypatch.setattr("orders.browsing.walking.LOOKED", 5)
    monkeypatch.setattr("orders.browsing.finding.FEW", 4)
    page = monas.get("/history/?customer=1&status=pending")
    assert page.context["rows"] == []
    assert "up to 20 May 2026" in page.content.decode()
    assert "Nothing fits so far" in page.content.decode()
    assert listed(monas, "/history/" + page.context["older"]) == ["LR1"]


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


def test_records_of_another_account_are_not_listed(monas: Client) -> None:
    record("HERE")
    record("THERE", destination="elsewhere (account 1)")
    tallies.rebuild("elsewhere (account 1)")
    assert listed(monas, {}) == ["HERE"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads a small table whole.")
@pytest.mark.django_db
def test_what_each_list_needs_is_found_without_reading_all_records(django_assert_max_num_queries: Any) -> None:
    record("HERE")
    tallies.rebuild(current_destination())
    with django_assert_max_num_queries(100) as asked:
        assert kept.kept().destinations == []
    for query in asked.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            plan = "\n".join(row[3] for row in cursor.fetchall())
        assert "TEMP B-TREE" not in plan, (query["sql"], plan)


def test_a_gone_record_is_marked_and_what_is_not_known_is_said(monas: Client) -> None:
    gone = record("GONE", gone_at=NOW)
    for url in ("/history/", f"/history/{gone.pk}/"):
        page = monas.get(url).content.decode()
        assert "no longer" in page
        assert "not yet known" in page


def test_nothing_read_and_nothing_found_are_told_apart(monas: Client) -> None:
    assert "Nothing was read yet" in monas.get("/history/").content.decode()
    record("LR1")
    assert "Nothing fits" in monas.get("/history/?q=zzz").content.decode()


def test_pages_keep_filters_and_sort(monas: Client) -> None:
    Record.objects.bulk_create(
        Record(destination=current_destination(), key=str(n), order_no=f"LR{n:03}", at=NOW, first_seen_at=NOW,
               changed_at=NOW, status="pending")
        for n in range(120)
    )  # fmt: skip
    first = monas.get("/history/?status=pending&sort=order")
    assert "<b>120</b> orders" in first.content.decode()
    assert first.context["counted"] == "120"
    assert first.context["older"].startswith("?status=pending&sort=order&after=")
    second = monas.get("/history/" + first.context["older"])
    third = monas.get("/history/" + second.context["older"])
    assert third.context["older"] == ""
    back = monas.get("/history/" + third.context["newer"])
    assert [row.record.pk for row in back.context["rows"]] == [row.record.pk for row in second.context["rows"]]
    assert monas.get("/history/" + back.context["newer"]).context["newer"] == ""


def test_counts_are_capped_and_say_so(monas: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(60):
        record(f"LR{number}")
    assert monas.get("/history/").context["counted"] == "60"
    monkeypatch.setattr(paging, "COUNTED", 55)
    assert monas.get("/history/").context["counted"] == "55+"


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["succeed", "pending", "-"]),
        "currency": st.sampled_from(["USD", "RMB", "-"]),
        "product": st.sampled_from(["9", "15", "-"]),
        "customer": st.sampled_from(["P1", "P3", "P9", "otel", "hotel 2", "-"]),
        "who": st.sampled_from(["alice", "bob", "nobody"]),
        "made": st.sampled_from(["here", "elsewhere"]),
        "ours": st.sampled_from(["PLACED", "UNCERTAIN", "FAILED"]),
        "q": st.sampled_from(["LR0", "LR01", "hotel", "hotel 1", "LR", "LR010", "P1", "clinic", "nothing"]),
        "period": st.sampled_from(["today", "this-year"]),
    },
)


@pytest.fixture
def shelf(alice: User, bob: User) -> None:
    """Ninety records, at few different times; of some columns one value goes with few of another."""
    for number in range(3):
        partner(f"P{number}", f"Hotel {number}")
    orders = Order.objects.bulk_create(
        Order(
            owner=(alice, alice, bob)[number % 3],
            slug="linkus-cloud-service",
            status=("PLACED", "PLACED", "UNCERTAIN")[number % 7 % 3],
            reference=f"YP-{number:04}-0000",
            placed_at=NOW,
        )
        for number in range(30)
    )
    Record.objects.bulk_create(
        Record(
            destination=current_destination() if number % 31 else "elsewhere (account 1)",
            key=f"k{number}",
            order_no=f"LR{number // 2:03}" if number % 9 else "",
            at=NOW - timedelta(hours=number % 4, days=200 * (number > 60)),
            first_seen_at=NOW,
            changed_at=NOW,
            status=("succeed", "pending", "")[number % 6 if number % 6 < 3 else 0],
            currency=("USD", "RMB", "")[number % 10 if number % 10 < 3 else 0],
            product_id=("9", "15", "")[number % 5 % 3],
            partner_id=f"P{number % 4}" if number % 7 else "",
            ours=orders[number // 3] if number % 3 == 0 else None,
            owner=orders[number // 3].owner if number % 3 == 0 else None,
        )
        for number in range(90)
    )
    tallies.rebuild("elsewhere (account 1)")


def naively(query: dict[str, str]) -> set[int]:
    """The keys of what fits, by looking at each record."""
    names = dict(Partner.objects.values_list("remote_id", "search"))

    def is_of(row: Record, words: str) -> bool:
        return row.partner_id in names and all(word in names[row.partner_id] for word in fold(words).split())

    def is_customer(row: Record, told: str) -> bool:
        number = "" if told == "-" else told
        return row.partner_id == number or is_of(row, told)

    def fits(row: Record) -> bool:
        ours = row.ours
        told = {
            "status": row.status or "-",
            "currency": row.currency or "-",
            "product": row.product_id or "-",
            "made": "here" if ours else "elsewhere",
            "who": ours.owner.username if ours else "",
            "ours": ours.status if ours else "",
        }
        at = row.at.date().isoformat()
        begin = {"today": "2026-05-20", "this-year": "2026-01-01"}.get(query.get("period", ""), "")
        q, customer = query.get("q", ""), query.get("customer", "")
        return (
            row.destination == current_destination()
            and all(told[name] == value for name, value in query.items() if name in told)
            and at >= begin
            and (not q or row.order_no.startswith(q) or is_of(row, q))
            and (not customer or is_customer(row, customer))
        )

    return {row.pk for row in Record.objects.select_related("ours__owner") if fits(row)}


@given(
    filters=FILTERS,
    sort=st.sampled_from(sorted(SORTS)),
    few=st.sampled_from([0, 5, 1000]),
    few_customers=st.sampled_from([1, 100]),
    looked=st.sampled_from([3, 10, 1000]),
    mixes=st.sampled_from([2, 1000]),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_walking_all_pages_there_and_back_sees_what_fits_in_its_order(
    shelf: None, filters: dict[str, str], sort: str, few: int, few_customers: int, looked: int, mixes: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paging, "PAGE_SIZE", 7)
        patch.setattr("orders.browsing.walking.LOOKED", looked)
        patch.setattr("orders.browsing.walking.ALL_OF", 10 if few == 5 else 90)
        patch.setattr("orders.browsing.mixes.MOST", mixes)
        patch.setattr("orders.browsing.finding.FEW_CUSTOMERS", few_customers)
        if few:
            patch.setattr("orders.browsing.finding.FEW", few)
        asked = parse({**filters, "sort": sort})
        found = find(asked, NOW)
        there = walk(asked, "after")
        seen = [pk for page in there for pk in page]
        fit = naively(filters)
        assert len(seen) == len(fit)
        assert set(seen) == fit
        assert set(find(asked, NOW, whole=True).rows.values_list("pk", flat=True)) == fit
        counted = paging.count(found, paging.page(found, asked))
        assert int(counted.rstrip("+").replace(",", "")) <= len(fit) if "+" in counted else counted == str(len(fit))
        column, down = SORTS[found.sort]
        rows = Record.objects.in_bulk(seen)
        exact, seen = seen[: len(found.exact)], seen[len(found.exact) :]
        assert exact == [*found.exact]
        assert seen == sorted(seen, key=lambda pk: (getattr(rows[pk], column), pk), reverse=down)
        if found.sort != sort:
            assert len(seen) > few or looked < 1000
        if there[-1] and len(there) > 1:
            back = walk(asked, "before", beginning=there[-1][0])
            # The last page that one comes to is the first of all, and may hold again what the one before held.
            before = [pk for page in there[:-1] for pk in page]
            later = [pk for page in back[-2::-1] for pk in page] if len(back) > 1 else []
            assert later == before[len(before) - len(later) :]
            assert set(before) <= {*later, *back[-1]}


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


def test_htmx_gets_the_list_and_the_clean_address(monas: Client) -> None:
    record("LR1")
    answer = monas.get("/history/?q=LR1&status=&from=", headers={"HX-Request": "true"})
    assert answer.content.decode().lstrip().startswith('<div id="history">')
    assert answer["HX-Push-Url"] == "/history/?q=LR1"


def test_two_words_that_share_no_customer_find_nothing_with_a_filter_either(monas: Client, mona: User) -> None:
    for name in ("hotel", "clinic"):
        Partner.objects.create(remote_id=name, company=name, search=name, mirrored_at=NOW)
        told = {"destination": current_destination(), "partner_id": name, "at": NOW, "status": "succeed"}
        Record.objects.bulk_create(
            Record(key=f"{name}{n}", order_no=f"{name}{n}", first_seen_at=NOW, changed_at=NOW, **told)
            for n in range(1_001)
        )
    for query in ("q=hotel&customer=clinic", "q=hotel&customer=clinic&status=succeed"):
        page = monas.get(f"/history/?{query}")
        assert (page.context["rows"], page.context["counted"]) == ([], "0")


def test_a_view_is_saved_replaced_opened_and_deleted(monas: Client, mona: User) -> None:
    given = {"name": " Waiting  money ", "query": "status=pending&after=7&bad=1"}
    assert monas.post("/history/views/", given).url == "/history/?status=pending"
    view = SavedView.objects.get()
    assert (view.owner, view.name, view.query) == (mona, "Waiting money", "status=pending")
    page = monas.get("/history/?status=pending")
    assert page.context["view"].pk == view.pk
    assert "Waiting money" in page.content.decode()
    answer = monas.post("/history/views/", given | {"query": "status=failed"}, follow=True)
    assert "You have a view “Waiting money” already." in answer.content.decode()
    assert SavedView.objects.get().query == "status=pending"
    assert "Replace mine of that name" in answer.content.decode()
    monas.post("/history/views/", given | {"query": "status=failed", "replace": "1"})
    assert SavedView.objects.get().query == "status=failed"
    monas.post(f"/history/views/{view.pk}/delete/")
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("name", ["", " \t ", "x" * 61])
def test_a_view_needs_a_name_of_some_length(monas: Client, name: str) -> None:
    page = monas.post("/history/views/", {"name": name, "query": "q=1"}, follow=True)
    assert page.status_code == 200
    assert SavedView.objects.filter(name__in=["", name]).count() == 0


def test_views_are_their_owners_alone(monas: Client, mona: User, adam: User, sign_in: SignIn) -> None:
    monas.post("/history/views/", {"name": "hers", "query": "status=pending"})
    view = SavedView.objects.get()
    adams = sign_in(adam)
    assert "hers" not in adams.get("/history/").content.decode()
    assert adams.post(f"/history/views/{view.pk}/delete/").status_code == 404
    adams.post("/history/views/", {"name": "hers", "query": "q=his"})
    assert SavedView.objects.get(owner=mona).query == "status=pending"


def test_staff_learn_nothing(alices: Client) -> None:
    row = record("LR1")
    for url in ("/history/", f"/history/{row.pk}/"):
        assert alices.get(url).status_code == 403
    assert "/history/" not in alices.get("/orders/").content.decode()


def test_a_page_takes_the_same_few_questions_however_long(
    monas: Client, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(60):
        record(f"LR{number}", partner_id=str(number), at=timezone.now())
    monas.get("/history/")
    with django_assert_max_num_queries(11):
        monas.get("/history/")
