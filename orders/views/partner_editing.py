"""Admins: create a customer at Yeastar, and change what Yeastar keeps of one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orders import gateway
from orders.accounts import editing
from orders.accounts.editing_form import PartnerForm
from orders.destination import current_destination, destination_of
from orders.models import CHANGE_PARTNER, Partner, PartnerChange
from orders.rendering import HtmxHttpRequest, page

those_who_may = permission_required(CHANGE_PARTNER, raise_exception=True)

SHOWN = 10


@require_http_methods(["GET", "HEAD", "POST"])
@those_who_may
def new_partner(request: HtmxHttpRequest) -> HttpResponse:
    """A form, and the customer that is created with it."""
    form = PartnerForm(request.POST if request.method == "POST" else None, countries=_countries(request))
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        change_id, activation, meant_for = data.pop("change"), data.pop("activation"), data.pop("meant_for")
        portal = gateway.portal()
        if meant_for != destination_of(portal):
            form.moved(destination_of(portal))
            return _page(request, form, None)
        try:
            result = editing.create(portal, data, change_id=change_id, who=request.user, activation=activation)
        except PartnerChange.DoesNotExist:
            raise Http404 from None  # the id of somebody else's form
        if answer := _answer(request, form, result):
            return answer
    return _page(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@those_who_may
def edit_partner(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """What Yeastar keeps of a customer, to be changed there."""
    partner = get_object_or_404(Partner, ~Q(email=""), pk=pk, gone_at=None)
    form = PartnerForm(request.POST if request.method == "POST" else None, shown=editing.told(partner.raw))
    if request.method == "POST" and form.is_valid():
        if not form.changed:
            messages.info(request, "Nothing was different, so Yeastar was not asked.")
            return redirect("orders:edit_partner", pk)
        change_id = form.cleaned_data["change"]
        try:
            result = editing.edit(
                gateway.portal(), partner, form.changed, seen=form.seen, change_id=change_id, who=request.user
            )
        except PartnerChange.DoesNotExist:
            raise Http404 from None
        if answer := _answer(request, form, result):
            return answer
    return _page(request, form, partner)


@require_safe
@those_who_may
def change_page(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    """What became of one form."""
    change = get_object_or_404(PartnerChange.objects.select_related("partner", "who"), pk=pk)
    context = {
        "change": change,
        "open": change.state in editing.OPEN,
        "done": change.state in editing.SETTLED,
        "here": change.destination == current_destination(),
    }
    return page(request, "accounts/change.html", "accounts/change.html", context)


@require_POST
@those_who_may
def look_again(_: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    """Ask Yeastar whether a change whose answer was lost has been made."""
    change = get_object_or_404(PartnerChange, pk=pk)
    if change.state in editing.OPEN:
        editing.look(gateway.portal(), change)
    return redirect("orders:partner_change", pk)


def _countries(request: HtmxHttpRequest) -> list[str]:
    found = gateway.countries(asker=request.user.pk)
    return [country.name for country in found.value] if found.value else []


def _answer(request: HtmxHttpRequest, form: PartnerForm, result: editing.Result) -> HttpResponse | None:
    """Where to go on; None if the form is to be shown again, with what was wrong."""
    change = result.change
    if result.errors and not result.twice:
        for name, words in result.errors.items():
            form.add_error(name if name in form.fields else None, words)
        form.renewed(result.here)
        return None
    if result.twice:
        messages.info(
            request, "This form had been sent already. Yeastar was asked once, and this is what became of it."
        )
    elif result.done and change.partner:
        messages.success(request, f"{change.words} What is shown here is what Yeastar has now.")
        return redirect("orders:partners_account", change.partner.pk)
    return redirect("orders:partner_change", change.pk)


def _page(request: HtmxHttpRequest, form: PartnerForm, partner: Partner | None) -> HttpResponse:
    changes = PartnerChange.objects.filter(partner=partner).select_related("who") if partner else None
    context: dict[str, Any] = {"form": form, "partner": partner, "changes": changes[:SHOWN] if changes else []}
    status = 422 if form.errors else 200
    return page(request, "accounts/editing.html", "accounts/editing.html", context, status=status)
