"""The page of each step: its form, or why there is none yet, and what its template needs besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.datastructures import MultiValueDict

from orders import gateway, rules
from orders.allowing import allowed
from orders.composing import Devices
from orders.destination import current_destination
from orders.duplicates import twins
from orders.forms import BillingForm, PlaceForm, StepForm, TargetForm, initial
from orders.likeness import wanted_by
from orders.lookups import Lookup
from orders.models import Order, Partner
from orders.pickers import contact_picker, device_picker, partner_picker
from orders.placing import preview
from orders.plan_form import PlanForm
from orders.summary import all_rows
from orders.text import storable
from orders.wizard import is_answered
from yeastar_api.messages import Offers, Service

UNCHECKED = (
    "Yeastar does not tell at the moment what it offers, so it could not be checked that your choice is still on "
    "offer. You may place the order all the same: it waits here until Yeastar answers, and Yeastar refuses what it "
    "does not offer."
)


@dataclass
class StepPage:
    """One step, ready to be drawn: its form, or why there is none, and what its template needs besides."""

    form: StepForm | None = None
    lookup: Lookup[Any] | None = None
    what: str = ""
    context: dict[str, Any] = field(default_factory=dict)
    notice: str = ""


def build(order: Order, name: str, data: QueryDict | None = None) -> StepPage:
    """The page of a step, its form bound to `data` if something was sent."""
    return BUILDERS[name](order, data)


def options_url(order: Order, step: str, name: str) -> str:
    """Where a picker asks for its entries."""
    return f"{reverse('orders:options', args=[order.pk, step])}?name={name}"


def _query(data: Mapping[str, Any] | None, name: str) -> str:
    return str(storable(data.get(f"q_{name}", ""))) if data else ""


def _selected(data: QueryDict | None, stored: str | None, name: str) -> str | None:
    """What is chosen in a list; None for nothing, which is not the same as an entry without an id."""
    given = data.get(name) if data is not None else stored
    return None if given is None else str(storable(given))


def _target(order: Order, data: QueryDict | None) -> StepPage:
    recipe, choices = order.recipe, order.picked
    may = allowed(order.owner_id)
    refusal = may.refusals(recipe, choices).get("target", "")
    if not may.recipe(recipe):
        return StepPage(notice=refusal)
    listed: Lookup[Any] | None = None
    if recipe.devices is Devices.LISTED and may.pbx:
        listed = gateway.devices(recipe.product_id, asker=order.owner_id, max_age=_max_age(data))
        if listed.state != "ready":
            return StepPage(lookup=listed, what="list of PBXs")
    devices = listed.value or [] if listed else []
    form = TargetForm(
        data,
        recipe=recipe,
        initial=initial(choices),
        knows_partner=lambda each: may.partners().filter(remote_id=each).exists(),
        own_account=may.own_account,
        pbx=may.pbx,
        devices={device.product_no: device.comment for device in devices} if listed else None,
    )
    context: dict[str, Any] = {}
    if "partner_id" in form.fields:
        context["partner_picker"] = partner_picker(
            may=may,
            selected=_selected(data, choices.partner_id, "partner_id"),
            query=_query(data, "partner_id"),
            options_url=options_url(order, "target", "partner_id"),
        )
    if listed:
        context["device_picker"] = device_picker(
            devices=devices,
            selected=_selected(data, choices.product_no, "product_no"),
            query=_query(data, "product_no"),
            options_url=options_url(order, "target", "product_no"),
        )
    return StepPage(form=form, context=context, notice=refusal if data is None else "")


def _max_age(data: QueryDict | None) -> float:
    """A form that was filled in is judged by what it showed, even if the API is down by now."""
    return gateway.FRESH if data is None else gateway.REMEMBERED


def offers_for(order: Order, *, max_age: float = gateway.FRESH) -> Lookup[Offers]:
    """What can be bought with this recipe for this target: no trials, unless the recipe starts one."""
    recipe, choices = order.recipe, order.picked
    lookup = gateway.offers(recipe.product_id, choices.product_no, asker=order.owner_id, max_age=max_age)
    if lookup.value is None or recipe.is_trial:
        return lookup
    sold = replace(
        lookup.value,
        plans=tuple(plan for plan in lookup.value.plans if plan.purchase_type != "trial"),
        services=tuple(service for service in lookup.value.services if service.purchase_type != "trial"),
    )
    return replace(lookup, value=sold)


def _plan(order: Order, data: QueryDict | None) -> StepPage:
    lookup = offers_for(order, max_age=_max_age(data))
    if lookup.value is None:
        return StepPage(lookup=lookup, what="plans and services")
    form = PlanForm(data, recipe=order.recipe, offers=lookup.value, initial=initial(order.picked))
    return StepPage(
        form=form,
        context={"plan_cards": _plan_cards(form), "service_groups": _service_groups(form)},
        notice=_notice(order, lookup.value) if data is None else "",
    )


def _notice(order: Order, offers: Offers) -> str:
    words = _objections(order, offers) if is_answered(order.recipe, order.picked, "plan") else []
    return " ".join([*words, "Nothing was ordered. Change your choice."]) if words else ""


def _plan_cards(form: PlanForm) -> list[dict[str, Any]]:
    if "plan_id" not in form.fields:
        return []
    chosen = form["plan_id"].value()
    return [
        {
            "value": plan.plan_id,
            "label": plan.label,
            "id": f"plan-{plan.plan_id}",
            "checked": plan.plan_id == chosen,
        }
        for plan in form.offers.plans
    ]


def _service_groups(form: PlanForm) -> list[dict[str, Any]]:
    if "service_id" not in form.fields:
        return []
    chosen = form["service_id"].value() or []
    ids = {chosen} if isinstance(chosen, str) else set(chosen)

    def group(plan_id: str, plan_label: str, services: tuple[Service, ...]) -> dict[str, Any]:
        return {
            "plan_id": plan_id,
            "plan_label": plan_label,
            "options": [
                {
                    "value": service.service_id,
                    "label": service.label,
                    "id": f"service-{plan_id or 'any'}-{service.service_id}",
                    "checked": service.service_id in ids,
                    "hint": _hint(form, service),
                }
                for service in services
            ],
        }

    if "plan_id" not in form.fields or not any(service.plan_ids for service in form.offers.services):
        return [group("", "", form.offers.services)]
    return [
        group(plan.plan_id, f"With {plan.label}", form.offers.services_of(plan.plan_id)) for plan in form.offers.plans
    ]


def _hint(form: PlanForm, service: Service) -> str:
    low, high = service.min_quantity, service.max_quantity
    if "quantity" not in form.fields or form.recipe.plan_line:
        sold_by_quantity = low is not None or high is not None
        return "Sold by quantity, which this order does not send: Yeastar may refuse it." if sold_by_quantity else ""
    if low is not None and high is not None:
        return f"{low:,} to {high:,}"
    return f"at least {low:,}" if low is not None else f"at most {high:,}" if high is not None else ""


def _billing(order: Order, data: QueryDict | None) -> StepPage:
    choices, may = order.picked, allowed(order.owner_id)
    last_used = _last_contact(order)
    only = list(may.contacts().values_list("remote_id", flat=True)[:2])
    preset = choices.billing_contact_id or (only[0] if len(only) == 1 else "")
    form = BillingForm(
        data,
        initial=initial(choices),
        knows_contact=lambda each: may.contacts().filter(remote_id=each).exists(),
    )
    picker = contact_picker(
        may=may,
        selected=_selected(data, preset, "billing_contact_id"),
        query=_query(data, "billing_contact_id"),
        options_url=options_url(order, "billing", "billing_contact_id"),
        last_used=last_used,
        preferred=_preferred_contact(choices.partner_id),
    )
    refusal = may.refusals(order.recipe, choices).get("billing", "")
    return StepPage(form=form, context={"contact_picker": picker}, notice=refusal if data is None else "")


def _preferred_contact(partner_id: str | None) -> str:
    """Whom an admin has set for this customer; nobody for our own account."""
    if not partner_id:
        return ""
    partner = Partner.objects.filter(remote_id=partner_id).first()
    preferred = partner.preferred_contact if isinstance(partner, Partner) else None
    return preferred.remote_id if preferred else ""


def _last_contact(order: Order) -> str:
    last = Order.objects.filter(owner_id=order.owner_id).placed().only("choices").first()
    return last.picked.billing_contact_id if last else ""


def _review(order: Order, data: QueryDict | None) -> StepPage:
    seen = {"approved_for": current_destination()}
    try:
        request, body, sha256 = preview(order)
    except ValueError as error:
        return StepPage(
            form=PlaceForm(initial=seen),
            notice=f"The order cannot be written, and so not be placed: {error}. Change that answer.",
            context={"review_rows": all_rows(order)},
        )
    seen["approved_sha256"] = sha256  # always that of this page, never one that was sent
    found = twins(order, wanted_by(request))
    sent = {**seen, "reason": data["reason"]} if data is not None and "reason" in data else None
    return StepPage(
        form=PlaceForm(sent, initial=seen, needs_reason=bool(found)),
        notice=UNCHECKED if objections(order) is None else "",
        context={
            "review_rows": all_rows(order),
            "request_json": body,
            "request_sha256": sha256,
            "unchecked_serial": order.picked.product_no if order.recipe.devices is Devices.TYPED else "",
            "rules": rules.check(order.recipe, order.picked, request),
            "twins": found,
            "in_doubt": [twin for twin in found if twin.in_doubt],
            "sent_by_hand": [twin for twin in found if twin.same_text],
        },
    )


def objections(order: Order) -> list[str] | None:
    """Why the chosen plan, services and quantity are not on offer now; None if the API cannot tell just now."""
    lookup = offers_for(order)
    return None if lookup.value is None else _objections(order, lookup.value)


def _objections(order: Order, offers: Offers) -> list[str]:
    """The form's own judgement of the choices, as if they were sent now; what has left the catalogue is named."""
    choices = order.picked
    chosen = [each for each in (choices.plan_id, *(choices.service_id or ())) if each]
    sent: MultiValueDict[str, Any] = MultiValueDict(
        {"plan_id": [choices.plan_id], "service_id": list(choices.service_id or ()), "quantity": [choices.quantity]}
    )
    errors = PlanForm(sent, recipe=order.recipe, offers=offers).errors.as_data()
    found = [error for name in sent for error in errors.get(name, ()) if error.code != "invalid_choice"]
    offered = {plan.plan_id for plan in offers.plans} | {each.service_id for each in offers.services}
    gone = [choices.label(each) for each in chosen if each not in offered]
    words = [f"No longer on offer: {', '.join(gone)}."] if gone else []
    return [*words, *(message for error in found for message in error.messages)]


BUILDERS = {"target": _target, "plan": _plan, "billing": _billing, "review": _review}
