"""The comparison: what our rows say, what the vendor's ledger says, and what people were told. Nothing runs here."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from orders.lifecycle import MOVING, SETTLED, Status
from orders.reference import PATTERN

TWICE = "bought twice"
LOST = "lost"
FAILED_THOUGH_BOUGHT = "FAILED though bought"
WRONG_NUMBERS = "PLACED with wrong numbers"
NOT_AS_APPROVED = "bought otherwise than approved"
LEFT_UNCERTAIN = "left UNCERTAIN"
CONTRADICTED = "in conflict"

DEFECTS = (TWICE, LOST, FAILED_THOUGH_BOUGHT, WRONG_NUMBERS, NOT_AS_APPROVED, LEFT_UNCERTAIN, CONTRADICTED)
"""What must not be, in the order of the table."""

NUMBERS = {"order_no": "orderNo", "transaction_no": "transactionNo", "instance_id": "instanceId"}
"""Our columns and the vendor's names for them."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """An order of ours, as the database has it at the end."""

    pk: UUID
    reference: str
    status: str
    order_no: str = ""
    transaction_no: str = ""
    instance_id: str = ""
    conflict: str = ""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What people know: the orders that the portal accepted from them, and the hashes of what they approved."""

    accepted: Set[UUID] = frozenset()
    approved: Mapping[UUID, Set[str]] = field(default_factory=dict)


def judge(rows: Iterable[Row], ledger: Iterable[Mapping[str, Any]], told: Told, *, echo: bool) -> dict[str, list[str]]:
    """Each kind of defect, with a line for every order that has it. Without `echo` an order may stay UNCERTAIN.

    Every body carries the reference of its order as poNumber, and the ledger keeps each body that was bought: so a
    purchase belongs to one order of ours whatever the history tells.
    """
    found: dict[str, list[str]] = {name: [] for name in DEFECTS}
    rows = list(rows)
    bought = by_reference(ledger)
    for reference in bought.keys() - {row.reference for row in rows}:
        found[LOST].append(f"{reference or 'a body without a reference'}: bought, and no order of ours")
    for pk in told.accepted - {row.pk for row in rows}:
        found[LOST].append(f"{pk}: accepted, and the row is gone")
    for row in rows:
        for defect, words in _defects(row, bought.get(row.reference, []), told, echo=echo):
            found[defect].append(f"{row.reference} ({row.pk}, {row.status}): {words}")
    return found


def by_reference(ledger: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """What was bought, by the reference of the order; the empty one holds what carries none."""
    bought: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for entry in ledger:
        mark = re.search(PATTERN, str(entry["json"].get("poNumber", "")))
        bought[mark.group() if mark else ""].append(entry)
    return dict(bought)


def _defects(row: Row, bought: list[Mapping[str, Any]], told: Told, *, echo: bool) -> Iterable[tuple[str, str]]:
    accepted = row.pk in told.accepted
    if len(bought) > 1:
        yield TWICE, f"{len(bought)} times: {', '.join(entry['receipt']['orderNo'] for entry in bought)}"
    if row.status in MOVING:
        yield LOST, "nobody moves it on any more"
    if row.status == Status.DRAFT and (accepted or bought):
        yield LOST, "accepted or bought, and a draft again"
    if row.status == Status.PLACED and not bought:
        yield LOST, f"it says {row.order_no or 'nothing'}, and nothing was bought"
    if row.status == Status.FAILED and bought:
        yield FAILED_THOUGH_BOUGHT, bought[0]["receipt"]["orderNo"]
    if row.status == Status.PLACED and bought and not any(_same_numbers(row, entry["receipt"]) for entry in bought):
        yield WRONG_NUMBERS, f"{row.order_no} {row.transaction_no} {row.instance_id}, receipt {bought[0]['receipt']}"
    for entry in bought:
        if hashlib.sha256(entry["body"].encode()).hexdigest() not in told.approved.get(row.pk, ()):
            yield NOT_AS_APPROVED, entry["body"]
    if row.status == Status.UNCERTAIN and echo:
        yield LEFT_UNCERTAIN, "bought" if bought else "not bought"
    if row.conflict:
        yield CONTRADICTED, row.conflict


def _same_numbers(row: Row, receipt: Mapping[str, str]) -> bool:
    """The history tells fewer numbers than a receipt: what nobody told is missing, not wrong."""
    pairs = [(getattr(row, ours), receipt[theirs]) for ours, theirs in NUMBERS.items()]
    return row.order_no == receipt["orderNo"] and all(ours in ("", theirs) for ours, theirs in pairs)


def incomplete(rows: Iterable[Row]) -> int:
    """How many placed orders lack a number that nobody has told us yet. To be known, not a defect."""
    return sum(row.status == Status.PLACED and not all(getattr(row, name) for name in NUMBERS) for row in rows)


def at_rest(statuses: Mapping[str, int], *, echo: bool) -> bool:
    """Whether nothing can be expected to move by itself any more."""
    waiting = MOVING | {Status.UNCERTAIN} if echo else MOVING
    return not any(statuses.get(status) for status in waiting)


def settled(statuses: Mapping[str, int]) -> int:
    """How many orders are settled."""
    return sum(statuses.get(status, 0) for status in SETTLED)
