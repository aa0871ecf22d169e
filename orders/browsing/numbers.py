"""The search by numbers: by the beginning, and the whole of one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from orders.browsing import sql
from orders.browsing.terms import NUMBERS
from orders.models import LAST, Characters
from orders.reference import as_written

APART = 50
"""Of more records, which fill more than a page, those whose number is exactly what is looked for are told apart."""

_GROUPED = re.compile(r"[0-9]{3,}(?:[ -][0-9]{3,})+")
_GROUPS = re.compile("[ -]")
"""As a serial number is printed on a PBX: 3694 7166 7338."""

BEGINS, IS = "this >= %s AND this < %s", "this = %s"


@dataclass(frozen=True)
class Numbers:
    """The records one of whose numbers begins with a text."""

    keys: frozenset[int] = frozenset()  # all of them, unless they are too many: then `exact`
    exact: frozenset[int] = frozenset()  # whose number is just this; told only of those that fill more than a page
    beginnings: tuple[str, ...] = ()  # told if they are too many: by this they are known when they are met
    highest: frozenset[int] = frozenset()  # told if they are too many

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.keys or self.beginnings)


def beginning_with(text: str, most: int) -> Numbers:
    """Gathered up to `most`. The text is looked for as it is and in capitals, a number in groups also as one, and a
    reference that lacks its mark with it.
    """
    grouped = _GROUPS.sub("", text) if _GROUPED.fullmatch(text) else ""
    beginnings = tuple(sorted({text, text.upper(), grouped, as_written(text)} - {""}))
    found = _keys(beginnings, BEGINS, most + 1)
    if len(found) <= min(most, APART):
        return Numbers(found)
    exact = _keys(beginnings, IS, most)
    return Numbers(found, exact) if len(found) <= most else Numbers(exact, exact, beginnings, found)


def where(beginnings: tuple[str, ...]) -> Q:
    """The same as a condition of a query of the whole, for which no index is followed."""
    found = Q(pk__in=())
    for text in beginnings:
        for column in NUMBERS:
            characters = Characters(Coalesce(column, column))
            found |= Q(GreaterThanOrEqual(characters, text)) & Q(LessThan(characters, text + LAST))
    return found


def _keys(texts: tuple[str, ...], compared: str, most: int) -> frozenset[int]:
    """Of each column and text so many, the highest first. As querysets together they would take ten times as long."""
    parts, values = [], []
    for text in texts:
        for column in NUMBERS:
            what = sql.characters(column)
            where = f"{compared.replace('this', what)} AND NOT ({column} = '') ORDER BY {what} DESC LIMIT {most}"
            parts.append(f"SELECT id FROM (SELECT id FROM orders_record WHERE {where}) AS one")  # noqa: S608
            values += [text, text + LAST][: compared.count("%s")]
        # The reference stands with the order, too, where their row does not tell it.
        parts.append("SELECT r.id FROM orders_record r JOIN orders_order o ON r.ours_id = o.id WHERE o.reference = %s")
        values.append(text)
    return frozenset(sql.keys((" UNION ALL ".join(parts), tuple(values))))
