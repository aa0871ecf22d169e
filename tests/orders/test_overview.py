"""The managers' overview: its numbers, the lists behind them, its pictures and their tables."""

from __future__ import annotations

import html
import importlib
import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from orders.browsing.asked import parse as asked_of
from orders.destination import current_destination
from orders.history import tallies
from orders.models import Attempt, Order, Partner, Reading, Record, Tally
from orders.overview import charts, figures, links, money, ours, period
from orders.text import fold
from tests.conftest import person

SignIn = Callable[[User], Client]

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)

NUMBERS = re.compile(r'<a href="(/history/\?[^"]+)"[^>]*>([\d,]+)</a>')
PIECES = re.compile(r'<a href="(/history/\?[^"]+)" tabindex="-1"><rect [^>]*><title>[^<]*: ([\d,]+)</title>')


@pytest.fixture(autouse=True)
def _at_noon() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def monas(mona: User, sign_in: SignIn) -> Client:
    """Mona's browser."""
    return sign_in(mona)


def record(key: str, **columns: Any) -> Record:
    at = columns.pop("at", NOW)
    told = {"order_no": key, "destination": current_destination(), "first_seen_at": at, "changed_at": at}
    return Record(key=key, at=at, **told | columns)


def partner(number: str, company: str) -> Partner:
    return Partner.objects.create(remote_id=number, company=company, mirrored_at=NOW, search=fold(company))


def mirrored(*records: Record) -> None:
    """Written, with their tallies."""
    Record.objects.bulk_create(records)
    tallies.rebuild(current_destination())


HOSTILE = [
    "<script>alert(1)</script>",
    "\u202eevil\u2066",
    'a"b&c=d',
    "x" * 128,
    "  two  blanks ",
    "-",
    "שלום",
    "%s%00",
]


def anything(drawn: random.Random, people: list[User], count: int) -> list[Record]:
    """Records such as a vendor tells on a bad day."""
    zone = timezone.get_current_timezone()
    moments = [
        datetime(2026, month, day, hour, tzinfo=zone) for month, day, hour in ((1, 1, 0), (3, 31, 23), (4, 1, 0))
    ]
    found = []
    for number in range(count):
        at = NOW - timedelta(days=drawn.uniform(-20, 500))
        found.append(
            record(
                f"LR{number}",
                at=drawn.choice([at, at, at, *moments]),
                created_at=drawn.choice([at, None]),
                status=drawn.choice(["succeed", "succeed", "pending", "failed", "cancelled", "", *HOSTILE]),
                product_id=drawn.choice(["15", "15", "9", "12", "", *HOSTILE]),
                product_name=drawn.choice(["", "Linkus", HOSTILE[0]]),
                partner_id=drawn.choice(["p1", "p1", *(f"p{n}" for n in range(1, 16)), "", *HOSTILE]),
                currency=drawn.choice(["USD", "USD", "RMB", "", "<b>", "money " * 3]),
                amount=drawn.choice([None, Decimal("12.5"), Decimal("-3.0001"), Decimal(0)]),
                owner=drawn.choice([None, None, *people]),
                gone_at=drawn.choice([None, None, NOW]),
            )
        )
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_each_number_is_the_count_of_the_list_behind_it(
    seed: int, zone: str, monas: Client, alice: User, bob: User, settings: Any
) -> None:
    settings.TIME_ZONE = zone
    drawn = random.Random(seed)
    for number in range(1, 12):
        partner(f"p{number}", drawn.choice([f"Hotel {number}", HOSTILE[0], HOSTILE[1]]))
    mirrored(*anything(drawn, [alice, bob], 220))
    query = drawn.choice(["", "?period=this-year", "?period=last-year", "?from=2025-11&to=2026-03"])
    page = monas.get(f"/overview/{query}").content.decode()
    numbers = Counter(NUMBERS.findall(page)) + Counter(PIECES.findall(page))
    assert len(numbers) > 30
    for url, number in numbers:
        told = monas.get(html.unescape(url))
        assert told.context["notes"] == [], url
        assert told.context["counted"] == number, url


def test_the_sums_of_rows_and_columns_are_those_of_the_records(monas: Client, alice: User) -> None:
    mirrored(*anything(random.Random(9), [alice], 300))
    shown = monas.get("/overview/").context["figures"]
    months = period.parse({})
    inside = Record.objects.filter(at__gte=months.span[0], at__lt=months.span[1])
    assert shown.total == inside.count() == shown.by_product.total == sum(shown.by_status.totals)
    for picture in (shown.by_status, shown.by_product):
        assert [sum(counts) for counts in zip(*(one.counts for one in picture.series), strict=True)] == picture.totals
        assert all(sum(one.counts) == one.total for one in picture.series)
    assert sum(row.count for row in shown.customers) == sum(row.count for row in shown.people) == shown.total
    told = Counter[str]()
    for currency, status, amount in inside.values_list("currency", "status", "amount"):
        if status not in ("failed", "cancelled"):
            told[currency] += amount or 0  # type: ignore[assignment]
    assert {each.currency: each.amount for each in shown.sums} == dict(told)
    of_rows = Counter[str]()
    for row in shown.customers:
        for each in row.sums:
            of_rows[each.currency] += each.amount  # type: ignore[assignment]
    assert dict(of_rows) == dict(told), "of who is in no row of their own, too"
    assert sum(row.unpriced for row in shown.customers) == sum(each.unpriced for each in shown.sums)
    assert sum(each.unpriced for each in shown.sums) == (
        inside.filter(amount=None).exclude(status__in=["failed", "cancelled"]).count()
    )
    assert shown.not_summed == inside.filter(status__in=["failed", "cancelled"]).count()


def test_money_of_two_currencies_is_never_added_and_what_has_no_amount_is_said(monas: Client) -> None:
    mirrored(
        record("A", currency="USD", amount="10.00", status="succeed"),
        record("B", currency="USD", amount="0.5", status="pending"),
        record("C", currency="RMB", amount="7.00", status="succeed"),
        record("D", currency="USD", status="succeed"),
        record("E", currency="USD", amount="1000.00", status="Cancelled"),
        record("F", status="succeed"),
    )
    answer = monas.get("/overview/")
    assert [(each.currency, each.words, each.orders, each.unpriced) for each in answer.context["figures"].sums] == [
        ("USD", "10.50", 3, 1),
        ("", "0.00", 1, 1),
        ("RMB", "7.00", 1, 0),
    ]
    page = answer.content.decode()
    for words in ("10.50", "7.00", "1 of 3 orders tells no amount", "1 failed, invalid, cancelled or refunded order"):
        assert words in page
    assert "17.50" not in page


def test_a_month_begins_at_midnight_of_the_portals_time_zone(monas: Client, settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    zone = ZoneInfo("Pacific/Auckland")
    mirrored(
        record("LAST", at=datetime(2026, 3, 31, 23, 59, 59, tzinfo=zone)),
        record("FIRST", at=datetime(2026, 4, 1, tzinfo=zone)),
    )
    shown = monas.get("/overview/").context["figures"].by_status
    counts = dict(zip(shown.months, shown.totals, strict=True))
    assert {f"{month:%Y-%m}": count for month, count in counts.items() if count} == {"2026-03": 1, "2026-04": 1}


@pytest.mark.parametrize(
    ("query", "first", "last", "length"),
    [
        ("", "2025-06", "2026-05", 12),
        ("period=12-months", "2025-06", "2026-05", 12),
        ("period=this-year&from=2020-01", "2026-01", "2026-05", 5),
        ("period=last-year", "2025-01", "2025-12", 12),
        ("from=2026-02&to=2026-02", "2026-02", "2026-02", 1),
        ("from=2026-02", "2026-02", "2026-05", 4),
        ("to=2024-12", "2024-01", "2024-12", 12),
        ("period=custom&from=2026-3&to=2026-04", "2026-03", "2026-04", 2),
        ("from=2027-01", "2027-01", "2027-01", 1),
    ],
)
def test_a_period_stands_in_the_address(query: str, first: str, last: str, length: int) -> None:
    months = period.parse(dict(part.split("=") for part in query.split("&") if part))
    assert (f"{months.first:%Y-%m}", f"{months.last:%Y-%m}", len(months)) == (first, last, length)
    assert months.notes == ()
    assert [*months][-1] == months.last


@pytest.mark.parametrize(
    "query",
    ["period=ever", "period=custom", "from=2026-13", "to=yesterday", "from=2026-05&to=2026-01", "from=0001-01",
     "from=9999-12", "from=1971-01&to=2026-01", "from=" + "9" * 5000, "from=%00", "to=%F0%9F%98%80"],
)  # fmt: skip
def test_what_cannot_be_meant_is_said_and_ignored(monas: Client, query: str) -> None:
    answer = monas.get(f"/overview/?{query}")
    assert answer.status_code == 200
    assert answer.context["months"].notes
    assert len(answer.context["months"]) <= period.MOST


@pytest.mark.parametrize(
    ("query", "first", "last", "said"),
    [
        ({"from": "1900-01"}, "2021-06", "2026-05", "“1900-01” is too far away: January 1971 was taken."),
        ({"from": "1900-01", "to": "2100-01"}, "2021-06", "2026-05", "At most 60 months"),
        ({"from": "2026-01", "to": "2100-01"}, "2026-01", "2026-05", "At most 60 months"),
        ({"from": "9999-12"}, "8999-12", "8999-12", "“9999-12” is too far away: December 8999 was taken."),
        ({"from": "2030-01", "to": "2100-01"}, "2095-02", "2100-01", "At most 60 months"),
        ({"from": "0000-01"}, "2025-06", "2026-05", "“0000-01” is no month like 2026-01"),
    ],
)
def test_mona_asks_for_a_month_far_away_and_sees_the_nearest(
    monas: Client, query: dict[str, str], first: str, last: str, said: str
) -> None:
    months = monas.get("/overview/", query).context["months"]
    assert (f"{months.first:%Y-%m}", f"{months.last:%Y-%m}") == (first, last)
    assert said in " ".join(months.notes)
    assert not any("is no month" in note for note in months.notes) or query["from"] == "0000-01"


def test_customers_are_ranked_by_orders_and_the_rest_stand_in_one_row(monas: Client) -> None:
    partner("7", "Hotel Mirador")
    many = [record(f"M{n}", partner_id="7", currency="USD", amount="2.5", status="succeed") for n in range(9)]
    some = [record(f"S{n}", partner_id=f"p{n % 13}") for n in range(26)]
    mirrored(*many, *some, record("NOBODY"))
    rows = monas.get("/overview/").context["figures"].customers
    assert (rows[0].label, rows[0].count, rows[0].sums[0].words) == ("Hotel Mirador", 9, "22.50")
    assert [(row.label, row.count, row.quiet) for row in rows[10:]] == [
        ("4 more", 8, True),
        ("No customer told, or not yet known", 1, True),
    ]
    assert monas.get(rows[0].statement).status_code == 200


def run_that_wrote(**columns: Any) -> Reading:
    """A run of reading the history that found something new."""
    here, now = current_destination(), timezone.now()
    told = {"started_at": now, "beat_at": now, "finished_at": now, "new": 1}
    return Reading.objects.create(destination=here, why="By itself", **told | columns)


def customers(page: Any) -> list[tuple[str, int]]:
    """As the overview ranks them."""
    return [(row.label, row.count) for row in page.context["figures"].customers]


def test_the_worker_remembers_who_is_at_the_top(monas: Client, django_assert_num_queries: Any) -> None:
    mirrored(record("A", partner_id="7"))
    run_that_wrote()
    figures.remember()
    with django_assert_num_queries(2):  # only whether a run has written since
        assert figures._ranking(period.parse({})) == (["7"], 1)
        assert figures._ranking(period.parse({"period": "this-year"})) == (["7"], 1)


def test_the_ranking_is_as_old_as_the_last_run_that_wrote_but_its_numbers_never_are(monas: Client) -> None:
    mirrored(record("A", partner_id="7"))
    run_that_wrote()
    assert customers(monas.get("/overview/")) == [("7", 1)]
    mirrored(record("B", partner_id="7"), record("C", partner_id="8"))  # asked for by a person: no run
    assert customers(monas.get("/overview/")) == [("7", 2), ("Others", 1)]
    run_that_wrote(new=0)
    assert customers(monas.get("/overview/")) == [("7", 2), ("Others", 1)]
    run_that_wrote(new=0, details=1)
    assert customers(monas.get("/overview/")) == [("7", 2), ("8", 1)]


def test_nobody_at_the_top_is_never_remembered(monas: Client) -> None:
    mirrored(record("A"))
    assert customers(monas.get("/overview/")) == [("No customer told, or not yet known", 1)]
    mirrored(record("B", partner_id="7"))
    page = monas.get("/overview/")
    assert customers(page) == [("7", 1), ("No customer told, or not yet known", 1)]
    assert "1 customer ordered in these months" in page.content.decode()


def test_while_a_run_writes_nothing_is_remembered_longer_than_its_next_beat(monas: Client) -> None:
    mirrored(record("A", partner_id="7"))
    run = run_that_wrote(finished_at=None)
    assert customers(monas.get("/overview/")) == [("7", 1)]
    mirrored(record("B", partner_id="8"))
    Reading.objects.filter(pk=run.pk).update(beat_at=NOW + timedelta(seconds=2))
    assert customers(monas.get("/overview/")) == [("7", 1), ("8", 1)]


def test_who_orders_is_told_with_what_was_made_elsewhere(monas: Client, alice: User, bob: User) -> None:
    mirrored(record("A", owner=alice), record("B", owner=alice), record("C", owner=bob), record("D"))
    rows = monas.get("/overview/").context["people"]
    assert [(row.label, row.count, part) for row, _, part in rows] == [
        ("alice", 2, "50.0 %"),
        ("bob", 1, "25.0 %"),
        ("Made elsewhere", 1, "25.0 %"),
    ]


def test_little_is_not_nothing_and_nearly_all_is_not_all(monas: Client, alice: User) -> None:
    tallies.apply(current_destination(), tallies.delta((), [tallies.counted(vars(record("A", owner=alice)))]))
    tallies.apply(current_destination(), tallies.delta((), 4000 * [tallies.counted(vars(record("B")))]))
    parts = [part for *_, part in monas.get("/overview/").context["people"]]
    assert parts == ["< 0.1 %", "> 99.9 %"]


def test_without_a_customer_the_money_is_told_all_the_same(monas: Client) -> None:
    mirrored(record("A", currency="USD", amount="12.50", status="succeed"))
    page = monas.get("/overview/").content.decode()
    row = page[page.index("No customer told, or not yet known") :]
    assert "12.50 <bdi" in row[: row.index("</tr>")]
    assert "Of no order in these months is a customer told" in page


def test_one_order_without_an_amount_tells_none(monas: Client) -> None:
    mirrored(record("A", status="succeed"))
    assert "1 of 1 order tells no amount" in monas.get("/overview/").content.decode()


def test_many_people_who_order_a_little_fill_no_more_than_the_longest_bar(monas: Client) -> None:
    people = [person(f"staff{number}", "staff") for number in range(figures.TOP + 5)]
    mirrored(*(record(each.username, owner=each) for each in people))
    rows = monas.get("/overview/").context["figures"].people
    assert [(row.label, row.count, row.share) for row in rows[-2:]] == [(rows[-2].label, 1, 0.2), ("5 more", 5, 1.0)]
    assert max(row.share for row in rows) == 1


def test_more_products_than_colours_share_one_and_nothing_is_lost(monas: Client) -> None:
    mirrored(*(record(f"{n}", product_id=f"p{n % 11}", status="succeed") for n in range(40)))
    shown = monas.get("/overview/").context["figures"].by_product
    assert [one.label for one in shown.series][-1] == "5 others"
    assert shown.series[-1].url == ""
    assert sum(one.total for one in shown.series) == 40


def test_our_uncertain_and_failed_orders_are_linked(
    monas: Client, uncertain: Callable[[], Order], queued: Callable[..., Order]
) -> None:
    mirrored(record("A"))
    doubt, lost = uncertain(), queued("turnkey-capacity")
    Order.objects.filter(pk=lost.pk).update(status="FAILED", problem="Refused <b>at once</b>")
    old = queued("rm-premium-renewal")
    Order.objects.filter(pk=old.pk).update(status="FAILED", placed_at=NOW - timedelta(days=900))
    answer = monas.get("/overview/")
    page = answer.content.decode()
    assert f'href="/orders/{doubt.pk}/"' in page
    assert f'href="/orders/{lost.pk}/"' in page
    assert f"/orders/{old.pk}/" not in page
    assert "Refused &lt;b&gt;" in page
    assert monas.get("/orders/?status=UNCERTAIN").context["orders"][0][0] == doubt
    assert (answer.context["uncertain"].count, answer.context["failed"].count) == (1, 1)


def test_time_to_the_receipt_is_that_of_the_orders_with_one(monas: Client, queued: Callable[..., Order]) -> None:
    for number, seconds in enumerate((1, 2, 3, 10, None)):
        order = queued("linkus-cloud-service")
        Order.objects.filter(pk=order.pk).update(status="PLACED", order_no=f"LR{number}", placed_at=NOW)
        if seconds:
            Attempt.objects.create(
                order=order, number=1, outcome="RECEIPT", started_at=NOW, finished_at=NOW + timedelta(seconds=seconds)
            )
    answer = monas.get("/overview/")
    pace = answer.context["pace"]
    assert (pace.receipts, pace.placed, pace.median, pace.average) == (4, 5, 2.5, 4.0)
    mirrored(record("A"))
    page = monas.get("/overview/").content.decode()
    assert "Of 4 orders with a receipt, among all 5" in page
    assert monas.get("/overview/?period=last-year").context["pace"] is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (8.24, "8.2 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (273_600, "3 days 4 h"),
    ],
)
def test_how_long_is_told_in_words(seconds: float, words: str) -> None:
    assert ours.lasting(seconds) == words


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_text(monas: Client, text: str) -> None:
    partner(text[:40], text * 2 if len(text) < 100 else text)
    row = {"product_name": text, "partner_id": text[:40], "currency": text[:20], "amount": "1.00"}
    mirrored(record("A", status=text, product_id=text, **row), record("B", **row))
    page = monas.get("/overview/").content.decode()
    assert "<script>alert" not in page
    assert html.escape(text) in page


def test_nothing_read_and_nothing_in_this_time_are_told_apart(monas: Client) -> None:
    page = monas.get("/overview/").content.decode()
    assert "Nothing was read yet" in page
    assert 'href="/history/sync/"' in page
    mirrored(record("A", at=NOW - timedelta(days=2000)))
    assert "No orders in this time" in monas.get("/overview/").content.decode()


def test_another_accounts_records_are_not_counted(monas: Client) -> None:
    mirrored(record("A"))
    Tally.objects.create(destination="elsewhere", month="2026-05-01", kind="product", key="9", count=5)
    assert monas.get("/overview/").context["figures"].total == 1


def test_every_picture_has_a_table_that_is_read_out_and_no_style_or_script_of_its_own(monas: Client) -> None:
    mirrored(record("A", status="succeed", product_id="9"))
    page = monas.get("/overview/").content.decode()
    assert page.count('<div class="chart" aria-hidden="true">') == page.count('<details class="twin"') == 2
    assert page.count("<caption") == page.count("<table")
    assert " style=" not in page
    assert "<style" not in page
    assert not re.search(r'<svg class="(?:tones|share|swatch)"(?![^>]*aria-hidden)', page)


def test_the_page_asks_as_much_for_thousands_as_for_ten(monas: Client, django_assert_num_queries: Any) -> None:
    for number in range(30):
        partner(f"{number}", f"Hotel {number}")
    mirrored(*(record(f"{n}", partner_id=str(n % 3), product_id="9") for n in range(10)))
    monas.get("/overview/")
    with django_assert_num_queries(FEW):
        monas.get("/overview/")
    mirrored(*(record(f"m{n}", partner_id=str(n % 30), product_id="9") for n in range(500)))
    with django_assert_num_queries(FEW):
        monas.get("/overview/")


FEW = 14


def test_an_address_that_no_list_would_understand_is_none(db: None) -> None:
    first = NOW.date().replace(day=1)
    for value in ("-", " x", "x" * 101, "a\tb", "a\x00b"):
        assert links.listed(first, first, status=value) == ""
    url = links.listed(first, first, status="a&b=c", customer="")
    told = asked_of({"status": "a&b=c", "customer": "-", "period": "custom", "from": "2026-05-01", "to": "2026-05-31"})
    assert url == f"/history/?{told.query}"


def test_a_chart_ends_at_a_round_number_above_the_highest_bar() -> None:
    for most in (0, 1, 3, 7, 99, 101, 27_778, 1_000_000):
        scale, step = charts._scale(most)
        assert scale >= most
        assert scale % step == 0
        assert scale // step <= charts.TICKS or most == 0
        assert scale < max(4, 2.5 * most)


def test_amounts_keep_their_places() -> None:
    assert [money.told(Decimal(each)) for each in ("1234.5", "-3.0001", "0", "1e3")] == [
        "1,234.50",
        "-3.0001",
        "0.00",
        "1,000.00",
    ]


def test_tallies_from_before_amounts_were_counted_are_completed(db: None, alice: User) -> None:
    mirrored(*anything(random.Random(5), [alice], 120))
    Tally.objects.update(priced=0)
    importlib.import_module("orders.migrations.0006_priced").count_the_priced(apps, None)
    assert tallies.told(current_destination()) == tallies.recount(current_destination())


def test_staff_learn_nothing(alices: Client) -> None:
    for url in ("/overview/", "/statement/?customer=1"):
        assert alices.get(url).status_code == 403
    page = alices.get("/orders/").content.decode()
    assert "/overview/" not in page


def test_mona_reads_how_much_of_a_sum_is_not_paid_yet_or_of_a_status_that_nobody_knows(monas: Client) -> None:
    partner("77", "Hotel Mirador")
    told: dict[str, Any] = {"partner_id": "77", "product_id": "9", "currency": "USD"}
    mirrored(
        record("A", status="succeed", amount=Decimal("8613.00"), **told),
        record("B", status="pending", amount=Decimal("2178.00"), **told),
        record("C", status="weird_status", amount=Decimal("99.00"), **told),
        record("D", status="refunded", amount=Decimal("5.00"), **told),
        record("E", status="succeed", amount=Decimal("1.00"), currency="EUR", product_id="9"),
    )
    answer = monas.get("/overview/")
    page = answer.content.decode()
    assert [each.words for each in answer.context["figures"].sums] == ["10,890.00", "1.00"]
    words = "of which 2,178.00 pending, 99.00 of an unknown status"
    assert page.count(words) == 2, "beside the sum of all, and beside the customer's"
    assert "What is <i>pending</i> is not paid yet" in page
    quiet = monas.get("/overview/?period=last-year").content.decode()
    assert "of which" not in quiet


def test_mona_reads_beside_the_customers_that_some_may_still_come(monas: Client) -> None:
    told: dict[str, Any] = {"partner_id": "77", "product_id": "9"}
    mirrored(record("A", detail_at=NOW, **told), record("B"), record("OLD", at=NOW - timedelta(days=700)))
    assert "Of 1 order the details are not read yet" in monas.get("/overview/").content.decode()
    Record.objects.filter(order_no="B").update(detail_at=NOW, **told)
    tallies.rebuild(current_destination())
    assert "not read yet" not in monas.get("/overview/").content.decode()


def test_what_is_left_for_the_other_customers_knows_what_is_pending() -> None:
    cells = [("USD", "succeed", 2, 2, Decimal(10)), ("USD", "Pending", 1, 1, Decimal(4)), ("USD", "", 1, 1, Decimal(1))]
    [left] = money.rest(money.sums([*cells, *cells]), money.sums([*cells, ("USD", "failed", 1, 1, Decimal(9))]))
    assert (left.orders, left.priced, left.amount) == (4, 4, 15)
    assert left.of_which == "4.00 pending, 1.00 of an unknown status"


def test_each_currency_stands_in_its_own_column_whoever_has_none_of_it() -> None:
    def sum_of(currency: str, priced: int = 1) -> money.Sum:
        return money.Sum(currency, 2, priced, Decimal(priced))

    usd, gbp, eur = sum_of("USD"), sum_of("GBP"), sum_of("EUR", priced=0)
    assert money.aligned([usd], ["EUR", "USD"]) == ([None, usd], False)
    assert money.aligned([gbp, eur, usd], ["EUR", "USD"]) == ([None, usd], True)
    assert money.aligned([], ["EUR"]) == ([None], False)
