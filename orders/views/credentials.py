"""Admins: set the client id and secret that we are known to Yeastar by. What was typed is never shown again."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from django import forms
from django.contrib import messages
from django.core.validators import RegexValidator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from orders import auditing, breaking, credentials, diagnosis, gateway, trying
from orders.credentials import InForce
from orders.destination import current_destination
from orders.lifecycle import Status
from orders.models import Credentials, Order
from orders.rendering import HtmxHttpRequest, page
from orders.views.connection import those_who_may
from yeastar_api.auth import TokenStoreUnavailable
from yeastar_api.errors import ApiError

ONE_WORD = RegexValidator(r"\A[\x21-\x7e]+\Z", "Letters, digits and signs, without a blank in between.")

SAVE = "save"
CHANGED = "credentials.changed"


class CredentialsForm(forms.Form):
    """Client id and secret, and, if orders wait for another client id, that they may stay held."""

    client_id = forms.CharField(
        label="Client id",
        max_length=200,
        validators=[ONE_WORD],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )
    client_secret = forms.CharField(
        label="Client secret",
        max_length=200,
        validators=[ONE_WORD],
        help_text="It is kept encrypted and never shown again, neither here nor in a log.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    stay = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, mine: InForce, waiting: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mine, self.waiting = mine, waiting

    def clean(self) -> dict[str, Any]:
        """Another account, while orders wait for this one, is somebody's express wish."""
        data: dict[str, Any] = super().clean() or {}
        another = "client_id" in data and credentials.mark_of(data["client_id"]) != self.mine.mark
        if another and self.waiting and not self.errors:
            self.fields["stay"] = forms.BooleanField(label=stay_words(self.waiting), required=False)
            if not data.get("stay"):
                self.add_error(
                    "stay", f"This is another client id. {held_words(self.waiting)} Tick the box if you mean it."
                )
        return data


def held_words(waiting: int) -> str:
    """What becomes of orders that wait for the account that is in force now."""
    if waiting == 1:
        return "One order was placed with the present client id, and is not sent with another: it stays held."
    return f"{waiting:,} orders were placed with the present client id, and are not sent with another: they stay held."


def stay_words(waiting: int) -> str:
    """The box to tick."""
    return "Yes, that order may stay held" if waiting == 1 else f"Yes, those {waiting:,} orders may stay held"


@require_http_methods(["GET", "HEAD", "POST"])
@those_who_may
@sensitive_post_parameters("client_id", "client_secret")
@sensitive_variables("form", "client_id", "client_secret")
def credentials_page(request: HtmxHttpRequest) -> HttpResponse:
    """What is in force, who changed it when, and a form to set others."""
    mine, waiting = credentials.in_force(), _waiting()
    given = request.POST if request.method == "POST" and mine.source != credentials.ENVIRONMENT else None
    form = CredentialsForm(given, mine=mine, waiting=waiting)
    if given is not None and form.is_valid():
        client_id, client_secret = form.cleaned_data["client_id"], form.cleaned_data["client_secret"]
        tested = given.get("do") != SAVE
        error = _tried(client_id, client_secret) if tested else None
        if error is None:
            _put_in_force(request, mine, client_id, client_secret, tested=tested)
            return redirect("orders:connection")
        wrong, todo = diagnosis.advice(error)
        form.add_error(None, f"Nothing was saved: the test failed. {wrong} {todo}")
    if request.method == "POST" and given is None:
        messages.error(request, "Client id and secret are set by the environment, and cannot be changed here.")
        return redirect("orders:credentials")
    context = {
        "form": form,
        "mine": mine,
        "waiting": held_words(waiting) if waiting else "",
        "past": Credentials.objects.select_related("who")[:50],
    }
    return page(
        request, "orders/credentials.html", "orders/credentials.html", context, status=422 if form.errors else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
@those_who_may
def take_away(request: HtmxHttpRequest) -> HttpResponse:
    """Ask, and then keep no client id and secret any more."""
    mine = credentials.in_force()
    if mine.source != credentials.HERE:
        messages.info(request, "There is nothing to take away: no client id and secret are kept here.")
        return redirect("orders:credentials")
    if request.method == "POST":
        with transaction.atomic():
            credentials.take_away(who=request.user)
            auditing.note(CHANGED, target=f"client id …{mine.tail}", words="Taken away.")
        credentials.forget()
        _end_token(mine)
        messages.success(request, "Client id and secret are no longer kept here. Orders wait until others are set.")
        return redirect("orders:connection")
    return page(
        request,
        "orders/credentials_remove.html",
        "orders/credentials_remove.html",
        {"mine": mine, "waiting": _waiting()},
    )


@sensitive_variables()
def _tried(client_id: str, client_secret: str) -> ApiError | None:
    """Whether Yeastar gives a token for these, and answers a question with it; the error if not."""
    with closing(gateway.on_trial(client_id, client_secret)) as portal:
        try:
            portal.check_token()
            portal.reach()
        except ApiError as error:
            return error
    return None


@sensitive_variables()
def _put_in_force(
    request: HtmxHttpRequest, before: InForce, client_id: str, client_secret: str, *, tested: bool
) -> None:
    """Keep them, end the old token, look whether held orders may go, and test all calls in the background."""
    waiting = _waiting()
    with transaction.atomic():
        row = credentials.keep(client_id, client_secret, who=request.user, tested=tested)
        auditing.note(
            CHANGED,
            target=f"client id …{row.tail}",
            words="Set, after a test." if tested else "Set, without a test.",
            data={"before": {"tail": before.tail, "mark": before.mark}, "after": {"tail": row.tail, "mark": row.mark}},
        )
    credentials.forget()
    if before.client_id:
        _end_token(before)
    words = f"Client id …{row.tail} is in force now, in all processes within a second."
    if row.mark != before.mark and waiting:
        words += f" {held_words(waiting)}"
    messages.success(request, words)
    breaking.forget()
    trying.begin(gateway.portal(), who=request.user)


def _end_token(mine: InForce) -> None:
    try:
        gateway.end_token(mine)
    except TokenStoreUnavailable:
        return  # it ends by itself within half an hour, and nobody asks for it any more


def _waiting() -> int:
    """Orders that are queued for the account in force now."""
    return Order.objects.filter(status=Status.QUEUED, destination=current_destination()).count()
