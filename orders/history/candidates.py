"""Records that may be an uncertain order, where no reference settles it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from orders.likeness import Trait, wanted_by
from orders.models import Order, Record

WINDOW = timedelta(hours=24)
"""A record of another day is another order. So wide because the vendor's clock, and its time zone, are not known."""


@dataclass(frozen=True)
class Candidate:
    """One record beside the order, trait by trait."""

    record: Record
    traits: tuple[Trait, ...]
    seconds_apart: float | None

    @property
    def alike(self) -> int:
        """How many traits are known to be the same."""
        return sum(trait.verdict == "same" for trait in self.traits)


def unclaimed(order: Order) -> QuerySet[Record]:
    """Records of the order's time and product that are no other order of ours, by number or by reference."""
    (begin, end), wanted = sent_between(order), wanted_by(order.request_body)
    in_time = Q(created_at__range=(begin - WINDOW, end + WINDOW)) | Q(created_at=None)
    taken = Order.objects.filter(order_no=OuterRef("order_no")).exclude(pk=order.pk).exclude(order_no="")
    found = Record.objects.filter(
        in_time,
        ~Exists(taken),
        destination=order.destination,
        reference__in=("", order.reference),
        product_id__in=("", wanted.product_id),
    )
    return found.filter(Q(product_no="") | Q(product_no__icontains=wanted.product_no)) if wanted.product_no else found


def sent_between(order: Order) -> tuple[datetime, datetime]:
    """When the order's last attempt began, and when it can no longer have been under way from our side."""
    attempt = order.tries.order_by("-number").first()
    if attempt is None:
        begin = order.sending_since or order.placed_at or order.created_at
        return begin, begin + settings.ORDER_SENDING_LIMIT
    # A worker that was called lost may have been sending until its time was over.
    limit = attempt.started_at + settings.ORDER_SENDING_LIMIT
    return attempt.started_at, max(attempt.finished_at or limit, limit)
