"""What we know of accounts ourselves: hidden, note, tags, owner, preferred billing contact. The only writer of it.

No sync touches these columns; each change of them leaves a row in the account's history, and an entry in the audit log.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from orders import auditing
from orders.accounts.lists import List
from orders.models import AccountChange, Contact, Mirrored, Partner

Values = dict[str, Any]

NAMES = {
    "hidden": "Hidden",
    "note": "Note",
    "tags": "Tags",
    "owner_id": "Owner",
    "preferred_contact_id": "Preferred billing contact",
}
"""Our columns, as people call them."""

BATCH = 500


def columns(kind: List) -> list[str]:
    """Those that this list has."""
    return [name for name in NAMES if name != "preferred_contact_id" or kind.model is Partner]


def values(kind: List, row: Mirrored) -> Values:
    """What we know of one."""
    return {name: getattr(row, name) for name in columns(kind)}


def mark(known: Values) -> str:
    """The same while nobody changes anything of it."""
    return hashlib.sha1(json.dumps(known, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


class Words:
    """Our values as people read them; of many of them the names are looked up at once."""

    def __init__(self, known: Iterable[Values]) -> None:
        known = list(known)
        owners = {each["owner_id"] for each in known if each.get("owner_id")}
        contacts = {each["preferred_contact_id"] for each in known if each.get("preferred_contact_id")}
        self._owners = {user.pk: user.get_username() for user in _some(User.objects.all(), owners)}
        self._contacts = {each.pk: f"{each} ({each.remote_id})" for each in _some(Contact.everywhere.all(), contacts)}

    def of(self, name: str, value: Any) -> str:
        """One of them."""
        if name == "hidden":
            return "yes" if value else "no"
        if name == "tags":
            return ", ".join(tag for tag in value.split(",") if tag)
        if name == "owner_id":
            return str(self._owners.get(value, ""))
        return str(self._contacts.get(value, "") if name == "preferred_contact_id" else value)

    def between(self, before: Values, after: Values) -> dict[str, list[str]]:
        """What differs, by its name, before and after."""
        return {
            NAMES[name]: [self.of(name, before[name]), self.of(name, value)]
            for name, value in after.items()
            if before[name] != value
        }


def _some(rows: Any, keys: Collection[int]) -> Iterable[Any]:
    wanted = sorted(keys)
    for start in range(0, len(wanted), BATCH):
        yield from rows.filter(pk__in=wanted[start : start + BATCH])


def keep(kind: List, row: Mirrored, after: Values, *, actor: User, seen: str) -> bool:
    """Write our values of one account. False, and nothing is written, if what is there has not the mark `seen`."""
    with transaction.atomic():
        here = kind.model.objects.select_for_update().get(pk=row.pk)
        before = values(kind, here)
        if mark(before) != seen:
            return False
        fields = Words([before, after]).between(before, after)
        if fields:
            kind.model.objects.filter(pk=row.pk).update(**after)
            _remember(kind, here, fields, actor)
            action = "account.hidden" if "Hidden" in fields else "account.noted"
            auditing.note(action, actor=actor, target=here, data=dict(fields), words=_said(fields))
    return True


def hide(kind: List, keys: Collection[int], *, hidden: bool, actor: User) -> int:
    """Hide several, or show them again. How many were not so before."""
    with transaction.atomic():
        rows = list(kind.model.objects.select_for_update().filter(pk__in=keys, hidden=not hidden).defer("raw"))
        kind.model.objects.filter(pk__in=[row.pk for row in rows]).update(hidden=hidden)
        fields = {"Hidden": ["no", "yes"] if hidden else ["yes", "no"]}
        for row in rows:
            _remember(kind, row, fields, actor)
            auditing.note("account.hidden", actor=actor, target=row, data=dict(fields), words=_said(fields))
    return len(rows)


def keep_many(kind: List, changes: dict[int, tuple[Values, Values]], *, actor: User) -> None:
    """Write our values of many accounts, by key: before and after. Call it where they cannot have changed since."""
    words = Words(each for pair in changes.values() for each in pair)
    keys = sorted(changes)
    for start in range(0, len(keys), BATCH):
        some = keys[start : start + BATCH]
        rows = list(kind.model.objects.filter(pk__in=some))
        entries = []
        for row in rows:
            before, after = changes[row.pk]
            for name, value in after.items():
                setattr(row, name, value)
            entries.append(_entry(kind, row, words.between(before, after), actor))
        kind.model.objects.bulk_create(
            rows,
            BATCH,
            update_conflicts=True,
            unique_fields=["remote_id", "destination"],
            update_fields=[name.removesuffix("_id") for name in columns(kind)],
        )
        AccountChange.objects.bulk_create(entries, BATCH)


def _remember(kind: List, row: Mirrored, fields: dict[str, list[str]], actor: User) -> None:
    _entry(kind, row, fields, actor).save(force_insert=True)


def _entry(kind: List, row: Mirrored, fields: dict[str, list[str]], actor: User) -> AccountChange:
    return AccountChange(
        destination=row.destination,
        what=kind.what,
        remote_id=row.remote_id,
        label=str(row)[:255],
        kind=AccountChange.Kind.KEPT,
        at=timezone.now(),
        who=actor,
        fields=fields,
    )


def _said(fields: dict[str, list[str]]) -> str:
    if fields == {"Hidden": ["no", "yes"]}:
        return "Hidden: not offered in new orders"
    if fields == {"Hidden": ["yes", "no"]}:
        return "Shown again: offered in new orders"
    return f"Changed: {', '.join(fields)}"
