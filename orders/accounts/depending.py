"""What depends on an account: drafts and orders on their way that name it, and so break when it disappears."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from orders.accounts.lists import List
from orders.lifecycle import Status
from orders.models import Contact, Order, OrderQuerySet, Partner

WAITING = (Status.QUEUED, Status.SENDING)


@dataclass(frozen=True)
class Broken:
    """What would not work any more, or perhaps not."""

    drafts: list[Order]  # they cannot be placed until another one is chosen
    waiting: list[Order]  # they are sent as they are, and Yeastar may refuse them
    preferring: int = 0  # customers whose preferred billing contact it is

    def __bool__(self) -> bool:
        return bool(self.drafts or self.waiting or self.preferring)


def broken(kind: List, remote_ids: Collection[str]) -> Broken:
    """What names any of these. There are few drafts and few orders on their way, so they are simply read."""
    ids = set(remote_ids)
    drafts = Order.objects.filter(status=Status.DRAFT, discarded_at=None)
    waiting = Order.objects.filter(status__in=WAITING)
    preferring = 0
    if kind.model is Contact and len(ids) == 1:
        preferring = Partner.objects.filter(preferred_contact__remote_id__in=ids).count()
    return Broken(_naming(kind, drafts, ids), _naming(kind, waiting, ids), preferring)


def naming(kind: List, remote_id: str) -> OrderQuerySet:
    """Placed orders of ours that name an account, the newest first."""
    return Order.objects.filter(**{f"choices__{kind.choice}": remote_id}).placed().select_related("owner")


def _naming(kind: List, orders: OrderQuerySet, ids: set[str]) -> list[Order]:
    told = orders.select_related("owner").only(*COLUMNS, "owner__username").order_by("-updated_at")
    return [order for order in told if _named(kind, order) in ids]


COLUMNS = ("slug", "reference", "status", "choices", "target_label", "updated_at", "owner")


def _named(kind: List, order: Order) -> str:
    return str(order.choices.get(kind.choice, ""))
