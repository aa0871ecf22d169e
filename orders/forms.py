"""The forms of the steps. What may be chosen is handed in; nothing here asks a database or the API."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from django import forms
from django.core.validators import RegexValidator

from orders.recipes import MAX_QUANTITY, Choices, Devices, Recipe, Target
from orders.rules import is_disaster_recovery, supports_disaster_recovery
from yeastar_api.messages import Offers, Plan, Service

SERIAL_NUMBER = RegexValidator(
    r"\A[0-9A-Za-z]{6,32}\Z",
    "A serial number has 6 to 32 letters and digits, and nothing else: for example 369471667338.",
)
PRINTABLE = RegexValidator(r"\A[^\x00-\x1f\x7f-\x9f]*\Z", "Use one line of ordinary characters.")

Knows = Callable[[str], bool]


class WholeNumberField(forms.IntegerField):
    """Plain digits only: no `1.0`, `1_000` or `1e3`, which Python would take for whole numbers."""

    def to_python(self, value: Any) -> int | None:
        text = str(value).strip() if value is not None else ""
        if text and not re.fullmatch(r"-?[0-9]{1,30}", text):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(text)


class StepForm(forms.Form):
    """The form of a step."""

    def changes(self) -> dict[str, Any]:
        """The answers, as changes to the draft's choices."""
        return dict(self.cleaned_data)


class TargetForm(StepForm):
    """Step 1: for whom, or for which PBX."""

    license_for = forms.ChoiceField(
        label="This licence is for",
        choices=[("new", "A new licence"), ("existing", "An existing PBX")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether the licence is new or for an existing PBX."},
    )
    partner_id = forms.CharField(label="Customer", required=False, max_length=40)
    product_no = forms.CharField(
        label="PBX serial number",
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(
        self, *args: Any, recipe: Recipe, knows_partner: Knows, devices: Collection[str] | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.recipe, self.knows_partner, self.devices = recipe, knows_partner, devices
        if recipe.target is not Target.EITHER:
            del self.fields["license_for"]
        if recipe.target is Target.DEVICE:
            del self.fields["partner_id"]
        if recipe.target is Target.ACCOUNT:
            del self.fields["product_no"]
        elif recipe.devices is Devices.TYPED:
            self.fields[
                "product_no"
            ].help_text = "On the PBX's own web page open Resource Monitor; the serial number stands under Information."

    def clean_partner_id(self) -> str:
        """A customer that is on offer, or none."""
        partner_id: str = self.cleaned_data["partner_id"]
        if partner_id and not self.knows_partner(partner_id):
            raise forms.ValidationError("This customer is not in the list. Choose one that is.")
        return partner_id

    def clean_product_no(self) -> str:
        """A serial number: of the right form where it is typed, one of ours where it is chosen."""
        product_no: str = self.cleaned_data["product_no"]
        if product_no and self.recipe.devices is Devices.TYPED:
            SERIAL_NUMBER(product_no)
        if product_no and self.devices is not None and product_no not in self.devices:
            raise forms.ValidationError("This PBX is not in your product list. Choose one that is.")
        return product_no

    def clean(self) -> dict[str, Any]:
        """One target, and only one."""
        given = self.cleaned_data
        license_for = given.get("license_for", "existing" if self.recipe.target is Target.DEVICE else "new")
        if given.get("partner_id") and given.get("product_no"):
            self.add_error(
                "license_for",
                "Choose a customer for a new licence, or a PBX for an existing one: not both.",
            )
        elif license_for == "existing" and not given.get("product_no") and "product_no" not in self.errors:
            self.add_error("product_no", "Which PBX? Give its serial number.")
        elif license_for == "new" and given.get("product_no"):
            self.add_error(
                "license_for",
                "A new licence has no serial number yet. Take it out, or choose an existing PBX.",
            )
        elif license_for == "new" and self.add_prefix("partner_id") not in self.data:
            # A list in which nothing is selected sends nothing: that must not be taken for our own account.
            self.add_error("partner_id", "For whom? Choose a customer, or our own account.")
        return given


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


class BillingForm(StepForm):
    """Step 3: who gets the invoice."""

    billing_contact_id = forms.CharField(
        label="Billing contact", max_length=40, error_messages={"required": "Choose who gets the invoice."}
    )
    po_number = forms.CharField(
        label="Your PO number",
        required=False,
        max_length=64,
        validators=[PRINTABLE],
        help_text="Your own reference, sent with the order. May stay empty.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, knows_contact: Knows, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.knows_contact = knows_contact

    def clean_billing_contact_id(self) -> str:
        """A billing contact that is on offer."""
        contact_id: str = self.cleaned_data["billing_contact_id"]
        if not self.knows_contact(contact_id):
            raise forms.ValidationError("This billing contact is not in the list. Choose one that is.")
        return contact_id


class PlaceForm(StepForm):
    """Step 4: the hash of the very bytes that were on the page when the button was pressed."""

    approved_sha256 = forms.CharField(max_length=64, widget=forms.HiddenInput)


class SettleForm(forms.Form):
    """What a manager says of an uncertain order."""

    outcome = forms.ChoiceField(
        label="What did you find out?",
        choices=[("record", "It was bought: it is this order at Yeastar"), ("never", "It was never placed")],
        widget=forms.RadioSelect,
        error_messages={"required": "Say what you found out."},
    )
    order_no = forms.CharField(
        label="Order number at Yeastar",
        required=False,
        max_length=64,
        validators=[RegexValidator(r"\A[0-9A-Za-z-]+\Z", "Letters and digits only.")],
    )
    transaction_no = forms.CharField(label="Transaction number", required=False, max_length=64, validators=[PRINTABLE])
    instance_id = forms.CharField(label="Instance id", required=False, max_length=64, validators=[PRINTABLE])
    reason = forms.CharField(
        label="How do you know?",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write how you know. It is kept with the order."},
    )

    def clean(self) -> dict[str, Any]:
        """A record has a number; nothing bought has none."""
        given = self.cleaned_data
        if given.get("outcome") == "record" and not given.get("order_no") and "order_no" not in self.errors:
            self.add_error("order_no", "Give the order number that Yeastar shows.")
        if given.get("outcome") == "never" and (given.get("order_no") or given.get("transaction_no")):
            self.add_error(
                "outcome", "What was never placed has no numbers. Take them out, or choose the other answer."
            )
        return given


def initial(choices: Choices) -> dict[str, Any]:
    """What the draft already answers; unanswered fields keep their own first value."""
    stored = {name: value for name, value in choices.to_json().items() if value not in (None, "")}
    if "service_id" in stored:
        stored["service_id"] = list(stored["service_id"])
    return stored
