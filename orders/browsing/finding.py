"""From what is asked for to rows, in a way that is quick however many there are and whatever the database guesses.

A list is found in one of two ways. *Walking* goes along indexes in the order of the list, and stops after a page:
quick when much fits. *Gathering* takes a few keys first and sorts them then: quick when little fits. Planners choose
between the two by guesses, and a wrong guess reads a million rows. So it is decided here, by looking: what is found by
a search is gathered up to `FEW` keys, and more is a condition of a walk. Whatever could lead a planner away again is
fenced: a column inside `COALESCE` has no index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from orders.browsing import numbers, sql
from orders.browsing.asked import NOT_TOLD, SORTS, Asked
from orders.browsing.kept import Kept, kept
from orders.browsing.numbers import Numbers
from orders.browsing.terms import Customers, Terms
from orders.browsing.walking import Place, Walk
from orders.destination import current_destination
from orders.lifecycle import Status
from orders.models import USUAL_CURRENCY, USUAL_STATUS, Partner, Record
from orders.prepared import Prepared
from orders.text import fold

FEW = 1_000
"""So many keys are gathered, at most."""

FEW_CUSTOMERS = 100
"""Records of more customers are not gathered: the walk will see how many fit."""

FIRST = 20
"""Of those whose number is exactly what is looked for so many stand first, at most."""

_NAMED = Prepared(lambda name: User.objects.filter(username=name).values_list("pk", "username"), str)
_CUSTOMER = Prepared(
    lambda destination, remote_id: (
        Partner.everywhere.filter(destination=destination, remote_id=remote_id).order_by().values_list("pk")
    ),
    *(str, str),
)
USUAL = {"status": USUAL_STATUS, "currency": USUAL_CURRENCY}


@dataclass(frozen=True)
class Found:
    """The rows, unsorted; whether they are few, so that no index must be followed when they are sorted.

    `walk` is how a list finds its pages if they are neither few nor everything: then no rows are told.
    """

    rows: QuerySet[Record]
    few: bool
    sort: str
    everything: bool = False  # nothing was left out
    notes: tuple[str, ...] = ()
    walk: Walk | None = None
    exact: tuple[int, ...] = ()  # keys that stand first, and are not among the others
    at_least: int = 0  # so many there are more than
    number: int | None = None  # how many there are, if that is known
    some: Walk | None = None  # where some of what `walk` finds can be met at once
    known: Kept = field(kw_only=True)


def find(asked: Asked, now: datetime, *, whole: bool = False) -> Found:
    """The records that are asked for. `whole` if all of them are wanted, however long it takes, and not a list."""
    known = kept()
    conditions = _conditions(asked, now)
    sets: list[set[int] | _Many] = []
    told = numbers.beginning_with(asked.q, FEW) if asked.q else Numbers()
    words = asked.customer if "partner_id" not in conditions else ""
    if asked.q and words and not told:
        sets.append(_set_of_customers(told, asked.q, words))
    else:
        sets += [_set_of_customers(told, asked.q)] if asked.q else []
        sets += [_set_of_customers(Numbers(), words)] if words else []
    if asked.ours:
        sets.append(_set_of_ours(asked.ours))
    if asked.made == "elsewhere" and (asked.ours or asked.who):
        sets.append(set())
    few = [each for each in sets if isinstance(each, set)]
    many = [each for each in sets if not isinstance(each, set)]
    if asked.ours or asked.who:
        conditions["owner_id__isnull"] = False
    by_date = SORTS[asked.sort][0] == "at"
    if few:
        keys = set.intersection(*few)
        number = None if conditions or many or known.destinations else len(keys)
        if by_date and not whole:
            terms = _terms(conditions, many, known, Customers(keys=frozenset(keys)))
            return replace(_walked(asked, terms, told, known), number=number)
        rows = _gathered(known, keys, conditions, [each.where() for each in many])
        return _exact_first(Found(rows, few=True, sort=asked.sort, number=number, known=known), told, whole)
    if not (conditions or many):
        return Found(_here(known), few=False, sort=asked.sort, everything=True, known=known)
    if whole:
        rows = _fenced(_here(known).filter(_plain(conditions)), {}) if by_date else _fenced(_here(known), conditions)
        rows = rows.filter(*(each.where() for each in many))
        return Found(rows, few=False, sort=asked.sort, known=known)
    walk = Walk(_terms(conditions, many, known))
    if not by_date:
        some, all_of_them = walk.some(FEW + 1)
        if all_of_them:
            rows = _gathered(known, {*some}, {}, [])
            return _exact_first(Found(rows, few=True, sort=asked.sort, known=known), told, whole)
    found = _walked(asked, walk.terms, told, known)
    if asked.alone and not known.destinations and any(each.more for each in many):
        found = replace(found, at_least=FEW)
    if by_date:
        return found
    word = f"More than {FEW:,} orders fit: they are sorted by date. Narrow the list to sort it by number."
    return replace(found, sort="-at" if SORTS[asked.sort][1] else "at", notes=(word,))


def _exact_first(found: Found, told: Numbers, whole: bool) -> Found:
    """Of few that fill more than a page the exact number first, newest first."""
    if whole or not told.exact:
        return found
    exact = found.rows.filter(pk__in=told.exact).order_by("-at", "-pk").values_list("pk", flat=True)
    first = tuple(exact[:FIRST])
    return replace(found, rows=found.rows.exclude(pk__in=first), exact=first) if first else found


def _walked(asked: Asked, terms: Terms, told: Numbers, known: Kept) -> Found:
    """What is met when walking; the exact number, if it is searched for, first."""
    first: tuple[int, ...] = ()
    if told.exact:
        first = tuple(Walk(_among(terms, told.exact)).first(Place(down=True), FIRST).keys)
        terms = replace(terms, but=terms.but | {*first})
    some = Walk(_among(terms, told.highest)) if told.highest else None
    rows = Record.objects.none()
    return Found(rows, few=False, sort=asked.sort, walk=Walk(terms), exact=first, some=some, known=known)


def _among(terms: Terms, keys: frozenset[int]) -> Terms:
    """What is found by numbers, narrowed to some of it."""
    others = [each for each in terms.customers if not each.beginnings]
    return replace(terms, customers=(Customers(keys=keys), *others))


def _both(told: list[Customers]) -> tuple[Customers, ...]:
    """Customers found by the search and by the filter, as one if ranges hold both; what is found by number stays if it
    is theirs.
    """
    by_ids = sorted(told, key=lambda each: not each.in_ranges)
    if not told[1:] or not all(each.in_ranges for each in told):
        return tuple(by_ids)
    one, other = by_ids
    numbered, theirs = (one.keys, other.ids) if one.keys else (other.keys, one.ids)
    kept = Record.objects.filter(pk__in=numbered, partner_id__in=theirs).values_list("pk", flat=True)
    return (Customers(one.ids & other.ids, frozenset(kept if numbered else ())),)


@dataclass(frozen=True)
class _Many:
    """A condition that more than a few meet, or perhaps: for a query of the whole, and for a walk."""

    where: Callable[[], Q]
    customers: Customers | None = None
    more: bool = False  # whether more than a few are known to
    ours: str = ""
    but: frozenset[int] = frozenset()


def _terms(conditions: dict[str, Any], many: list[_Many], known: Kept, *gathered: Customers) -> Terms:
    return Terms(
        equal={column: conditions[column] for column in ("product_id", "status", "currency") if column in conditions},
        here=None if (null := conditions.get("owner_id__isnull")) is None else not null,
        owner=conditions.get("owner_id"),
        partner=conditions.get("partner_id"),
        customers=(*gathered, *_both([each.customers for each in many if each.customers])),
        begin=conditions.get("at__gte"),
        end=conditions.get("at__lt"),
        ours=next((each.ours for each in many if each.ours), ""),
        but=frozenset(key for each in many for key in each.but),
        strange=known.destinations,
    )


def _conditions(asked: Asked, now: datetime) -> dict[str, Any]:
    """Lookups of single columns."""
    begin, end = asked.span(now)
    found: dict[str, Any] = {
        "status": asked.status or None,
        "product_id": asked.product or None,
        "currency": asked.currency or None,
        "at__gte": begin,
        "at__lt": end,
        # Asked of the owner, for the column of our order has an index that would lead SQLite through all without one.
        "owner_id__isnull": {"here": False, "elsewhere": True}.get(asked.made),
    }
    if asked.who:
        found["owner_id"] = next((pk for pk, _ in _NAMED.rows(asked.who)), 0)
    if asked.customer == NOT_TOLD:
        found["partner_id"] = ""
    elif asked.customer and (
        _CUSTOMER.rows(current_destination(), asked.customer)
        or sql.keys(sql.latest_of("partner_id", asked.customer))  # whom the mirror does not know
    ):
        found["partner_id"] = asked.customer
    told = {lookup: value for lookup, value in found.items() if value is not None}
    return {lookup: "" if value == NOT_TOLD else value for lookup, value in told.items()}


def _plain(conditions: dict[str, Any]) -> Q:
    """As they are, and so that the database sees that an index which leaves out the usual or the unknown will do."""
    where = Q(**conditions)
    for column, usual in USUAL.items():
        if conditions.get(column, usual) != usual:
            where &= ~Q(**{column: usual})
    for column in ("product_id", "partner_id"):
        if conditions.get(column):
            where &= ~Q(**{column: ""})
    return where


def _fenced(rows: QuerySet[Record], conditions: dict[str, Any]) -> QuerySet[Record]:
    """The same conditions, for which no index is followed."""
    columns = {lookup.partition("__")[0] for lookup in conditions} | {"partner_id"}
    fences = {f"{column}_fenced": Coalesce(column, column) for column in columns}
    return rows.alias(**fences).filter(**{_behind(lookup): value for lookup, value in conditions.items()})


def _behind(lookup: str) -> str:
    column, *rest = lookup.split("__")
    return "__".join([f"{column}_fenced", *rest])


def _gathered(known: Kept, keys: set[int], conditions: dict[str, Any], many: Iterable[Q]) -> QuerySet[Record]:
    return _fenced(_here(known).filter(sql.is_record_of(sql.listed(keys))), conditions).filter(*many)


def _set_of_customers(told: Numbers, *texts: str) -> set[int] | _Many:
    """The records of customers in whose company, name, email or id each word of the texts occurs, and those told.

    Gathered if few, else to be met when walking.
    """
    by_text = [fold(text).split() for text in texts]
    words = [word for each in by_text for word in each] if all(by_text) else []  # marks without a letter stand nowhere
    partners = sql.keys(sql.customers_with(words, current_destination(), FEW + 1))

    def where() -> Q:
        by_number = numbers.where(told.beginnings) if told.beginnings else Q(pk__in=told.keys)
        matching = Partner.objects.matching(" ".join(texts)).order_by().values("remote_id")
        them = Q(partner_id_fenced__in=matching) if partners else Q(pk__in=())
        return them | Q(pk__in=told.keys) | by_number

    if len(partners) > FEW:
        customers = Customers(keys=told.keys, words=tuple(words), beginnings=told.beginnings)
        return _Many(where, customers, more=bool(told.beginnings))
    ids = frozenset(partners)
    if told.beginnings:
        return _Many(where, Customers(ids, told.keys, beginnings=told.beginnings), more=True)
    more = False
    if len(ids) <= FEW_CUSTOMERS:
        found, all_of_them = Walk(Terms(customers=(Customers(ids),))).some(FEW + 1) if ids else ([], True)
        if all_of_them:
            return set(found) | told.keys
        more = True
    theirs = Record.objects.filter(pk__in=told.keys).values_list("pk", "partner_id") if told.keys else ()
    others = frozenset(key for key, partner in theirs if partner not in ids)
    return _Many(where, Customers(ids, others), more=more)


def _set_of_ours(status: str) -> set[int] | _Many:
    """Nearly all of our orders that stand in the history were bought; whatever else became of them is rare."""
    others = (
        [each for each in Status if each not in (Status.PLACED, Status.DRAFT)] if status == Status.PLACED else [status]
    )
    # From the orders to the records, in the order of an index: SQLite by itself would read all that was made here.
    text = f"""
        SELECT r.id FROM orders_order o CROSS JOIN orders_record r
        WHERE r.ours_id = o.id AND o.status IN ({", ".join(["%s"] * len(others))})
        ORDER BY o.status, o.not_before LIMIT {FEW + 1}
    """  # noqa: S608
    found = set(sql.keys((text, tuple(others))))
    if len(found) > FEW:
        return _Many(lambda: Q(ours__status=status), ours=status)
    return found if status != Status.PLACED else _Many(lambda: Q(ours__status=status), but=frozenset(found))


def _here(known: Kept) -> QuerySet[Record]:
    """The records of the account that orders go to. Where there are no others, nothing has to be compared."""
    others = known.destinations
    return Record.objects.exclude(destination__in=others) if others else Record.objects.all()
