"""What the doctor asks the vendor: a token, and one question that reads nothing but whether it is answered."""

from __future__ import annotations

import time

from django.conf import settings

from orders import credentials
from orders.diagnosis import advice
from orders.watching import SKEW_LIMIT
from portal.doctor.report import Line, bad, good, masked, warn
from portal.vendor import host_of
from yeastar_api.auth import MemoryTokenStore
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError


def vendor() -> list[Line]:
    """Token and one GET, and how far the two clocks are apart.

    With a token of its own, so that it works without Redis, and proves client id and secret.
    """
    mine = credentials.in_force()
    if mine.problem:
        return []  # which another line tells
    clocks: list[float] = []
    with PartnerPortal(
        base_url=settings.YEASTAR_BASE_URL,
        client_id=mine.client_id,
        client_secret=mine.client_secret,
        token_store=MemoryTokenStore(),
        get_budget_seconds=settings.YEASTAR_GET_BUDGET,
        clock=clocks.append,
    ) as portal:
        try:
            portal.check_token()
            began = time.monotonic()
            portal.reach()
        except ApiError as error:
            wrong, todo = advice(error)
            return [bad("Vendor", masked(f"{host_of(settings.YEASTAR_BASE_URL)}: {wrong}"), todo), *_clock(clocks)]
    took = f"{(time.monotonic() - began) * 1000:.0f} ms"
    words = f"{host_of(settings.YEASTAR_BASE_URL)} gives a token, and answers in {took}"
    return [good("Vendor", words), *_clock(clocks)]


def _clock(clocks: list[float]) -> list[Line]:
    if not clocks:
        return []
    seconds = clocks[-1]
    if abs(seconds) > SKEW_LIMIT:
        far = f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} ours"
        return [warn("Clock", f"Yeastar's clock is {far}", "Set the clock of this server (NTP).")]
    return [good("Clock", "agrees with Yeastar's")]
