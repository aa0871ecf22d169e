"""Rows of the page of drift. Cell by cell in a template they would be most of its time."""

from __future__ import annotations

from functools import cache
from html import escape
from typing import Any

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString

from orders.templatetags.house import badge, icon
from orders.templatetags.records import Clock, their_status

register = template.Library()

PLACES = dict.fromkeys(("order", "evidence"), "00000000-0000-0000-0000-000000000000")
"""What stands for the key in an address that is made once; in others a nought."""

DOUBT = ' class="doubt"'
NOBODYS = '<span class="quiet">none that fits</span>'

EVIDENCE = ("missing", "gone", "number")
"""Kinds for which one may have to write to their support."""


@register.simple_tag(takes_context=True)
def drift_rows(context: dict[str, Any], section: Any) -> SafeString:
    """The rows of one kind: our order, their record, what differs, and what to do."""
    writer = _Writer(str(context["csrf_token"]))
    return SafeString("".join(writer.row(line, section) for line in section.lines))


@register.simple_tag
def elsewhere_rows(lines: Any) -> SafeString:
    """Records that were made elsewhere, each with orders of ours that may be it."""
    return SafeString("".join(map(_Writer("").elsewhere, lines)))


class _Writer(Clock):
    """Writes rows. What is the same in many of them is made once."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = f'<input type="hidden" name="csrfmiddlewaretoken" value="{escape(token)}">'
        self.status, self.badge, self.address = cache(their_status), cache(badge), cache(_address)

    def url(self, name: str, key: object) -> str:
        before, after = self.address(name)
        return f"{before}{key}{after}"

    def row(self, line: Any, section: Any) -> str:
        order = line.order
        target = (
            f'<span class="detail" dir="auto">for {escape(order.target_label)}</span>' if order.target_label else ""
        )
        number = f'<span class="detail">{_ident(order.order_no, "our order number")}</span>' if order.order_no else ""
        differs = f'<td data-label="What differs">{_facts(line.facts)}</td>' if section.kind == "number" else ""
        return (
            f'<tr><th scope="row"><a href="{self.url("order", order.pk)}">{escape(order.title)}</a>{target}'
            f'<span class="detail">{_ident(order.reference, "our reference")}</span></th>'
            f'<td data-label="Placed"><span class="nowrap">{self.when(order.placed_at)}</span>'
            f'<span class="detail">by {escape(order.owner__username)}</span></td>'
            f'<td data-label="Here">{self.badge(order.status)}{number}</td>'
            f'<td data-label="At Yeastar">{self.theirs(line)}</td>{differs}'
            f'<td class="do">{self.to_do(line, section)}</td></tr>\n'
        )

    def theirs(self, line: Any) -> str:
        if record := line.record:
            missed = f'<span class="badge warn">{icon("triangle-alert")}missed {self.when(record.gone_at)}</span>'
            status = missed if record.gone_at else self.status(record.status)
            return f'{status}<span class="detail">{self.linked(record, "their order number")}</span>'
        found = line.order.found_as
        return _ident(found, "the order number") if found else '<span class="quiet">not there</span>'

    def linked(self, record: Any, what: str) -> str:
        """The number of a record, which leads there and can be copied."""
        number = str(record)
        way = f'<a class="id" href="{self.url("record", record.pk)}">{escape(number)}</a>'
        return f'<span class="ident">{way}{_copy(number, what)}</span>'

    def to_do(self, line: Any, section: Any) -> str:
        order, noted = line.order, line.noted
        if section.kind == "conflict":
            return f'<a class="button small" href="{self.url("order", order.pk)}">Open the order</a>'
        reference, see_to = escape(order.reference), self.url("see_to_drift", noted.pk)
        if noted.seen_at:
            button = f'<button class="button small" name="back" value="1">Put it back{_of(reference)}</button>'
            who = f'<span class="small quiet">{escape(noted.seen_by__username)}, {self.when(noted.seen_at)}</span>'
            return f"{self.form(see_to, button)}{who}"
        told = ""
        if section.asks_details:
            words = f"Ask for its details{_of(escape(str(line.record)))}"
            button = f'<button class="button small" data-busy="Asking…">{words}</button>'
            told = self.form(self.url("ask_details", line.record.pk), button)
        if section.kind in EVIDENCE:
            words = f'Evidence<span class="sr"> of {reference}</span>'
            told += f' <a class="button small quiet" href="{self.url("evidence", order.pk)}" download>{words}</a>'
        button = f'<button class="button small quiet">Seen to{_of(reference)}</button>'
        return f"{told} {self.form(see_to, button)}"

    def form(self, url: str, button: str) -> str:
        return f'<form method="post" action="{url}">{self.token}{button}</form>'

    def elsewhere(self, line: Any) -> str:
        row, ours = line
        record = row.record
        maybe = "<br>".join(
            f'<a href="{self.url("order", each.pk)}" class="id">{escape(each.reference)}</a> {self.badge(each.status)}'
            for each in ours
        )
        return (
            f"<tr{DOUBT if ours else ''}>"
            f'<th scope="row">{self.linked(record, "the order number")}</th>'
            f'<td data-label="When" class="nowrap">{self.when(record.at)}</td>'
            f'<td data-label="What" dir="auto">{escape(row.product) or "Product not yet known"}'
            f'<span class="detail">{escape(row.customer or record.product_no)}</span></td>'
            f'<td data-label="Status there">{self.status(record.status)}</td>'
            f'<td data-label="May be ours">{maybe or NOBODYS}</td></tr>\n'
        )


def _address(name: str) -> tuple[str, str]:
    """What stands before and after a key."""
    place = PLACES.get(name, "0")
    before, _, after = reverse(f"orders:{name}", args=[place]).rpartition(place)
    return before, after


def _facts(facts: Any) -> str:
    return "".join(
        f'<span class="detail">{name} here</span>{_ident(ours, name)}'
        f'<span class="detail">there</span>{_ident(theirs, name)}'
        for name, ours, theirs in facts
    )


def _of(words: str) -> str:
    return f'<span class="sr">: {words}</span>'


def _ident(text: str, what: str) -> str:
    return f'<span class="ident"><span class="id">{escape(text)}</span>{_copy(text, what)}</span>' if text else ""


def _copy(text: str, what: str) -> str:
    return (
        f'<button type="button" class="copy" data-copy="{escape(text)}" aria-label="Copy {what}">'
        f"{icon('copy')}{icon('check')}</button>"
    )
