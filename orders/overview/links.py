"""The addresses of the lists that lie behind the numbers: each shows exactly as many orders as the number tells."""

from __future__ import annotations

from datetime import date

from django.utils.http import urlencode

from orders.addresses import address
from orders.browsing.asked import LONGEST, NOT_TOLD, cleaned
from orders.overview.period import last_day


def listed(first: date, last: date, **filters: str) -> str:
    """The list of the orders from one month to another that fit. Empty if no address could say it.

    A filter that is an empty text asks for what is not told.
    """
    asked = said(**filters)
    return "" if asked is None else f"{asked}{between(first, last)}"


def said(**filters: str) -> str | None:
    """The beginning of an address: the list of the orders that fit. None if no address could say it."""
    if any(value == NOT_TOLD or cleaned(value) != value or len(value) > LONGEST for value in filters.values()):
        return None
    told = {name: value or NOT_TOLD for name, value in filters.items()}
    return f"{address('orders:history')}?{urlencode(told)}{'&' if told else ''}"


def between(first: date, last: date) -> str:
    """The end of an address: from the first day of one month to the last of another."""
    return f"period=custom&from={first.isoformat()}&to={last_day(last).isoformat()}"


def statement(customer: str, month: date) -> str:
    """The statement of a customer; an empty one is nobody, or not told."""
    query = urlencode({"customer": customer or NOT_TOLD, "month": f"{month:%Y-%m}"})
    return f"{address('orders:statement')}?{query}"
