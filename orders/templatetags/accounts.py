"""Rows and small pieces of the lists of accounts. Cell by cell in a template they would be most of a page's time."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orders.labels import label, label_of_ours
from orders.templatetags.house import icon, spoken

register = template.Library()

NOTHING = '<span class="quiet">&ndash;</span>'
LONGEST = 80


@register.simple_tag
def account_rows(rows: Iterable[tuple[Any, str]]) -> SafeString:
    """The rows of the table of accounts, as cards where it is narrow."""
    now = timezone.localtime()
    return SafeString("".join(_row(row, url, now) for row, url in rows))


def _row(row: Any, url: str, now: Any) -> str:
    name, person = escape(str(row)), escape(row.person)
    badges = '<span class="gone">no longer in their list</span>' if row.gone_at else ""
    if row.hidden:
        badges += '<span class="gone">hidden</span>'
    tags = " ".join(f'<span class="count" dir="auto">{escape(tag)}</span>' for tag in row.tag_list)
    owner = escape(row.owner.get_username()) if row.owner else ""
    note = row.note if len(row.note) <= LONGEST else f"{row.note[:LONGEST]}…"
    kept = f"<div>{tags}</div>" if tags else ""
    kept += f'<div class="detail" dir="auto">{escape(note)}</div>' if note else ""
    moment = timezone.localtime(row.mirrored_at)
    stamp, said = moment.isoformat(timespec="seconds"), spoken(moment, now)
    return (
        f"<tr{' class=was' if row.gone_at or row.hidden else ''}>"
        f'<td class="tick"><input type="checkbox" name="pk" value="{row.pk}" aria-label="{name}"></td>'
        f'<th scope="row"><a href="{url}" dir="auto">{name}</a>{badges}</th>'
        f'<td data-label="Person" dir="auto">{person or NOTHING}</td>'
        f'<td data-label="E-mail">{escape(row.email) or NOTHING}</td>'
        f'<td data-label="Country">{escape(row.country) or NOTHING}</td>'
        f'<td data-label="Id"><span class="id">{escape(row.remote_id)}</span></td>'
        f'<td data-label="Tags, note"><div>{kept or NOTHING}</div></td>'
        f'<td data-label="Owner" title="{owner}">{owner or NOTHING}</td>'
        f'<td data-label="Changed" class="right"><time datetime="{stamp}" title="{stamp}">{said}</time></td></tr>'
    )


@register.simple_tag
def sort_link(sort: dict[str, str], base: str, word: str) -> SafeString:
    """The head of a column that sorts."""
    arrow = {"descending": icon("chevron-down"), "ascending": icon("chevron-up")}.get(sort["now"], SafeString(""))
    return format_html('<a href="{}{}">{}{}</a>', base, sort["url"], word, arrow)


@register.simple_tag
def run_url(kind: Any, run: Any) -> str:
    """The page of a run."""
    return reverse(f"orders:{kind.what}_run", args=[run.pk])


register.filter("label", label)
register.filter("label_of_ours", label_of_ours)


@register.filter
def told(value: Any) -> str:
    """A value of theirs as a person reads it."""
    if value is None or value == "":
        return "nothing"
    return "yes" if value is True else "no" if value is False else str(value)
