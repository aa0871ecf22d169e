"""Sums of money: only what theirs tells, each currency for itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

NOT_SUMMED = frozenset({"failed", "invalid", "cancelled", "canceled", "refunded"})
"""Statuses of theirs, in small letters, whose money was not spent or came back."""


def summed(status: str) -> bool:
    """Whether the money of orders with this status of theirs goes into sums."""
    return status.casefold() not in NOT_SUMMED


@dataclass(frozen=True)
class Sum:
    """The money of some orders in one currency; an empty one is not told."""

    currency: str
    orders: int
    priced: int  # of how many an amount is told
    amount: Decimal

    @property
    def unpriced(self) -> int:
        """Of how many none is told."""
        return self.orders - self.priced

    @property
    def words(self) -> str:
        """1,234.50."""
        return told(self.amount)


def told(amount: Decimal) -> str:
    """1,234.50, or with as many places as it has."""
    return f"{amount:,.2f}" if amount == round(amount, 2) else f"{amount:,.4f}"


def sums(cells: Iterable[tuple[str, int, int, Decimal]]) -> list[Sum]:
    """One sum for each currency, that of most orders first. A cell: currency, orders, of how many priced, amount.

    Orders of which neither currency nor amount is told make a sum of their own, without a currency.
    """
    found: dict[str, tuple[int, int, Decimal]] = {}
    for currency, orders, priced, amount in cells:
        old = found.get(currency, (0, 0, Decimal(0)))
        found[currency] = (old[0] + orders, old[1] + priced, old[2] + amount)
    totals = [Sum(currency, *of_it) for currency, of_it in found.items()]
    return sorted(totals, key=lambda each: (-each.orders, each.currency))


def rest(sums: Iterable[Sum], taken: Iterable[Sum]) -> list[Sum]:
    """What is left of sums without some that were added up into them."""
    left = {each.currency: each for each in sums}
    for each in taken:
        if of_it := left.get(each.currency):
            orders, priced = of_it.orders - each.orders, of_it.priced - each.priced
            left[each.currency] = Sum(each.currency, orders, priced, of_it.amount - each.amount)
    return [each for each in left.values() if each.orders > 0]


def aligned(sums: Iterable[Sum], columns: Sequence[str]) -> tuple[list[Sum | None], bool]:
    """What stands in each of these columns of a currency, and whether there is money in still others."""
    told = {each.currency: each for each in sums if each.priced}
    return [told.get(currency) for currency in columns], not told.keys() <= set(columns)
