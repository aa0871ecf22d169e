"""The choices in plain words: what the side of the wizard, the review and the order's page show."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q

from orders.composing import Choices, Recipe, Target
from orders.destination import current_destination
from orders.models import Contact, Mirrored, Order, Partner
from orders.statements import find

OWN_ACCOUNT = "Our own account"


@dataclass(frozen=True)
class Row:
    """One line: what it is, what was chosen, what tells it apart, and its id at Yeastar."""

    label: str
    value: str
    detail: str = ""
    id: str = ""


def rows(order: Order) -> list[Row]:
    """What has been chosen so far, in the order of the steps."""
    recipe, choices = order.recipe, order.picked
    return [*_target(recipe, choices), *_plan(recipe, choices), *_billing(choices)]


def all_rows(order: Order) -> list[Row]:
    """The rows of a finished order: with what nobody chooses, our reference and how it is billed."""
    return [*rows(order), *_signed(order), *_billed(order.recipe)]


def frozen(order: Order) -> list[dict[str, Any]]:
    """The rows as they are kept with a placed order."""
    return [asdict(row) for row in all_rows(order)]


def target_label(recipe: Recipe, choices: Choices) -> str:
    """For whom or for which PBX, as it reads behind the word "for"."""
    found = _target(recipe, choices)
    value = found[0].value if found else ""
    return "our own account" if value == OWN_ACCOUNT else value[:300]


def _target(recipe: Recipe, choices: Choices) -> list[Row]:
    if choices.product_no and recipe.target is not Target.ACCOUNT:
        return [Row("PBX", choices.product_no, choices.labels.get(choices.product_no, ""))]
    if choices.partner_id:
        partner = Partner.objects.filter(remote_id=choices.partner_id).first()
        return [_somebody("For", choices.partner_id, partner)]
    if choices.partner_id == "" and (recipe.target is Target.ACCOUNT or choices.license_for == "new"):
        return [Row("For", OWN_ACCOUNT)]
    return []


def _plan(recipe: Recipe, choices: Choices) -> list[Row]:
    found = []
    if choices.plan_id:
        found.append(Row(recipe.plan_label, choices.label(choices.plan_id), id=choices.plan_id))
    for service_id in choices.service_id or ():
        found.append(Row("Service", choices.label(service_id), id=service_id))
    if choices.service_id == () and recipe.service_line:
        found.append(Row("Services", "None"))
    if choices.quantity is not None:
        found.append(Row(recipe.quantity_label, f"{choices.quantity:,}"))
    if choices.multi_cycle is not None:
        found.append(Row("Term", "1 year" if choices.multi_cycle == 1 else f"{choices.multi_cycle} years"))
    return found


def chosen(order: Order) -> list[str]:
    """What is bought, in as few words as tell two drafts apart: plan, services, how many, how long."""
    choices = order.picked
    words = [choices.label(each) for each in (choices.plan_id, *(choices.service_id or ())) if each]
    counted = [row.value for row in _plan(order.recipe, choices) if row.label == "Term"]
    return [*words, *([f"{choices.quantity:,}"] if choices.quantity is not None else []), *counted]


def _signed(order: Order) -> list[Row]:
    """Our reference, where it goes along as `placing.preview` writes it."""
    if not settings.SEND_REFERENCE:
        return []
    where = "after your PO number" if order.picked.po_number else "as PO number"
    return [Row("Our reference", order.reference, f"Sent to Yeastar {where}")]


BILLED = {"annually": "Every year", "monthly": "Every month", "once": "Once"}


def _billed(recipe: Recipe) -> list[Row]:
    """How the money is taken, as the body's billingCycle and billingModel say it."""
    line = recipe.lines[0] if recipe.lines else None
    if line is None or line.billing_cycle is None:
        return []
    recurring = ", recurring" if line.billing_model == "recurring" else ""
    return [Row("Billed", f"{BILLED.get(line.billing_cycle, line.billing_cycle)}{recurring}")]


def _billing(choices: Choices) -> list[Row]:
    found = []
    if choices.billing_contact_id:
        contact = find(Contact, Q(destination=current_destination(), remote_id=choices.billing_contact_id))
        found.append(_somebody("Invoice to", choices.billing_contact_id, contact))
    if choices.po_number:
        found.append(Row("Your PO number", choices.po_number))
    return found


def _somebody(label: str, remote_id: str, who: Mirrored | None) -> Row:
    if who is None:
        return Row(label, remote_id, id=remote_id)
    return Row(label, str(who), who.detail, remote_id)
