"""Choosing among many: a list that narrows as one types, and is a plain select without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from orders.accounts import runs
from orders.allowing import ASK, Allowed
from orders.models import Contact, Listed, Mirrored, MirroredQuerySet
from orders.summary import OWN_ACCOUNT
from orders.text import fold
from yeastar_api.messages import Device

WHOLE_LIST = 200
"""Up to so many entries the page carries them all."""

PREFERRED, LAST = "Preferred by this customer", "Last used"

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
    """The selected entry in detail. One that is `lost` was chosen before, and cannot be had now."""

    title: str
    lines: list[str]
    id: str
    lost: bool = False


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
    empty_selected: bool = False
    required: bool = True
    nothing: str = NOTHING_YET
    shown: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shown", len(self.options))


def partner_picker(*, may: Allowed, selected: str | None, query: str, options_url: str) -> Picker:
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
        closed="You may not order for this customer",
    )


def contact_picker(
    *, may: Allowed, selected: str | None, query: str, options_url: str, last_used: str, preferred: str = ""
) -> Picker:
    """The billing contacts open to somebody: first the one that the customer prefers, then the one used last."""
    return _people(
        may.contacts(),
        name="billing_contact_id",
        label="Billing contact",
        selected=selected,
        query=query,
        options_url=options_url,
        first={preferred: "Preferred by this customer", last_used: "Last used"}
        if preferred
        else {last_used: "Last used"},
        closed="You may not bill this contact",
    )


def preferred_picker(*, selected: str | None, query: str, options_url: str) -> Picker:
    """The billing contacts, for a customer to prefer one or none."""
    return _people(
        Contact.objects.on_offer(),
        name="preferred_contact",
        label="Preferred billing contact",
        selected=selected,
        query=query,
        options_url=options_url,
        empty_label="None: the wizard offers the one that was used last",
    )


def device_picker(*, devices: Sequence[Device], selected: str | None, query: str, options_url: str) -> Picker:
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
    selected: str | None,
    query: str,
    options_url: str,
    empty_label: str = "",
    first: Mapping[str, str] | None = None,  # who stand on top, by id, each with the reason
    nothing: str = NOTHING_YET,
    closed: str = "",  # of whom is on offer, but not among these rows
) -> Picker:
    query = query[:QUERY_LIMIT]
    limit = WHOLE_LIST if rows.order_by()[: WHOLE_LIST + 1].count() <= WHOLE_LIST else SHOWN
    matching = rows.matching(query)
    found = list(matching.defer("raw", "search")[:limit])
    total = len(found) if len(found) < limit else matching.count()
    leading = {remote_id: why for remote_id, why in (first or {}).items() if remote_id}
    found = _leading(rows, found, leading if not query else {})
    chosen = next((row for row in found if row.remote_id == selected), None)
    if chosen is None and selected:
        chosen = rows.filter(remote_id=selected).first()
        found = [chosen, *found] if chosen else found
    return Picker(
        name=name,
        label=label,
        options=[Option(row.remote_id, _person_label(row, leading), row.remote_id == selected) for row in found],
        total=max(total, len(found)),
        query=query,
        options_url=options_url,
        selected=_chosen(chosen, rows, selected or "", closed),
        as_of=runs.freshness(Listed.CONTACTS if rows.model is Contact else Listed.PARTNERS).at,
        empty_label=empty_label,
        empty_selected=selected == "",
        required=not empty_label,
        nothing=nothing,
    )


def _chosen(row: Mirrored | None, rows: MirroredQuerySet, selected: str, closed: str) -> Chosen | None:
    """Who is selected. One that is gone still counts: else "our own account" would be offered in its place."""
    if row:
        return Chosen(str(row), [row.detail, row.address], row.remote_id)
    if not selected:
        return None
    offered = rows.model.objects.on_offer().filter(remote_id=selected).exists()
    why = closed if closed and offered else "No longer in the list"
    return Chosen(f"{why}: choose another one", [], selected[:40], lost=True)


def _leading(rows: MirroredQuerySet, found: list[Mirrored], leading: Mapping[str, str]) -> list[Mirrored]:
    if not leading:
        return found
    leaders = {row.remote_id: row for row in rows.filter(remote_id__in=leading).defer("raw", "search")}
    first = [leaders[remote_id] for remote_id in leading if remote_id in leaders]
    return [*first, *(row for row in found if row.remote_id not in leaders)]


def _person_label(row: Mirrored, leading: Mapping[str, str]) -> str:
    who = " · ".join(part for part in (row.person, row.email, row.country, row.remote_id) if part)
    label = f"{row.company} — {who}" if row.company else who
    return f"{leading[row.remote_id]}: {label}" if row.remote_id in leading else label
