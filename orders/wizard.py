"""The tutorials' four steps: which there are, which is open, and where each stands."""

from __future__ import annotations

from typing import NamedTuple

from django.urls import reverse

from orders.composing import Choices, Recipe, Target
from orders.models import Order

TARGET_TITLES = {
    Target.ACCOUNT: "For whom",
    Target.DEVICE: "Which PBX",
    Target.EITHER: "For whom, or which PBX",
}


class StepLink(NamedTuple):
    """A step as the stepper shows it."""

    name: str
    number: int
    title: str
    url: str
    state: str  # done · current · todo


STEPS = ("target", "plan", "billing", "review")


def step_title(recipe: Recipe, name: str) -> str:
    """The name of a step in the words of its tutorial."""
    plan = "Plan and service" if recipe.asks_plan and recipe.service_line else recipe.plan_label
    titles = {
        "target": TARGET_TITLES[recipe.target],
        "plan": plan if recipe.asks_plan else "Service",
        "billing": "Billing contact",
        "review": "Review and place",
    }
    return titles[name]


def is_answered(recipe: Recipe, choices: Choices, name: str) -> bool:
    """Whether a step has all its answers."""
    if name == "target":
        if recipe.target is Target.EITHER and choices.license_for != "existing":
            return choices.license_for == "new" and choices.partner_id is not None
        return choices.partner_id is not None if recipe.target is Target.ACCOUNT else bool(choices.product_no)
    if name == "plan":
        service = recipe.service_line
        return (
            (bool(choices.plan_id) or not recipe.asks_plan)
            and (service is None or (choices.service_id is not None if service.optional else bool(choices.service_id)))
            and (choices.quantity is not None or not recipe.asks_quantity)
            and (choices.multi_cycle is not None or not recipe.asks_years)
        )
    return bool(choices.billing_contact_id) if name == "billing" else False


def first_open(order: Order) -> str:
    """The first step without all its answers; the review if none is left."""
    return next((name for name in STEPS if not is_answered(order.recipe, order.picked, name)), STEPS[-1])


def step_url(order: Order, name: str) -> str:
    """The URL of a step."""
    return reverse("orders:step", args=[order.pk, name])


def next_step(name: str) -> str:
    """The step after this one."""
    return STEPS[STEPS.index(name) + 1]


def links(order: Order, current: str) -> list[StepLink]:
    """The stepper: every step that can be opened has a link."""
    reachable = STEPS.index(first_open(order))
    return [
        StepLink(
            name,
            number + 1,
            step_title(order.recipe, name),
            step_url(order, name) if number <= reachable else "",
            "current" if name == current else "done" if number < reachable else "todo",
        )
        for number, name in enumerate(STEPS)
    ]


def back_url(order: Order, name: str) -> str:
    """Where Back leads; nowhere from the first step."""
    return step_url(order, STEPS[STEPS.index(name) - 1]) if name != STEPS[0] else ""
