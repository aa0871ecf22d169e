"""What the tallies tell of some months. No record is read: a million of them cost what ten do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.db.models import QuerySet, Sum

from orders import prepared
from orders.browsing import shown, unread
from orders.browsing.asked import NONE_TOLD
from orders.browsing.kept import kept, product_name
from orders.destination import account_mark, current_destination
from orders.history import runs
from orders.models import Tally
from orders.models import money as exactly
from orders.overview import links, money
from orders.overview.period import PERIODS, Months, parse

SERIES = 6
"""So many products or statuses have a colour of their own."""

TOP = 10
"""So many customers and people are listed."""

RANK_SECONDS = 900
"""For so long at most it is remembered who the top customers are. How much they ordered is looked up each time."""

OTHERS = "others"

MONEY = "SUM(count), SUM(priced), SUM(whole), SUM(fraction)"


@dataclass(frozen=True)
class Series:
    """One product or status, month by month, each number with the address of its list."""

    label: str
    tone: int  # which colour and pattern
    counts: list[int]
    urls: list[str]
    total: int
    url: str


@dataclass(frozen=True)
class ByMonth:
    """Orders per month, divided into series."""

    months: list[date]
    series: list[Series]
    totals: list[int]
    urls: list[str]
    total: int
    url: str


@dataclass(frozen=True)
class Ranked:
    """Somebody by how many orders they have."""

    label: str
    count: int
    share: float  # of the one with most: 0 to 1
    url: str
    sums: tuple[money.Sum, ...] = ()
    statement: str = ""
    quiet: bool = False  # a row for the rest, not somebody

    @property
    def unpriced(self) -> int:
        """Of how many orders in the sums no amount is told."""
        return sum(each.unpriced for each in self.sums)


@dataclass(frozen=True)
class Figures:
    """All that the tallies tell of a period."""

    total: int
    url: str
    by_status: ByMonth
    by_product: ByMonth
    sums: list[money.Sum]
    not_summed: int
    customers: list[Ranked]
    customers_count: int
    unread: str  # of how many orders nobody knows yet whose they are
    people: list[Ranked]


def read(months: Months) -> Figures:
    """Of the account that orders go to."""
    by_status: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    by_product: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for month, product, status, count in _added(Tally.Kind.PRODUCT, months, "month, key, status"):
        by_status[status][month] += count
        by_product[product][month] += count
    statuses = _by_month(months, by_status, "status", lambda status: status or NONE_TOLD["status"], STATUS_TONES)
    counted, left_out = _money(months)
    customers, customers_count = _customers(months, statuses.total, counted)
    known = kept()
    names = dict(known.choices["product"])

    def called(key: str) -> str:
        return names.get(key) or (product_name(key) if key else NONE_TOLD["product"]) or key

    return Figures(
        total=statuses.total,
        url=statuses.url,
        by_status=statuses,
        by_product=_by_month(months, by_product, "product", called, {}),
        sums=counted,
        not_summed=left_out,
        customers=customers,
        customers_count=customers_count,
        unread=unread.words(months.span, known.destinations) if "" in by_product else "",
        people=_people(months),
    )


def customers_of(month: date) -> list[Ranked]:
    """The customers with most orders in a month."""
    months = Months(month, month)
    total = _tallies(Tally.Kind.PARTNER, months).aggregate(all=Sum("count"))["all"] or 0
    return _customers(months, total, [])[0]


def nothing_at_all() -> bool:
    """Whether nothing was ever mirrored."""
    return not Tally.objects.filter(destination=current_destination()).exists()


def _added(
    kind: Tally.Kind, months: Months, by: str, sums: str = "SUM(count)", keys: list[str] | None = None
) -> list[tuple[Any, ...]]:
    """The tallies of some months, added up by some columns. As querysets they would take longer to be written."""
    day = connection.ops.adapt_datefield_value
    values: list[Any] = [current_destination(), kind.value]
    if keys is None:
        where = "month BETWEEN %s AND %s"
        values += [day(months.first), day(months.last)]
    else:  # each month by itself: so both databases enter the index at each month and key
        each_month = [day(month) for month in months]
        where = f"month IN ({_places(each_month)}) AND key IN ({_places(keys)})"
        values += [*each_month, *keys]
    text = f"SELECT {by}, {sums} FROM orders_tally WHERE destination = %s AND kind = %s AND {where} GROUP BY {by}"  # noqa: S608 - names of ours
    return prepared.rows((text, tuple(values)))


def _places(values: list[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _tallies(kind: Tally.Kind, months: Months) -> QuerySet[Tally]:
    rows = Tally.objects.filter(destination=current_destination(), kind=kind)
    return rows.filter(month__gte=months.first, month__lte=months.last).order_by()


STATUS_TONES = {"succeed": 1, "pending": 2, "refunded": 3, "failed": 5, "invalid": 8, "cancelled": 7}
"""A status looks the same in each period."""

OTHERS_TONE = 4


def _by_month(
    months: Months,
    found: dict[str, dict[date, int]],
    name: str,
    label: Callable[[str], str],
    tones: dict[str, int],
) -> ByMonth:
    all_months = list(months)
    totals = {key: sum(counts.values()) for key, counts in found.items()}
    keys = sorted(found, key=lambda key: (-totals[key], key))
    if len(keys) > SERIES + 1:
        keys, rest = keys[:SERIES], keys[SERIES:]
    else:
        rest = []
    ends = [links.between(month, month) for month in all_months]

    def urls(**filters: str) -> list[str]:
        asked = links.said(**filters)
        return ["" if asked is None else asked + end for end in ends]

    free = iter([tone for tone in (1, 2, 3, 6, 8, 5, 7, 4) if tone not in tones.values()] + [6, 4, 7] * 3)
    series = [
        Series(
            label=label(key),
            tone=tones.get(key) or next(free),
            counts=[found[key].get(month, 0) for month in all_months],
            urls=urls(**{name: key}),
            total=totals[key],
            url=links.listed(months.first, months.last, **{name: key}),
        )
        for key in keys
    ]
    if rest:  # no list holds just these
        counts = [sum(found[key].get(month, 0) for key in rest) for month in all_months]
        label_of_rest = f"{len(rest)} {OTHERS}"
        series.append(Series(label_of_rest, OTHERS_TONE, counts, [""] * len(all_months), sum(counts), ""))
    each_month = [sum(counts) for counts in zip(*(one.counts for one in series), strict=True)] or [0] * len(all_months)
    return ByMonth(
        months=all_months,
        series=series,
        totals=each_month,
        urls=urls(),
        total=sum(each_month),
        url=links.listed(months.first, months.last),
    )


def _money(months: Months) -> tuple[list[money.Sum], int]:
    """The sums of each currency, and how many orders are in none of them for what became of them."""
    rows = _added(Tally.Kind.PRODUCT, months, "currency, status", MONEY)
    cells = [(currency, status, count, priced, exactly(*amount)) for currency, status, count, priced, *amount in rows]
    return money.sums(cells), sum(count for _, status, count, *_ in cells if not money.summed(status))


def _customers(months: Months, total: int, sums: list[money.Sum]) -> tuple[list[Ranked], int]:
    """The customers with most orders, a row for the rest, one for no customer; and how many customers there are.

    `total` and `sums` are those of all.
    """
    top, known = _ranking(months)
    cells: dict[str, list[money.Cell]] = defaultdict(list)
    rows = _added(Tally.Kind.PARTNER, months, "key, currency, status", MONEY, ["", *top])
    for key, currency, status, count, priced, *amount in rows:
        cells[key].append((currency, status, count, priced, exactly(*amount)))
    names = shown.customers(top)
    of_each = {key: tuple(money.sums(of_it)) for key, of_it in cells.items()}
    counts = {key: sum(count for _, _, count, *_ in of_it) for key, of_it in cells.items()}
    top = sorted((key for key in top if key in counts), key=lambda key: (-counts[key], names.get(key, key)))
    most = max((counts[key] for key in top), default=1)
    found = [
        Ranked(
            label=names.get(key, key),
            count=counts[key],
            share=counts[key] / most,
            url=links.listed(months.first, months.last, customer=key),
            sums=of_each[key],
            statement=links.statement(key, months.last),
        )
        for key in top
    ]
    nobodys = counts.get("", 0)
    others = total - nobodys - sum(each.count for each in found)
    if others > 0:
        more = known - len(found)  # none, if they came since the others were ranked
        label = f"{more:,} more" if more > 0 else "Others"
        left = money.rest(sums, chain.from_iterable(of_each.values()))
        found.append(Ranked(label, others, 0, "", tuple(left), quiet=True))
    if nobodys:
        found.append(
            Ranked(
                label="No customer told, or not yet known",
                count=nobodys,
                share=0,
                url=links.listed(months.first, months.last, customer=""),
                sums=of_each[""],
                statement=links.statement("", months.last),
                quiet=True,
            )
        )
    return found, known


def _ranking(months: Months) -> tuple[list[str], int]:
    """Who the top customers are, and how many there are: as it was when a run last wrote something.

    To add up all customers takes tens of milliseconds, and who is at the top changes seldom.
    """
    found: tuple[list[str], int] | None = cache.get(_ranking_name(months))
    return found or _rank(months)


def _rank(months: Months) -> tuple[list[str], int]:
    name = _ranking_name(months)  # before it is counted: a run may write meanwhile
    rows = _tallies(Tally.Kind.PARTNER, months).exclude(key="").values_list("key")
    ranked = list(rows.annotate(all=Sum("count")).order_by("-all", "key").values_list("key", flat=True))
    found = ranked[:TOP], len(ranked)
    if ranked:
        cache.set(name, found, RANK_SECONDS)
    return found


def _ranking_name(months: Months) -> str:
    return f"overview:top:{account_mark()}:{months.first}:{months.last}:{runs.written()}"


def remember() -> None:
    """Add up the customers of the periods that have a name, so that no page has to."""
    for name in PERIODS:
        _rank(parse({"period": name}))


def _people(months: Months) -> list[Ranked]:
    """Who asked for most, the rest of our people in one row, and what was made elsewhere."""
    counts: dict[str, int] = dict(_added(Tally.Kind.OWNER, months, "key"))
    elsewhere = counts.pop("", 0)
    ids = sorted(counts, key=lambda key: -counts[key])
    columns = ("pk", "username", "first_name", "last_name")
    rows = User.objects.filter(pk__in=[int(key) for key in ids[:TOP]]).order_by().values_list(*columns)
    names = {str(pk): (username, " ".join(full).strip() or username) for pk, username, *full in rows}
    rest = sum(counts[key] for key in ids[TOP:])
    most = max([elsewhere, rest, *counts.values()], default=1)
    found = [
        Ranked(
            label=label,
            count=counts[key],
            share=counts[key] / most,
            url=links.listed(months.first, months.last, who=username) if username else "",
        )
        for key in ids[:TOP]
        for username, label in [names.get(key, ("", "somebody"))]
    ]
    if rest:
        found.append(Ranked(f"{len(ids) - TOP} more", rest, rest / most, "", quiet=True))
    if elsewhere:
        url = links.listed(months.first, months.last, made="elsewhere")
        found.append(Ranked("Made elsewhere", elsewhere, elsewhere / most, url, quiet=True))
    return found
