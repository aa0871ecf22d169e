"""A list as it came, judged row by row: who is told of, and what cannot be used."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Set
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from orders.accounts.lists import ID_LENGTH, List, Raw
from yeastar_api.messages import Listing, id_text

DIGEST = "1"
"""To be raised when rows are to be written anew although the vendor tells the same."""

WORDS = ("company", "firstName", "lastName", "email", "emailAddress")
"""A row that has none of these says nothing but an id."""

_encode = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True)
class Told:
    """Who is told of, each once."""

    rows: dict[str, Raw]
    digests: dict[str, str]
    held_back: Set[str] = frozenset()  # known by an id, but what is told of them cannot be used: they stay as they are
    unusable: int = 0  # rows
    entries: int = 0  # of the list, whatever they are
    cut: bool = False


def told(kind: List, listing: Listing) -> Told:
    """Sort out what cannot be used: no id, nothing but an id, or one id with two stories."""
    rows: dict[str, Raw] = {}
    digests: dict[str, str] = {}
    unclear: set[str] = set()
    unusable = listing.strange
    for raw in listing.rows:
        remote_id = id_text(raw.get(kind.id_name))
        if not is_usable(remote_id):
            unusable += 1
            continue
        digest = digest_of(raw)
        if not any(raw.get(name) for name in WORDS) or digests.get(remote_id, digest) != digest:
            unclear.add(remote_id)
            unusable += 1
            continue
        rows[remote_id], digests[remote_id] = raw, digest
    for remote_id in unclear & rows.keys():
        del rows[remote_id], digests[remote_id]
        unusable += 1
    return Told(rows, digests, unclear, unusable, len(listing.rows) + listing.strange, listing.cut)


def is_usable(remote_id: str) -> bool:
    """Whether a database can keep it, and a form send it: one bad id must not keep all others from being mirrored."""
    return 1 <= len(remote_id) <= ID_LENGTH and remote_id.isascii() and remote_id.isprintable()


def digest_of(raw: Any) -> str:
    """The same while nothing in it changes."""
    return f"{DIGEST}{hashlib.blake2b(_encode(raw), digest_size=16).hexdigest()}"


def pack(told: Told) -> bytes:
    """A list to be kept until somebody has looked at it."""
    kept = {"rows": told.rows, "held_back": sorted(told.held_back), "unusable": told.unusable}
    return zlib.compress(_encode({**kept, "entries": told.entries, "cut": told.cut}), 6)


def unpack(packed: bytes) -> Told:
    """The list that was kept."""
    kept = cast("dict[str, Any]", msgspec.json.decode(zlib.decompress(packed)))
    digests = {remote_id: digest_of(raw) for remote_id, raw in kept["rows"].items()}
    return Told(kept["rows"], digests, frozenset(kept["held_back"]), kept["unusable"], kept["entries"], kept["cut"])
