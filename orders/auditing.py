"""Writing into the audit log: one verb, called within the transaction of the write that it tells of."""

from __future__ import annotations

import json
import re
from typing import Any

import structlog
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from orders import behalf
from orders.destination import current_destination
from orders.models import LABEL_LENGTH, AuditEntry
from orders.text import storable

TOPICS = {
    "signing-in": ("login", "logout", "password", "mfa", "passkey", "session", "email"),
    "people": ("person", "people", "role", "limits", "invitation"),
    "accounts": ("account", "accounts", "partner", "partners", "contact", "contacts"),
    "orders": ("order", "orders", "drift", "history", "record"),
    "exports": ("export", "exports"),
    "connection": ("connection", "credentials", "settings"),
}
"""The parts of the log, each with the words before the dot of an action. All else is "other"."""

OTHER = "other"
_TOPIC_OF = {word: topic for topic, words in TOPICS.items() for word in words}

LONGEST = 10_000
"""So many characters of a text are kept, and ten times as many of all data of an entry."""

NOT_KEPT = "(not kept)"
SECRET = re.compile(
    r"password|passwd|passphrase|secret|token|authorization|cookie|(api|private|session|encryption)_?key"
    r"|(recovery|backup|login|security|verification)_?codes?|^(pass|key|uidb36|code|codes|otp|totp|pin|seed|signature)$",
    re.IGNORECASE,
)
"""Names of what never enters the log, whatever it holds."""


def note(
    action: str,
    *,
    actor: Any = None,
    target: models.Model | str | None = None,
    words: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    """Tell what was done, to what, and what was before and after. Who, from where, and the request's id are known.

    `actor` only where the request does not know the person: at a login, at a logout. Call it inside the transaction of
    the write, so that neither is without the other. Secrets do not enter: what is named like one is left out.
    """
    who = behalf.current()
    person = actor if actor is not None else who.person()
    person = person if getattr(person, "is_authenticated", False) and person.pk else None
    entry = AuditEntry(
        at=timezone.now(),
        action=action[:40],
        topic=topic_of(action),
        actor_id=person.pk if person else None,
        actor_name=_short(person.get_username() if person else who.name, 200),
        words=_short(words, LONGEST),
        data=_kept(data or {}),
        address=_short(who.address(), 45),
        agent=_short(who.agent, 200),
        request_id=_short(structlog.contextvars.get_contextvars().get("request_id") or "", 64),
        destination=_short(current_destination(), 300),
        **_target(target),
    )
    entry.save(force_insert=True)
    who.noted.append(entry.pk)


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """For `data`: what differs, each as before and after."""
    names = dict.fromkeys([*before, *after])
    return {
        name: {"before": before.get(name), "after": after.get(name)}
        for name in names
        if before.get(name) != after.get(name)
    }


def topic_of(action: str) -> str:
    """The part of the log that an action belongs to."""
    return _TOPIC_OF.get(action.partition(".")[0], OTHER)


def _target(target: models.Model | str | None) -> dict[str, str]:
    if isinstance(target, models.Model):
        return {
            "target_type": str(target._meta.model_name)[:40],
            "target_id": str(target.pk)[:64],
            "target_label": _short(str(target), LABEL_LENGTH),
        }
    return {"target_label": _short(target or "", LABEL_LENGTH)}


def _kept(data: dict[str, Any]) -> dict[str, Any]:
    """As it can be stored: without secrets, as JSON, and not longer than a page can show."""
    plain = json.loads(json.dumps(storable(_without_secrets(data)), cls=DjangoJSONEncoder, skipkeys=True, default=str))
    length = len(text := json.dumps(plain, ensure_ascii=False))
    return plain if length <= 10 * LONGEST else {"too_long": f"{length:,} characters; it begins {text[:LONGEST]}"}


def _without_secrets(value: Any, name: str = "") -> Any:
    if name and SECRET.search(name):
        return NOT_KEPT
    if isinstance(value, dict):
        return {str(key): _without_secrets(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_without_secrets(item) for item in value]
    return _short(value, LONGEST) if isinstance(value, str) else value


def _short(text: str, most: int) -> str:
    text = storable(str(text))
    return text if len(text) <= most else f"{text[: most - 1]}…"
