"""manage.py verify_evidence: prove that no event was changed, added in between, or taken away."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from orders.evidence import NotEvidence, broken_links, in_file
from orders.lifecycle import Status
from orders.models import Order, OrderQuerySet


class Command(BaseCommand):
    """Walks the chain of events of every order, of some, or of a saved file."""

    help = "Prove the chains of events of all orders, or of some; name the first broken link of each that is broken."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which orders, or which files."""
        parser.add_argument("order", nargs="*", help="reference, order number or id of an order; none: all of them")
        parser.add_argument(
            "--file", action="append", default=[], metavar="FILE", help="a file saved with “All the evidence”"
        )

    def handle(self, *args: Any, order: list[str], file: list[str], **options: Any) -> None:
        """Exit code 1 if anything does not hold."""
        broken = sum(not self._file_holds(name) for name in file)
        if order or not file:
            broken += self._broken(self._wanted(order) if order else Order.objects.all())
        if broken:
            raise CommandError(f"{broken} broken chain(s).")

    def _broken(self, orders: OrderQuerySet) -> int:
        links = list(broken_links(orders.order_by("created_at")))
        for link in links:
            self.stderr.write(f"{link.order.reference}: event {link.number}: {link.words}")
        if not links:
            drafts = orders.filter(status=Status.DRAFT).count()
            self.stdout.write(f"Orders: {orders.count() - drafts}, drafts: {drafts}; every chain of events holds.")
        return len(links)

    def _wanted(self, names: list[str]) -> OrderQuerySet:
        orders = Order.objects.none()
        for name in names:
            found = Order.objects.filter(Q(reference=name.upper()) | Q(pk=_uuid(name)))
            found |= Order.objects.filter(order_no=name.upper()).exclude(order_no="")
            if not found.exists():
                raise CommandError(f"There is no order {name}.")
            orders |= found
        return orders

    def _file_holds(self, name: str) -> bool:
        try:
            reference, length, words = in_file(Path(name).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, NotEvidence) as error:
            raise CommandError(f"{name}: {error}") from error
        if words:
            self.stderr.write(f"{reference}: {words}")
        else:
            self.stdout.write(f"{reference}: all {length} events hold, and stand so here, too.")
        return not words


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
