"""The list of people: what was asked for, and how it is found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils.http import urlencode

from orders.models import Limited
from orders.text import counted, storable
from portal.models import Invitation
from portal.people.keeping import role_of
from portal.roles import ROLE_WORDS, ROLES
from portal.second_factor import FACTORS as SECOND

PAGE_SIZE = 50

FACTORS = Authenticator.objects.filter(type__in=SECOND)

SORTS = {"name": "username", "seen": "last_login", "joined": "date_joined"}

STATES = {"": "All", "active": "May sign in", "off": "Deactivated"}

SECOND_FACTORS = {"": "All", "yes": "Has a second factor", "no": "Has none"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the list shows. What makes no sense is as if it were not asked."""

    q: str = ""
    role: str = ""
    state: str = ""
    mfa: str = ""
    sort: str = "name"

    @classmethod
    def read(cls, data: QueryDict) -> Asked:
        """From an address."""
        sort = data.get("sort", "")
        return cls(
            q=str(storable(data.get("q", "")))[:100].strip(),
            role=data.get("role", "") if data.get("role") in ROLES else "",
            state=data.get("state", "") if data.get("state") in STATES else "",
            mfa=data.get("mfa", "") if data.get("mfa") in SECOND_FACTORS else "",
            sort=sort if sort.removeprefix("-") in SORTS else "name",
        )

    def url(self, page: int = 1, **changes: str) -> str:
        """The address of this list with changes, and of one of its pages."""
        told = replace(self, **changes)
        pairs = [(name, value) for name, value in vars(told).items() if value and (name, value) != ("sort", "name")]
        pairs += [("page", str(page))] * (page > 1)
        return f"?{urlencode(pairs)}"

    @property
    def sorts(self) -> dict[str, dict[str, str]]:
        """For each column that sorts: where its head leads, and how it is sorted now."""
        found = {}
        for name in SORTS:
            now = {name: "ascending", f"-{name}": "descending"}.get(self.sort, "")
            found[name] = {"now": now, "url": self.url(sort=f"-{name}" if now == "ascending" else name)}
        return found


@dataclass(frozen=True)
class Line:
    """A person as the list shows them."""

    person: User
    role: str
    limits: str  # in words; empty for everybody
    mfa: bool


def people(asked: Asked) -> QuerySet[User]:
    """The people that fit."""
    rows = User.objects.prefetch_related("groups").select_related("limits")
    rows = rows.annotate(
        customers=Count("limits__partners", distinct=True), mfa=Exists(FACTORS.filter(user_id=OuterRef("pk")))
    )
    for word in asked.q.split():
        rows = rows.filter(
            Q(username__icontains=word)
            | Q(email__icontains=word)
            | Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
        )
    if asked.role:
        rows = rows.filter(pk__in=User.objects.filter(groups__name=asked.role).values("pk"))
    if asked.state:
        rows = rows.filter(is_active=asked.state == "active")
    if asked.mfa:
        rows = rows.filter(mfa=asked.mfa == "yes")
    column = F(SORTS[asked.sort.removeprefix("-")])
    down = asked.sort.startswith("-")
    return rows.order_by(column.desc(nulls_last=True) if down else column.asc(nulls_last=True), "pk")


def invited(asked: Asked) -> QuerySet[Invitation]:
    """Whoever is invited and fits; not beside a list of those who have a second factor, or have none."""
    rows = Invitation.objects.pending().select_related("invited_by").order_by("-invited_at")
    for word in asked.q.split():
        rows = rows.filter(Q(email__icontains=word) | Q(name__icontains=word))
    if asked.role:
        rows = rows.filter(role=asked.role)
    return rows.none() if asked.state or asked.mfa else rows[:100]


def shown(asked: Asked, number: str | None) -> tuple[Page[User], list[Line]]:
    """One page of the list."""
    page = Paginator(people(asked), PAGE_SIZE).get_page(number)
    return page, [
        Line(person, ROLE_WORDS.get(role_of(person), ("", ""))[0], limits_in_words(person), person.mfa)  # type: ignore[attr-defined]
        for person in page.object_list
    ]


def limits_in_words(person: Any) -> str:
    """For whom a person may order, in a few words; empty if for everybody. `customers` are counted, or asked for."""
    limits = getattr(person, "limits", None)
    return in_words(limits, getattr(person, "customers", None)) if limits else ""


def in_words(limits: Limited, customers: int | None = None) -> str:
    """Limits in a few words; empty if there are none."""
    if not limits.limited:
        return ""
    count = limits.partners.count() if customers is None else customers
    parts = [counted(count, "customer")] if count else []
    parts += ["our own account"] * limits.own_account + ["every PBX"] * limits.any_pbx
    return ", ".join(parts) or "nobody yet"


def has_mfa(person: User) -> bool:
    """Whether somebody has a second factor."""
    return bool(FACTORS.filter(user_id=person.pk).exists())
