"""What stands beside the records of a page: names of customers and people, and our orders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.contrib.auth.models import User

from orders.browsing.kept import TITLES
from orders.browsing.sql import among
from orders.destination import current_destination
from orders.models import CALLED_BY, Order, Record, called
from orders.prepared import rows as answers


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


def rows(records: Iterable[Record], known: Mapping[int, str] | None = None) -> list[Row]:
    """The records with their names, in three questions however many they are. `known` are names of people by key."""
    records = list(records)
    called = customers({each.partner_id for each in records if each.partner_id})
    people = dict(known or {})
    people.update(_users({each.owner_id for each in records if each.owner_id} - people.keys()))
    ours = Order.objects.only("reference", "status", "slug", "target_label").in_bulk(
        # What a record tells itself is not asked of our order.
        {
            each.ours_id
            for each in records
            if each.ours_id and not (each.reference and (each.product_name or each.product_id))
        }
    )
    return [
        Row(
            record=each,
            customer=called.get(each.partner_id, each.partner_id),
            asker=people.get(each.owner_id or 0, ""),
            ours=ours.get(each.ours_id),
        )
        for each in records
    ]


def customers(ids: Iterable[str]) -> dict[str, str]:
    """The names of customers, by id."""
    where, values = among("remote_id", list(ids))
    text = f"SELECT remote_id, {', '.join(CALLED_BY)} FROM orders_partner WHERE destination = %s AND {where}"  # noqa: S608
    return {
        remote_id: called(remote_id, *words) for remote_id, *words in answers((text, (current_destination(), *values)))
    }


def _users(keys: set[int]) -> Iterable[tuple[int, str]]:
    return User.objects.filter(pk__in=keys).values_list("pk", "username") if keys else ()
