"""Secrets at rest: encrypted with the first of our keys, readable with any of them.

cryptography is loaded when something is sealed: its six megabytes are not for every process that could.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

PURPOSE = b"yeastar-ordering-portal credentials"
"""Parts these keys from whatever else is made of the same secret."""


class Unreadable(Exception):
    """None of our keys opens it."""


def seal(words: str) -> str:
    """Encrypted and signed, with the first key."""
    return _keys().encrypt(words.encode()).decode()


def unseal(sealed: str) -> str:
    """What was sealed. Raises Unreadable."""
    return _opened(_keys().decrypt, sealed)


def reseal(sealed: str) -> str:
    """The same under the first key, whichever of them it was sealed with. Raises Unreadable."""
    return _opened(_keys().rotate, sealed)


def _opened(using: Callable[[bytes], bytes], sealed: str) -> str:
    try:
        return using(sealed.encode()).decode()
    except import_module("cryptography.fernet").InvalidToken:
        raise Unreadable from None


def _keys() -> MultiFernet:
    """`CREDENTIAL_KEYS`, then `SECRET_KEY` and its fallbacks: so keys of one's own can be introduced at any time."""
    return _made((*settings.CREDENTIAL_KEYS, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=2)
def _made(secrets: tuple[str, ...]) -> MultiFernet:
    fernet = import_module("cryptography.fernet")
    keys = [fernet.Fernet(base64.urlsafe_b64encode(_derived(secret))) for secret in secrets]
    made: MultiFernet = fernet.MultiFernet(keys)
    return made


def _derived(secret: str) -> bytes:
    """32 bytes of a secret that is long and random itself, so that no slow hash is needed."""
    sha256 = import_module("cryptography.hazmat.primitives.hashes").SHA256()
    hkdf = import_module("cryptography.hazmat.primitives.kdf.hkdf").HKDF
    derived: bytes = hkdf(algorithm=sha256, length=32, salt=None, info=PURPOSE).derive(secret.encode())
    return derived
