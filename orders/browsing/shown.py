"""What stands beside the records of a page: names of customers and people, our orders, and what can be chosen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db.models import Exists, OuterRef

from orders.browsing.stepping import steps
from orders.destination import account_mark
from orders.models import USUAL_CURRENCY, USUAL_STATUS, Order, Partner, Record
from orders.recipes import RECIPES

KEPT_SECONDS = 60
"""So long the lists to choose from are kept: a new status may be chosen a minute after it was first told."""

STATUSES = (USUAL_STATUS, "pending", "failed", "invalid", "cancelled", "refunded")
"""What theirs are known to be, and their usual order; others are shown as they are."""

TITLES = {recipe.product_id: recipe.title for recipe in RECIPES.values()}


@dataclass(frozen=True)
class Row:
    """A record with what it refers to."""

    record: Record
    customer: str
    asker: str
    ours: Order | None

    @property
    def product(self) -> str:
        """What was bought: in their words, else in ours."""
        told = self.record.product_name or TITLES.get(self.record.product_id, "") or self.record.product_id
        return told or (self.ours.recipe.title if self.ours else "")

    @property
    def reference(self) -> str:
        """Our reference."""
        return self.record.reference or (self.ours.reference if self.ours else "")

    @property
    def po_number(self) -> str:
        """The PO number without our reference, which goes along behind it."""
        return self.record.custom_reference_no.replace(self.reference or "\0", "").strip(" ·|/,;-")

    @property
    def money(self) -> str:
        """1,234.50; empty if not known."""
        amount = self.record.amount
        return "" if amount is None else f"{amount:,.2f}" if amount == round(amount, 2) else f"{amount:,.4f}"


def rows(records: Iterable[Record]) -> list[Row]:
    """The records with their names, in three questions however many they are."""
    records = list(records)
    partners = Partner.objects.filter(remote_id__in={each.partner_id for each in records if each.partner_id})
    customers = {each.remote_id: str(each) for each in partners.defer("raw", "search")}
    people = {each.pk: each.get_username() for each in _users({each.owner_id for each in records if each.owner_id})}
    ours = Order.objects.only("reference", "status", "slug", "target_label").in_bulk(
        {each.ours_id for each in records if each.ours_id}
    )
    return [
        Row(
            record=each,
            customer=customers.get(each.partner_id, each.partner_id),
            asker=people.get(each.owner_id or 0, ""),
            ours=ours.get(each.ours_id),
        )
        for each in records
    ]


def choices() -> dict[str, list[tuple[str, str]]]:
    """What the filters offer, as value and label."""
    name = f"history:choices:{account_mark()}"
    kept = cache.get(name)
    if kept is None:
        kept = {"status": _statuses(), "product": _products(), "currency": _currencies(), "who": _askers()}
        cache.set(name, kept, KEPT_SECONDS)
    return dict(kept)


def product_name(product_id: str) -> str:
    """A product's name as a record tells it, else as we call it."""
    told = Record.objects.filter(product_id=product_id).exclude(product_id="").order_by("-at", "-pk")
    return told.values_list("product_name", flat=True).first() or TITLES.get(product_id, product_id)


def _statuses() -> list[tuple[str, str]]:
    told = {*steps("status"), USUAL_STATUS} - {""}
    return [(each, each) for each in (*STATUSES, *sorted(told - {*STATUSES}))]


def _products() -> list[tuple[str, str]]:
    return sorted(((each, product_name(each)) for each in steps("product_id")), key=lambda pair: pair[1])


def _currencies() -> list[tuple[str, str]]:
    return [(each, each) for each in (USUAL_CURRENCY, *steps("currency")) if each]


def _askers() -> list[tuple[str, str]]:
    have_ordered = User.objects.filter(Exists(Order.objects.filter(owner=OuterRef("pk"), placed_at__isnull=False)))
    names = have_ordered.order_by("username").values_list("username", flat=True)
    return [(each, each) for each in names]


def _users(keys: set[int]) -> Iterable[User]:
    return User.objects.filter(pk__in=keys).only("username") if keys else ()
