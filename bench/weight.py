"""Bytes of the wizard's pages over real HTTP with gzip: a first visit with everything it needs, and a later one.

A first visit is the page and all that it refers to: styles, scripts, the icons, and every font of the style sheet,
also those that a browser would leave out. A later one is the page alone, for all the rest may be kept for ever.
Both count the bytes of the answers with their headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx

from bench.figure import Row, hand_over, note
from bench.place import signed_in
from bench.stage import Stage
from bench.steps import STEPS

FIRST, LATER = 120.0, 15.0
REFERENCE = re.compile(r"""(?:href|src)="([^"]+)"|url\(["']?([^"')]+)""")


def measure() -> Iterator[Row]:
    """The heaviest step, with lists as long as a page ever carries them whole."""
    with Stage() as stage:
        stage.prepare()
        stage.become_django()
        from bench import buying
        from orders.pickers import WHOLE_LIST

        buying.add_people(stage, WHOLE_LIST)
        buying.add_pbxs(stage, WHOLE_LIST)
        stage.start_web()
        order = buying.for_a_customer()
        browser = signed_in(stage)
        pages = {step: browser.get(f"/orders/{order.pk}/{step}/").raise_for_status() for step in STEPS}
        things = {address: answer for page in pages.values() for address, answer in referred(browser, page).items()}
        for address, answer in things.items():
            note(f"{kilobytes(answer):6.1f} kB  {urlsplit(address).path}")
            assert "immutable" in answer.headers["cache-control"], address
        for step, page in pages.items():
            note(f"{kilobytes(page):6.1f} kB  step {step}")
    later = max(kilobytes(page) for page in pages.values())
    first = later + sum(kilobytes(answer) for answer in things.values())
    yield Row(figure="page of a step, first visit", measured=first, unit="kB", limit=FIRST, at_most=1.0)
    yield Row(figure="page of a step, later", measured=later, unit="kB", limit=LATER, at_most=1.0)


def referred(browser: httpx.Client, page: httpx.Response) -> dict[str, httpx.Response]:
    """The static files that a page, and the files that it names, refer to."""
    found: dict[str, httpx.Response] = {}
    ahead = [page]
    while ahead:
        source = ahead.pop()
        if not source.headers["content-type"].startswith("text/"):
            continue
        for pair in REFERENCE.findall(source.text):
            address = urldefrag(urljoin(str(source.url), pair[0] or pair[1])).url
            if "/static/" in address and address not in found:
                found[address] = browser.get(address).raise_for_status()
                ahead.append(found[address])
    return found


def kilobytes(answer: httpx.Response) -> float:
    """What came over the wire: status line, headers, and the body as it was compressed."""
    headers = sum(len(key) + len(value) + 4 for key, value in answer.headers.raw)
    return (
        len(f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}\r\n") + headers + 2 + answer.num_bytes_downloaded
    ) / 1000


if __name__ == "__main__":
    hand_over(measure)
