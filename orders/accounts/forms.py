"""The form of what we keep of an account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User

from orders.accounts.keeping import Values
from orders.accounts.lists import List
from orders.models import NOTE_LENGTH, TAG_LENGTH, TAGS, Contact, Mirrored, Partner, joined


def clean_tags(text: str) -> str:
    """Tags that are separated by commas, as the column holds them. Raises ValidationError."""
    tags = joined(text.split(","))
    several = [tag for tag in tags.split(",") if tag]
    if len(several) > TAGS:
        raise forms.ValidationError(f"{len(several)} tags: there may be {TAGS}.")
    if any(len(tag) > TAG_LENGTH for tag in several):
        raise forms.ValidationError(f"A tag may have {TAG_LENGTH} characters.")
    if any(not tag.isprintable() for tag in several):
        raise forms.ValidationError("Use ordinary characters.")
    return tags


class AccountForm(forms.Form):
    """Hidden, note, tags, owner, and of a customer the billing contact that the wizard offers first."""

    note = forms.CharField(
        required=False,
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="For admins only. Yeastar never sees it.",
    )
    tags = forms.CharField(
        required=False,
        max_length=TAGS * (TAG_LENGTH + 2),
        help_text="Separated by commas: vip, west, trial.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    owner = forms.ChoiceField()  # in its place; the people are filled in
    preferred_contact = forms.CharField(label="Preferred billing contact", required=False, max_length=40)
    hidden = forms.BooleanField(label="Hide: not offered in new orders; it stays in the history", required=False)
    seen = forms.CharField(widget=forms.HiddenInput, max_length=40)

    def __init__(self, data: Any = None, *, kind: List, row: Mirrored, seen: str) -> None:
        self.kind, self.row = kind, row
        initial = {
            "note": row.note,
            "tags": ", ".join(row.tag_list),
            "owner": row.owner_id,
            "hidden": row.hidden,
            "seen": seen,
        }
        super().__init__(data, initial=initial)
        people = User.objects.filter(is_active=True)
        if row.owner_id:
            people = people | User.objects.filter(pk=row.owner_id)
        self.fields["owner"] = forms.ModelChoiceField(
            people.order_by("username"), label="Owner among our staff", required=False, empty_label="Nobody"
        )
        if kind.model is not Partner:
            del self.fields["preferred_contact"]

    def clean_tags(self) -> str:
        """As the column holds them."""
        return clean_tags(self.cleaned_data["tags"])

    def clean_note(self) -> str:
        """With the line ends that we keep."""
        return str(self.cleaned_data["note"]).replace("\r\n", "\n").strip()

    def clean_preferred_contact(self) -> Mirrored | None:
        """One that may be chosen in an order; or the one that is there already."""
        remote_id = self.cleaned_data["preferred_contact"]
        if not remote_id:
            return None
        found = Contact.objects.filter(remote_id=remote_id).first()
        kept = isinstance(self.row, Partner) and found is not None and found.pk == self.row.preferred_contact_id
        if found is None or not (kept or (found.gone_at is None and not found.hidden)):
            raise forms.ValidationError("This billing contact is not in the list. Choose one that is.")
        return found

    def values(self) -> Values:
        """What is to be kept."""
        given = self.cleaned_data
        told: Values = {name: given[name] for name in ("hidden", "note", "tags")}
        told["owner_id"] = given["owner"].pk if given["owner"] else None
        if "preferred_contact" in self.fields:
            told["preferred_contact_id"] = given["preferred_contact"].pk if given["preferred_contact"] else None
        return told
