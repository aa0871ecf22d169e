"""What `manage.py check` looks at beyond Django: settings that are dangerous for us, most of them with `--deploy`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from portal.vendor import is_vendor

SHORTEST_KEY = 32


@register(Tags.security)
def dangerous(**_: Any) -> list[CheckMessage]:
    """What is wrong wherever it runs."""
    found: list[CheckMessage] = []
    if settings.SANDBOX and is_vendor(settings.YEASTAR_BASE_URL):
        found.append(
            Warning(
                "SANDBOX is set, but orders go to the vendor's own host: it is ignored, and each order buys.",
                hint="Take SANDBOX out of the environment, or set YEASTAR_BASE_URL to the sandbox.",
                id="portal.W001",
            )
        )
    if bool(settings.YEASTAR_CLIENT_ID) != bool(settings.YEASTAR_CLIENT_SECRET):
        found.append(
            Error(
                "Of YEASTAR_CLIENT_ID and YEASTAR_CLIENT_SECRET only one is set: nothing can be sent.",
                hint="Set both, or neither and then both on the page of the connection.",
                id="portal.E001",
            )
        )
    if any(len(key) < SHORTEST_KEY for key in settings.CREDENTIAL_KEYS):
        found.append(
            Error(
                f"A key of CREDENTIAL_KEYS is shorter than {SHORTEST_KEY} characters.",
                hint="Make one with: openssl rand -hex 32",
                id="portal.E002",
            )
        )
    return found


@register(Tags.security, deploy=True)
def for_earnest(**_: Any) -> list[CheckMessage]:
    """What must not be so where each order buys, or where strangers come by."""
    found: list[CheckMessage] = []
    if "*" in settings.ALLOWED_HOSTS:
        found.append(
            Warning(
                "ALLOWED_HOSTS allows any host: links in mails could lead elsewhere.",
                hint="Name the public host.",
                id="portal.W002",
            )
        )
    if settings.DEMO_PASSWORD and not settings.SANDBOX:
        found.append(
            Warning(
                "DEMO_PASSWORD is set, although this is no sandbox.",
                hint="Take it out, and remove people named staff, manager and admin if they were made with it.",
                id="portal.W003",
            )
        )
    if urlsplit(settings.YEASTAR_BASE_URL).scheme != "https" and not settings.SANDBOX:
        found.append(
            Error(
                "YEASTAR_BASE_URL does not begin with https: client secret and orders could be read on the way.",
                hint="Only a sandbox on one's own machine may do without.",
                id="portal.E003",
            )
        )
    if not settings.SANDBOX and not settings.REQUIRE_MFA:
        found.append(
            Warning(
                "REQUIRE_MFA is off: a stolen password is enough to buy.",
                hint="Take it out of the environment; it is on by default.",
                id="portal.W004",
            )
        )
    if not settings.SANDBOX and not settings.CAN_MAIL:
        found.append(
            Warning(
                "No mail server is set: invitations and resets of passwords cannot be sent.",
                hint="Set EMAIL_URL.",
                id="portal.W005",
            )
        )
    if settings.SECURE_SSL_REDIRECT and not getattr(settings, "SECURE_PROXY_SSL_HEADER", None):
        found.append(
            Warning(
                "SECURE_SSL_REDIRECT without BEHIND_TLS_PROXY: behind a proxy each request is redirected for ever.",
                hint="Set BEHIND_TLS_PROXY=true if a proxy speaks TLS for us.",
                id="portal.W006",
            )
        )
    return found
