"""The tutorials' rules as data: each a sentence a person can read, its source, and a check of the finished body.

They judge the composed request, not the way it came about, so they also guard `compose` and whatever edits a draft.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orders.composing import MAX_QUANTITY, Choices, Devices, MultiCycle, Recipe, Target
from yeastar_api.messages import OrderRequest

DISASTER_RECOVERY = "3129372068699893760"
ULTIMATE_PLAN = "3049041101760282624"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule: `sentence` for people, `source` to look it up, to whom it applies, and whether it holds."""

    sentence: str
    source: str
    applies: Callable[[Recipe], bool]
    holds: Callable[[Recipe, Choices, OrderRequest], bool]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a rule said of one order."""

    sentence: str
    source: str
    holds: bool


def check(recipe: Recipe, choices: Choices, request: OrderRequest) -> list[Finding]:
    """Every rule that applies to `recipe`, and whether this order keeps it."""
    return [
        Finding(sentence=rule.sentence, source=rule.source, holds=rule.holds(recipe, choices, request))
        for rule in RULES
        if rule.applies(recipe)
    ]


def supports_disaster_recovery(plan_id: str, plan_label: str) -> bool:
    """Whether a plan is the Ultimate Plan, by its name or by the tutorial's id."""
    return plan_id == ULTIMATE_PLAN or "ultimate" in plan_label.casefold()


def is_disaster_recovery(service_id: str, service_label: str) -> bool:
    """Whether a service is Disaster Recovery, by its name or by the tutorial's id."""
    return service_id == DISASTER_RECOVERY or "disaster recovery" in service_label.casefold()


def _multi_cycles(request: OrderRequest) -> set[int | None]:
    return {line.multi_cycle for line in request.lines}


def _disaster_recovery_only_with_ultimate(_: Recipe, choices: Choices, request: OrderRequest) -> bool:
    ordered = [line.service_id for line in request.lines if line.service_type == "service"]
    return supports_disaster_recovery(choices.plan_id, choices.label(choices.plan_id)) or not any(
        is_disaster_recovery(service_id, choices.label(service_id)) for service_id in ordered
    )


def _under_the_plan(recipe: Recipe, choices: Choices, request: OrderRequest) -> bool:
    line = recipe.service_line
    wanted = choices.plan_id if line and line.under_plan else ""
    return all(each.connection_plan_id == wanted for each in request.lines if each.service_type == "service")


def _quantities(recipe: Recipe, _: Choices, request: OrderRequest) -> bool:
    takes = {line.service_type: line.takes_quantity for line in recipe.lines}
    return all(
        (line.quantity is not None and 1 <= line.quantity <= MAX_QUANTITY)
        if takes[line.service_type]
        else line.quantity is None
        for line in request.lines
    )


RULES: tuple[Rule, ...] = (
    Rule(
        sentence="It is for a new licence or for an existing PBX, never both.",
        source="tutorial software-edition-license: Partner ID, PBX Serial Number",
        applies=lambda recipe: recipe.target is Target.EITHER,
        holds=lambda _, choices, request: (
            not (request.partner_id and request.product_no)
            and bool(request.product_no) == (choices.license_for == "existing")
        ),
    ),
    Rule(
        sentence="The PBX is named by its serial number.",
        source="tutorial linkus-cloud-service: PBX Serial Number",
        applies=lambda recipe: recipe.devices is Devices.TYPED,
        holds=lambda _, __, request: bool(request.product_no) and not request.partner_id,
    ),
    Rule(
        sentence="Something is ordered.",
        source="tutorials: serviceList",
        applies=lambda _: True,
        holds=lambda _, __, request: bool(request.lines) and all(line.service_id for line in request.lines),
    ),
    Rule(
        sentence="The term is one of the years on offer, and the same for plan and services.",
        source="tutorials linkus-cloud-service, software-edition-license: Multi Cycle",
        applies=lambda recipe: recipe.asks_years,
        holds=lambda recipe, _, request: (
            len(_multi_cycles(request)) == 1 and _multi_cycles(request) <= set(recipe.years)
        ),
    ),
    Rule(
        sentence="Multi Cycle is 0: the term follows the account's subscription.",
        source="tutorials remote-management-connections, turnkey-capacity, rm-premium-renewal: Multi Cycle",
        applies=lambda recipe: all(line.multi_cycle is MultiCycle.ZERO for line in recipe.lines),
        holds=lambda _, __, request: _multi_cycles(request) == {0},
    ),
    Rule(
        sentence="Each service hangs under the chosen plan.",
        source="tutorials remote-management-connections, turnkey-capacity, software-edition-license: "
        "Connection Plan ID",
        applies=lambda recipe: recipe.asks_plan and recipe.service_line is not None,
        holds=_under_the_plan,
    ),
    Rule(
        sentence="Disaster Recovery is only supported on Ultimate Plan.",
        source="tutorial software-edition-license: Service Type & Service ID",
        applies=lambda recipe: recipe.plan_line is not None and recipe.service_line is not None,
        holds=_disaster_recovery_only_with_ultimate,
    ),
    Rule(
        sentence="The quantity is a whole number of at least 1, and only where one is taken.",
        source="tutorials: Quantity",
        applies=lambda recipe: recipe.asks_quantity,
        holds=_quantities,
    ),
    Rule(
        sentence="The invoice goes to a billing contact.",
        source="tutorials: Billing Contact ID",
        applies=lambda recipe: not recipe.is_trial,
        holds=lambda _, __, request: bool(request.billing_id),
    ),
)
