"""Our own columns from a file: what would change is shown row by row, and written once somebody has said so."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from orders import auditing
from orders.accounts import keeping
from orders.accounts.forms import clean_tags
from orders.accounts.keeping import BATCH, Values
from orders.accounts.lists import LISTS, List
from orders.accounts.tables import Table, Unreadable, read
from orders.models import NOTE_LENGTH, AccountImport, Contact, Listed, Mirrored
from orders.text import storable

ID = "id"

COLUMNS = {
    "hidden": "hidden",
    "note": "note",
    "tags": "tags",
    "owner": "owner_id",
    "preferred contact": "preferred_contact_id",
}
"""Heads of a file that are read, in small letters, and our column. A column that is missing changes nothing."""

SHOWN_ONLY = frozenset(
    {"company", "first name", "last name", "email", "country", "type", "at yeastar", "preferred contact is"}
)
"""Heads of our own exports that tell what is Yeastar's: not read, and not worth a word."""

ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+?\d+|\d{10,15}0{4,}", re.IGNORECASE)
"""A long id after a spreadsheet has taken it for a number: 3.10691E+18, or 3106913644890830000."""

YES, NO = (
    frozenset({"yes", "y", "true", "1", "x", "ja", "oui"}),
    frozenset({"no", "n", "false", "0", "", "nein", "non"}),
)


@dataclass
class Line:
    """One row of the file, and what would come of it."""

    number: int
    remote_id: str
    row: Mirrored | None = None
    before: Values = field(default_factory=dict)
    after: Values = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=dict)  # what would change, in words

    @property
    def label(self) -> str:
        """Whose it is."""
        return str(self.row) if self.row else ""


@dataclass
class Plan:
    """What a file would change."""

    lines: list[Line]
    mark: str  # the same while it would change the same

    @property
    def changing(self) -> list[Line]:
        """Rows that would be written."""
        return [line for line in self.lines if line.fields and not line.wrong]

    @property
    def wrong(self) -> list[Line]:
        """Rows that cannot be."""
        return [line for line in self.lines if line.wrong]


class NotImported(Exception):
    """Nothing was written; the words say why."""


def take(kind: List, name: str, content: bytes, owner: User) -> AccountImport:
    """Read a file and keep its rows until somebody has looked at what they would change. Raises Unreadable."""
    table = read(content)
    heads = [" ".join(head.lower().split()) for head in table.heads]
    known = [each for each in COLUMNS if COLUMNS[each] in keeping.columns(kind)]
    if ID not in heads:
        raise Unreadable('No column is called "Id". Take our export as a pattern: its heads stand in the first line.')
    twice = [head for head, count in Counter(heads).items() if count > 1 and head in {ID, *known}]
    if twice:
        raise Unreadable(f"Two columns are called “{twice[0]}”.")
    if not set(heads) & set(known):
        raise Unreadable(f"There is no column to read. These are: {', '.join(each.capitalize() for each in known)}.")
    if not table.rows:
        raise Unreadable("The file has heads, but no rows.")
    ignored = [head for head in table.heads if " ".join(head.lower().split()) not in {ID, *known, *SHOWN_ONLY, ""}]
    notes = [*table.notes, *([f"Not read: {', '.join(ignored)[:500]}."] if ignored else [])]
    return AccountImport.objects.create(
        owner=owner,
        what=kind.what,
        name=storable(name)[:200] or "file",
        sha256=hashlib.sha256(content).hexdigest(),
        notes=storable(notes),
        rows=storable(_rows(table, heads, known)),
    )


def _rows(table: Table, heads: list[str], known: list[str]) -> list[list[Any]]:
    """Line number, id, and by head what stands there."""
    places = {head: heads.index(head) for head in known if head in heads}
    id_place = heads.index(ID)
    return [
        [number, _at(cells, id_place), {head: _at(cells, place) for head, place in places.items()}]
        for number, cells in table.rows
    ]


def _at(cells: list[str], place: int) -> str:
    return cells[place] if place < len(cells) else ""


def plan(kept: AccountImport) -> Plan:
    """What its rows would change now."""
    kind = LISTS[Listed(kept.what)]
    rows = _accounts(kind, {each[1] for each in kept.rows})
    reader = _Reader(kind, [each[2] for each in kept.rows])
    times = Counter(each[1] for each in kept.rows)
    lines = []
    for number, remote_id, cells in kept.rows:
        line = Line(number, remote_id, rows.get(remote_id))
        if not remote_id:
            line.wrong.append("No id.")
        elif line.row is None:
            line.wrong.append(f"No {kind.one} has this id.")
            if ROUNDED.fullmatch(remote_id):
                line.wrong.append(
                    "A spreadsheet seems to have rounded it: its last digits are lost. Take our export as Excel, which "
                    "keeps them, and enter your columns there."
                )
        elif times[remote_id] > 1:
            line.wrong.append(f"This id stands in {times[remote_id]} rows.")
        else:
            line.before = keeping.values(kind, line.row)
            line.after = line.before | reader.values(cells, line)
        lines.append(line)
    words = keeping.Words(each for line in lines for each in (line.before, line.after))
    for line in lines:
        line.fields = words.between(line.before, line.after)
    told = "\n".join(f"{line.remote_id} {line.fields!r} {line.wrong!r}" for line in lines if line.fields or line.wrong)
    return Plan(lines, hashlib.sha256(told.encode("utf-8", "replace")).hexdigest())


def _accounts(kind: List, ids: Iterable[str]) -> dict[str, Mirrored]:
    wanted = sorted(ids)
    found: dict[str, Mirrored] = {}
    for start in range(0, len(wanted), BATCH):
        some = kind.model.objects.filter(remote_id__in=wanted[start : start + BATCH]).defer("raw", "search")
        found |= {row.remote_id: row for row in some}
    return found


class _Reader:
    """Reads the cells of a row; the people and contacts that any row names are looked up at once."""

    def __init__(self, kind: List, cells: list[dict[str, str]]) -> None:
        self.kind = kind
        names = {each["owner"] for each in cells if each.get("owner")}
        self.owners: dict[str, list[User]] = {}
        if names:
            people = User.objects.filter(Q(is_active=True) | Q(username__in=list(names)[:BATCH]))
            for user in people:
                for name in {user.get_username().lower(), user.email.lower()} - {""}:
                    self.owners.setdefault(name, []).append(user)
        contacts = {each["preferred contact"] for each in cells if each.get("preferred contact")}
        self.contacts = _accounts(LISTS[Listed.CONTACTS], contacts)

    def values(self, cells: dict[str, str], line: Line) -> Values:
        """What the cells say; what is wrong with them is added to the line."""
        found: Values = {}
        for head, cell in cells.items():
            try:
                found[COLUMNS[head]] = getattr(self, head.replace(" ", "_"))(cell, line)
            except ValidationError as error:
                line.wrong.append(f"{head.capitalize()}: {' '.join(error.messages)}")
        return found

    def hidden(self, cell: str, _: Line) -> bool:
        word = cell.lower()
        if word not in YES | NO:
            raise ValidationError(f"“{cell[:40]}” is neither yes nor no.")
        return word in YES

    def note(self, cell: str, _: Line) -> str:
        if len(cell) > NOTE_LENGTH:
            raise ValidationError(f"A note has {NOTE_LENGTH:,} characters at most.")
        return cell.replace("\r\n", "\n").replace("\r", "\n").strip()

    def tags(self, cell: str, _: Line) -> str:
        return clean_tags(cell)

    def owner(self, cell: str, line: Line) -> int | None:
        if not cell:
            return None
        found = {user.pk: user for user in self.owners.get(cell.lower(), [])}
        if len(found) != 1:
            some = "Several people are" if found else "Nobody who may sign in is"
            raise ValidationError(f"{some} called “{cell[:80]}”.")
        [user] = found.values()
        if not user.is_active and user.pk != line.before["owner_id"]:
            raise ValidationError(f"{user.get_username()} may not sign in any more.")
        return user.pk

    def preferred_contact(self, cell: str, line: Line) -> int | None:
        if not cell:
            return None
        found = self.contacts.get(cell)
        if not isinstance(found, Contact):
            raise ValidationError(f"No billing contact has the id “{cell[:40]}”.")
        if (found.gone_at or found.hidden) and found.pk != line.before["preferred_contact_id"]:
            raise ValidationError(f"{found} is {'gone from the list' if found.gone_at else 'hidden'}.")
        return found.pk


def confirm(kept: AccountImport, actor: User, *, seen: str) -> int:
    """Write what was shown; `seen` is its mark. How many accounts were changed. Raises NotImported otherwise."""
    kind = LISTS[Listed(kept.what)]
    with transaction.atomic():
        waiting = AccountImport.objects.filter(pk=kept.pk, state=AccountImport.State.SHOWN)
        if not waiting.update(state=AccountImport.State.DONE, decided_at=timezone.now()):
            raise NotImported("This file was imported, or dropped, already.")
        _lock(kind, {each[1] for each in kept.rows})
        found = plan(kept)
        if found.mark != seen:
            raise NotImported("Something was changed here since this was shown. Look at it again. Nothing was written.")
        changes = {line.row.pk: (line.before, line.after) for line in found.changing if line.row}
        keeping.keep_many(kind, changes, actor=actor)
        AccountImport.objects.filter(pk=kept.pk).update(written=len(changes), rows=[])
        told = {"file": kept.name, "sha256": kept.sha256, "changed": len(changes), "left out": len(found.wrong)}
        auditing.note("accounts.imported", actor=actor, target=kept, words=f"{len(changes):,} changed", data=told)
    return len(changes)


def _lock(kind: List, ids: Iterable[str]) -> None:
    """What is read from now on is what is written over."""
    wanted = sorted(ids)
    for start in range(0, len(wanted), BATCH):
        rows = kind.model.objects.select_for_update().filter(remote_id__in=wanted[start : start + BATCH])
        list(rows.order_by("pk").values_list("pk"))


def drop(kept: AccountImport) -> bool:
    """Write nothing of it. False if it was decided already."""
    waiting = AccountImport.objects.filter(pk=kept.pk, state=AccountImport.State.SHOWN)
    return bool(waiting.update(state=AccountImport.State.DROPPED, decided_at=timezone.now(), rows=[]))
