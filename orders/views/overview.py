"""Managers: the overview of some months, and the statement of one customer's month."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_safe

from orders.browsing.asked import LONGEST, NOT_TOLD, cleaned
from orders.destination import current_destination
from orders.history import runs
from orders.models import NUMBER_LENGTH, SEE_ALL_ORDERS, Partner
from orders.overview import charts, figures, lines, links, money, ours, period, ranks, statement, tables
from orders.rendering import HtmxHttpRequest, page

managers_only = permission_required(SEE_ALL_ORDERS, raise_exception=True)

CURRENCIES = 3
"""So many have a column of their own beside each customer."""


@require_safe
@managers_only
def overview(request: HtmxHttpRequest) -> HttpResponse:
    """What was ordered in some months, by whom and for whom, what failed, and how long it took."""
    months = period.parse(request.GET)
    read = figures.read(months)
    uncertain, failed = ours.uncertain(), ours.failed(months.span)
    currencies = [each.currency for each in read.sums if each.priced][:CURRENCIES]
    customers = [(row, charts.bar(row.share), *money.aligned(row.sums, currencies)) for row in read.customers]
    people = [(row, charts.bar(row.share), _part(row.count, read.total)) for row in read.people]
    context = {
        "months": months,
        "periods": period.PERIODS,
        "figures": read,
        "pictures": [
            _picture(of_it, name) for of_it, name in ((read.by_status, "status"), (read.by_product, "product"))
        ],
        "customers": ranks.customers(customers, months.last),
        "people": people,
        "people_rows": ranks.people(people),
        "patterns": charts.PATTERNS,
        "uncertain": uncertain,
        "uncertain_lines": ranks.looks(uncertain.orders),
        "failed": failed,
        "failed_lines": ranks.looks(failed.orders),
        "pace": ours.pace(months.span),
        "freshness": runs.freshness(),
        "empty": not read.total and figures.nothing_at_all(),
    }
    return page(request, "overview/overview.html", "overview/overview.html", context)


def _part(count: int, total: int) -> str:
    """2.3 %. What is little is not nothing, and what is nearly all is not all."""
    words = f"{100 * count / total:.1f}"
    if count < total and words in ("0.0", "100.0"):
        return "< 0.1 %" if words == "0.0" else "> 99.9 %"
    return f"{words} %"


def _picture(shown: figures.ByMonth, name: str) -> dict[str, object]:
    return {
        "name": name,
        "columns": charts.columns(shown),
        "table": tables.by_month(shown, f"Orders per month by {name}"),
        "legend": charts.legend(shown),
    }


@require_safe
@managers_only
def statement_page(request: HtmxHttpRequest) -> HttpResponse:
    """One customer, one month; or the way to a customer."""
    notes: list[str] = []
    month = period.month(request.GET.get("month", ""), notes) or period.this_month()
    customer, was = (cleaned(request.GET.get(name, ""))[:NUMBER_LENGTH] for name in ("customer", "was"))
    if was and customer == _called(_partner(was), was):  # only the month was changed
        return redirect(links.statement("" if was == NOT_TOLD else was, month))
    context = {"month": month, "notes": notes, "freshness": runs.freshness(), "asked": customer}
    if not customer or not statement.known(customer):
        matching = statement.matching(customer[:LONGEST]) if customer else []
        if len(matching) == 1:
            return redirect(links.statement(matching[0].remote_id, month))
        context |= {
            "matching": [(each, links.statement(each.remote_id, month)) for each in matching[: 2 * figures.TOP]],
            "too_many": len(matching) > 2 * figures.TOP,
            "customers": [(row, charts.bar(row.share)) for row in figures.customers_of(month)],
        }
        return page(request, "overview/choose.html", "overview/choose.html", context)
    read = statement.read(customer, month)
    own = customer == NOT_TOLD
    partner = _partner(customer)
    newer, older = period.add(month, 1), period.add(month, -1)
    context |= {
        "customer": customer,
        "called": _called(partner, customer),
        "own": own,
        "partner": partner,
        "statement": read,
        "lines": lines.lines(read.rows),
        "older": (older, links.statement(customer, older)),
        "newer": (newer, links.statement(customer, newer)) if month < period.this_month() else None,
        "latest": None if read.orders else statement.latest(customer),
        "list_url": links.listed(month, month, customer="" if own else customer),
        "destination": current_destination(),
        "now": timezone.now(),
    }
    return page(request, "overview/statement.html", "overview/statement.html", context)


def _partner(customer: str) -> object | None:
    return Partner.objects.filter(remote_id=customer).first()


def _called(partner: object | None, customer: str) -> str:
    """A customer as the field for another one shows it: empty for none."""
    if customer == NOT_TOLD:
        return ""
    return cleaned(str(partner))[:NUMBER_LENGTH] if partner else customer
