"""Rows of the history. A template that wrote fifty of them cell by cell would take longer than all else on the page."""

from __future__ import annotations

from calendar import month_abbr, month_name
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from html import escape  # Django's would look at each value for laziness, which none of these is
from typing import Any
from urllib.parse import quote

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orders.addresses import address
from orders.templatetags.house import icon, spoken

register = template.Library()

TONES = {
    "succeed": ("good", "circle-check"),
    "pending": ("busy", "clock"),
    "failed": ("bad", "circle-x"),
    "invalid": ("bad", "circle-x"),
    "cancelled": ("quiet", "x"),
    "refunded": ("warn", "undo-2"),
}
"""Theirs as they are known. The word is always theirs; any other stands there as it is, without a colour."""

UNKNOWN = '<span class="unknown">not yet known</span>'
NONE = '<span class="unknown">not told</span>'
NOTHING = '<span class="quiet">&ndash;</span>'
RECENT = timedelta(days=2)


@register.simple_tag
def their_status(status: str) -> SafeString:
    """A status of theirs, in their word."""
    if not status:
        return SafeString(UNKNOWN)
    tone, symbol = TONES.get(status, ("quiet", "circle-help"))
    return format_html('<span class="badge {}">{}{}</span>', tone, icon(symbol), status)


@register.simple_tag
def record_rows(rows: Iterable[Any], back: str = "") -> SafeString:
    """The rows of a table of records, as cards where it is narrow. `back` ends the addresses that they lead to."""
    return SafeString("".join(map(_Writer(back).row, rows)))


def numbered(record: Any, list_url: str, back: str = "") -> str:
    """The order number, which leads to the record and can be copied; and whether their list no longer holds it."""
    number, gone = escape(record.order_no or record.key), '<span class="gone">no longer in their list</span>'
    return (
        f'<span class="ident"><a href="{list_url}{record.pk}/{back}" class="id">{number}</a>'
        f'<button type="button" class="copy" data-copy="{number}" aria-label="Copy the order number">'
        f"{icon('copy')}{icon('check')}</button></span>{gone if record.gone_at else ''}"
    )


class Clock:
    """Tells moments as everywhere, but dozens of them without asking for formats."""

    def __init__(self) -> None:
        self.now = timezone.localtime()
        self.zone = timezone.get_current_timezone()

    def when(self, at: datetime | None) -> str:
        """How long ago, with the exact moment behind it. Empty for None."""
        if at is None:
            return ""
        local = at.astimezone(self.zone)
        exact = f"{local.day} {month_name[local.month]} {local.year}, {local:%H:%M:%S %Z}"
        recent = abs(self.now - local) < RECENT
        words = spoken(local, self.now) if recent else f"{local.day} {month_abbr[local.month]} {local.year}"
        return f'<time datetime="{local.isoformat(timespec="seconds")}" title="{exact}">{words}</time>'


class _Writer(Clock):
    """Writes rows. What is the same in many of them is made once."""

    def __init__(self, back: str) -> None:
        super().__init__()
        self.back = escape(back)
        self.list_url = address("orders:history")
        self.status = cache(their_status)

    def row(self, row: Any) -> str:
        record = row.record
        missing = NONE if record.detail_at else UNKNOWN  # the details were read, and it does not stand in them
        cells = (
            f'<td class="nowrap">{self.when(record.at)}</td>',
            f'<th scope="row">{numbered(record, self.list_url, self.back)}</th>',
            f"<td>{self.status(record.status)}</td>",
            f'<td data-label="Product" dir="auto">{escape(row.product) or missing}</td>',
            f'<td data-label="Customer" dir="auto">{self.customer(row) or missing}</td>',
            f'<td data-label="PBX">{_number(record.product_no) or missing}</td>',
            f'<td data-label="Asked by">{_asker(row)}</td>',
            f'<td data-label="Reference, PO" dir="auto">{references(row) or NOTHING}</td>',
            f'<td data-label="Amount" class="right nowrap">{_money(row) or missing}</td>',
        )
        return f"""<tr{' class="was"' if record.gone_at else ""}>{"".join(cells)}</tr>\n"""

    def customer(self, row: Any) -> str:
        if not row.record.partner_id:
            return ""
        href = f"{self.list_url}?customer={quote(row.record.partner_id)}"
        return f'<a href="{href}" title="Only this customer">{escape(row.customer)}</a>'


def _asker(row: Any) -> str:
    if row.record.ours_id is None:
        return '<span class="quiet">made elsewhere</span>'
    return escape(row.asker) or '<span class="quiet">made here</span>'


def references(row: Any) -> str:
    """Ours and the PO number."""
    told = row.po_number and f"<span>{escape(row.po_number)}</span>"
    return _together(_number(row.reference), told)


def _money(row: Any) -> str:
    currency = row.record.currency and f'<span class="quiet">{escape(row.record.currency)}</span>'
    return _together(row.money, currency) if row.money else ""


def _number(text: str) -> str:
    return f'<span class="id">{escape(text)}</span>' if text else ""


def _together(*parts: str) -> str:
    """What is there of some parts, as one: a card lays out what stands beside each other in a cell."""
    told = " ".join(filter(None, parts))
    return f"<span>{told}</span>" if told else ""
