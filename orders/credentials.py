"""Client id and secret: by environment, or else as an admin set them here, encrypted.

Each process looks at the row once a second at most, so a change reaches all of them within a second and without a
restart. With credentials in the environment nothing is looked up.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from orders.sealing import Unreadable, reseal, seal, unseal

LOOK_SECONDS = 1.0
"""For so long a process believes what it saw of the row."""

NONE_SET = "no client id and secret are set"
UNREADABLE = (
    "the client id and secret that are kept here cannot be read, because the key they were encrypted with is not among "
    "CREDENTIAL_KEYS, SECRET_KEY and SECRET_KEY_FALLBACKS"
)
PROBLEMS = (NONE_SET, UNREADABLE)

ENVIRONMENT, HERE, NOWHERE = "environment", "here", "nowhere"


@dataclass(frozen=True)
class InForce:
    """The credentials that are used now, and where they come from. Neither stands in the repr."""

    source: str
    mark: str
    client_id: str = field(default="", repr=False)
    client_secret: str = field(default="", repr=False)
    tail: str = ""
    problem: str = ""


def rows() -> Any:
    """The rows, asked of Django by name: customers are those of a destination, so the models stand above this."""
    return apps.get_model("orders", "Credentials").objects


_looking = threading.Lock()
_seen: tuple[float, InForce] | None = None


def forget() -> None:
    """Look at the row anew; after a change, and in tests."""
    global _seen
    _seen = None


def by_environment() -> bool:
    """Whether the environment says who we are. Then what was set here counts for nothing."""
    return bool(settings.YEASTAR_CLIENT_ID or settings.YEASTAR_CLIENT_SECRET)


def in_force() -> InForce:
    """The credentials, as they were a second ago at most."""
    global _seen
    if by_environment():
        who, secret = settings.YEASTAR_CLIENT_ID, settings.YEASTAR_CLIENT_SECRET
        return InForce(ENVIRONMENT, mark_of(who), who, secret, who[-4:], "" if who and secret else NONE_SET)
    with _looking:
        seen = _seen
        if seen is None or time.monotonic() - seen[0] >= LOOK_SECONDS:
            _seen = seen = (time.monotonic(), _look())
        return seen[1]


def _look() -> InForce:
    row = rows().first()
    if row is None or not row.tail:
        # Who takes them away to set them anew has not changed the account: what is placed meanwhile waits for it.
        return InForce(NOWHERE, row.mark if row else mark_of(""), problem=NONE_SET)
    try:
        client_id, client_secret = json.loads(unseal(row.sealed))
    except Unreadable:
        # The mark is known all the same: orders keep their destination, and wait.
        return InForce(HERE, row.mark, tail=row.tail, problem=UNREADABLE)
    return InForce(HERE, row.mark, client_id, client_secret, row.tail)


def mark_of(client_id: str) -> str:
    """A short mark of a client id, by which two accounts can be told apart without naming either."""
    return hashlib.sha256(client_id.encode()).hexdigest()[:8]


def keep(client_id: str, client_secret: str, *, who: User, tested: bool) -> Any:
    """Put these in force. What was in force before is no longer kept, only that it was."""
    return _write(
        who=who,
        mark=mark_of(client_id),
        tail=client_id[-4:],
        sealed=seal(json.dumps([client_id, client_secret])),
        tested=tested,
    )


def take_away(*, who: User) -> Any:
    """From now on there are none."""
    return _write(who=who, mark=in_force().mark)


def _write(**columns: Any) -> Any:
    with transaction.atomic():
        row = rows().create(at=timezone.now(), **columns)
        rows().filter(pk__lt=row.pk).exclude(sealed="").update(sealed="")
    forget()
    return row


def rotate() -> tuple[int, int]:
    """Seal all that is sealed with the first key. Returns how many, and how many no key of ours opens."""
    resealed = unreadable = 0
    for row in rows().exclude(sealed=""):
        try:
            fresh = reseal(row.sealed)
        except Unreadable:
            unreadable += 1
            continue
        # Somebody may set others meanwhile: then there is nothing left to seal.
        resealed += rows().filter(pk=row.pk, sealed=row.sealed).update(sealed=fresh)
    forget()
    return resealed, unreadable
