"""Staff: the catalogue and the wizard."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orders import placing, steps, verdict, wizard
from orders.allowing import NO_PBX, Allowed, allowed, barred
from orders.composing import Choices, Recipe, Target
from orders.forms import PlaceForm
from orders.lifecycle import Status
from orders.lookups import Lookup
from orders.models import PLACE_ORDER, SETTLE_ORDER, Order, OrderQuerySet
from orders.pickers import Picker
from orders.placing import CannotPlace
from orders.recipes import RECIPES
from orders.rendering import HtmxHttpRequest, page, wants_partial
from orders.statements import find
from orders.summary import chosen, rows
from orders.text import plain

TARGET_WORDS = {
    Target.ACCOUNT: "For your own account or a customer",
    Target.DEVICE: "For a PBX, by its serial number",
    Target.EITHER: "For a new licence or an existing PBX",
}


@dataclass(frozen=True)
class Draft:
    """A draft as a list shows it."""

    pk: UUID
    recipe: Recipe
    target_label: str
    plan: str  # what was chosen there, in words; empty before
    step: str  # the one that is open
    updated_at: datetime
    resume_url: str
    barred: bool  # it names somebody who is no longer open to its owner


REASON, REASON_LIMIT = "reason for the same again", 2000
"""The last reason that was typed is kept until its order is placed, whatever has to be put right first."""

staff_only = permission_required(PLACE_ORDER, raise_exception=True)


@require_safe
@staff_only
def catalogue(request: HtmxHttpRequest) -> HttpResponse:
    """What can be ordered, and the drafts one left."""
    may = allowed(request.user.pk)
    cards = [
        {"recipe": recipe, "target_words": _target_words(recipe, may), "open": may.recipe(recipe)}
        for recipe in RECIPES.values()
    ]
    mine = drafts_of(request)
    in_doubt = list(Order.objects.in_doubt()[:20]) if request.user.has_perm(SETTLE_ORDER) else []
    context = {
        "cards": cards,
        "drafts": as_drafts(mine[:5]),
        "drafts_count": mine.count(),
        "in_doubt": in_doubt,
        "astray": [order.pk for order in in_doubt if verdict.astray(order)],
    }
    return page(request, "orders/catalogue.html", "orders/catalogue.html", context)


def _target_words(recipe: Recipe, may: Allowed) -> str:
    if recipe.target is Target.ACCOUNT and not may.own_account:
        return "For a customer"
    if recipe.target is Target.EITHER and not may.pbx:
        return "For a new licence"
    return TARGET_WORDS[recipe.target]


def drafts_of(request: HtmxHttpRequest) -> OrderQuerySet:
    """One's own drafts of what is still sold, the last touched first."""
    mine = Order.objects.filter(owner_id=request.user.pk, slug__in=RECIPES).drafts()
    return mine.order_by("-updated_at", "-pk")


def as_drafts(orders: Iterable[Order]) -> list[Draft]:
    """Drafts as a list shows them, each with the URL of its first open step."""
    drafts = list(orders)
    closed = barred(drafts[0].owner_id, drafts) if drafts else {}
    return [_as_draft(order, closed.get(order.pk) or wizard.first_open(order), closed) for order in drafts]


def _as_draft(draft: Order, step: str, closed: Container[UUID]) -> Draft:
    return Draft(
        pk=draft.pk,
        recipe=draft.recipe,
        target_label=draft.target_label,
        plan=", ".join(chosen(draft)),
        step=wizard.step_title(draft.recipe, step),
        updated_at=draft.updated_at,
        resume_url=wizard.step_url(draft, step),
        barred=draft.pk in closed,
    )


@require_POST
@staff_only
def start(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    """A new draft, at its first step."""
    if slug not in RECIPES:
        raise Http404
    if not allowed(request.user.pk).recipe(RECIPES[slug]):
        messages.warning(request, NO_PBX)
        return redirect("orders:catalogue")
    order = placing.start(slug=slug, owner=request.user)
    return redirect(wizard.step_url(order, wizard.STEPS[0]))


def own_order(request: HtmxHttpRequest, pk: UUID) -> Order:
    """One's own order. Everybody else's drafts do not exist, nor do those of products that are no longer sold."""
    order = find(Order, Q(pk=pk, owner_id=request.user.pk))
    if order is None or order.slug not in RECIPES:
        raise Http404
    return order


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def step(request: HtmxHttpRequest, pk: UUID, name: str) -> HttpResponse:
    """One step of the wizard."""
    order = own_order(request, pk)
    if name not in wizard.STEPS:
        raise Http404
    if order.status != Status.DRAFT:
        return redirect(order)
    if order.discarded_at:
        return _offer_restore(request, order)
    if wizard.STEPS.index(name) > wizard.STEPS.index(wizard.first_open(order)):
        messages.info(request, "One step at a time: this one comes first.")
        return redirect(wizard.step_url(order, wizard.first_open(order)))
    if back := _back_to_refused(order, name):
        return back
    if name != "review":
        return _answer(request, order, name) if request.method == "POST" else _ask(request, order, name)
    return _back_to_plan(order) or _ask(request, order, name)


def _ask(request: HtmxHttpRequest, order: Order, name: str) -> HttpResponse:
    built = steps.build(order, name)
    draft, reason = request.session.get(REASON, ("", ""))
    if draft == str(order.pk) and built.form:
        built.form.initial["reason"] = reason
    return _show(request, order, name, built)


def _offer_restore(request: HtmxHttpRequest, order: Order) -> HttpResponse:
    messages.info(request, f"The draft for {order.recipe.title} was discarded.", extra_tags=str(order.pk))
    return redirect("orders:catalogue")


def _back_to_refused(order: Order, name: str) -> HttpResponse | None:
    """Back to an earlier step, which says why, if whom it names is no longer open to the draft's owner."""
    earlier = wizard.STEPS[: wizard.STEPS.index(name)]
    refused = [step for step in allowed(order.owner_id).refusals(order.recipe, order.picked) if step in earlier]
    return redirect(wizard.step_url(order, refused[0])) if refused else None


def _back_to_plan(order: Order) -> HttpResponse | None:
    """Back to the plan, which says why, if what was chosen is not on offer any more. The draft stays as it is."""
    return redirect(wizard.step_url(order, "plan")) if steps.objections(order) else None


def _answer(request: HtmxHttpRequest, order: Order, name: str) -> HttpResponse:
    built = steps.build(order, name, request.POST)
    form = built.form
    if form is None or "find" in request.POST:
        if form is not None:
            form.is_bound = False  # only the list was narrowed: nothing is judged yet
            form.initial = {**form.initial, **request.POST.dict()}
        return _show(request, order, name, built)
    if not form.is_valid():
        return _show(request, order, name, built, status=422)
    if not placing.answer(order, form.changes()):
        return redirect(order)
    return redirect(wizard.step_url(order, wizard.next_step(name)))


def _show(
    request: HtmxHttpRequest,
    order: Order,
    name: str,
    built: steps.StepPage,
    *,
    status: int = 200,
    problem: str = "",
) -> HttpResponse:
    links, copied = wizard.links(order, name), order.again_of_id
    context = {
        "order": order,
        "again_of": copied and Order.objects.visible_to(request.user).filter(pk=copied).first(),
        "steps": links,
        "step": next(link for link in links if link.name == name),
        "summary": rows(order),
        "form": built.form,
        "fields_template": f"orders/steps/_{name}.html",
        "lookup": _lookup(built.lookup, built.what) if built.lookup else None,
        "carried": [(key, value) for key, values in request.POST.lists() for value in values if key in CARRIED],
        "notice": built.notice,
        "problem": problem,
        "back_url": wizard.back_url(order, name),
        **built.context,
    }
    response = page(request, "orders/step.html", "orders/_step.html", context, status=status)
    here = wizard.step_url(order, name)
    # The address is that of the step that is shown, however htmx came to it; the same one twice would break Back.
    if wants_partial(request) and request.htmx.current_url_abs_path != here:
        response["HX-Push-Url"] = here
    return response


CARRIED = frozenset(field.name for field in fields(Choices) if field.name != "labels")
"""Fields whose values go on with the page while the API cannot be asked: nothing typed is lost."""


def _lookup(lookup: Lookup[object], what: str) -> dict[str, str]:
    error = lookup.error
    return {
        "state": lookup.state,
        "what": what,
        "message": plain(error.detail) if error else "",
        "request_id": error.request_id if error else "",
        "call": error.call if error else "",
        "code": error.code if error else "",
    }


@require_safe
@staff_only
def options(request: HtmxHttpRequest, pk: UUID, name: str) -> HttpResponse:
    """The entries of a picker that match what was typed; while Yeastar is still asked, those on the page stay."""
    order = own_order(request, pk)
    if order.status != Status.DRAFT or name not in wizard.STEPS:
        raise Http404
    built = steps.build(order, name, request.GET)
    if built.lookup:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    wanted = request.GET.get("name", "")
    pickers = [each for each in built.context.values() if isinstance(each, Picker) and each.name == wanted]
    if not pickers:
        raise Http404
    return page(request, "orders/_options.html", "orders/_options.html", {"picker": pickers[0]})


@require_POST
@staff_only
def place(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    """Buy. However often this is posted, one order is made."""
    order = own_order(request, pk)
    if order.status != Status.DRAFT:
        return redirect(order)
    if request.POST.get("reason"):
        request.session[REASON] = (str(order.pk), request.POST["reason"][:REASON_LIMIT])
    if order.discarded_at:
        return _offer_restore(request, order)
    if wizard.first_open(order) != "review":
        messages.info(request, "Something is still missing. Nothing was ordered.")
        return redirect(wizard.step_url(order, wizard.first_open(order)))
    form, approved_for = PlaceForm(request.POST), request.POST.get("approved_for", "")
    try:
        placing.stand_by(approved_for)  # first, for all else would be judged by another account than the one seen
        if back := _back_to_refused(order, "review") or _back_to_plan(order):
            return back
        if not form.is_valid():
            raise CannotPlace("Look at your reason once more.")
        placing.place(
            order,
            approved_sha256=form.cleaned_data["approved_sha256"],
            approved_for=approved_for,
            actor=request.user,
            reason=form.cleaned_data["reason"],
            shown=request.POST.getlist("twin") or None,
        )
    except CannotPlace as error:
        order.refresh_from_db()
        built = steps.build(order, "review", request.POST)
        return _show(request, order, "review", built, status=422, problem=str(error))
    request.session.pop(REASON, None)
    return redirect(order)


@require_POST
@staff_only
def again(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    """A new draft with the choices of an order that one may see."""
    order = get_object_or_404(Order.objects.visible_to(request.user), pk=pk)
    if order.slug not in RECIPES:
        raise Http404
    if not verdict.can_order_again(order):
        not_yet = "This order is not settled yet. Nobody must order it again until it is."
        messages.warning(request, verdict.problem(order) if order.found_as and not order.conflict else not_yet)
        return redirect(order)
    if not allowed(request.user.pk).recipe(order.recipe):
        messages.warning(request, NO_PBX)
        return redirect(order)
    draft = placing.again(order, owner=request.user)
    messages.info(request, "A new draft with the same choices. Nothing is ordered until you place it.")
    return redirect(wizard.step_url(draft, wizard.first_open(draft)))


@require_POST
@staff_only
def discard(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    """Take a draft off the lists."""
    order = own_order(request, pk)
    return _offer_restore(request, order) if placing.discard(order) else redirect(order)


@require_POST
@staff_only
def restore(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    """Put a discarded draft back."""
    order = own_order(request, pk)
    if not placing.restore(order):
        return redirect(order)
    return redirect(wizard.step_url(order, wizard.first_open(order)))
