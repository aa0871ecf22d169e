"""What each product and operation accepts in an order: one table.

The five tutorials' rows come first and are certain. The rest are the heads of other tutorials in the vendor's
reference; where a head was cut the row says only what was readable.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Target(Enum):
    """For whom, or for which PBX, an order is."""

    ACCOUNT = "the account, or a subordinate by partnerId; no productNo"
    SERIAL = "a PBX by any well-formed serial number; no partnerId"
    DEVICE = "a PBX of the product list; no partnerId"
    EITHER = "a new licence (partnerId optional), or a PBX of the product list; never both"


class Lines(Enum):
    """What `serviceList` holds."""

    PLAN = "exactly one plan, and perhaps services that hang on it"
    SERVICES = "services only"


@dataclass(frozen=True, slots=True)
class Billing:
    """One accepted combination of billingModel, billingCycle and multiCycle; None: the field must be absent."""

    model: str | None
    cycle: str | None
    years: tuple[int, ...] | None


YEARS = Billing("recurring", "annually", (1, 2, 3, 4, 5))
ACCOUNT_YEAR = Billing("recurring", "annually", (0,))
MONTHS = Billing("recurring", "monthly", (0,))
ONCE = Billing("once", "once", (0,))
ONCE_UNNAMED = Billing(None, "once", (0,))
FREE = Billing(None, None, None)


@dataclass(frozen=True, slots=True)
class Rule:
    """How to order one operation of one product."""

    product: int
    operation: str
    target: Target
    lines: Lines
    billing: tuple[Billing, ...]
    source: str
    cloud: bool = False

    @property
    def purchase_type(self) -> str:
        """`purchaseType` follows from the operation: purchase, renew, trial or switch."""
        return self.operation.split("_")[0]

    @property
    def paid(self) -> bool:
        return self.billing != (FREE,)


_PLAN, _SERVICES = Lines.PLAN, Lines.SERVICES
_ACCOUNT, _SERIAL, _DEVICE, _EITHER = Target.ACCOUNT, Target.SERIAL, Target.DEVICE, Target.EITHER

_TABLE = (
    Rule(9, "purchase_plan", _SERIAL, _PLAN, (YEARS,), "tutorial linkus-cloud-service"),
    Rule(12, "purchase_plan", _EITHER, _PLAN, (YEARS,), "tutorial software-edition-license"),
    Rule(14, "purchase_service", _ACCOUNT, _SERVICES, (ACCOUNT_YEAR,), "tutorial turnkey-capacity"),
    Rule(15, "purchase_service", _ACCOUNT, _SERVICES, (ONCE_UNNAMED,), "tutorial remote-management-connections"),
    # The tutorial's table says `trial_service`; its value table and its sample say `renew_service`.
    Rule(21, "renew_service", _ACCOUNT, _SERVICES, (ACCOUNT_YEAR,), "tutorial rm-premium-renewal"),
    Rule(9, "switch_plan", _SERIAL, _PLAN, (YEARS,), "reference"),
    Rule(11, "purchase_plan", _SERIAL, _PLAN, (YEARS, MONTHS), "reference"),
    Rule(11, "renew_plan", _SERIAL, _PLAN, (YEARS, MONTHS), "reference"),
    Rule(11, "switch_plan", _SERIAL, _PLAN, (YEARS, MONTHS), "reference"),
    Rule(11, "purchase_service", _SERIAL, _SERVICES, (ONCE,), "reference: Hotel PMS, Hotel Module"),
    Rule(12, "trial_plan", _EITHER, _PLAN, (FREE,), "reference"),
    Rule(12, "renew_plan", _DEVICE, _PLAN, (YEARS,), "reference: quantity is the current extensions"),
    Rule(12, "switch_plan", _DEVICE, _PLAN, (YEARS,), "reference"),
    Rule(12, "purchase_service", _DEVICE, _SERVICES, (YEARS, ACCOUNT_YEAR), "reference"),
    Rule(13, "purchase_plan", _ACCOUNT, _PLAN, (YEARS, MONTHS), "reference: 5-500 extensions", cloud=True),
    Rule(13, "renew_plan", _DEVICE, _PLAN, (YEARS, MONTHS), "reference"),
    Rule(13, "switch_plan", _DEVICE, _PLAN, (YEARS, MONTHS), "reference"),
    Rule(13, "purchase_service", _DEVICE, _SERVICES, (YEARS, MONTHS, ACCOUNT_YEAR), "reference"),
    Rule(14, "purchase_plan", _ACCOUNT, _PLAN, (ACCOUNT_YEAR,), "reference"),
    Rule(14, "renew_plan", _ACCOUNT, _PLAN, (ACCOUNT_YEAR,), "reference"),
    Rule(14, "trial_plan", _ACCOUNT, _PLAN, (FREE,), "reference"),
    Rule(15, "trial_plan", _ACCOUNT, _PLAN, (FREE,), "reference"),
    Rule(15, "renew_plan", _ACCOUNT, _PLAN, (Billing("recurring", "annually", (1,)),), "reference: multiCycle 1"),
    Rule(19, "renew_service", _ACCOUNT, _SERVICES, (ACCOUNT_YEAR,), "reference"),
    Rule(21, "trial_service", _ACCOUNT, _SERVICES, (FREE,), "reference"),
    Rule(21, "purchase_service", _ACCOUNT, _SERVICES, (ACCOUNT_YEAR,), "reference"),
)

RULES: dict[tuple[int, str], Rule] = {(rule.product, rule.operation): rule for rule in _TABLE}

OPERATIONS = (
    "purchase_plan",
    "purchase_service",
    "renew_plan",
    "renew_service",
    "switch_plan",
    "trial_plan",
    "trial_service",
    "switchTrial_plan",
)
