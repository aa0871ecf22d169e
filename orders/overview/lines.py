"""The rows of a statement. There may be two thousand of them: a template would take seconds."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from html import escape

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from orders.browsing.shown import Row
from orders.overview.money import summed
from orders.templatetags.records import numbered, references, their_status

UNKNOWN = '<span class="unknown">not yet known</span>'
NOT_TOLD = '<span class="unknown">not told</span>'
NOTHING = '<span class="quiet">&ndash;</span>'
UNSUMMED = ' class="unsummed"'
NOT_SUMMED = ' <span class="small">not in the sums</span>'


def lines(rows: Iterable[Row]) -> SafeString:
    """Table rows; what is not in the sums says so."""
    zone, list_url, badge = timezone.get_current_timezone(), reverse("orders:history"), cache(their_status)

    def line(row: Row) -> str:
        record = row.record
        missing = NOT_TOLD if record.detail_at else UNKNOWN
        at = record.at.astimezone(zone)
        counts = summed(record.status)
        asker = escape(row.asker) or "made here" if record.ours_id else '<span class="quiet">made elsewhere</span>'
        return (
            f"<tr{'' if counts else UNSUMMED}>"
            f'<td class="nowrap">{at.day} {at:%b %Y}</td>'
            f'<th scope="row">{numbered(record, list_url)}</th>'
            f'<td data-label="Product" dir="auto">{escape(row.product) or missing}</td>'
            f'<td data-label="Our reference, PO" dir="auto">{references(row) or NOTHING}</td>'
            f'<td data-label="Asked by" class="staff">{asker}</td>'
            f'<td data-label="Status">{badge(record.status)}{"" if counts else NOT_SUMMED}</td>'
            f'<td data-label="Amount" class="right nowrap">{row.money or missing}</td>'
            f'<td data-label="Currency" dir="auto">{escape(record.currency) or missing}</td></tr>\n'
        )

    return mark_safe("".join(map(line, rows)))  # noqa: S308
