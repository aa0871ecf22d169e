"""A month's statement: all orders of one customer, and what they come to."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import BigIntegerField, Count, F, Q, QuerySet, Sum
from django.db.models.functions import Cast, Round
from django.utils import timezone

from orders.browsing import shown
from orders.browsing.asked import NOT_TOLD
from orders.destination import current_destination
from orders.models import Partner, Record, Tally
from orders.overview import money
from orders.overview.figures import TOP
from orders.overview.period import Months

ROWS = 500
"""So many orders are listed; sums are always of all."""

PLACES = 10_000
"""Of the parts of an amount."""

COLUMNS = (
    *("key", "order_no", "at", "created_at", "status", "currency", "amount", "product_id", "product_name", "gone_at"),
    *("custom_reference_no", "reference", "partner_id", "ours_id", "owner_id", "detail_at"),
)


@dataclass(frozen=True)
class OfProduct:
    """What was spent on one product in one currency."""

    product: str
    sum: money.Sum


@dataclass(frozen=True)
class Statement:
    """Orders, the oldest first, and their sums."""

    rows: list[shown.Row]
    orders: int
    sums: list[money.Sum]
    products: list[OfProduct]
    not_summed: list[tuple[str, int]]  # status of theirs, and of how many orders
    unclear: list[tuple[str, int]]  # the same of those in the sums that are pending, or nobody knows what
    undetailed: int  # of so many only the row in their list was read
    undated: int  # of so many theirs tells no date: they stand under the day when they were first seen
    gone: int  # so many their list no longer holds; they count like the others

    @property
    def summed(self) -> int:
        """How many are in the sums."""
        return self.orders - sum(count for _, count in self.not_summed)

    @property
    def more(self) -> int:
        """How many are not listed."""
        return self.orders - len(self.rows)


def read(customer: str, month: date) -> Statement:
    """Of all records of a customer in that month, gone ones too; "-" for those of which no customer is told."""
    records = of_month(customer, month)
    rows = shown.rows(records.order_by("at", "pk").only(*COLUMNS)[:ROWS])
    names = {row.record.product_id: row.product for row in rows if row.record.product_id}
    cells: dict[str, list[money.Cell]] = defaultdict(list)
    statuses: Counter[str] = Counter()
    counted: Counter[str] = Counter()
    for product_id, product_name, status, currency, *numbers, amount in _sums(records):
        orders, priced, detailed, dated, gone = numbers
        counted.update(orders=orders, undetailed=orders - detailed, undated=orders - dated, gone=gone)
        statuses[status] += orders
        if money.summed(status):
            product = names.get(product_id) or product_name or product_id
            cells[product].append((currency, status, orders, priced, Decimal(amount or 0) / PLACES))
    by_product = [OfProduct(product, one) for product, of_it in sorted(cells.items()) for one in money.sums(of_it)]
    by_number = sorted(statuses.items(), key=lambda each: (-each[1], each[0].casefold()))
    return Statement(
        rows=rows,
        orders=counted["orders"],
        sums=money.sums(cell for of_it in cells.values() for cell in of_it),
        products=by_product,
        not_summed=[each for each in by_number if not money.summed(each[0])],
        unclear=[each for each in by_number if money.summed(each[0]) and each[0].casefold() != money.PAID],
        undetailed=counted["undetailed"],
        undated=counted["undated"],
        gone=counted["gone"],
    )


def _sums(records: QuerySet[Record]) -> QuerySet[Record, tuple[Any, ...]]:
    """Of all of them, added up by the database: in whole ten-thousandths, for SQLite does not add decimals exactly."""
    alike = records.order_by().values_list("product_id", "product_name", "status", "currency")
    amount = Sum(Cast(Round(F("amount") * PLACES), BigIntegerField()))
    seen = (Count("amount"), Count("detail_at"), Count("created_at"), Count("gone_at"))
    return alike.annotate(Count("pk"), *seen, all=amount)


def of_month(customer: str, month: date) -> QuerySet[Record]:
    """Those records."""
    begin, end = Months(month, month).span
    return _of(customer).filter(at__gte=begin, at__lt=end)


def _of(customer: str) -> QuerySet[Record]:
    here = Record.objects.filter(destination=current_destination())
    if customer == NOT_TOLD:
        return here.filter(partner_id="")
    return here.filter(~Q(partner_id=""), partner_id=customer)  # an index leaves out those without a customer


def latest(customer: str) -> date | None:
    """The month of the last order of this customer, by its first day."""
    if customer == NOT_TOLD:  # to look for one among all records would be a long way
        tallies = Tally.objects.filter(destination=current_destination(), kind=Tally.Kind.PARTNER, key="")
        return tallies.order_by("-month").values_list("month", flat=True).first()
    at = _of(customer).order_by("-at", "-pk").values_list("at", flat=True).first()
    return timezone.localtime(at).date().replace(day=1) if at else None


def known(customer: str) -> bool:
    """Whether there is such a customer, by id."""
    return (
        customer == NOT_TOLD
        or Partner.objects.filter(remote_id=customer).exists()
        or Record.objects.filter(~Q(partner_id=""), partner_id=customer).exists()
    )


def matching(words: str) -> list[Partner]:
    """Customers in whose company, name, email or id each of these words occurs; one more than are shown."""
    keys = Partner.objects.matching(words).values_list("pk", flat=True)[: 2 * TOP + 1]
    return sorted(Partner.objects.in_bulk(list(keys)).values(), key=lambda each: (str(each), each.remote_id))
