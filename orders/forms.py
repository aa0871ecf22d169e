"""The forms of the steps. What may be chosen is handed in; nothing here asks a database or the API."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

from django import forms
from django.core.validators import RegexValidator

from orders.composing import Choices, Devices, Recipe, Target
from orders.models import NUMBER_LENGTH
from orders.reference import looks_like_ours

SERIAL_NUMBER = RegexValidator(
    r"\A[0-9A-Za-z]{6,32}\Z",
    "A serial number has 6 to 32 letters and digits, and nothing else: for example 369471667338.",
)
IN_GROUPS = re.compile(r"[0-9A-Za-z]{2,}(?:[ \u00a0\u2010-\u2013-][0-9A-Za-z]{2,})+")
"""A serial number as people read it out, or as it is printed: each blank or hyphen between two groups."""

PRINTABLE = RegexValidator(r"\A[^\x00-\x1f\x7f-\x9f]*\Z", "Use one line of ordinary characters.")

Knows = Callable[[str], bool]


class StepForm(forms.Form):
    """The form of a step."""

    def changes(self) -> dict[str, Any]:
        """The answers, as changes to the draft's choices."""
        return dict(self.cleaned_data)


class TargetForm(StepForm):
    """Step 1: for whom, or for which PBX."""

    license_for = forms.ChoiceField(
        label="This order is for",
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
        self,
        *args: Any,
        recipe: Recipe,
        knows_partner: Knows,
        devices: Mapping[str, str] | None,
        own_account: bool = True,
        pbx: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.recipe, self.knows_partner, self.devices, self.own_account = recipe, knows_partner, devices, own_account
        if recipe.target is not Target.EITHER:
            del self.fields["license_for"]
        if recipe.target is Target.DEVICE:
            del self.fields["partner_id"]
        if recipe.target is Target.ACCOUNT:
            del self.fields["product_no"]
        elif not pbx:
            del self.fields["product_no"]
            new_only = self.fields["license_for"]
            new_only.choices = [("new", "A new licence")]  # type: ignore[attr-defined]
            new_only.initial = "new"
            new_only.help_text = "Orders for PBXs are not open to you: whose a PBX is cannot be told."
        elif recipe.devices is Devices.TYPED:
            self.fields[
                "product_no"
            ].help_text = "On the PBX's own web page open Resource Monitor; the serial number stands under Information."

    def changes(self) -> dict[str, Any]:
        """The answers, with the name of the chosen PBX."""
        product_no = self.cleaned_data.get("product_no", "")
        name = (self.devices or {}).get(product_no, "")
        return {**super().changes(), **({"labels": {product_no: name}} if name else {})}

    def clean_partner_id(self) -> str:
        """A customer that is on offer, or none."""
        partner_id: str = self.cleaned_data["partner_id"]
        if partner_id and not self.knows_partner(partner_id):
            raise forms.ValidationError("This customer is not in the list. Choose one that is.")
        if not partner_id and not self.own_account and self.cleaned_data.get("license_for") != "existing":
            raise forms.ValidationError("For whom? Choose a customer. Orders for our own account are not open to you.")
        return partner_id

    def clean_product_no(self) -> str:
        """A serial number: of the right form where it is typed, one of ours where it is chosen."""
        product_no: str = self.cleaned_data["product_no"]
        if product_no and self.recipe.devices is Devices.TYPED:
            self._refuse_groups(product_no)
            SERIAL_NUMBER(product_no)
        if product_no and self.devices is not None and product_no not in self.devices:
            raise forms.ValidationError("This PBX is not in your product list. Choose one that is.")
        return product_no

    def _refuse_groups(self, typed: str) -> None:
        """Show it without them in the field, so that nothing else is sent than what the person has seen there."""
        if IN_GROUPS.fullmatch(typed):
            joined = "".join(character for character in typed if character.isalnum())
            SERIAL_NUMBER(joined)
            data: Any = copy(self.data)
            data[self.add_prefix("product_no")] = joined
            self.data = data
            raise forms.ValidationError("Blanks and hyphens are taken out. Compare the number with the PBX, and go on.")

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
        elif license_for == "new" and self.add_prefix("partner_id") not in self.data and self.own_account:
            # A list in which nothing is selected sends nothing: that must not be taken for our own account.
            self.add_error("partner_id", "For whom? Choose a customer, or our own account.")
        return given


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

    def clean_po_number(self) -> str:
        """Orders are found again at Yeastar by our own references: nothing else may look like one."""
        po_number: str = self.cleaned_data["po_number"]
        if looks_like_ours(po_number):
            raise forms.ValidationError(
                "This looks like a reference of the portal itself (YP-…). Use a PO number of your own, or none."
            )
        return po_number


class PlaceForm(StepForm):
    """Step 4: the hash of the very bytes that were on the page, where they go, and why, if it was done before."""

    approved_sha256 = forms.CharField(required=False, widget=forms.HiddenInput)
    approved_for = forms.CharField(required=False, widget=forms.HiddenInput)
    reason = forms.CharField(
        label="Why is it ordered again?",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Your name and your reason are kept with the order.",
        error_messages={"required": "Write why the same is ordered again."},
    )

    def __init__(self, *args: Any, needs_reason: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = needs_reason


class ReasonForm(forms.Form):
    """Why a manager does something that is kept with the order."""

    reason = forms.CharField(
        label="Why?",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Write why. It is kept with the order."},
    )


class ConflictForm(ReasonForm):
    """What a manager has found out about a contradiction: about the one that stood on the page, and no other."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)


class SettleForm(forms.Form):
    """What a manager says of an uncertain order."""

    # Both are told by the button that was pressed.
    outcome = forms.ChoiceField(
        choices=[("record", "It is this order number"), ("never", "It was never placed")],
        required=False,
        widget=forms.HiddenInput,
    )
    candidate = forms.CharField(required=False, max_length=NUMBER_LENGTH + 3, widget=forms.HiddenInput)
    order_no = forms.CharField(
        label="Order number at Yeastar",
        required=False,
        max_length=64,
        validators=[RegexValidator(r"\A[0-9A-Za-z-]+\Z", "Letters and digits only.")],
    )
    sure = forms.BooleanField(
        label="I have looked it up in Yeastar's own portal, or asked their support: it is not there.", required=False
    )
    transaction_no = forms.CharField(label="Transaction number", required=False, max_length=64, validators=[PRINTABLE])
    instance_id = forms.CharField(label="Instance id", required=False, max_length=64, validators=[PRINTABLE])
    reason = forms.CharField(
        label="How do you know?",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Your name and your reason stay on record.",
        error_messages={"required": "Write how you know. It is kept with the order."},
    )

    def clean_order_no(self) -> str:
        """Their numbers are in capitals, and one number must not pass for two."""
        return str(self.cleaned_data["order_no"]).upper()

    def clean(self) -> dict[str, Any]:
        """A record has a number; nothing bought has none; one thing is said, not two."""
        given = self.cleaned_data
        if not given.get("outcome") and not given.get("candidate") and "outcome" not in self.errors:
            self.add_error("outcome", "Say what you found out.")
        if given.get("candidate") and (given.get("outcome") or given.get("order_no")):
            self.add_error("candidate", "You chose one order and typed the number of another. Take that number out.")
        if given.get("outcome") == "record" and not given.get("order_no") and "order_no" not in self.errors:
            self.add_error("order_no", "Give the order number that Yeastar shows.")
        if given.get("outcome") == "never" and not given.get("sure"):
            self.add_error("sure", "Confirm that you have looked it up. Else it may be bought twice.")
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
