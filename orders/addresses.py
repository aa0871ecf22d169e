"""The addresses of pages that have no arguments, looked up once: each page holds some twenty of them."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.urls import get_script_prefix, get_urlconf, reverse


def address(name: str, namespace: str | None = None) -> str:
    """As `reverse` tells it, as long as the portal lies at the same prefix; `namespace` is the current app's."""
    return _looked_up(name, namespace, get_urlconf() or settings.ROOT_URLCONF, get_script_prefix())


@lru_cache(512)
def _looked_up(name: str, namespace: str | None, urlconf: str, _prefix: str) -> str:
    return reverse(name, urlconf, current_app=namespace)
