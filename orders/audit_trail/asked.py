"""What the address of the audit log asks for, and back again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.http import urlencode

from orders.audit_trail.acts import ACTS, TITLES
from orders.browsing import asked as asking

NOBODY = "-"
"""As `who`: what was done by no person that had signed in."""

NAMES = {
    "q": "Search",
    "who": "Who",
    "what": "What",
    "on": "To whom or what",
    "period": "Period",
    "from": "From",
    "to": "To",
}
_SHARED = ("q", "who", "period", "from", "to", "after", "before")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What one wants to see of the log. Empty means everything."""

    shared: asking.Asked  # what lists of ours have in common: search, person, period, page
    what: str = ""  # a topic, or an action
    on: str = ""  # a target, as type:id
    notes: tuple[str, ...] = ()

    @property
    def filters(self) -> dict[str, str]:
        """What narrows the list, by the names of the address."""
        told = self.shared.filters | {"what": self.what, "on": self.on}
        return {name: told[name] for name in NAMES if told.get(name)}

    @property
    def query(self) -> str:
        """Its address, without the page."""
        return urlencode(self.filters)

    def page(self, **cursor: int) -> str:
        """The address of one page of it."""
        return "?" + "&".join(part for part in (self.query, urlencode(cursor)) if part)

    def without(self, name: str) -> str:
        """The address of the same without one filter, from its first page on."""
        if name == "period":
            return "?" + replace(self, shared=replace(self.shared, period="", first=None, last=None)).query
        return "?" + urlencode({key: value for key, value in self.filters.items() if key != name})

    def span(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """The moments between which the period lies; the latter is outside of it."""
        return self.shared.span(now)


def parse(given: Mapping[str, str]) -> Asked:
    """Read an address. What is wrong in it stands in `notes`."""
    shared = asking.parse({name: given.get(name, "") for name in _SHARED})
    what, on = (asking.cleaned(given.get(name, ""))[: asking.LONGEST] for name in ("what", "on"))
    notes = [*shared.notes]
    if what and what not in TITLES and what not in ACTS and not what.replace(".", "").replace("_", "").isalnum():
        notes.append("What: there is nothing called so, so it was ignored.")
        what = ""
    if on and ":" not in on:
        notes.append("To whom or what: it is told as type:id, so this was ignored.")
        on = ""
    return Asked(shared=shared, what=what, on=on, notes=tuple(notes))
