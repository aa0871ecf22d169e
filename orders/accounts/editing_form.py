"""The form in which an admin writes what the vendor shall know of a customer."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.validators import RegexValidator

from orders.destination import current_destination
from orders.labels import label_of_ours
from yeastar_api.messages import TAX_TYPES, WIRE_NAMES

ONE_LINE = RegexValidator(r"\A[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z", "Use one line of ordinary characters.")

MOVED = (
    "The credentials were changed since this page was made, so this may be another account at Yeastar. "
    "Nothing was created. Look at it once more, then create it."
)


def _line() -> forms.CharField:
    return forms.CharField(max_length=255, required=False, validators=[ONE_LINE])


class PartnerForm(forms.Form):
    """What the vendor keeps of a customer. What is shown of one goes along: only what differs from it counts."""

    change = forms.UUIDField(widget=forms.HiddenInput)
    meant_for = forms.CharField(widget=forms.HiddenInput, required=False)  # the account in which one is to be created
    email = forms.EmailField(max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    company = _line()
    first_name = _line()
    last_name = _line()
    country = forms.CharField(max_length=100, validators=[ONE_LINE])
    state_province = _line()
    city = _line()
    street = _line()
    zip_code = _line()
    phone_number = _line()
    tax_type = forms.ChoiceField(
        required=False,
        choices=[("", "none"), *((each, each.replace("_", " ")) for each in TAX_TYPES)],
    )
    tax_num = _line()
    remark = _line()
    activation = forms.BooleanField(
        label="Yeastar shall write to this address now, and invite the customer to a login of their own",
        required=False,
    )

    def __init__(
        self, data: Any = None, *, countries: Sequence[str] = (), shown: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(data, initial=dict(shown or {}))
        self.fields["change"].initial = uuid.uuid4
        for name in WIRE_NAMES:
            self.fields[name].label = label_of_ours(name)
        self.fields["meant_for"].initial = current_destination
        self.new = shown is None
        if shown is not None:
            self._show(shown)
        elif countries:
            choices = [("", "Choose one"), *((each, each) for each in countries)]
            self.fields["country"] = forms.ChoiceField(label="Country", choices=choices)
        else:
            self.fields["country"].help_text = "In English, as Yeastar writes it: its list could not be had just now."

    def _show(self, shown: Mapping[str, str]) -> None:
        for name in ("email", "country", "activation", "meant_for"):
            del self.fields[name]
        kinds = self.fields["tax_type"]
        if (kind := shown.get("tax_type", "")) not in dict(kinds.choices):  # type: ignore[attr-defined]
            kinds.choices = [*kinds.choices, (kind, kind)]  # type: ignore[attr-defined]
        for field in self.fields.values():
            field.show_hidden_initial = True
        self.fields["change"].show_hidden_initial = False
        if self.is_bound:  # what the vendor has may be as it is; our rules are for what is new
            for name in self.fields.keys() - set(self.changed_data):
                self.fields[name].validators = []

    @property
    def changed(self) -> dict[str, str]:
        """What somebody has changed of what they saw, by our names."""
        return {name: self.cleaned_data[name] for name in self.changed_data if name in WIRE_NAMES}

    @property
    def seen(self) -> dict[str, str]:
        """What they saw."""
        return {name: str(self.data.get(f"initial-{name}") or "") for name in self.fields}

    def clean(self) -> dict[str, Any]:
        """Somebody has a name."""
        data: dict[str, Any] = super().clean() or {}
        named = data.get("first_name") or data.get("last_name")
        if not self.errors and not named and (self.new or {"first_name", "last_name"} & set(self.changed_data)):
            self.add_error("first_name", "Enter a first or a last name.")
        return data

    def moved(self, here: str) -> None:
        """The account in which somebody wanted a customer is no longer the one that would be asked, which is `here`."""
        self.add_error(None, MOVED)
        self.data = {**{name: self.data.get(name) for name in self.data}, "meant_for": here}

    def renewed(self, here: Mapping[str, str]) -> None:
        """What was sent under this form's id has come to nothing: the form that is shown again gets another.

        `here` is what the vendor has by now where that is not what was seen.
        """
        known = {f"initial-{name}": value for name, value in here.items()}
        self.data = {**{name: self.data.get(name) for name in self.data}, **known, "change": str(uuid.uuid4())}
