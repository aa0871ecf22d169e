"""Whether orders go to the vendor's real host, where each one costs money."""

from urllib.parse import urlsplit

from django.conf import settings


def host_of(url: str) -> str:
    """Host and port of a URL."""
    return urlsplit(url).netloc


def is_vendor(url: str) -> bool:
    """Whether a URL leads to the vendor's real API."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    return host == settings.YEASTAR_VENDOR_HOST or host.endswith(".yeastar.com")


def is_sandbox() -> bool:
    """Whether nothing is really bought: only if an operator says so. Behind a strange host may be the real vendor."""
    return settings.SANDBOX and not is_vendor(settings.YEASTAR_BASE_URL)
