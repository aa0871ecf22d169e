"""Managers: settle, cancel, and see to contradictions."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from orders import settling
from orders.forms import ConflictForm, ReasonForm, SettleForm
from orders.lifecycle import Status
from orders.models import SETTLE_ORDER
from orders.rendering import HtmxHttpRequest
from orders.settling import CannotSettle, ConflictChanged
from orders.views.orders import show, visible_order

settlers_only = permission_required(SETTLE_ORDER, raise_exception=True)


@require_POST
@settlers_only
def settle(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    """A manager says what became of an uncertain order."""
    order = visible_order(request, pk)
    if order.status == Status.DRAFT:
        return redirect(order)
    form = SettleForm(request.POST)
    if not form.is_valid():
        return show(request, order, settle_form=form, status=422)
    given = form.cleaned_data
    try:
        if given["candidate"]:
            settling.settle_as_candidate(order, key=given["candidate"], reason=given["reason"], actor=request.user)
        elif given["outcome"] == "record":
            settling.settle_as_record(
                order,
                order_no=given["order_no"],
                transaction_no=given["transaction_no"],
                instance_id=given["instance_id"],
                reason=given["reason"],
                actor=request.user,
            )
        else:
            settling.settle_as_never_placed(order, reason=given["reason"], actor=request.user)
    except CannotSettle as error:
        if order.status != Status.UNCERTAIN:  # there is no form any more that could say it
            messages.warning(request, str(error))
            return redirect(order)
        form.add_error(None, str(error))
        return show(request, order, settle_form=form, status=422)
    messages.success(request, "Settled. Your name and your reason are kept with the order.")
    return redirect(order)


@require_POST
@settlers_only
def cancel(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    """Stop an order that waits to be sent."""
    order = visible_order(request, pk)
    if order.status == Status.DRAFT:
        return redirect(order)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return show(request, order, reason_form=form, status=422)
    try:
        settling.cancel(order, reason=form.cleaned_data["reason"], actor=request.user)
    except CannotSettle as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, "Cancelled. Nothing was bought.")
    return redirect(order)


@require_POST
@settlers_only
def see_to_conflict(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    """A contradiction has been looked into."""
    order = visible_order(request, pk)
    if order.status == Status.DRAFT:
        return redirect(order)
    form = ConflictForm(request.POST)
    if not form.is_valid():
        return show(request, order, conflict_form=form, status=422)
    given = form.cleaned_data
    try:
        settling.see_to_conflict(order, reason=given["reason"], seen=given["seen"], actor=request.user)
    except ConflictChanged as error:
        form.add_error(None, str(error))
        return show(request, order, conflict_form=form, status=422)
    except CannotSettle as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, "Seen to. Your name and your reason are kept.")
    return redirect(order)
