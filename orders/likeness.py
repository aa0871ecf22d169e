"""What is bought for whom, so that two orders can be compared: one of ours with another, and one of ours with theirs.

The inner fields of the vendor's history are mostly unknown, so they are read by key, anywhere, never by path.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from django.db.models import Exists, OuterRef, Q, QuerySet

from orders.models import Partner, Record
from yeastar_api.messages import OrderRequest

Verdict = Literal["same", "different", "unknown"]

OWN_ACCOUNT = "our own account"
NO_CUSTOMER = "no customer named"

Line = tuple[str, int | None]


@dataclass(frozen=True)
class Wanted:
    """What an order buys, and for whom. Ids are text; the lines are sorted, for their order means nothing.

    Left out: operation, years, billing contact, PO number. Whoever buys the same for another term buys it twice, too.
    """

    product_id: str
    product_no: str
    partner_id: str
    lines: tuple[Line, ...]

    @cached_property
    def customers(self) -> frozenset[str]:
        """The ids of all customers of ours. Asked for once, however many records this is compared with."""
        return frozenset(Partner.objects.values_list("remote_id", flat=True))


@dataclass(frozen=True)
class Trait:
    """One thing to compare: what it is, what we sent, what they tell. What they do not tell is unknown."""

    label: str
    ours: str
    theirs: str
    verdict: Verdict


def wanted_by(request: OrderRequest | str) -> Wanted:
    """What a request, or its frozen text, asks for. Raises ValueError for a text that is no order."""
    if isinstance(request, OrderRequest):
        return Wanted(
            product_id=request.product_id,
            product_no=request.product_no,
            partner_id=request.partner_id,
            lines=_sorted((line.service_id, line.quantity) for line in request.lines),
        )
    told = json.loads(request)
    lines = told.get("serviceList") if isinstance(told, dict) else None
    if not isinstance(lines, list):
        raise ValueError("this text is no order")
    return Wanted(
        product_id=_text(told.get("productId")),
        product_no=_text(told.get("productNo")),
        partner_id=_text(told.get("partnerId")),
        lines=_sorted((_text(line.get("serviceId")), _count(line.get("quantity"))) for line in lines),
    )


def word(wanted: Wanted) -> str:
    """The same word for the same target, product, services and quantities. Letters of a serial number have no case."""
    told = [wanted.product_id, wanted.product_no.upper(), wanted.partner_id, wanted.lines]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def compare(wanted: Wanted, record: Record) -> tuple[Trait, ...]:
    """Product, target, services and quantities of ours beside those of a record."""
    lines = _lines_of(record)
    traits = [_product(wanted, record), _target(wanted, record), _services(wanted, lines)]
    if any(quantity is not None for _, quantity in wanted.lines):
        traits.append(_quantities(wanted, record, lines))
    return tuple(traits)


def fits(traits: Iterable[Trait]) -> bool:
    """Whether it may well be the same order: nothing known differs, and more than one thing is known to be the same."""
    verdicts = [trait.verdict for trait in traits]
    return "different" not in verdicts and verdicts.count("same") > 1


def alike(records: QuerySet[Record], wanted: Wanted) -> QuerySet[Record]:
    """The records whose columns do not speak against what is wanted: few enough to `compare` each of them.

    A column holds what was told, blanks and all, so a serial number is only looked for in it.
    """
    found = records.filter(product_id__in=("", wanted.product_id))
    if wanted.product_no:
        return found.filter(Q(product_no="") | Q(product_no__icontains=wanted.product_no))
    if wanted.partner_id:
        return found.filter(partner_id__in=("", wanted.partner_id))
    return found.filter(~Exists(Partner.objects.filter(remote_id=OuterRef("partner_id"))))


def values_of(json: Any, key: str) -> set[str]:
    """All values of a key, as text, anywhere in nested JSON. Nothing and the empty text are no values."""
    return {text for value in _under(json, key) if (text := _text(value))}


def _product(wanted: Wanted, record: Record) -> Trait:
    return _trait("Product", wanted.product_id, _told(record, record.product_id, "productId"))


def _target(wanted: Wanted, record: Record) -> Trait:
    """The PBX by its serial number. Of account products the vendor answers the owner's account id as productNo, and a
    new licence gets a new one: there only the customer tells."""
    if wanted.product_no:
        return _trait("PBX", wanted.product_no, _told(record, record.product_no, "productNo"))
    told = _told(record, record.partner_id, "partnerId")
    if wanted.partner_id:
        return _trait("For", wanted.partner_id, told)
    if told:
        # It may be ourselves whom they name: it speaks against our own account only if it is a customer of ours.
        return Trait("For", OWN_ACCOUNT, _joined(told), "unknown" if told.isdisjoint(wanted.customers) else "different")
    # They may name no customer because there is none; a record without the key at all says nothing.
    named = any(True for each in (record.raw, record.detail) for _ in _under(each, "partnerId"))
    return Trait("For", OWN_ACCOUNT, NO_CUSTOMER if named else "", "same" if named else "unknown")


def _services(wanted: Wanted, lines: set[Line]) -> Trait:
    ours, theirs = {service for service, _ in wanted.lines}, {service for service, _ in lines}
    verdict: Verdict = "unknown" if not theirs else "same" if ours == theirs else "different"
    return Trait("Plan and services" if len(ours) > 1 else "Plan or service", _joined(ours), _joined(theirs), verdict)


def _quantities(wanted: Wanted, record: Record, lines: set[Line]) -> Trait:
    """Line by line where they name the services, else any quantity that they tell."""
    ours = [(service, quantity) for service, quantity in wanted.lines if quantity is not None]
    words = _joined({str(quantity) for _, quantity in ours})
    beside = {service: {quantity for each, quantity in lines if each == service and quantity} for service, _ in ours}
    if all(beside.values()):
        told = {str(quantity) for quantities in beside.values() for quantity in quantities}
        same = all(quantity in beside[service] for service, quantity in ours)
        return Trait("Quantity", words, _joined(told), "same" if same else "different")
    told = values_of([record.raw, record.detail], "quantity")
    if not told:
        return Trait("Quantity", words, "", "unknown")
    same = {str(quantity) for _, quantity in ours} <= told
    return Trait("Quantity", words, _joined(told), "same" if same else "different")


def _trait(label: str, ours: str, theirs: set[str]) -> Trait:
    same = ours.upper() in {each.upper() for each in theirs}
    verdict: Verdict = "unknown" if not theirs else "same" if same else "different"
    return Trait(label, ours, _joined(theirs), verdict)


def _told(record: Record, column: str, key: str) -> set[str]:
    """What a record tells: its column, which was read with care, else every value of the key.

    The column of one of ours may hold what we sent ourselves, which proves nothing.
    """
    told = values_of([record.raw, record.detail], key)
    return {column.strip()} if column.strip() and not record.ours_id else told


def _lines_of(record: Record) -> set[Line]:
    """Their lines: any object with a serviceId, or with a planId and no serviceId, and the quantity beside it."""
    found = set()
    for each in _objects([record.raw, record.detail]):
        if service := _text(each.get("serviceId")) or _text(each.get("planId")):
            found.add((service, _count(each.get("quantity"))))
    return found


def _objects(told: Any) -> Iterator[dict[str, Any]]:
    """Every object in nested JSON, however deep: what the vendor nests must not overrun our stack."""
    waiting = [told]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


def _under(told: Any, key: str) -> Iterator[Any]:
    for each in _objects(told):
        if key in each:
            yield from each[key] if isinstance(each[key], list) else [each[key]]


def _text(value: Any) -> str:
    """A plain value as text: 15, 15.0 and "15 " are one id."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _count(value: Any) -> int | None:
    text = _text(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _sorted(lines: Iterator[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda line: (line[0], line[1] or 0)))


def _joined(values: set[str]) -> str:
    return ", ".join(sorted(values, key=lambda value: (len(value), value)))
