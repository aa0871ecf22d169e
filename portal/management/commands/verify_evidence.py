"""manage.py verify_evidence: prove that no event was changed, added in between, or taken away."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orders.evidence import broken_links
from orders.models import Order


class Command(BaseCommand):
    """Walks the chain of events of every order."""

    help = "Prove the chains of events of all orders; name the first broken link of each that is broken."

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 1 if a link is broken."""
        broken = list(broken_links(Order.objects.order_by("created_at")))
        for link in broken:
            self.stderr.write(f"{link.order.reference}: event {link.number}: {link.words}")
        if broken:
            raise CommandError(f"{len(broken)} broken chain(s).")
        self.stdout.write(f"{Order.objects.count()} orders, every chain of events holds.")
