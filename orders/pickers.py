"""Choosing among many: a list that narrows as one types, and is a plain select without JavaScript."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Max

from orders.allowing import ASK, Allowed
from orders.models import Contact, Mirrored, MirroredQuerySet
from orders.summary import OWN_ACCOUNT
from orders.text import fold
from yeastar_api.messages import Device

WHOLE_LIST = 200
"""Up to so many entries the page carries them all."""

SHOWN = 50
"""Of a longer list, so many at a time."""

NOTHING_YET = "There is nothing to choose from yet."
NOBODY = f"There is no customer yet for whom you may order. {ASK}"

QUERY_LIMIT = 200
"""Characters of a search that are looked at."""


@dataclass(frozen=True)
class Option:
    """One entry: the id as text, and how it reads."""

    value: str
    label: str
    selected: bool = False


@dataclass(frozen=True)
class Chosen:
    """The selected entry in detail."""

    title: str
    lines: list[str]
    id: str


@dataclass(frozen=True)
class Picker:
    """What `_picker.html` draws."""

    name: str
    label: str
    options: list[Option]
    total: int
    query: str = ""
    options_url: str = ""
    selected: Chosen | None = None
    as_of: datetime | None = None
    empty_label: str = ""
    required: bool = True
    nothing: str = NOTHING_YET
    shown: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shown", len(self.options))


def partner_picker(*, may: Allowed, selected: str, query: str, options_url: str) -> Picker:
    """The subordinate users that somebody may order for, after our own account if that is allowed."""
    return _people(
        may.partners(),
        name="partner_id",
        label="Customer",
        selected=selected,
        query=query,
        options_url=options_url,
        empty_label=OWN_ACCOUNT if may.own_account else "",
        nothing=NOTHING_YET if may.limits is None else NOBODY,
    )


def contact_picker(*, selected: str, query: str, options_url: str, last_used: str) -> Picker:
    """The billing contacts, the last used one first."""
    return _people(
        Contact.objects.on_offer(),
        name="billing_contact_id",
        label="Billing contact",
        selected=selected,
        query=query,
        options_url=options_url,
        first=last_used,
    )


def device_picker(*, devices: Sequence[Device], selected: str, query: str, options_url: str) -> Picker:
    """The PBXs of our account."""
    words = fold(query[:QUERY_LIMIT]).split()
    labels = {device.product_no: _device_label(device) for device in devices}
    found = [
        Option(product_no, label, product_no == selected)
        for product_no, label in labels.items()
        if all(word in fold(label) for word in words)
    ]
    shown = found[: WHOLE_LIST if len(labels) <= WHOLE_LIST else SHOWN]
    if selected in labels and not any(option.selected for option in shown):
        shown = [Option(selected, labels[selected], selected=True), *shown]
    return Picker(
        name="product_no",
        label="PBX",
        options=shown,
        total=max(len(found), len(shown)),
        query=query,
        options_url=options_url,
        selected=Chosen(labels[selected], [], selected) if selected in labels else None,
        required=False,
    )


def _device_label(device: Device) -> str:
    status = "" if device.activation_status in ("", "unknown") else device.activation_status
    return " · ".join(part for part in (device.product_no, device.comment, status) if part)


def _people(
    rows: MirroredQuerySet,
    *,
    name: str,
    label: str,
    selected: str,
    query: str,
    options_url: str,
    empty_label: str = "",
    first: str = "",
    nothing: str = NOTHING_YET,
) -> Picker:
    query = query[:QUERY_LIMIT]
    total = rows.count()
    limit = WHOLE_LIST if total <= WHOLE_LIST else SHOWN
    found = list(rows.matching(query).defer("raw", "search")[:limit])
    if query:
        total = len(found) if len(found) < limit else rows.matching(query).count()
    found = _leading(rows, found, first if not query else "")
    chosen = next((row for row in found if row.remote_id == selected), None)
    if chosen is None and selected:
        chosen = rows.filter(remote_id=selected).first()
        found = [chosen, *found] if chosen else found
    return Picker(
        name=name,
        label=label,
        options=[Option(row.remote_id, _person_label(row, first), row.remote_id == selected) for row in found],
        total=max(total, len(found)),
        query=query,
        options_url=options_url,
        selected=_chosen(chosen, selected),
        as_of=rows.aggregate(at=Max("mirrored_at"))["at"],
        empty_label=empty_label,
        required=not empty_label,
        nothing=nothing,
    )


def _chosen(row: Mirrored | None, selected: str) -> Chosen | None:
    """Who is selected. One that is gone still counts: else "our own account" would be offered in its place."""
    if row:
        return Chosen(str(row), [row.detail, row.address], row.remote_id)
    return Chosen("No longer in the list: choose another one", [], selected[:40]) if selected else None


def _leading(rows: MirroredQuerySet, found: list[Mirrored], first: str) -> list[Mirrored]:
    leader = next((row for row in found if row.remote_id == first), None) if first else None
    if first and leader is None:
        leader = rows.filter(remote_id=first).first()
    return [leader, *(row for row in found if row.pk != leader.pk)] if leader else found


def _person_label(row: Mirrored, last_used: str) -> str:
    who = " · ".join(part for part in (row.person, row.email, row.country, row.remote_id) if part)
    label = f"{row.company} — {who}" if row.company else who
    return f"Last used: {label}" if row.remote_id == last_used else label
