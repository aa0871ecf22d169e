"""Pages of the audit log, newest first, each quick however long the log is.

What one filter selects is one range of an index. What further filters and a search leave of it is looked for in so
many entries at a time; a page that has not found enough in them says how far it came, and the next one goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from orders.audit_trail.acts import TITLES
from orders.audit_trail.asked import NOBODY, Asked
from orders.models import AuditEntry

PAGE_SIZE = 50

LOOKED_AT = 5_000
"""Entries that one page looks at, where an index holds only part of what is asked for."""

COUNTED = 10_000

NEWEST_FIRST, OLDEST_FIRST = ("-at", "-pk"), ("at", "pk")

SEARCHED = ("actor_name", "target_label", "words", "address")

Rows = QuerySet[AuditEntry]


@dataclass(frozen=True)
class Found:
    """What an index selects, and what is left to be looked at."""

    rows: Rows
    rest: Q


@dataclass(frozen=True)
class Page:
    """Entries, newest first, and the keys by which the pages around them are asked for."""

    rows: list[AuditEntry]
    after: int | None = None
    before: int | None = None
    seen: datetime | None = None  # so far it was looked, without finding a whole page
    lost: bool = False


def find(asked: Asked, now: datetime) -> Found:
    """Which index serves, and which conditions remain: the one that selects least comes first."""
    conditions = [each for each in (_on(asked.on), _who(asked.shared.who), _what(asked.what)) if each]
    begin, end = asked.span(now)
    rows: Rows = AuditEntry.objects.filter(conditions[0] if conditions else Q())
    rows = rows.filter(at__gte=begin) if begin else rows
    rows = rows.filter(at__lt=end) if end else rows
    rest = Q()
    for condition in [*conditions[1:], *([_searched(asked.shared.q)] if asked.shared.q else [])]:
        rest &= condition
    return Found(rows, rest)


def _on(text: str) -> Q | None:
    kind, _, key = text.partition(":")
    return Q(target_type=kind, target_id=key) if text else None


def _who(name: str) -> Q | None:
    if not name:
        return None
    if name == NOBODY:
        return Q(actor=None)
    person = get_user_model().objects.filter(username=name).values_list("pk", flat=True).first()
    return Q(actor=person or 0)  # 0 is nobody's key


def _what(name: str) -> Q | None:
    if not name:
        return None
    return Q(topic=name) if name in TITLES else Q(action=name)


def _searched(text: str) -> Q:
    found = Q(request_id=text)
    for column in SEARCHED:
        found |= Q(**{f"{column}__icontains": text})
    return found


def page(found: Found, asked: Asked) -> Page:
    """The page that is asked for; the first one if its place is not there."""
    after, before = asked.shared.after, asked.shared.before
    place = AuditEntry.objects.filter(pk=after or before or 0).only("at").first()
    backwards = place is not None and not after
    rows, edge = _look(found, place, backwards=backwards)
    more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    further = rows[-1].pk if more else edge.pk if edge else None
    seen = edge.at if edge and not more else None
    if place is None:
        return Page(rows, after=further, seen=seen, lost=bool(after or before))
    if backwards:
        rows.reverse()
        return Page(rows, after=rows[-1].pk if rows else place.pk, before=further, seen=seen)
    return Page(rows, after=further, before=rows[0].pk if rows else place.pk, seen=seen)


def count(found: Found) -> str:
    """How many there are, with a plus behind where it is not counted on; empty if it would have to be looked for."""
    if found.rest:
        return ""
    rows = found.rows.order_by().values("pk")[: COUNTED + 1].count()
    return f"{COUNTED:,}+" if rows > COUNTED else f"{rows:,}"


def everything(found: Found) -> Iterator[AuditEntry]:
    """All that fits, newest first, a stretch at a time: no query is open between two of them."""
    place: AuditEntry | None = None
    while keys := list(_behind(found.rows, place, backwards=False)[:LOOKED_AT].values_list("pk", "at")):
        fitting = AuditEntry.objects.filter(found.rest, pk__in=[pk for pk, _ in keys])
        yield from fitting.order_by(*NEWEST_FIRST)
        place = AuditEntry(pk=keys[-1][0], at=keys[-1][1])


def _look(found: Found, place: AuditEntry | None, *, backwards: bool) -> tuple[list[AuditEntry], AuditEntry | None]:
    """One row more than a page, and the last entry that was looked at if there may be further ones."""
    rows = _behind(found.rows, place, backwards=backwards)
    if not found.rest:
        return list(rows[: PAGE_SIZE + 1]), None
    window: Any = rows.values("pk")[:LOOKED_AT]
    order = OLDEST_FIRST if backwards else NEWEST_FIRST
    fitting = AuditEntry.objects.filter(found.rest, pk__in=window).order_by(*order)
    keys = list(fitting.values_list("pk", flat=True)[: PAGE_SIZE + 1])  # whole rows would be sorted by the thousand
    fits = AuditEntry.objects.filter(pk__in=keys).order_by(*order)
    return list(fits), rows.only("at")[LOOKED_AT - 1 : LOOKED_AT].first()


def _behind(rows: Rows, place: AuditEntry | None, *, backwards: bool) -> Rows:
    rows = rows.order_by(*(OLDEST_FIRST if backwards else NEWEST_FIRST))
    if place is None:
        return rows
    if backwards:
        return rows.filter(at__gte=place.at).filter(Q(at__gt=place.at) | Q(pk__gt=place.pk))
    return rows.filter(at__lte=place.at).filter(Q(at__lt=place.at) | Q(pk__lt=place.pk))
