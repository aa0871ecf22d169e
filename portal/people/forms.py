"""The forms about people. What they do not offer, nobody can give: each names its fields, and nothing else is read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User

from orders.forms import PRINTABLE
from portal.models import Invitation
from portal.people.inviting import TAKEN
from portal.roles import ROLE_WORDS, ROLES

ROLE_CHOICES = [(role, ROLE_WORDS[role][0]) for role in ROLES]


class RoleForm(forms.Form):
    """Which role somebody has."""

    role = forms.ChoiceField(
        label="Role",
        choices=ROLE_CHOICES,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a role.", "invalid_choice": "There is no such role. Choose one of these."},
    )


class InviteForm(RoleForm):
    """Whom to ask in."""

    email = forms.EmailField(
        label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    name = forms.CharField(
        label="Name",
        required=False,
        max_length=150,
        validators=[PRINTABLE],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="As it is shown in the portal. They choose a user name for themselves.",
    )
    limited = forms.BooleanField(label="May order for some customers only, to be chosen next", required=False)

    field_order = ("email", "name", "role", "limited")

    def clean_email(self) -> str:
        """An address that nobody here has, and that is not invited already."""
        email: str = self.cleaned_data["email"]
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError(TAKEN)
        if Invitation.objects.pending().filter(email__iexact=email).exists():
            raise forms.ValidationError("This address is invited already. Send that invitation again, or revoke it.")
        return email


class AcceptForm(UserCreationForm):  # type: ignore[type-arg]  # Django's own takes no argument
    """What somebody who was invited chooses: a name to sign in with, and a password."""

    class Meta(UserCreationForm.Meta):
        fields = ("username",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name = self.fields["username"]
        name.label = "User name"
        name.help_text = "Letters, digits and . + - _ only. Your e-mail address signs you in as well."
        name.widget.attrs["autocomplete"] = "username"
        self.fields["password1"].label = "Password"
        self.fields["password2"].label, self.fields["password2"].help_text = "Password, once more", ""

    def clean_username(self) -> str:
        """A name that is nobody's, and no e-mail address: it might be another person's, who signs in with it."""
        username = super().clean_username() or ""
        if "@" in username:
            raise forms.ValidationError("Choose a name without @. You can sign in with your e-mail address anyway.")
        return username


class LimitsForm(forms.Form):
    """For whom somebody may order, but for the list of customers."""

    limited = forms.TypedChoiceField(
        label="May order for",
        choices=[("no", "Everybody"), ("yes", "Some only")],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose one."},
    )
    own_account = forms.BooleanField(label="Our own account", required=False)
    any_pbx = forms.BooleanField(
        label="PBXs, by serial number or from the list",
        required=False,
        help_text="A serial number does not tell whose the PBX is: this allows orders for every PBX.",
    )
