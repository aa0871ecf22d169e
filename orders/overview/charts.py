"""Pictures of numbers as SVG in the page: no style, no script, colours and patterns from the stylesheet.

Heights are pixels and widths per cent, so that nothing but the bars grows and shrinks with the page. Pictures are not
read out and not reached by Tab: the table beside each has the same numbers with the same links.
"""

from __future__ import annotations

from html import escape

from django.utils.safestring import SafeString, mark_safe

from orders.overview.figures import ByMonth, Series

HEIGHT, TOP, FOOT = 200, 18, 34
"""Of the bars, of what is above them, and of the months' names below, in pixels."""

LABELS = 12
"""So many months have their names below, at most."""

TICKS = 4


def columns(shown: ByMonth) -> SafeString:
    """A bar for each month, stacked of its series; each piece leads to its list."""
    scale, step = _scale(max(shown.totals, default=0))
    ticks = range(0, scale + 1, step)
    lines = "".join(_line(value, scale) for value in ticks)
    names = "".join(f'<text x="44" y="{_y(value, scale) + 4:.1f}">{_short(value)}</text>' for value in ticks)
    parts = [_month(shown, index, scale) for index in range(len(shown.months))]
    height = TOP + HEIGHT + FOOT
    return mark_safe(  # noqa: S308
        f'<div class="chart" aria-hidden="true"><svg class="axis" width="48" height="{height}">{names}</svg>'
        f'<svg class="plot" width="100%" height="{height}">{lines}{"".join(parts)}</svg></div>'
    )


def bar(share: float, tone: int = 1) -> SafeString:
    """A bar beside a number: how much of the longest it is, 0 to 1."""
    width = max(0.5, 100 * share)
    return mark_safe(  # noqa: S308
        f'<svg class="share" width="100%" height="10" aria-hidden="true">'
        f'<rect class="t{tone}" width="{width:.1f}%" height="10"/></svg>'
    )


def legend(shown: ByMonth) -> SafeString:
    """An entry for each series: its colour and pattern, its name with the way to its list, and its number."""
    return mark_safe("".join(f"<li>{_swatch(each.tone)} {_named(each)}</li>" for each in shown.series))  # noqa: S308


def _named(series: Series) -> str:
    label = escape(series.label)
    link = (
        f'<a href="{escape(series.url)}" dir="auto">{label}</a>' if series.url else f'<span dir="auto">{label}</span>'
    )
    return f'{link} <span class="quiet">{series.total:,}</span>'


def _swatch(tone: int) -> str:
    fill = f'fill="url(#tone-{tone})"'
    return f'<svg class="swatch" width="16" height="16" aria-hidden="true"><rect width="16" height="16" {fill}/></svg>'


_HATCHES = {
    1: "",
    2: '<path class="hatch" d="M-2 2 2-2M0 8 8 0M6 10 10 6"/>',
    3: '<circle class="hatch" cx="2" cy="2" r="1"/><circle class="hatch" cx="6" cy="6" r="1"/>',
    4: '<path class="hatch" d="M0 0 8 8M8 0 0 8"/>',
    5: '<path class="hatch" d="M0 4H8"/>',
    6: '<path class="hatch" d="M-2 6 2 10M0 0 8 8M6-2 10 2"/>',
    7: '<path class="hatch" d="M4 0V8"/>',
    8: '<path class="hatch" d="M4 0V8M0 4H8"/>',
}

PATTERNS: SafeString = mark_safe(  # noqa: S308
    '<svg class="tones" width="0" height="0" aria-hidden="true"><defs>'
    + "".join(
        f'<pattern id="tone-{tone}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<rect class="t{tone}" width="8" height="8"/>{hatch}</pattern>'
        for tone, hatch in _HATCHES.items()
    )
    + "</defs></svg>"
)
"""How the tones are told apart without their colours: once in a page with pictures."""


def _month(shown: ByMonth, index: int, scale: int) -> str:
    month, count = shown.months[index], len(shown.months)
    width = 100 / count
    x, thick = width * (index + 0.14), width * 0.72
    total, below, pieces = shown.totals[index], 0, []
    for series in shown.series:
        if number := series.counts[index]:
            low, high = _y(below, scale), _y(below + number, scale)
            title = f"{month:%B %Y}, {escape(series.label)}: {number:,}"
            piece = (
                f'<rect x="{x:.2f}%" y="{high:.1f}" width="{thick:.2f}%" height="{max(low - high, 1):.1f}" '
                f'fill="url(#tone-{series.tone})"><title>{title}</title></rect>'
            )
            url = series.urls[index]
            pieces.append(f'<a href="{escape(url)}" tabindex="-1">{piece}</a>' if url else piece)
            below += number
    middle = f"{x + thick / 2:.2f}%"
    if total and count <= LABELS + 3:
        pieces.append(f'<text class="sum" x="{middle}" y="{_y(total, scale) - 5:.1f}">{_short(total)}</text>')
    every = -(-count // LABELS)
    if index % every == 0:
        mark = ' class="every-other"' if index % (2 * every) else ""  # not where it is narrow
        pieces.append(f'<text{mark} x="{middle}" y="{TOP + HEIGHT + 15}">{month:%b}</text>')
        if index == 0 or month.month <= every:
            pieces.append(f'<text{mark} x="{middle}" y="{TOP + HEIGHT + 30}">{month:%Y}</text>')
    return "".join(pieces)


def _line(value: int, scale: int) -> str:
    y = round(_y(value, scale)) + 0.5
    return f'<line x1="0" x2="100%" y1="{y}" y2="{y}"/>'


def _y(value: int, scale: int) -> float:
    return TOP + HEIGHT * (1 - value / scale)


def _scale(most: int) -> tuple[int, int]:
    """Where the axis ends, and in which steps: round numbers."""
    step, size = 1, 1
    while True:
        for step in (size, 2 * size, 5 * size):
            if step * TICKS >= most:
                return step * max(1, -(-most // step)), step
        size *= 10


def _short(number: int) -> str:
    """1,234; 12k; 3.4M."""
    if number < 10_000:
        return f"{number:,}"
    size, mark = (1_000, "k") if number < 1_000_000 else (1_000_000, "M")
    return f"{number / size:.1f}".removesuffix(".0") + mark
