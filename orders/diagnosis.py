"""What an error of a call means for whoever must mend it: where it went wrong, and what to do, in plain words."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator

from orders.credentials import NONE_SET, UNREADABLE
from orders.text import plain
from yeastar_api.auth import STORE_AWAY
from yeastar_api.errors import ApiError, NotDelivered, Refused, Unanswered

_ADDRESS = re.compile(r"\bip\b|ip(address|allow|white|restrict|limit|denied|forbid)|(white|allow)[ -]?list", re.I)

CREDENTIALS = "Look up client id and secret in Yeastar's Partner Portal, under the Open API, and set them anew."
ADDRESS = (
    "Add the address that this server is seen with from outside to the IP allow-list of the Open API, in Yeastar's "
    "Partner Portal."
)
SUPPORT = "If it stays so, ask Yeastar's support, with the request id."


def advice(error: ApiError) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    return _ours(error) or _network(error) or _answered(error)


def _ours(error: ApiError) -> tuple[str, str] | None:
    if error.detail == NONE_SET:
        return "No client id and secret are set.", "Set them here, or in the environment."
    if error.detail == UNREADABLE:
        return (
            f"{UNREADABLE[0].upper()}{UNREADABLE[1:]}.",
            "Put the former key back among CREDENTIAL_KEYS or SECRET_KEY_FALLBACKS, or set client id and secret anew.",
        )
    if error.detail.startswith(STORE_AWAY):
        return "Our own Redis, where the access token is shared, does not answer.", "Start Redis, or mend REDIS_URL."
    return None


def _network(error: ApiError) -> tuple[str, str] | None:
    if error.http_status is not None:
        return None
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return "The name of the host cannot be resolved.", "Look at DNS on this server, and at YEASTAR_BASE_URL."
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"Its certificate is not trusted: {cause.verify_message}.",
                "Look at the clock of this server, its root certificates, and any proxy that opens TLS.",
            )
        if isinstance(cause, ssl.SSLError):
            return (
                "TLS fails: the other side does not speak it as it should.",
                "Look at YEASTAR_BASE_URL (https, port) and at proxies on the way.",
            )
        if isinstance(cause, ConnectionRefusedError):
            return "The host refuses the connection.", "Look at host and port in YEASTAR_BASE_URL, and at firewalls."
        # BlockingIOError: a last look, without waiting, at a socket where nothing has come.
        if isinstance(cause, TimeoutError | BlockingIOError):
            if "Connect" in error.detail:  # the name of the exception, behind our words
                return "There is no connection in time.", "Look at firewalls and routes on the way out."
            return "There is no answer in time.", "Yeastar is slow, or something on the way swallows the answer."
        if isinstance(cause, OSError) and cause.errno:
            return f"The network fails: {cause.strerror}.", "Look at the routes on the way out of this server."
    return None


def _answered(error: ApiError) -> tuple[str, str]:
    said = f" It says: {plain(error.detail)}" if error.detail else ""
    said += f" ({error.code})" if error.code and error.code != error.detail else ""
    status = error.http_status or 0
    about_address = bool(_ADDRESS.search(f"{error.code} {error.detail}".replace("_", " ")))
    if about_address and isinstance(error, NotDelivered | Refused):
        return f"Yeastar does not take calls from our address.{said}", ADDRESS
    if status == 429:
        return f"Yeastar asks to come back later.{said}", "Wait; nothing else is needed."
    if error.call == "token" and 400 <= status < 500:
        both = f"{CREDENTIALS} If they are right: {ADDRESS}" if status == 403 else CREDENTIALS
        return f"Yeastar does not accept client id and secret.{said}", both
    if status == 401:
        return f"Yeastar does not accept an access token that it has just given.{said}", SUPPORT
    if isinstance(error, Refused):
        return f"Yeastar refuses this call.{said}", f"Does this account have the right to it? {SUPPORT}"
    if status >= 500:
        return f"Yeastar fails with HTTP {status}.{said}", f"Try again later. {SUPPORT}"
    if isinstance(error, Unanswered) and 200 <= status < 400:
        return f"The answer has a shape that is not known here.{said}", "Is YEASTAR_BASE_URL right? " + SUPPORT
    return f"There is no usable answer.{said}", "Try again. Then look at the network of this server."


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What led to it, from the nearest to the first."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
