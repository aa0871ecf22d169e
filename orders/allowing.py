"""For whom a person may order now: asked wherever a customer is shown or chosen, and once more when it is placed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from orders.composing import Choices, Recipe, Target
from orders.models import Contact, Limits, MirroredQuerySet, Order, Partner
from orders.statements import find

ASK = "Ask an administrator if you should."

NO_PBX = (
    "You may order for some customers only, and whose a PBX is cannot be told from its serial number. So orders for "
    f"PBXs are not open to you. {ASK}"
)
NOT_OURSELVES = f"You may not order for our own account. Choose a customer. {ASK}"


@dataclass(frozen=True)
class Allowed:
    """What the limits of a person leave. Without limits everything is allowed."""

    limits: Limits | None

    @property
    def own_account(self) -> bool:
        """Whether orders for our own account are."""
        return self.limits is None or self.limits.own_account

    @property
    def pbx(self) -> bool:
        """Whether orders for a PBX are, whosever it is."""
        return self.limits is None or self.limits.any_pbx

    def partners(self) -> MirroredQuerySet:
        """The customers that are on offer to this person."""
        rows = Partner.objects.on_offer()
        return rows if self.limits is None else rows.filter(pk__in=self.limits.partners.values("pk"))

    def contacts(self) -> MirroredQuerySet:
        """The billing contacts that are on offer to this person.

        Whose a contact is, only our own "preferred by" tells: those that other customers prefer, and none of this
        person's, are not.
        """
        rows = Contact.objects.on_offer()
        if self.limits is None:
            return rows
        prefer = Partner.objects.filter(preferred_contact=OuterRef("pk"))
        theirs = prefer.filter(pk__in=self.limits.partners.values("pk"))
        return rows.filter(Exists(theirs) | ~Exists(prefer))

    def recipe(self, recipe: Recipe) -> bool:
        """Whether anything of this product can be ordered at all."""
        return recipe.target is not Target.DEVICE or self.pbx

    def refusals(self, recipe: Recipe, choices: Choices) -> dict[str, str]:
        """Why this cannot be ordered, in words, by the step that has to be answered anew, the first one first."""
        if self.limits is None:
            return {}
        found = {"target": self._target(recipe, choices), "billing": self._billing(choices)}
        return {step: words for step, words in found.items() if words}

    def _target(self, recipe: Recipe, choices: Choices) -> str:
        if recipe.target is Target.DEVICE or choices.license_for == "existing":
            return "" if self.pbx else NO_PBX
        if choices.partner_id is None:
            return ""
        if not choices.partner_id:
            return "" if self.own_account else NOT_OURSELVES
        if choices.partner_id in self._customers:
            return ""
        partner = Partner.objects.filter(remote_id=choices.partner_id).first()
        return f"You may not order for {partner or 'this customer'}. Choose another customer. {ASK}"

    def _billing(self, choices: Choices) -> str:
        """Who has left the list is not refused here: that concerns everybody."""
        contact = self._closed.get(choices.billing_contact_id)
        return f"You may not bill {contact}. Choose another billing contact. {ASK}" if contact else ""

    @cached_property
    def _customers(self) -> frozenset[str]:
        """The ids of those whom the limits name. Like the next one asked for once for a list of drafts."""
        named = self.limits.partners.values_list("remote_id", flat=True) if self.limits else ()
        return frozenset(named)

    @cached_property
    def _closed(self) -> dict[str, str]:
        """The contacts on offer that are not open to this person: their names by their ids."""
        closed = Contact.objects.on_offer().exclude(pk__in=self.contacts().values("pk"))
        return {each.remote_id: str(each) for each in closed.defer("raw", "search")}


def allowed(person_id: int) -> Allowed:
    """What somebody may order for, as it is committed now."""
    return Allowed(find(Limits, Q(person_id=person_id, limited=True)))


def barred(person_id: int, drafts: Iterable[Order]) -> dict[UUID, str]:
    """Which of these drafts name somebody who is no longer open to their owner, each with the step that does."""
    may = allowed(person_id)
    refused = {draft.pk: may.refusals(draft.recipe, draft.picked) for draft in drafts}
    return {pk: next(iter(steps)) for pk, steps in refused.items() if steps}
