"""What a person does with an order: start, answer, discard, place, order again."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.utils import timezone

from orders import doorbell, rules, summary
from orders.allowing import allowed
from orders.composing import Choices, Recipe, Target, compose
from orders.destination import current_destination
from orders.duplicates import Twin, one_at_a_time, ours, twins
from orders.lifecycle import Status
from orders.likeness import wanted_by, word
from orders.models import QUEUE_DOWN, Contact, Order, Partner
from orders.recipes import RECIPES
from orders.reference import looks_like_ours
from orders.statements import find
from yeastar_api.messages import OrderRequest


class CannotPlace(Exception):
    """The order was not placed, nothing was sent; the message says why in words a person can act on."""


def start(*, slug: str, owner: AbstractBaseUser) -> Order:
    """A new draft. Raises KeyError for a product that we do not sell."""
    return _draft(slug=RECIPES[slug].slug, owner=owner, choices=Choices(), title="Draft started")


def again(order: Order, *, owner: AbstractBaseUser) -> Order:
    """A new draft with the choices of `order`, but for its PO number: that named the other purchase."""
    choices = order.picked.changed({"po_number": ""})
    title = f"Draft started as a copy of {order.order_no or 'an earlier order'}"
    return _draft(slug=order.slug, owner=owner, choices=choices, title=title, again_of=order)


def _draft(*, slug: str, owner: AbstractBaseUser, choices: Choices, title: str, again_of: Order | None = None) -> Order:
    order = Order.objects.create(
        slug=slug,
        owner_id=owner.pk,
        choices=choices.to_json(),
        target_label=summary.target_label(RECIPES[slug], choices),
        again_of=again_of,
    )
    order.note(title=title, actor=owner)
    return order


def answer(order: Order, changes: Mapping[str, Any]) -> bool:
    """Merge answers into the draft, dropping what depended on a changed one. False if it is no draft any more."""
    while True:
        changed = order.picked.changed(changes)
        rows = Order.objects.filter(pk=order.pk, status=Status.DRAFT, discarded_at=None, revision=order.revision)
        if rows.update(
            choices=changed.to_json(),
            target_label=summary.target_label(order.recipe, changed),
            revision=models.F("revision") + 1,
            updated_at=timezone.now(),
        ):
            order.refresh_from_db()
            return True
        # Another tab was quicker: put these answers on top of its answers.
        order.refresh_from_db()
        if order.status != Status.DRAFT or order.discarded_at:
            return False


def discard(order: Order) -> bool:
    """Take a draft off the lists; it can be restored."""
    rows = Order.objects.filter(pk=order.pk, status=Status.DRAFT)
    return rows.update(discarded_at=timezone.now()) == 1


def restore(order: Order) -> bool:
    """Put a discarded draft back."""
    return Order.objects.filter(pk=order.pk, status=Status.DRAFT).update(discarded_at=None) == 1


def preview(order: Order) -> tuple[OrderRequest, str, str]:
    """The request as it stands, its text exactly as it would be sent, and its SHA-256.

    Raises ValueError naming the field that cannot be written.
    """
    reference = order.reference if settings.SEND_REFERENCE else ""
    request = compose(order.recipe, order.picked, reference=reference)
    body = request.to_bytes()
    return request, body.decode(), hashlib.sha256(body).hexdigest()


def stand_by(approved_for: str) -> str:
    """Where orders go now, if that is what the person was shown. Raises CannotPlace if the credentials were changed."""
    here = current_destination()
    if not approved_for:
        raise CannotPlace("This page did not say where the order goes. Look at it once more, then place it.")
    if approved_for != here:
        raise CannotPlace(
            "The credentials were changed since this page was made, so orders may go to another account at Yeastar. "
            "Look at it once more, then place it."
        )
    return here


def place(
    order: Order,
    *,
    approved_sha256: str,
    approved_for: str | None = None,
    actor: AbstractBaseUser,
    reason: str = "",
    shown: Collection[str] | None = None,
) -> bool:
    """Freeze the request and queue it: DRAFT → QUEUED. False if the draft was placed already.

    `approved_sha256` is the hash of the bytes that the person saw, and `approved_for` where they were to go; `reason`
    is why the same is ordered again, and `shown` the keys of the twins that were seen when it was written. None asks
    for no such proof. Raises CannotPlace.
    """
    if order.status != Status.DRAFT:
        return False
    here = stand_by(current_destination() if approved_for is None else approved_for)
    try:
        request, body, sha256 = preview(order)
    except ValueError as error:
        raise CannotPlace(f"The order cannot be written: {error}") from error
    if approved_sha256 != sha256:
        raise CannotPlace("The draft has changed since this page was made. Look at it once more, then place it.")
    _check(order.recipe, order.picked, request)
    wanted = wanted_by(request)
    likeness = word(wanted)
    known = twins(order, wanted)
    _refuse_twins(known, reason=reason, shown=shown)

    def look_again() -> None:
        # Inside the transaction: limits that were set since the draft was made count, and all above was looked up for
        # one account.
        stand_by(here)
        for words in allowed(order.owner_id).refusals(order.recipe, order.picked).values():
            raise CannotPlace(words)
        one_at_a_time(likeness)
        _refuse_twins(ours(order, likeness), reason=reason, shown=[twin.key for twin in known])

    now = timezone.now()
    placed = order.move(
        Status.QUEUED,
        title="Order placed",
        words=_approval(known, reason),
        actor=actor,
        data={"sha256": sha256, **_grounds(known, reason)},
        only_if=models.Q(revision=order.revision, discarded_at=None),
        also=look_again,
        likeness=likeness,
        request_body=body,
        request_sha256=sha256,
        destination=here,
        summary=summary.frozen(order),
        placed_at=now,
        rung_at=now,
    )
    if placed:
        transaction.on_commit(lambda: _ring(order), robust=True)
        return True
    order.refresh_from_db()
    if order.status == Status.DRAFT:
        raise CannotPlace("The draft was changed in another window. Look at it once more, then place it.")
    return False


def _refuse_twins(found: list[Twin], *, reason: str, shown: Collection[str] | None) -> None:
    numbers = ", ".join(twin.number for twin in found)
    if sent := [twin.number for twin in found if twin.same_text]:
        raise CannotPlace(
            f"The history at Yeastar shows this very order, with its reference, as {', '.join(sent)}: somebody "
            "sent it by hand. It was not sent again. Tell a manager, and discard this draft."
        )
    if found and not reason:
        raise CannotPlace(f"The same was ordered already ({numbers}). If it is wanted once more, write why.")
    if shown is not None and (new := [twin.number for twin in found if twin.key not in shown]):
        raise CannotPlace(f"The same was ordered once more meanwhile ({', '.join(new)}). Does your reason still hold?")


def _approval(known: list[Twin], reason: str) -> str:
    if not known:
        return "Approved by a person, and waiting for a worker to send it."
    numbers = ", ".join(twin.number for twin in known)
    return f"Approved by a person although the same was ordered already ({numbers}). Reason: {reason}"


def _grounds(known: list[Twin], reason: str) -> dict[str, Any]:
    return {"reason": reason, "ordered_already": [twin.number for twin in known]} if reason else {}


def _ring(order: Order) -> None:
    if not doorbell.ring([order.pk]):
        Order.objects.filter(pk=order.pk, status=Status.QUEUED).update(
            rung_at=None,
            problem=QUEUE_DOWN,
        )


def _check(recipe: Recipe, choices: Choices, request: OrderRequest) -> None:
    """What may have changed since the steps were answered, and every rule of the tutorials."""
    here = models.Q(destination=current_destination())
    on_offer = here & models.Q(gone_at=None, hidden=False)
    if not find(Contact, on_offer & models.Q(remote_id=choices.billing_contact_id), "remote_id"):
        raise CannotPlace("The billing contact is no longer in Yeastar's list. Choose another one.")
    for_account = recipe.target is not Target.DEVICE and choices.license_for != "existing"
    if (
        for_account
        and choices.partner_id
        and not Partner.objects.on_offer().filter(remote_id=choices.partner_id).exists()
    ):
        raise CannotPlace("The customer is no longer in Yeastar's list. Choose another one.")
    if looks_like_ours(choices.po_number):
        raise CannotPlace(
            "Your PO number looks like a reference of the portal itself, by which orders are found again at Yeastar. "
            "Change it under Billing contact."
        )
    for finding in rules.check(recipe, choices, request):
        if not finding.holds:
            raise CannotPlace(f"A rule does not hold: {finding.sentence} ({finding.source})")
