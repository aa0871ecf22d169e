"""Whether the same was ordered already: by anybody here, or elsewhere as far as the mirrored history tells.

The same is: same target, product, services and quantities, within DUPLICATE_WINDOW. What may still be bought, or was
perhaps bought, counts however old it is. What was settled as not bought counts once Yeastar turns out to have it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from orders.destination import current_destination
from orders.history.candidates import WINDOW
from orders.lifecycle import MOVING, Status
from orders.likeness import Trait, Wanted, alike, compare, word
from orders.models import SEE_ALL_ORDERS, Order, Record
from orders.prepared import Prepared

ELSEWHERE = "Somebody, not through this portal"

NOTHING_BOUGHT = ("failed", "invalid", "cancelled")
"""What the vendor calls orders that bought nothing, or nothing any more."""

MOST = 20
"""So many of ours and of theirs are shown, the doubtful and the newest first: what is added comes in sight."""

LOOKED_THROUGH, COMPARED = 1000, 300
"""So many recent records are looked through, and so many of them read and compared, the newest first. Two orders of the
same within minutes are the mistake; it must not take long to look for it."""

CLOCKS_DIFFER = timedelta(days=1)
"""A record from further in the future than the vendor's clock and time zone explain tells no time."""


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
    lost_at: datetime | None = None  # when one of ours was sent whose number we do not know
    may_be: str = ""  # the number of the order of theirs that may be it


def twins(order: Order, wanted: Wanted) -> list[Twin]:
    """The orders of the same as this draft, the doubtful first, then the newest."""
    now = timezone.now()
    mine = ours(order, word(wanted))
    known = {twin.number for twin in mine}
    theirs = [twin for twin in _theirs(order, wanted, now) if twin.same_text or twin.number not in known]
    found = [*(_with_record(twin, theirs) for twin in mine), *theirs]
    return sorted(found, key=lambda twin: (not twin.same_text, not twin.in_doubt, -(twin.at or now).timestamp()))


def _with_record(twin: Twin, theirs: list[Twin]) -> Twin:
    """One of ours that we lost sight of, with the record nearest in time, which is taken out of `theirs`.

    It is the same order as far as anybody can tell, and must not be told as two.
    """

    def apart(other: Twin) -> timedelta:
        return abs((other.at or now) - (twin.lost_at or now))

    now = timezone.now()
    near = [each for each in theirs if twin.lost_at and not each.same_text and apart(each) <= WINDOW]
    if not near:
        return twin
    record = min(near, key=apart)
    theirs.remove(record)
    return replace(twin, may_be=record.number)


def one_at_a_time(likeness: str) -> None:
    """Until the end of this transaction nobody else places the same. SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(likeness[:15], 16)])


def ours(order: Order, likeness: str) -> list[Twin]:
    """The orders of the same that were placed here. It is asked again while others wait; as a rule there is none."""
    if all(pk == order.pk for (pk,) in _ALIKE.rows(likeness)):
        return []
    same = Order.objects.filter(likeness=likeness).exclude(pk=order.pk).order_by()
    since = timezone.now() - settings.DUPLICATE_WINDOW
    # What was settled as not bought, and found after all, counts from when that was told, or seen to.
    found_late = ~Q(found_as="") & Q(updated_at__gte=since)
    recent = Q(placed_at__gte=since) | Q(settled_at__gte=since) | found_late | Q(pk=order.again_of_id)
    rows = same.filter(recent | OPEN).values(*COLUMNS)
    # By host only: new credentials may well be those of the same account.
    host = f"{current_destination().partition(' ')[0]} "
    found = []
    for row in rows.order_by("-placed_at"):
        in_doubt = row["status"] == Status.UNCERTAIN or bool(row["conflict"])
        # To order again is the person's express wish, unless they did not know that the first was bought.
        surprising = in_doubt or bool(row["found_as"])
        counts = surprising or (row["status"] != Status.FAILED and row["pk"] != order.again_of_id)
        if counts and row["destination"].startswith(host):
            found.append(_as_told(order, row, in_doubt=in_doubt))
    return sorted(found, key=lambda twin: not twin.in_doubt)[:MOST]


_ALIKE = Prepared(lambda likeness: Order.objects.filter(likeness=likeness).order_by().values_list("pk")[:2], str)
"""Two of the same tell that there is another one."""

# The second term is that of the index, without which SQLite would not take it.
_BY_HAND = Prepared(
    lambda reference: Record.objects.filter(reference=reference).exclude(reference="").order_by().values_list("pk"), str
)

OPEN = Q(status__in=(*MOVING, Status.UNCERTAIN)) | ~Q(conflict="")
"""What may still be bought, and what nobody knows the fate of."""

COLUMNS = (
    "pk",
    "owner_id",
    "owner__username",
    "reference",
    "order_no",
    "status",
    "conflict",
    "found_as",
    "destination",
    "placed_at",
    "sending_since",
)


def _as_told(order: Order, row: dict[str, Any], *, in_doubt: bool) -> Twin:
    """What anybody may know of an order; whoever may open it gets the link."""
    visible = row["owner_id"] == order.owner_id or order.owner.has_perm(SEE_ALL_ORDERS)
    status, words = row["status"], Status(row["status"]).label
    if row["conflict"]:
        status, words = "CONFLICT", ""
    elif row["found_as"]:
        status, words = "FOUND", ""
    return Twin(
        key=row["reference"],
        who=row["owner__username"],
        at=row["placed_at"],
        number=row["found_as"] or row["order_no"] or row["reference"],
        status=status,
        status_words=words,
        url=reverse("orders:order", args=[row["pk"]]) if visible else "",
        in_doubt=in_doubt,
        lost_at=None if row["order_no"] or row["found_as"] or row["status"] == Status.FAILED else row["sending_since"],
    )


def _theirs(order: Order, wanted: Wanted, now: datetime) -> list[Twin]:
    """Records that are no order of ours. The columns narrow them down, what is read by key decides.

    Few and plain conditions: Django takes longer to write a query than the database to answer it.
    """
    by_hand = [pk for (pk,) in _BY_HAND.rows(order.reference)]
    pks = [*by_hand, *_unclaimed(order, wanted, now)]
    records = Record.objects.in_bulk(pks) if pks else {}
    found = []
    for record in (records[pk] for pk in pks if pk in records):
        traits, same_text = compare(wanted, record), record.pk in by_hand
        if same_text or _is_twin(traits):
            found.append(_as_twin(record, traits, now, same_text=same_text))
    return found[:MOST]


def _unclaimed(order: Order, wanted: Wanted, now: datetime) -> list[int]:
    """Recent records that may be the same and are, by number and by reference, no order of ours; the newest first."""
    since, here = now - settings.DUPLICATE_WINDOW, current_destination()
    timeless = Q(created_at=None) | Q(created_at__gt=now + CLOCKS_DIFFER)
    recent = Q(created_at__range=(since, now + CLOCKS_DIFFER)) | (timeless & Q(first_seen_at__gte=since))
    told = alike(Record.objects.filter(recent), wanted).values_list(
        "created_at", "pk", "order_no", "reference", "destination", "status"
    )
    newest = sorted(told, key=lambda row: (row[0] or now, row[1]), reverse=True)[:LOOKED_THROUGH]
    rows = [
        (pk, order_no, reference)
        for _, pk, order_no, reference, destination, status in newest
        if destination == here and status not in NOTHING_BOUGHT and reference != order.reference
    ]
    if not rows:
        return []
    # What we call not bought claims nothing: a record that speaks of it tells the opposite.
    placed = Order.objects.exclude(status__in=(Status.DRAFT, Status.FAILED))
    by_number = placed.filter(order_no__in=[order_no for _, order_no, _ in rows if order_no])
    by_reference = placed.filter(reference__in=[reference for _, _, reference in rows if reference])
    numbers = set(by_number.values_list("order_no", flat=True))
    references = set(by_reference.values_list("reference", flat=True))
    free = [pk for pk, order_no, reference in rows if order_no not in numbers and reference not in references]
    return free[:COMPARED]


def _is_twin(traits: tuple[Trait, ...]) -> bool:
    """Services and quantities may be untold, product and target not: else any order of that day would alarm."""
    product, target, *rest = (trait.verdict for trait in traits)
    return product == target == "same" and "different" not in rest


def _as_twin(record: Record, traits: tuple[Trait, ...], now: datetime, *, same_text: bool = False) -> Twin:
    at = record.created_at
    return Twin(
        key=record.key,
        who=ELSEWHERE,
        at=at if at and at <= now + CLOCKS_DIFFER else record.first_seen_at,
        number=str(record),
        status=record.status,
        status_words=record.status or "Status not told",
        elsewhere=True,
        same_text=same_text,
        unknown=tuple(trait.label.lower() for trait in traits if trait.verdict == "unknown"),
    )
