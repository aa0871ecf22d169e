"""An order of ours by what it is called, where the history does not tell it: not read yet, perhaps, or filtered out."""

from __future__ import annotations

from uuid import UUID

from orders import prepared
from orders.lifecycle import Status
from orders.models import Order

# Each by an index of its own. The history has none of order ids, which none but receipts and records tell.
CALLED = """
SELECT id FROM orders_order WHERE reference IN (%s, %s)
UNION ALL SELECT id FROM orders_order WHERE order_no IN (%s, %s) AND NOT (order_no = '')
UNION ALL SELECT id FROM orders_order WHERE order_id IN (%s, %s) AND NOT (order_id = '')
LIMIT 1
"""


def called(text: str) -> Order | None:
    """The order with this reference, number or id, written in small letters or capitals."""
    for (key,) in prepared.rows((CALLED, (text, text.upper()) * 3)):
        return Order.objects.exclude(status=Status.DRAFT).select_related("record").filter(pk=UUID(str(key))).first()
    return None
