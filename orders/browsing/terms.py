"""What must be so of a record, in values of its columns: what was asked for, after words were looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Values = tuple[Any, ...]

NUMBERS = (
    "order_no",
    "transaction_no",
    "instance_id",
    "invoice_no",
    "product_no",
    "custom_reference_no",
    "reference",
)
"""The columns that are searched by their beginning."""


@dataclass(frozen=True)
class Customers:
    """The records of these customers, and some more. Customers too many to be told are known by their words."""

    ids: frozenset[str] = frozenset()
    keys: frozenset[int] = frozenset()  # records of nobody among `ids`
    words: tuple[str, ...] = ()  # all of them stand in what a customer is searched by
    beginnings: tuple[str, ...] = ()  # some more are those with a number that begins with one of these

    @property
    def in_ranges(self) -> bool:
        """Whether ranges of indexes hold all of them."""
        return not (self.words or self.beginnings)

    @property
    def gathered(self) -> bool:
        """Whether each of their records is told."""
        return self.in_ranges and not self.ids


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Empty, everything fits."""

    equal: dict[str, str] = field(default_factory=dict)  # product_id, status, currency
    here: bool | None = None
    owner: int | None = None
    partner: str | None = None  # empty: not told
    customers: tuple[Customers, ...] = ()
    begin: datetime | None = None
    end: datetime | None = None
    ours: str = ""  # the status of our order
    but: frozenset[int] = frozenset()  # keys that do not fit
    strange: Sequence[str] = ()  # destinations that are of another account
