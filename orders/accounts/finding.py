"""The list of accounts: what its address asks for, and the page of rows that answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from django.db.models import Q
from django.utils.http import urlencode

from orders.accounts.lists import LISTS, List
from orders.destination import current_destination
from orders.models import Mirrored, MirroredQuerySet
from orders.prepared import Prepared
from orders.prepared import rows as answers
from orders.text import storable

PAGE_SIZE = 50

MOST = 1_000
"""Values of one column to choose from, at most."""

LONGEST = 100
"""Characters of one filter; a longer text is cut."""

SORTS = {
    "name": ("search", False),
    "-name": ("search", True),
    "email": ("email", False),
    "-email": ("email", True),
    "country": ("country", False),
    "-country": ("country", True),
    "-changed": ("mirrored_at", True),
    "changed": ("mirrored_at", False),
}
"""The column, and whether downwards."""

STATES = {"active": "In the list", "gone": "Gone from the list"}
SEEN = {"offered": "Offered in new orders", "hidden": "Hidden by us"}
NOBODY = "-"

NAMES = {
    "q": "Search",
    "country": "Country",
    "type": "Type",
    "state": "At Yeastar",
    "hidden": "Here",
    "tag": "Tag",
    "owner": "Owner",
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What one wants to see. Empty means everything."""

    q: str = ""
    country: str = ""
    type: str = ""
    state: str = ""
    hidden: str = ""
    tag: str = ""
    owner: str = ""  # a key, or NOBODY
    sort: str = "name"
    after: int | None = None  # the row behind which the page begins
    before: int | None = None  # the row in front of which it ends

    @property
    def filters(self) -> dict[str, str]:
        """What narrows the list, by name."""
        return {name: value for name in NAMES if (value := getattr(self, name))}

    @property
    def query(self) -> str:
        """The address of this list, without its page."""
        return urlencode(self.filters | ({"sort": self.sort} if self.sort != "name" else {}))

    def but(self, **changes: str) -> str:
        """The address of the same list with something else, from its first page."""
        return f"?{replace(self, **changes, after=None, before=None).query}"

    def page(self, **place: int) -> str:
        """The address of another page of it."""
        return f"?{'&'.join(part for part in (self.query, urlencode(place)) if part)}"


def parse(given: Mapping[str, str]) -> Asked:
    """Read an address. What cannot be meant is ignored."""
    told = {name: " ".join(str(storable(given.get(name, ""))).split())[:LONGEST] for name in NAMES}
    told["tag"] = told["tag"].lower().replace(",", "")
    for name, allowed in (("state", STATES), ("hidden", SEEN)):
        if told[name] not in allowed:
            told[name] = ""
    if told["owner"] != NOBODY and not _key(told["owner"]):
        told["owner"] = ""
    sort = given.get("sort", "")
    return Asked(
        **told,
        sort=sort if sort in SORTS else "name",
        after=_key(given.get("after", "")),
        before=_key(given.get("before", "")),
    )


def _key(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def fitting(kind: List, asked: Asked) -> MirroredQuerySet:
    """All rows that fit, in no order."""
    rows: MirroredQuerySet = kind.model.objects.matching(asked.q).order_by()
    if asked.country:
        rows = rows.filter(country=asked.country)
    if asked.type:
        rows = rows.filter(user_type=asked.type)
    if asked.state:
        rows = rows.filter(gone_at__isnull=asked.state == "active")
    if asked.hidden:
        rows = rows.filter(hidden=asked.hidden == "hidden")
    if asked.tag:
        rows = rows.filter(~Q(tags=""), tags__contains=f",{asked.tag},")
    if asked.owner:
        rows = rows.filter(owner=None) if asked.owner == NOBODY else rows.filter(owner_id=int(asked.owner))
    return rows


def in_order(rows: MirroredQuerySet, asked: Asked) -> MirroredQuerySet:
    """The rows as they are sorted; those with the same value by their keys."""
    column, down = SORTS[asked.sort]
    sign = "-" if down else ""
    return rows.order_by(f"{sign}{column}", f"{sign}pk")


@dataclass(frozen=True)
class Page:
    """Some rows in their order, and the keys by which one goes on."""

    rows: list[Mirrored]
    after: int | None = None
    before: int | None = None


def page(rows: MirroredQuerySet, asked: Asked) -> Page:
    """The page that is asked for; the first one if there is none there. Going back, a short page is the first one."""
    column, down = SORTS[asked.sort]
    key = asked.before or asked.after
    place = rows.model.objects.filter(pk=key).values_list(column, flat=True).first() if key else None
    shown = in_order(rows, asked).defer("raw").select_related("owner")
    if place is None:
        return _onwards(list(shown[: PAGE_SIZE + 1]))
    if asked.before:
        found = list(_behind(shown.reverse(), column, not down, place, key)[: PAGE_SIZE + 1])
        if len(found) <= PAGE_SIZE:
            return _onwards(list(shown[: PAGE_SIZE + 1]))
        found = found[:PAGE_SIZE][::-1]
        return Page(found, after=found[-1].pk, before=found[0].pk)
    found = list(_behind(shown, column, down, place, key)[: PAGE_SIZE + 1])
    onwards = _onwards(found)
    return replace(onwards, before=found[0].pk) if found else _onwards(list(shown[: PAGE_SIZE + 1]))


def _onwards(found: list[Mirrored]) -> Page:
    return Page(found[:PAGE_SIZE], after=found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else None)


def _behind(rows: MirroredQuerySet, column: str, down: bool, value: object, key: int | None) -> MirroredQuerySet:
    than = "lt" if down else "gt"
    # The first condition is where an index is entered, the second tells equal values apart.
    return rows.filter(**{f"{column}__{than}e": value}).filter(
        Q(**{f"{column}__{than}": value}) | Q(**{f"pk__{than}": key})
    )


class Owner(NamedTuple):
    """Somebody of ours who looks after accounts."""

    pk: int
    username: str


@dataclass(frozen=True)
class Choices:
    """What the filters offer."""

    country: list[str]
    type: list[str]
    tag: list[str]
    owner: list[Owner]


def choices(kind: List) -> Choices:
    """What there is to choose from now."""
    return Choices(_steps(kind, "country"), _steps(kind, "user_type"), tags_in_use(kind), _owners(kind))


def _owners(kind: List) -> list[Owner]:
    """Stepped through like these, for nearly all accounts have none."""
    table = kind.model._meta.db_table
    text = (
        f"WITH RECURSIVE step(value) AS (SELECT 0 UNION ALL SELECT (SELECT MIN(owner_id) FROM {table} "  # noqa: S608
        f"WHERE owner_id > step.value) FROM step WHERE step.value IS NOT NULL) "
        f"SELECT id, username FROM step JOIN auth_user ON id = step.value WHERE EXISTS "
        f"(SELECT 1 FROM {table} WHERE owner_id = step.value AND destination = %s) ORDER BY username"
    )
    return [Owner(*row) for row in answers((text, (current_destination(),)))]


def _tags(kind: List) -> Prepared:
    return Prepared(
        lambda destination: kind.at(destination).order_by().exclude(tags="").values_list("tags").distinct(), str
    )


_TAGS = {what: _tags(kind) for what, kind in LISTS.items()}


def _steps(kind: List, column: str) -> list[str]:
    """The few values that stand in a column, however many rows: one step in its index for each."""
    table = kind.model._meta.db_table
    least = f"SELECT MIN({column}) FROM {table} WHERE destination = %s"  # noqa: S608 - names of ours
    text = (
        f"WITH RECURSIVE step(value) AS ({least} UNION ALL SELECT ({least} AND {column} > step.value) "  # noqa: S608
        f"FROM step WHERE step.value IS NOT NULL) SELECT value FROM step WHERE value <> '' LIMIT {MOST}"
    )
    here = current_destination()
    return sorted(value for (value,) in answers((text, (here, here))))


def tags_in_use(kind: List) -> list[str]:
    """Every tag that some account has."""
    found = _TAGS[kind.what].rows(current_destination())
    return sorted({tag for (joined,) in found for tag in joined.split(",") if tag})
