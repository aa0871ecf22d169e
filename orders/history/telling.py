"""What a payload of the vendor's tells: facts read by key wherever they stand, money, and references of ours.

The reference shows only the heads of these answers, so nothing is read by its path.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from orders.reference import PATTERN

FACTS = {
    "productId": "product_id",
    "productName": "product_name",
    "productNo": "product_no",
    "partnerId": "partner_id",
    "transactionNo": "transaction_no",
    "instanceId": "instance_id",
}
"""Keys, and the columns that hold what they tell."""

AMOUNTS = ("orderAmount", "totalAmount", "amount")
"""Keys that may tell what an order costs, the most telling first."""

_MOST = Decimal(10) ** 11  # with its places fifteen digits, which SQLite holds exactly
_PLACES = Decimal("0.0001")
_KEYS = frozenset({*FACTS, *AMOUNTS, "orderStatus", "orderNo"})


@dataclass(slots=True)
class Told:
    """Values of the known keys, as text, and references of ours, each with the place where it stands first."""

    values: dict[str, tuple[str, ...]] = field(default_factory=dict)  # each once
    references: dict[str, str] = field(default_factory=dict)

    def one(self, key: str) -> str:
        """The value of a key. What is told in two ways is not known: then it is empty."""
        found = self.values.get(key, ())
        return found[0] if len(found) == 1 else ""

    @property
    def amount(self) -> Decimal | None:
        """The money, by the first key that tells one sum and no second; None where none does."""
        for key in AMOUNTS:
            sums = {money for text in self.values.get(key, ()) if (money := money_in(text)) is not None}
            if len(sums) == 1:
                return sums.pop()
        return None


def told_in(*payloads: Any) -> Told:
    """Walk once through the payloads, each as deep as it is. They are JSON as it was parsed, so of no other types."""
    told = Told()
    values = told.values
    # Of a long history each row comes by here: to call a function for each of its values took twice as long.
    waiting = [("", "", payload) for payload in reversed(payloads)]
    while waiting:
        outer, key, node = waiting.pop()
        inner: Iterable[tuple[str, Any]]
        if isinstance(node, dict):
            outer, inner = _place(outer, key), node.items()
        else:
            inner = [(key, value) for value in node] if isinstance(node, list) else [(key, node)]
        for key, value in inner:
            kind = type(value)
            if kind is str:
                if key in _KEYS and value:
                    found = values.get(key, ())
                    if value not in found:
                        values[key] = (*found, value)
                if "YP-" in value:
                    for reference in PATTERN.findall(value):
                        told.references.setdefault(reference, _place(outer, key))
            elif kind is int:
                if key in _KEYS and (text := str(value)) not in (found := values.get(key, ())):
                    values[key] = (*found, text)
            elif kind is dict or kind is list:
                waiting.append((outer, key, value))
    return told


def references_in(payload: Any) -> dict[str, str]:
    """Our references in a payload, each with the place where it stands."""
    return told_in(payload).references


@lru_cache(maxsize=1024)  # the same prices come again and again
def money_in(text: str) -> Decimal | None:
    """A sum as it was written, to four places; None for anything that is no plain number, or absurd."""
    try:
        money = Decimal(text.strip())
    except InvalidOperation:
        return None
    return money.quantize(_PLACES) if money.is_finite() and abs(money) < _MOST else None


def _place(outer: str, key: str) -> str:
    return f"{outer}.{key}" if outer else str(key)
