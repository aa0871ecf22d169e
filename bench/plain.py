"""The peer: the plainest Celery task that buys, in a worker like ours. `python -m bench.plain worker`.

It reads its row, writes "sending", calls the same API with the same client, and writes the receipt: two small
commits. It has no claim that only one can win, no events, and does not keep what was answered.
"""

from __future__ import annotations

import sys

from celery import shared_task

from portal.run import queue

NAME = "bench.plain"


@shared_task(name=NAME, ignore_result=True)
def plain(pk: str) -> None:
    """Buy."""
    from django.utils import timezone  # Celery sets Django up after this file was read

    from orders import gateway
    from orders.models import Order

    order = Order.objects.get(pk=pk)
    Order.objects.filter(pk=pk).update(status="SENDING", sending_since=timezone.now())
    receipt = gateway.portal().save(order.request_body.encode())
    Order.objects.filter(pk=pk).update(status="PLACED", order_no=receipt.order_no, settled_at=timezone.now())


if __name__ == "__main__":
    sys.exit(queue.worker())
