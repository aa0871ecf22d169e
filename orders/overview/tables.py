"""The numbers of a picture as a table: for those who do not see it, for paper, and for Tab."""

from __future__ import annotations

from html import escape

from django.utils.safestring import SafeString, mark_safe

from orders.overview.figures import ByMonth


def by_month(shown: ByMonth, caption: str) -> SafeString:
    """A row for each month, a column for each series. A template would take ten times as long for sixty months."""
    heads = "".join(f'<th scope="col" dir="auto">{escape(series.label)}</th>' for series in shown.series)
    rows = "".join(_row(shown, index) for index in range(len(shown.months)))
    ends = "".join(_cell(series.total, series.url) for series in shown.series)
    return mark_safe(  # noqa: S308
        f'<table class="numbers"><caption>{escape(caption)}</caption>'
        f'<thead><tr><th scope="col">Month</th>{heads}<th scope="col">All</th></tr></thead><tbody>{rows}</tbody>'
        f'<tfoot><tr><th scope="row">All</th>{ends}{_cell(shown.total, shown.url)}</tr></tfoot></table>'
    )


def _row(shown: ByMonth, index: int) -> str:
    cells = "".join(_cell(series.counts[index], series.urls[index]) for series in shown.series)
    total = _cell(shown.totals[index], shown.urls[index])
    return f'<tr><th scope="row">{shown.months[index]:%b %Y}</th>{cells}{total}</tr>'


def _cell(number: int, url: str) -> str:
    if not number:
        return '<td class="quiet">0</td>'
    return f'<td><a href="{escape(url)}">{number:,}</a></td>' if url else f"<td>{number:,}</td>"
