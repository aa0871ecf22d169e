"""What changes seldom and each page needs: the lists to choose from. Kept for a minute, for all processes."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db.models import Exists, OuterRef

from orders.browsing.sql import keys, latest_of
from orders.browsing.stepping import destinations, steps
from orders.destination import account_mark, current_destination
from orders.models import USUAL_CURRENCY, USUAL_STATUS, Order, Record
from orders.recipes import RECIPES

SECONDS = 60

COUNTED = 10_000
"""So far the records are counted where nothing is left out; beyond it stands a plus."""

STATUSES = (USUAL_STATUS, "pending", "failed", "invalid", "cancelled", "refunded")
"""What theirs are known to be, in the order of the list; others come behind, as they are."""

TITLES = {recipe.product_id: recipe.title for recipe in RECIPES.values()}


@dataclass(frozen=True)
class Kept:
    """The filters' lists, and the destinations whose records are of another account."""

    choices: dict[str, list[tuple[str, str]]]
    destinations: list[str]
    people: dict[int, str]  # the names of who have ordered, by key
    many: bool  # so many records that the whole list need not be counted: none is ever removed


def kept() -> Kept:
    """As it was at most a minute ago."""
    name = f"history:kept:{account_mark()}"
    found: Kept | None = cache.get(name)
    if found is None:
        found = _now()
        cache.set(name, found, SECONDS)
    return found


def _now() -> Kept:
    told = {*steps("status"), USUAL_STATUS} - {""}
    have_ordered = User.objects.filter(Exists(Order.objects.filter(owner=OuterRef("pk"), placed_at__isnull=False)))
    people = dict(have_ordered.order_by("username").values_list("pk", "username"))
    lists = {
        "status": [*STATUSES, *sorted(told - {*STATUSES})],
        "currency": [each for each in (USUAL_CURRENCY, *steps("currency")) if each],
        "who": list(people.values()),
    }
    choices = {name: [(each, each) for each in values] for name, values in lists.items()}
    choices["product"] = sorted(((each, product_name(each)) for each in steps("product_id")), key=lambda pair: pair[1])
    others = [each for each in destinations() if each != current_destination()]
    here = Record.objects.exclude(destination__in=others).order_by().values("pk")
    return Kept(choices, others, people, many=here[: COUNTED + 1].count() > COUNTED)


def product_name(product_id: str) -> str:
    """A product's name as a record tells it, else as we call it."""
    told = keys(latest_of("product_id", product_id, "product_name"))
    return next(iter(told), "") or TITLES.get(product_id, product_id)
