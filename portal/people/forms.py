"""The forms about people. What they do not offer, nobody can give: each names its fields, and nothing else is read."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User

from orders.forms import PRINTABLE, ReasonForm
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


class DetailsForm(forms.Form):
    """Somebody's address, and their name as it is shown."""

    email = forms.EmailField(
        label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    name = forms.CharField(
        label="Name",
        required=False,
        max_length=150,
        validators=[PRINTABLE],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class InviteForm(RoleForm, DetailsForm):
    """Whom to ask in."""

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


class FactorsForm(ReasonForm):
    """Why somebody's second factor is removed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = "How you know that it is them who ask. It is kept in the audit log."
        self.fields["reason"].error_messages["required"] = "Write how you know that it is them. It is kept."


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
        if settings.OIDC_ONLY:  # there is no way in by password
            del self.fields["password1"], self.fields["password2"]
            return
        self.fields["password1"].label = "Password"
        self.fields["password2"].label, self.fields["password2"].help_text = "Password, once more", ""

    def clean(self) -> dict[str, Any]:
        """Without a password, where single sign-on alone counts."""
        if settings.OIDC_ONLY:
            self.instance.set_unusable_password()
            return self.cleaned_data
        return super().clean() or {}

    def validate_password_for_user(self, user: User, **more: Any) -> None:
        """Nothing to judge without one. What is wrong with it stands at the first field, where one chooses it."""
        if not settings.OIDC_ONLY:
            super().validate_password_for_user(user, "password1")  # type: ignore[misc]  # not in the stubs

    def set_password_and_save(self, user: User, **more: Any) -> User:
        """Nothing to set without one."""
        if settings.OIDC_ONLY:
            return user
        return cast(User, super().set_password_and_save(user, **more))  # type: ignore[misc]  # not in the stubs

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
