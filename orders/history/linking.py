"""Which record is which order of ours: by the order number, else by our reference.

The writer of rows links what it can when a row comes. The rest is found here, in each run: our order may get its number
later than the history tells of it, and a record its reference.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, QuerySet, Subquery

from orders.history import records, tallies
from orders.history.columns import KNOWN_HERE, draw, fill
from orders.lifecycle import Status
from orders.models import Order, Record

BATCH = 500


def link(destination: str) -> set[UUID]:
    """Link what belongs together and is not linked yet, and part what does not. Which orders of ours that concerns."""
    here = Record.objects.filter(destination=destination)
    # By the owner, whose index holds all that was made here. As a question for our orders, which are fewer:
    # PostgreSQL, which does not know yet how few of the new records have an owner, would else read them all.
    linked = Order.objects.filter(record__destination=destination, record__owner__isnull=False).exclude(order_no="")
    strangers = linked.exclude(order_no=F("record__order_no")).values_list("record__pk", "pk")
    parted = {ours for pk, ours in list(strangers) if _set(pk, None, None)}
    orders = Order.objects.filter(destination=destination, record=None).exclude(status=Status.DRAFT)
    # Each time the second term is that of the index, without which SQLite would not take it.
    numbered = here.filter(order_no=OuterRef("order_no")).exclude(order_no="")
    # Whoever is linked has an owner, too; by `ours` SQLite would look at all that are not.
    named = here.filter(reference=OuterRef("reference"), owner=None).exclude(reference="")
    return parted | _link_each(orders.exclude(order_no=""), numbered) | _link_each(orders.filter(order_no=""), named)


def _link_each(orders: QuerySet[Order], theirs: QuerySet[Record]) -> set[UUID]:
    """Link each of these orders to its record, if there is one, the oldest that is known of several."""
    found = orders.annotate(theirs=Subquery(theirs.order_by("pk").values("pk")[:1])).exclude(theirs=None)
    each = found.values_list("pk", "owner_id", "theirs", "request_body")
    return {pk for pk, owner, theirs, request_body in each if _set(theirs, pk, owner, request_body)}


def _set(pk: int, ours: Any, owner: int | None, request_body: str = "") -> bool:
    with records.writing():
        record = Record.objects.get(pk=pk)
        before = tallies.counted(vars(record))
        record.ours_id, record.owner_id = ours, owner
        fill(draw(vars(record)), request_body)
        record.save(update_fields=["ours", "owner", "amount", *KNOWN_HERE])
        tallies.apply(record.destination, tallies.delta([before], [tallies.counted(vars(record))]))
    return True
