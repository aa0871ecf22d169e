"""The addresses of the lists that lie behind the numbers: each shows exactly as many orders as the number tells."""

from __future__ import annotations

from datetime import date

from django.urls import reverse
from django.utils.http import urlencode

from orders.browsing.asked import LONGEST, NOT_TOLD, cleaned
from orders.overview.period import last_day


def listed(first: date, last: date, **filters: str | None) -> str:
    """The list of the orders from one month to another that fit. Empty if no address could say it.

    A filter that is an empty text asks for what is not told; None is none.
    """
    said = {}
    for name, value in filters.items():
        if value is not None:
            if value == NOT_TOLD or cleaned(value) != value or len(value) > LONGEST:
                return ""
            said[name] = value or NOT_TOLD
    said |= {"period": "custom", "from": first.isoformat(), "to": last_day(last).isoformat()}
    return f"{reverse('orders:history')}?{urlencode(said)}"


def statement(customer: str, month: date) -> str:
    """The statement of a customer; an empty one is nobody, or not told."""
    query = urlencode({"customer": customer or NOT_TOLD, "month": f"{month:%Y-%m}"})
    return f"{reverse('orders:statement')}?{query}"
