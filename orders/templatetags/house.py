"""What the templates share: icons, copyable ids, human dates, status badges and tinted JSON."""

from __future__ import annotations

import re
from calendar import month_abbr
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import conditional_escape, escape, format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

EXACT = "j F Y, H:i:s e"

BADGES = {
    # status: (tone, icon, word)
    "DRAFT": ("quiet", "pencil", "Draft"),
    "QUEUED": ("busy", "clock", "Waiting to be sent"),
    "HELD": ("busy", "clock", "Held"),
    "SENDING": ("busy", "send", "Being sent"),
    "PLACED": ("good", "circle-check", "Bought"),
    "FAILED": ("bad", "circle-x", "Not bought"),
    "UNCERTAIN": ("warn", "triangle-alert", "Not known yet"),
    "FOUND": ("warn", "triangle-alert", "Bought after all"),
    "CONFLICT": ("warn", "triangle-alert", "Two answers disagree"),
    "DISCARDED": ("quiet", "trash-2", "Discarded"),
}


@register.simple_tag
@lru_cache(256)
def icon(name: str, label: str = "") -> SafeString:
    """A symbol of the sprite. Decoration by default; with a label, a picture that is read out."""
    href = f"{static('icons.svg')}#{name}"
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>', label, href)
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"></use></svg>', href)


@register.simple_tag
def copy(value: object, what: str = "") -> SafeString:
    """A button that copies `value`; `what` names it for those who do not see it. Nothing for an empty value."""
    text = "" if value is None else str(value)
    if not text:
        return SafeString("")
    return format_html(
        '<button type="button" class="copy" data-copy="{}" aria-label="Copy {}">{}{}</button>',
        text,
        what or text,
        icon("copy"),
        icon("check"),
    )


@register.simple_tag
def ident(value: object, what: str = "") -> SafeString:
    """An id in even figures with its copy button."""
    text = "" if value is None else str(value)
    if not text:
        return SafeString("")
    return format_html('<span class="ident"><span class="id">{}</span>{}</span>', text, copy(text, what))


@register.simple_tag
def options(entries: Iterable[Any]) -> SafeString:
    """The entries of a list: `value`, `label`, `selected`. A loop in the template would take ten times as long."""
    return SafeString("".join(_option(each.value, each.label, each.selected) for each in entries))


def _option(value: str, label: str, selected: bool) -> str:
    return f'<option value="{escape(value)}"{" selected" if selected else ""}>{escape(label)}</option>'


@register.simple_tag
def badge(status: object, word: object = "") -> SafeString:
    """A status as icon and word, never as colour alone. An unknown one is shown as it is."""
    tone, symbol, own_word = BADGES.get(str(status), ("quiet", "circle-help", str(status)))
    return format_html('<span class="badge {}">{}{}</span>', tone, icon(symbol), word or own_word)


@register.filter
def when(value: Any) -> SafeString:
    """A moment as people say it, with the exact one behind it. Empty for None."""
    if not isinstance(value, datetime):
        return SafeString("")
    moment = timezone.localtime(value) if timezone.is_aware(value) else value
    now = timezone.localtime() if timezone.is_aware(value) else datetime.now()  # noqa: DTZ005
    return _time(moment, spoken(moment, now))


@register.filter
def due(value: Any) -> SafeString:
    """When something is to happen; what is overdue has not happened just now, but will in a moment."""
    if not isinstance(value, datetime):
        return SafeString("any moment now")
    moment, now = timezone.localtime(value), timezone.localtime()
    return _time(moment, spoken(moment, now) if moment > now else "any moment now")


@register.filter
def as_of(value: Any) -> SafeString:
    """12:03, 4 min ago: of when a copy is, with the exact moment behind it. Of another day: 20 Nov, 12:03."""
    if not isinstance(value, datetime):
        return SafeString("")
    moment, now = timezone.localtime(value), timezone.localtime()
    today = moment.date() == now.date()
    words = date_format(moment, "H:i" if today else "j M, H:i")
    if abs(now - moment) < timedelta(hours=12):
        words = f"{words}, {spoken(moment, now)}"
    return _time(moment, words)


def _time(moment: datetime, words: str) -> SafeString:
    exact = date_format(moment, EXACT)
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(timespec="seconds"), exact, words)


def spoken(moment: datetime, now: datetime) -> str:
    """How long ago, or when, as people say it."""
    distance = now - moment
    ahead = distance < timedelta(0)
    seconds = int(abs(distance).total_seconds())
    if seconds < 45:
        return "in a moment" if ahead else "just now"
    if seconds < 3600:
        amount = f"{max(1, round(seconds / 60))} min"
    elif seconds < 12 * 3600:
        amount = f"{round(seconds / 3600)} h"
    else:
        days = (now.date() - moment.date()).days
        clock = f"{moment:%H:%M}"
        near = {0: f"today, {clock}", 1: f"yesterday, {clock}", -1: f"tomorrow, {clock}"}
        return near.get(days) or f"{moment.day} {month_abbr[moment.month]} {moment.year}"
    return f"in {amount}" if ahead else f"{amount} ago"


JSON_PARTS = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*"(?=\s*:))|(?P<str>"(?:[^"\\]|\\.)*")|(?P<num>-?\b\d[\d.eE+-]*|\b(?:true|false|null)\b)'
)


@register.filter
def tinted(text: Any) -> SafeString:
    """JSON text with its keys, strings and numbers marked for the stylesheet. Every character stays as it is."""
    source = "" if text is None else str(text)
    pieces: list[tuple[str]] = []
    end = 0
    for match in JSON_PARTS.finditer(source):
        pieces.append((conditional_escape(source[end : match.start()]),))
        pieces.append((format_html('<span class="j-{}">{}</span>', match.lastgroup, match.group()),))
        end = match.end()
    pieces.append((conditional_escape(source[end:]),))
    return format_html_join("", "{}", pieces)


@register.filter
def allows_many(field: Any) -> bool:
    """Whether a form field takes several answers (checkboxes) or one (radio buttons)."""
    return bool(getattr(field.field.widget, "allow_multiple_selected", False))


@register.filter
def thousands(number: Any) -> str:
    """5012 → 5,012."""
    try:
        return f"{int(number):,}"
    except (TypeError, ValueError):
        return "" if number is None else str(number)
