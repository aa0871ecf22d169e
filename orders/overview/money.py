"""Sums of money: only what theirs tells, each currency for itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

NOT_SUMMED = frozenset({"failed", "invalid", "cancelled", "canceled", "refunded"})
"""Statuses of theirs, in small letters, whose money was not spent or came back."""


PAID, UNPAID = "succeed", "pending"
"""The only statuses in sums of which it is known what they mean."""

Cell = tuple[str, str, int, int, Decimal]
"""Of some orders: currency, status of theirs, how many, of how many an amount is told, and how much that is."""


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
    pending: Decimal = Decimal(0)  # of the amount
    unclear: Decimal = Decimal(0)  # of the amount: of a status that nobody here knows

    @property
    def of_which(self) -> str:
        """What of the amount may not have been spent: 2,178.00 pending, 99.00 of an unknown status."""
        parts = ((self.pending, UNPAID), (self.unclear, "of an unknown status"))
        return ", ".join(f"{told(amount)} {words}" for amount, words in parts if amount)

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


def sums(cells: Iterable[Cell]) -> list[Sum]:
    """One sum for each currency, that of most orders first, without what is not summed.

    Orders of which neither currency nor amount is told make a sum of their own, without a currency.
    """
    found: dict[str, Sum] = {}
    for currency, status, orders, priced, amount in cells:
        kind = status.casefold()
        if kind in NOT_SUMMED:
            continue
        pending, unclear = amount if kind == UNPAID else 0, amount if kind not in (PAID, UNPAID) else 0
        more = Sum(currency, orders, priced, amount, Decimal(pending), Decimal(unclear))
        found[currency] = _added(found[currency], more) if currency in found else more
    return sorted(found.values(), key=lambda each: (-each.orders, each.currency))


def rest(sums: Iterable[Sum], taken: Iterable[Sum]) -> list[Sum]:
    """What is left of sums without some that were added up into them."""
    left = {each.currency: each for each in sums}
    for each in taken:
        if of_it := left.get(each.currency):
            left[each.currency] = _added(of_it, each, -1)
    return [each for each in left.values() if each.orders > 0]


def _added(one: Sum, other: Sum, sign: int = 1) -> Sum:
    return Sum(
        one.currency,
        one.orders + sign * other.orders,
        one.priced + sign * other.priced,
        one.amount + sign * other.amount,
        one.pending + sign * other.pending,
        one.unclear + sign * other.unclear,
    )


def aligned(sums: Iterable[Sum], columns: Sequence[str]) -> tuple[list[Sum | None], bool]:
    """What stands in each of these columns of a currency, and whether there is money in still others."""
    told = {each.currency: each for each in sums if each.priced}
    return [told.get(currency) for currency in columns], not told.keys() <= set(columns)
