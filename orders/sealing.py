"""Secrets at rest: encrypted with the first of our keys, readable with any of them."""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"yeastar-ordering-portal credentials"
"""Parts these keys from whatever else is made of the same secret."""


class Unreadable(Exception):
    """None of our keys opens it."""


def seal(words: str) -> str:
    """Encrypted and signed, with the first key."""
    return _keys().encrypt(words.encode()).decode()


def unseal(sealed: str) -> str:
    """What was sealed. Raises Unreadable."""
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def reseal(sealed: str) -> str:
    """The same under the first key, whichever of them it was sealed with. Raises Unreadable."""
    try:
        return _keys().rotate(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def _keys() -> MultiFernet:
    """`CREDENTIAL_KEYS`, then `SECRET_KEY` and its fallbacks: so keys of one's own can be introduced at any time."""
    return _made((*settings.CREDENTIAL_KEYS, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=2)
def _made(secrets: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(secret))) for secret in secrets])


def _derived(secret: str) -> bytes:
    """32 bytes of a secret that is long and random itself, so that no slow hash is needed."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(secret.encode())
