"""The form in which an admin writes what the vendor shall know of a customer."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.validators import RegexValidator

from yeastar_api.messages import TAX_TYPES

ONE_LINE = RegexValidator(r"\A[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z", "Use one line of ordinary characters.")


def _line(label: str, most: int = 255, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=most, required=False, validators=[ONE_LINE], **more)


class PartnerForm(forms.Form):
    """What the vendor keeps of a customer."""

    change = forms.UUIDField(widget=forms.HiddenInput)
    email = forms.EmailField(label="Email", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    company = _line("Company")
    first_name = _line("First name")
    last_name = _line("Last name")
    country = forms.CharField(label="Country", max_length=100, validators=[ONE_LINE])
    state_province = _line("State or province")
    city = _line("City")
    street = _line("Street")
    zip_code = _line("Postcode")
    phone_number = _line("Phone")
    tax_type = forms.ChoiceField(
        label="Kind of tax number",
        required=False,
        choices=[("", "none"), *((each, each.replace("_", " ")) for each in TAX_TYPES)],
    )
    tax_num = _line("Tax number")
    remark = _line("Remark")
    activation = forms.BooleanField(
        label="Yeastar shall write to this address now, and invite the customer to a login of their own",
        required=False,
    )

    def __init__(self, *args: Any, countries: Sequence[str], new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["change"].initial = uuid.uuid4
        if not new:
            for name in ("email", "country", "activation"):
                del self.fields[name]
        elif countries:
            choices = [("", "Choose one"), *((each, each) for each in countries)]
            self.fields["country"] = forms.ChoiceField(label="Country", choices=choices)
        else:
            self.fields["country"].help_text = "In English, as Yeastar writes it: its list could not be had just now."

    def clean(self) -> dict[str, Any]:
        """Somebody has a name."""
        data: dict[str, Any] = super().clean() or {}
        if not self.errors and not (data.get("first_name") or data.get("last_name")):
            self.add_error("first_name", "Enter a first or a last name.")
        return data

    def renewed(self) -> None:
        """What was sent under this form's id has come to nothing: the form that is shown again gets another."""
        self.data = {**{name: self.data.get(name) for name in self.data}, "change": str(uuid.uuid4())}
