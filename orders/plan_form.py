"""The form of the second step, drawn from what the API offers at this moment."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from orders.composing import MAX_QUANTITY, Recipe
from orders.forms import StepForm
from orders.rules import is_disaster_recovery, supports_disaster_recovery
from yeastar_api.messages import Offers, Plan, Service


class WholeNumberField(forms.IntegerField):
    """Plain digits only: no `1.0`, `1_000` or `1e3`, which Python would take for whole numbers."""

    def to_python(self, value: Any) -> int | None:
        text = str(value).strip() if value is not None else ""
        if text and not re.fullmatch(r"-?[0-9]{1,30}", text):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(text)


class PlanForm(StepForm):
    """Step 2: plan, services, quantity and term."""

    plan_id = forms.ChoiceField(
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose a plan.",
            "invalid_choice": "This plan is not on offer. Choose one that is.",
        },
    )
    service_id: forms.Field
    quantity = WholeNumberField(
        min_value=1,
        max_value=MAX_QUANTITY,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "step": "1", "autocomplete": "off"}),
        error_messages={
            "required": "How many? Give a whole number.",
            "invalid": "Give a whole number, in digits only.",
            "min_value": "At least %(limit_value)s.",
            "max_value": "At most %(limit_value)s.",
        },
    )
    multi_cycle = forms.TypedChoiceField(
        label="Years",
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose the number of years.",
            "invalid_choice": "Choose one of the years on offer.",
        },
    )

    def __init__(self, *args: Any, recipe: Recipe, offers: Offers, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.recipe, self.offers = recipe, offers
        self._offer_plans()
        self._offer_services()
        self.fields["quantity"].label = recipe.quantity_label
        if not recipe.asks_quantity:
            del self.fields["quantity"]
        self.fields["multi_cycle"].choices = [(years, str(years)) for years in recipe.years]  # type: ignore[attr-defined]
        if not recipe.asks_years:
            del self.fields["multi_cycle"]

    def _offer_plans(self) -> None:
        field = self.fields["plan_id"]
        field.label = self.recipe.plan_label
        field.choices = [(plan.plan_id, plan.label) for plan in self.offers.plans]  # type: ignore[attr-defined]
        if len(self.offers.plans) == 1:
            field.initial = self.offers.plans[0].plan_id
        if not self.recipe.asks_plan:
            del self.fields["plan_id"]

    def _offer_services(self) -> None:
        line = self.recipe.service_line
        if line is None:
            return
        services = [(service.service_id, service.label) for service in self.offers.services]
        kind = forms.MultipleChoiceField if line.optional else forms.ChoiceField
        field = kind(
            label=self.recipe.service_label,
            required=not line.optional,
            choices=services,
            widget=forms.CheckboxSelectMultiple if line.optional else forms.RadioSelect,
            error_messages={
                "required": "Choose a service.",
                "invalid_choice": "This service is not on offer. Choose one that is.",
            },
        )
        if len(services) == 1 and not line.optional:
            field.initial = services[0][0]
        self.fields["service_id"] = field
        self.order_fields(["plan_id", "service_id", "quantity", "multi_cycle"])

    @property
    def service_ids(self) -> list[str]:
        """The chosen services, one or many."""
        chosen = self.cleaned_data.get("service_id") or []
        return [chosen] if isinstance(chosen, str) else list(dict.fromkeys(chosen))

    def clean(self) -> dict[str, Any]:
        """Services must hang under the plan, and the quantity lie within the bounds of what is bought."""
        plan_id = self.cleaned_data.get("plan_id", "")
        services = [each for each in self.offers.services if each.service_id in self.service_ids]
        plan_label = next((plan.label for plan in self.offers.plans if plan.plan_id == plan_id), "")
        for service in services:
            if self.recipe.asks_plan and plan_id and service.plan_ids and plan_id not in service.plan_ids:
                self.add_error("service_id", f"{service.label} is not on offer with {plan_label}.")
            elif (
                self.recipe.plan_line
                and plan_id
                and is_disaster_recovery(service.service_id, service.label)
                and not supports_disaster_recovery(plan_id, plan_label)
            ):
                self.add_error("service_id", "Disaster Recovery is only supported on Ultimate Plan.")
        self._clean_quantity_bounds(plan_id)
        return self.cleaned_data

    def _clean_quantity_bounds(self, plan_id: str) -> None:
        quantity = self.cleaned_data.get("quantity")
        if quantity is None:
            return
        bought: list[Plan | Service] = [
            *(plan for plan in self.offers.plans if self._counts("plan") and plan.plan_id == plan_id),
            *(each for each in self.offers.services if self._counts("service") and each.service_id in self.service_ids),
        ]
        for offer in bought:
            if offer.min_quantity is not None and quantity < offer.min_quantity:
                self.add_error("quantity", f"At least {offer.min_quantity} of {offer.label}.")
            if offer.max_quantity is not None and quantity > offer.max_quantity:
                self.add_error("quantity", f"At most {offer.max_quantity} of {offer.label}.")

    def _counts(self, service_type: str) -> bool:
        return any(line.service_type == service_type and line.takes_quantity for line in self.recipe.lines)

    def changes(self) -> dict[str, Any]:
        """The answers, as changes to the draft's choices, with the names of what was chosen."""
        changes = super().changes()
        if "service_id" in changes:
            changes["service_id"] = tuple(self.service_ids)
        chosen = {changes.get("plan_id", ""), *changes.get("service_id", ())}
        changes["labels"] = {
            each_id: label
            for each_id, label in (
                *((plan.plan_id, plan.label) for plan in self.offers.plans),
                *((service.service_id, service.label) for service in self.offers.services),
            )
            if each_id in chosen
        }
        return changes
