"""Whether the same was ordered already: by anybody here, or elsewhere as far as the mirrored history tells.

The same is: same target, product, services and quantities, within DUPLICATE_WINDOW. What may still be bought, or was
perhaps bought, counts however old it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Case, Exists, OuterRef, Q, When
from django.utils import timezone

from orders.destination import current_destination
from orders.lifecycle import MOVING, Status
from orders.likeness import Trait, Wanted, compare, word
from orders.models import Order, Record

ELSEWHERE = "Somebody, not through this portal"

NOTHING_BOUGHT = ("failed", "invalid", "cancelled")
"""What the vendor calls orders that bought nothing, or nothing any more."""

MOST = 20
MOST_RECORDS = 500
"""So many are shown and looked at, the doubtful and the newest first: what is added meanwhile comes in sight."""


@dataclass(frozen=True)
class Twin:
    """An order of the same, as anybody may see it who is about to order it once more."""

    key: str  # what a form carries, so that a reason speaks of the twins that were shown
    who: str
    at: datetime | None
    number: str
    status: str  # one of ours as its own name, for the badge; theirs in the vendor's word
    status_words: str
    url: str = ""  # only for those who may open it
    elsewhere: bool = False
    in_doubt: bool = False
    same_text: bool = False  # it carries the draft's own reference: somebody sent this very order by hand
    unknown: tuple[str, ...] = ()  # what they do not tell


def twins(order: Order, wanted: Wanted) -> list[Twin]:
    """The orders of the same as this draft, the doubtful first, then the newest."""
    now = timezone.now()
    found = [*_ours(order, wanted, now), *_theirs(order, wanted, now)]
    return sorted(found, key=lambda twin: (not twin.same_text, not twin.in_doubt, -(twin.at or now).timestamp()))


def one_at_a_time(likeness: str) -> None:
    """Until the end of this transaction nobody else places the same. SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(likeness[:15], 16)])


def _ours(order: Order, wanted: Wanted, now: datetime) -> list[Twin]:
    since = now - settings.DUPLICATE_WINDOW
    in_doubt = Q(status=Status.UNCERTAIN) | ~Q(conflict="")
    bought = Q(status=Status.PLACED) & (Q(placed_at__gte=since) | Q(settled_at__gte=since))
    # By host only: new credentials may well be those of the same account.
    host = current_destination().partition(" ")[0]
    same = Order.objects.filter(
        in_doubt | bought | Q(status__in=MOVING), likeness=word(wanted), destination__startswith=f"{host} "
    ).exclude(pk=order.pk)
    same = same.annotate(doubt=Case(When(in_doubt, then=0), default=1)).order_by("doubt", "-placed_at")
    if order.again_of_id:
        # To order again is the person's express wish, unless nobody knows what became of the first.
        same = same.filter(in_doubt | ~Q(pk=order.again_of_id))
    here = list(same.select_related("owner")[:MOST])
    visible = _visible(order, here)
    return [
        Twin(
            key=each.reference,
            who=each.owner.get_username(),
            at=each.placed_at,
            number=each.order_no or each.reference,
            status="UNCERTAIN" if each.conflict else each.status,
            status_words="Two answers disagree" if each.conflict else Status(each.status).label,
            url=each.get_absolute_url() if each.pk in visible else "",
            in_doubt=bool(each.conflict) or each.status == Status.UNCERTAIN,
        )
        for each in here
    ]


def _visible(order: Order, others: list[Order]) -> set[Any]:
    """Which of these the draft's owner may open."""
    if all(each.owner_id == order.owner_id for each in others):
        return {each.pk for each in others}
    pks = [each.pk for each in others]
    return set(Order.objects.visible_to(order.owner).filter(pk__in=pks).values_list("pk", flat=True))


def _theirs(order: Order, wanted: Wanted, now: datetime) -> list[Twin]:
    """Records that are no order of ours. The columns narrow them down, what is read by key decides."""
    since = now - settings.DUPLICATE_WINDOW
    recent = Q(created_at__gte=since) | Q(created_at=None, first_seen_at__gte=since)
    alike = Q(product_id__in=("", wanted.product_id))
    if wanted.product_no:
        alike &= Q(product_no="") | Q(product_no__iexact=wanted.product_no)
    elif wanted.partner_id:
        alike &= Q(partner_id__in=("", wanted.partner_id))
    by_number = Order.objects.filter(order_no=OuterRef("order_no")).exclude(order_no="")
    by_reference = Order.objects.filter(reference=OuterRef("reference")).exclude(status=Status.DRAFT)
    others = (
        Record.objects.filter(recent, alike, destination=current_destination())
        .filter(~Exists(by_number), ~Exists(by_reference))
        .exclude(status__in=NOTHING_BOUGHT)
        .order_by("-created_at", "-pk")
    )
    # The second term is that of the index, without which SQLite would not take it.
    by_hand = Record.objects.filter(reference=order.reference).exclude(reference="")
    found = [_as_twin(record, compare(wanted, record), same_text=True) for record in by_hand]
    for record in others.exclude(reference=order.reference)[:MOST_RECORDS]:
        traits = compare(wanted, record)
        if _is_twin(traits):
            found.append(_as_twin(record, traits))
    return found[:MOST]


def _is_twin(traits: tuple[Trait, ...]) -> bool:
    """Services and quantities may be untold, product and target not: else any order of that day would alarm."""
    product, target, *rest = (trait.verdict for trait in traits)
    return product == target == "same" and "different" not in rest


def _as_twin(record: Record, traits: tuple[Trait, ...], *, same_text: bool = False) -> Twin:
    return Twin(
        key=record.key,
        who=ELSEWHERE,
        at=record.created_at or record.first_seen_at,
        number=str(record),
        status=record.status,
        status_words=record.status or "Status not told",
        elsewhere=True,
        same_text=same_text,
        unknown=tuple(trait.label.lower() for trait in traits if trait.verdict == "unknown"),
    )
