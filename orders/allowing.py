"""For whom a person may order now: asked wherever a customer is shown or chosen, and once more when it is placed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from orders.composing import Choices, Recipe, Target
from orders.models import Limits, MirroredQuerySet, Order, Partner

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

    def recipe(self, recipe: Recipe) -> bool:
        """Whether anything of this product can be ordered at all."""
        return recipe.target is not Target.DEVICE or self.pbx

    def refusal(self, recipe: Recipe, choices: Choices) -> str:
        """Why this cannot be ordered, in words; empty if it may, or if it is not said yet for whom."""
        if self.limits is None:
            return ""
        if recipe.target is Target.DEVICE or choices.license_for == "existing":
            return "" if self.pbx else NO_PBX
        if choices.partner_id is None:
            return ""
        if not choices.partner_id:
            return "" if self.own_account else NOT_OURSELVES
        if self.limits.partners.filter(remote_id=choices.partner_id).exists():
            return ""
        partner = Partner.objects.filter(remote_id=choices.partner_id).first()
        return f"You may not order for {partner or 'this customer'}. Choose another customer. {ASK}"


def allowed(person_id: int) -> Allowed:
    """What somebody may order for, as it is committed now."""
    return Allowed(Limits.objects.filter(person_id=person_id, limited=True).first())


def barred(person_id: int, drafts: Iterable[Order]) -> set[UUID]:
    """Which of these drafts name somebody for whom their owner may no longer order."""
    may = allowed(person_id)
    return {draft.pk for draft in drafts if may.refusal(draft.recipe, draft.picked)} if may.limits else set()
