"""Drift: where our orders and the vendor's history do not agree. Noted after each run; a page only reads the notes.

`differences` alone says what drift is. To find it among very many orders the database is asked for those that may
differ; when a page shows one, it is looked at once more, for either side may have changed since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Trim, Upper
from django.utils import timezone

from orders.history import runs
from orders.history.candidates import WINDOW
from orders.history.differing import Ours, Theirs
from orders.history.reconciling import NOTHING_BOUGHT
from orders.lifecycle import Status
from orders.likeness import compare, fits, wanted_by
from orders.models import PENDING, USUAL_STATUS, Drift, Order, Record
from orders.prepared import Prepared

Kind = Drift.Kind

MOST = 1_000
"""So many of each kind are noted, the newest: beyond that it is no list for people any more."""

LATELY = timedelta(days=2)
"""Orders so young are compared each time; older ones when their record is written, and once a day."""

BATCH = 500

HEAVY = ("request_body", "answer", "record__raw", "record__detail")
"""Columns of an order and its record that are not compared."""

AS_BOUGHT = ("", PENDING, USUAL_STATUS)
"""What theirs may say of an order that we call bought: that is on its way to be so, or says nothing."""

_UNSEEN = Prepared(
    lambda destination: Drift.objects.filter(destination=destination, seen_at=None).order_by().values_list("pk")[:MOST],
    str,
)

_FIRST = Prepared(
    lambda destination: (
        Order.objects.filter(destination=destination, placed_at__isnull=False)
        .order_by("placed_at")
        .values_list("placed_at")[:1]
    ),
    str,
)


def _absent(destination: str, **lately: datetime) -> QuerySet[Order, tuple[UUID]]:
    bought = Order.objects.filter(destination=destination, status=Status.PLACED, record=None, **lately)
    return bought.exclude(order_no="").values_list("pk")[:MOST]


_ABSENT = Prepared(_absent, str)
_ABSENT_LATELY = Prepared(
    lambda destination, placed, settled: _absent(destination, placed_at__gte=placed, settled_at__gte=settled),
    *(str, datetime, datetime),
)

NUMBERS = {"transaction_no": "Transaction number", "instance_id": "Instance id", "product_no": "Product number"}
"""What the receipt told and the record tells, too."""

LIKELY = 2
"""So many orders of ours are named beside a record that may be one of them."""

COMPARED = 300
"""So many unsettled orders of the time of some records are compared with them."""


def horizon(fresh: runs.Freshness | None = None) -> datetime | None:
    """What was settled before it must stand in the mirror; None as long as nothing was read to the end."""
    fresh_at = (fresh or runs.freshness()).at
    return fresh_at - settings.HISTORY_LAG if fresh_at else None


def differences(order: Order | Ours, record: Record | Theirs | None, since: datetime | None) -> dict[Kind, str]:
    """In what an order and its record do not agree now, each with what differs. `since` is the horizon."""
    if order.conflict:
        return {Kind.CONFLICT: ""}
    if order.status == Status.FAILED:
        stands = record is not None and not record.gone_at and record.status not in NOTHING_BOUGHT
        return {Kind.BOUGHT: order.found_as} if order.found_as or stands else {}
    if order.status != Status.PLACED:
        return {}
    if record is None:
        late = since is not None and order.settled_at is not None and order.settled_at < since
        return {Kind.MISSING: ""} if order.order_no and late else {}
    found: dict[Kind, str] = {}
    if record.gone_at:
        found[Kind.GONE] = ""
    elif record.status not in AS_BOUGHT:
        found[Kind.STATUS] = record.status
    if other := [name for name in NUMBERS if _differ(getattr(order, name), getattr(record, name))]:
        found[Kind.NUMBER] = ",".join(other)
    return found


def _differ(ours: str, theirs: str) -> bool:
    ours, theirs = ours.strip().upper(), theirs.strip().upper()
    return bool(ours and theirs) and ours != theirs


def note(destination: str, touched: Collection[UUID] | None = None) -> None:
    """Note what differs now, and forget what no longer does. What was seen to and has not changed stays so.

    `touched` are orders of ours whose records were written since the last time: then only these are compared, what is
    contradicted, and what was ordered lately. None compares all.
    """
    now, since = timezone.now(), horizon()
    found: dict[tuple[UUID, str], Drift] = {}
    compared = set()
    for order, record in _suspects(destination, since) if touched is None else _some(destination, touched, now):
        compared.add(order.pk)
        for kind, what in differences(order, record, since).items():
            found[order.pk, kind] = Drift(
                destination=destination,
                kind=kind,
                order=order,
                what=what,
                at=order.placed_at or order.created_at,
                noticed_at=now,
            )
    here = Drift.objects.filter(destination=destination)
    noted = {(order, kind): (pk, what) for pk, order, kind, what in here.values_list("pk", "order_id", "kind", "what")}
    same = {key for key, (_, what) in noted.items() if key in found and found[key].what == what}
    stale = [pk for key, (pk, _) in noted.items() if key not in same and (touched is None or key[0] in compared)]
    for start in range(0, len(stale), BATCH):
        here.filter(pk__in=stale[start : start + BATCH]).delete()
    news = [drift for key, drift in found.items() if key not in same]
    Drift.objects.bulk_create(news, batch_size=BATCH, ignore_conflicts=True)  # another run may note the same


def _suspects(destination: str, since: datetime | None) -> Iterator[tuple[Order, Record | None]]:
    """Orders that may differ from their records, the newest of each sort."""
    orders = _orders(destination)
    yield from _contradicted(orders, destination)
    if since:
        missing = orders.filter(status=Status.PLACED, settled_at__lt=since, record=None).exclude(order_no="")
        for order in missing.filter(~Exists(_by_number(OuterRef("order_no"), destination)))[:MOST]:
            yield order, None
    for pairs in _pairs(destination):
        for record in pairs.order_by("-at", "-pk").defer("raw", "detail", "ours__request_body", "ours__answer")[:MOST]:
            if record.ours:
                yield record.ours, record


def _some(destination: str, touched: Collection[UUID], now: datetime) -> Iterator[tuple[Order, Record | None]]:
    """Orders that may differ from their records since what was touched was written."""
    orders = _orders(destination)
    yield from _contradicted(orders, destination)
    ended = Drift.objects.filter(destination=destination, kind__in=(Kind.CONFLICT, Kind.BOUGHT))  # perhaps, by hand
    wanted = list({*touched, *ended.values_list("order_id", flat=True)})
    lately = [orders.filter(placed_at__gte=now - LATELY)]
    batches = (wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH))
    for some in (*lately, *(orders.filter(pk__in=batch) for batch in batches)):
        yield from _with_records(list(some.select_related("record").defer(*HEAVY)), destination)


def _orders(destination: str) -> QuerySet[Order]:
    return Order.objects.filter(destination=destination).order_by("-placed_at", "-pk").defer("request_body", "answer")


def _contradicted(orders: QuerySet[Order], destination: str) -> Iterator[tuple[Order, Record | None]]:
    for some in (orders.exclude(conflict=""), orders.filter(status=Status.FAILED).exclude(found_as="")):
        yield from _with_records(list(some.select_related("record").defer(*HEAVY)[:MOST]), destination)


def _with_records(orders: list[Order], destination: str) -> Iterator[tuple[Order, Record | None]]:
    """Each with its record, as `record_of` finds it, but by one question for all that are not linked."""
    number_of = {each.pk: each.order_no or each.found_as for each in orders if not hasattr(each, "record")}
    numbers = sorted({*number_of.values()} - {""})
    found: dict[str, Record] = {}
    for start in range(0, len(numbers), BATCH):
        some = Record.objects.filter(order_no__in=numbers[start : start + BATCH], destination=destination)
        found |= {each.order_no: each for each in some.order_by("-pk").defer("raw", "detail")}
    for order in orders:
        yield order, getattr(order, "record", None) or found.get(number_of.get(order.pk, ""))


def _pairs(destination: str) -> Iterator[QuerySet[Record]]:
    """Records of our orders that may differ from them. Asked by the owner, whose index holds all that was made here."""
    here = Record.objects.filter(destination=destination, owner__isnull=False).select_related("ours")
    bought = here.filter(ours__status=Status.PLACED)
    yield bought.filter(gone_at__isnull=False)
    yield bought.filter(gone_at=None).exclude(status__in=AS_BOUGHT)
    other = Q()
    for name in NUMBERS:
        same = Q(**{f"{name}_here": F(f"{name}_there")})
        other |= ~Q(**{name: ""}) & ~Q(**{f"ours__{name}": ""}) & ~same
    here_and_there = {f"{name}_here": Upper(Trim(f"ours__{name}")) for name in NUMBERS}
    here_and_there |= {f"{name}_there": Upper(Trim(name)) for name in NUMBERS}
    yield bought.alias(**here_and_there).filter(other)
    yield here.filter(ours__status=Status.FAILED, gone_at=None).exclude(status__in=NOTHING_BOUGHT)


def record_of(order: Order) -> Record | None:
    """The record of an order of ours: the one that is linked, else the one with its number."""
    linked = Record.objects.filter(ours=order).defer("raw", "detail").first()
    number = order.order_no or order.found_as
    return linked or (_by_number(number, order.destination).defer("raw", "detail").first() if number else None)


def became(order: Order, record: Record | None) -> str:
    """What has become of an order that we call bought since then, as Yeastar's history tells it; empty if nothing."""
    if order.status != Status.PLACED or record is None:
        return ""
    if record.gone_at:
        return "It does not stand in Yeastar's history any more."
    return "" if record.status in AS_BOUGHT else f"Since then Yeastar's history calls it {record.status}."


def _by_number(number: object, destination: str) -> QuerySet[Record]:
    return Record.objects.filter(order_no=number, destination=destination)


def count(destination: str) -> str:
    """How many differences nobody has seen to yet: 7, or 1,000+; empty if there are none."""
    number = _UNSEEN.count(destination)
    return f"{number:,}+" if number == MOST else f"{number or ''}"


def begun(destination: str) -> datetime | None:
    """Since when orders are placed here: what was made elsewhere before is no drift."""
    first = _FIRST.rows(destination)
    return first[0][0] if first else None


def is_ours(records: Iterable[Record]) -> set[int]:
    """Which of these are orders of ours after all, only not linked yet: the next run does it."""
    records = list(records)
    numbers = {each.order_no for each in records} - {""}
    references = {each.reference for each in records} - {""}
    # Two questions, for one with an OR follows no index; and its second term is that of the index.
    ours = set(Order.objects.filter(order_no__in=numbers).exclude(order_no="").values_list("order_no", flat=True))
    named = Order.objects.filter(reference__in=references).exclude(status=Status.DRAFT)
    ours |= set(named.values_list("reference", flat=True))
    return {each.pk for each in records if ours & {each.order_no, each.reference}}


def likely(destination: str, records: Iterable[Record]) -> dict[int, list[Order]]:
    """Orders of ours, not known to be bought, that may be one of these records; by the record's key."""
    records = [each for each in records if each.created_at]
    times = [each.created_at for each in records if each.created_at]
    if not times:
        return {}
    period = (min(times) - WINDOW, max(times) + WINDOW)
    unsettled = Order.objects.filter(destination=destination, status__in=(Status.UNCERTAIN, Status.FAILED), found_as="")
    near = list(unsettled.filter(placed_at__range=period).order_by("-placed_at").defer("answer")[:COMPARED])
    found: dict[int, list[Order]] = {}
    for record in records:
        alike = [order for order in near if _may_be(order, record)]
        found[record.pk] = sorted(alike, key=lambda order: _apart(order, record))[:LIKELY]
    return found


def _may_be(order: Order, record: Record) -> bool:
    """Near in time, and it fits."""
    return _apart(order, record) <= WINDOW and fits(compare(wanted_by(order.request_body), record))


def _apart(order: Order, record: Record) -> timedelta:
    sent_at = order.sending_since or order.placed_at or order.created_at
    return abs((record.created_at or sent_at) - sent_at)


def waiting(destination: str, since: datetime | None) -> int:
    """How many orders of ours, bought since the horizon, are not in the mirror yet; at most MOST."""
    if not since:
        return _ABSENT.count(destination)
    # Whatever was settled since then was placed at most a day before it, or is old enough to be looked for.
    return _ABSENT_LATELY.count(destination, since - timedelta(days=1), since)
