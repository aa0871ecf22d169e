"""What an export tells of each record, in the order of its columns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from django.utils import timezone


class Kind(Enum):
    """What stands in a column."""

    TEXT = auto()  # numbers of orders, too: they have up to 19 figures, and a spreadsheet holds 15
    STATUS = auto()  # ours: a code, which has a word
    MOMENT = auto()
    AMOUNT = auto()


@dataclass(frozen=True)
class Column:
    """By its name in JSON, and by its head in a table."""

    name: str
    head: str
    kind: Kind = Kind.TEXT
    width: int = 16  # characters, where a table has widths
    varied: bool = False  # nearly every record tells another one


COLUMNS = (
    Column("at", "When", Kind.MOMENT, 19),
    Column("order_no", "Order number", width=22, varied=True),
    Column("status", "Status", width=11),
    Column("product", "Product", width=28),
    Column("customer", "Customer", width=34),
    Column("product_no", "PBX", varied=True),
    Column("asked_by", "Asked by"),
    Column("made", "Made", width=10),
    Column("our_status", "Our status", Kind.STATUS),
    Column("reference", "Our reference", varied=True),
    Column("po_number", "PO number", width=22, varied=True),
    Column("amount", "Amount", Kind.AMOUNT, 13),
    Column("currency", "Currency", width=9),
    Column("transaction_no", "Transaction", width=22, varied=True),
    Column("instance_id", "Instance", width=22, varied=True),
    Column("invoice_no", "Invoice", varied=True),
    Column("order_id", "Order id", width=22, varied=True),
    Column("product_id", "Product id", width=11),
    Column("partner_id", "Customer id", width=22),
    Column("gone_at", "Missing since", Kind.MOMENT, 19),
)
"""Of a table, for people."""

MORE = (
    Column("created_at", "Created", Kind.MOMENT),
    Column("first_seen_at", "First read", Kind.MOMENT),
    Column("changed_at", "Last changed", Kind.MOMENT),
    Column("detail_at", "Details read", Kind.MOMENT),
)
"""For programs, which get what Yeastar told as well."""


def heads() -> list[str]:
    """The first line of a table. Moments are told in the portal's time zone, which is named."""
    zone = timezone.get_current_timezone_name()
    return [f"{each.head} ({zone})" if each.kind is Kind.MOMENT else each.head for each in COLUMNS]
