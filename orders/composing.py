"""What a recipe is made of, what a person chooses, and `compose`, which writes every order body from the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import Enum
from typing import Any

from orders.reference import with_reference
from yeastar_api.messages import OrderLine, OrderRequest

YEARS = (1, 2, 3, 4, 5)
"""The valid values of Multi Cycle on annual plans [tutorials linkus-cloud-service, software-edition-license]."""

MAX_QUANTITY = 1_000_000
"""A guard against slips of the keyboard; the vendor's own bounds are used wherever the catalogue tells them."""


class Target(Enum):
    """For whom an order is."""

    ACCOUNT = "account"  # our own, or a subordinate user by partnerId
    DEVICE = "device"  # a PBX by productNo
    EITHER = "either"  # a new licence for an account, or an existing PBX; never both


class Devices(Enum):
    """Where the serial number of a PBX comes from."""

    TYPED = "typed"  # read off the PBX's own web page
    LISTED = "listed"  # chosen from the API's product list


class MultiCycle(Enum):
    """What a line sends as multiCycle."""

    YEARS = "years"  # the order's one number of years
    ZERO = "zero"  # products sold per account
    ABSENT = "absent"  # trials


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of `serviceList`: its fixed values, and what a person must add."""

    service_type: str
    purchase_type: str
    billing_model: str | None = None
    billing_cycle: str | None = None
    multi_cycle: MultiCycle = MultiCycle.ZERO
    takes_quantity: bool = False
    under_plan: bool = False  # sends connectionPlanId
    optional: bool = False  # none, one or several may be chosen


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One tutorial as data."""

    slug: str
    title: str
    summary: str
    icon: str
    product_id: str
    operation: str
    target: Target
    lines: tuple[Line, ...]
    devices: Devices | None = None
    years: tuple[int, ...] = YEARS
    quantity_label: str = "Quantity"
    plan_label: str = "Plan"
    service_label: str = "Service"

    @property
    def plan_line(self) -> Line | None:
        """The line that buys a plan, if any."""
        return next((line for line in self.lines if line.service_type == "plan"), None)

    @property
    def service_line(self) -> Line | None:
        """The line that buys a service, if any."""
        return next((line for line in self.lines if line.service_type == "service"), None)

    @property
    def asks_plan(self) -> bool:
        """Whether a plan must be chosen: to buy it, or because a service hangs under it."""
        return self.plan_line is not None or any(line.under_plan for line in self.lines)

    @property
    def asks_quantity(self) -> bool:
        """Whether a line takes a quantity."""
        return any(line.takes_quantity for line in self.lines)

    @property
    def asks_years(self) -> bool:
        """Whether a line sends a number of years; plan and service share the one number."""
        return any(line.multi_cycle is MultiCycle.YEARS for line in self.lines)

    @property
    def is_trial(self) -> bool:
        """Whether it starts a free trial instead of buying."""
        return all(line.purchase_type == "trial" for line in self.lines)


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What a person picked so far. Ids are text. None means not answered yet; empty is an answer."""

    license_for: str = ""  # new · existing, where the target is EITHER
    partner_id: str | None = None  # empty: our own account
    product_no: str = ""
    plan_id: str = ""
    service_id: tuple[str, ...] | None = None
    quantity: int | None = None
    multi_cycle: int | None = None
    billing_contact_id: str = ""
    po_number: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)  # id → name, as the API told it when chosen

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Choices:
        """Read what `to_json` wrote; keys of other versions are left out."""
        known = {each.name for each in fields(cls)} & stored.keys()
        values = {name: stored[name] for name in known}
        if values.get("service_id") is not None:
            values["service_id"] = tuple(values["service_id"])
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """The choices as plain JSON types."""
        return asdict(self)

    def changed(self, changes: Mapping[str, Any]) -> Choices:
        """These choices with `changes`; a later answer that depended on a changed one is dropped."""
        dropped: dict[str, Any] = {}
        for name, dependents in DEPENDENTS.items():
            if name in changes and changes[name] != getattr(self, name):
                dropped |= {each: EMPTY[each] for each in dependents}
        named = {"labels": {**self.labels, **changes["labels"]}} if "labels" in changes else {}
        return replace(self, **(dropped | dict(changes) | named))

    def label(self, remote_id: str) -> str:
        """The name of a plan or service as it was when chosen, else its id."""
        return self.labels.get(remote_id, remote_id)


EMPTY = {each.name: each.default for each in fields(Choices)}

# A new licence has no PBX, the catalogue is asked for one PBX, and services hang under their plan.
DEPENDENTS = {
    "license_for": ("product_no", "plan_id", "service_id"),
    "product_no": ("plan_id", "service_id"),
    "plan_id": ("service_id",),
}


def compose(recipe: Recipe, choices: Choices, *, reference: str = "") -> OrderRequest:
    """The order body of `recipe` with complete `choices` [tutorials, step 4]; `reference` goes along as poNumber."""
    for_account = recipe.target is not Target.DEVICE and choices.license_for != "existing"
    for_device = recipe.target is Target.DEVICE or choices.license_for == "existing"
    return OrderRequest(
        operation_type=recipe.operation,
        product_id=recipe.product_id,
        partner_id=(choices.partner_id or "") if for_account else "",
        product_no=choices.product_no if for_device else "",
        billing_id=choices.billing_contact_id,
        po_number=with_reference(choices.po_number, reference),
        lines=tuple(
            _compose_line(line, offer_id, choices)
            for line in recipe.lines
            for offer_id in ((choices.plan_id,) if line is recipe.plan_line else choices.service_id or ())
        ),
    )


def _compose_line(line: Line, offer_id: str, choices: Choices) -> OrderLine:
    multi_cycle = {MultiCycle.YEARS: choices.multi_cycle, MultiCycle.ZERO: 0, MultiCycle.ABSENT: None}
    return OrderLine(
        connection_plan_id=choices.plan_id if line.under_plan else "",
        service_type=line.service_type,
        service_id=offer_id,
        quantity=choices.quantity if line.takes_quantity else None,
        purchase_type=line.purchase_type,
        billing_model=line.billing_model,
        billing_cycle=line.billing_cycle,
        multi_cycle=multi_cycle[line.multi_cycle],
    )
