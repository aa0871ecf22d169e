"""The rows of who ordered and for whom, and of our orders that failed or are in doubt. See `lines.py`: in a template
they would take as long as all the figures.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache
from html import escape

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator

from orders.overview import money
from orders.overview.figures import Ranked
from orders.overview.ours import Look
from orders.recipes import RECIPES, retired
from orders.templatetags.house import badge
from orders.templatetags.records import Clock

LONGEST = 160
"""Characters of what a problem is."""

Customer = tuple[Ranked, SafeString, list[money.Sum | None], bool]
"""With its bar, its sums by column, and whether there is money in still others."""


def customers(rows: Iterable[Customer], last: date) -> SafeString:
    """A row for each customer, with the way to the statement of the last month."""
    statement = f"{last:%b %Y}"

    def line(row: Ranked, bar: SafeString, sums: list[money.Sum | None], more: bool) -> str:
        label = escape(row.label)
        told = "".join(f"<span>{_amount(each) if each else ''}</span> " for each in sums) if row.sums else ""
        others = '<span class="quiet">and more currencies</span>' if row.sums and more else ""
        month = f'<a href="{escape(row.statement)}">{statement}<span class="sr"> of {label}</span></a>'
        return (
            f"{_begin(row)}"
            f'<td class="bar-cell">{"" if row.quiet else bar}</td>'
            f'<td data-label="Money" class="money">{told}{others}</td>'
            f'<td data-label="Without an amount">{row.unpriced:,}</td>'
            f'<td data-label="Statement">{month if row.statement else ""}</td></tr>\n'
        )

    return mark_safe("".join(line(*row) for row in rows))  # noqa: S308


def people(rows: Iterable[tuple[Ranked, SafeString, str]]) -> SafeString:
    """A row for each who asked, with their part of all."""
    return mark_safe(  # noqa: S308
        "".join(
            f'{_begin(row)}<td data-label="Part">{escape(part)}</td><td class="bar-cell">{bar}</td></tr>\n'
            for row, bar, part in rows
        )
    )


def _begin(row: Ranked) -> str:
    """Who it is, and how many orders."""
    label, count = escape(row.label), f"{row.count:,}"
    if row.url:
        url = escape(row.url)
        label, count = f'<a href="{url}">{label}</a>', f'<a href="{url}">{count}</a>'
    quiet = ' class="quiet"' if row.quiet else ""
    return f'<tr{quiet}><th scope="row" dir="auto">{label}</th><td data-label="Orders">{count}</td>'


def _amount(of_it: money.Sum) -> str:
    unclear = f'<span class="detail">of which {of_it.of_which}</span>' if of_it.of_which else ""
    return f'{of_it.words} <bdi class="quiet">{escape(of_it.currency) or "currency not told"}</bdi>{unclear}'


def looks(orders: Iterable[Look]) -> SafeString:
    """A line for each of our orders."""
    clock, state = Clock(), cache(badge)

    def line(order: Look) -> str:
        recipe = RECIPES.get(order.slug) or retired(order.slug)
        target = f' <span dir="auto">for {escape(order.target_label)}</span>' if order.target_label else ""
        problem = ""
        if order.problem:
            problem = f'<span class="detail" dir="auto">{escape(Truncator(order.problem).chars(LONGEST))}</span>'
        return (
            f"<li>{state('FOUND' if order.found_as else order.status)}"
            f' <a href="{reverse("orders:order", args=[order.pk])}">{escape(recipe.title)}</a>{target}'
            f' <span class="quiet small">{escape(order.owner__username)}, {clock.when(order.placed_at)}</span>'
            f"{problem}</li>"
        )

    return mark_safe("".join(map(line, orders)))  # noqa: S308
