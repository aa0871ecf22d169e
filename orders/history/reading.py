"""Reading the history page by page, and knowing whether all of it was seen.

The vendor's list has no filter, no promised order, and rows shift from page to page while new orders arrive. So the
reading counts different orders, and believes to have seen all only when there are as many as the vendor claims after
the last page.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec
from django.utils import timezone
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from orders import breaking
from orders.models import NUMBER_LENGTH
from orders.text import counted, storable
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError, NotDelivered, Refused, Unanswered
from yeastar_api.messages import OrderRow, Page

NEWEST_FIRST = "-id"
"""By analogy with another list (assumption A). Where it is refused, the vendor's own order will do."""

LOOKS = 3
"""So often the history is gone through in one scan while rows are found to be missing."""

MAX_PAGES = 100_000
MOST = 2**31 - 1
PAGE_SIZE = 100

TRIES = 3
"""Attempts at one page, each of which the client repeats within its own budget: one fault must not end a long scan."""


class Interrupted(Exception):
    """Whoever watches the scan wants it to end."""


@dataclass
class Scan:
    """How far one scan came. Only a complete one proves that something is not there."""

    began_at: datetime
    keys: set[str] = field(default_factory=set, repr=False)
    pages: int = 0
    total: int | None = None
    complete: bool = False
    problem: str = ""
    errors: int = 0  # questions without an answer, also those that were answered when asked again
    next_page: int = 1  # where one that was cut short would go on
    unnumbered: bool = False  # whether a row without an order number was among them

    def hold(self, rows: Sequence[OrderRow]) -> set[str]:
        """Count these orders as seen; their keys. One that gets its number while the scan goes on counts once."""
        keys = {key_of(row) for row in rows}
        self.keys |= keys
        self.unnumbered = self.unnumbered or not all(row.order_no for row in rows)
        if self.unnumbered:
            self.keys -= {key_of_id(row.id) for row in rows if row.order_no and row.id}
        return keys

    @property
    def words(self) -> str:
        """As a person reads it."""
        if self.complete:
            return f"Read to the end: {self.words_read}."
        how_far = f"after {self.words_read}" if self.pages else "before its first page"
        return f"The reading was cut short {how_far}, so it proves nothing: {self.problem}"

    @property
    def words_read(self) -> str:
        """How much, as a person reads it."""
        return f"{counted(len(self.keys), 'order')} in {counted(self.pages, 'page')}"


Watcher = Callable[[Sequence[OrderRow], Scan], None]


def key_of(row: OrderRow) -> str:
    """What tells a row from the others: its order number, or its id, or all of it."""
    if row.order_no:
        return row.order_no[:NUMBER_LENGTH]
    return key_of_id(row.id) if row.id else f"#{mark(encode(storable(row.raw)))}"


def key_of_id(number: str) -> str:
    """The key of a row without an order number."""
    return f"id:{number[:NUMBER_LENGTH]}"


encode = msgspec.json.Encoder(order="sorted").encode
"""A payload as JSON, the same while nothing in it changes. Raises UnicodeEncodeError for what no database can hold."""


def mark(text: bytes) -> str:
    """A short mark of an encoded payload."""
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


def look_through(portal: PartnerPortal, see: Watcher, *, sleep: Callable[[float], None] = time.sleep) -> Scan:
    """Read the whole history, handing each page to `see`. Never raises ApiError: a scan that was cut short says so.

    `see` is also called without rows, before each question: so it hears that the scan lives, and may end it by raising
    Interrupted. Raises whatever else `see` raises.
    """
    scan = Scan(began_at=timezone.now())
    _until_cut(scan, _Walk(Pages(portal, scan, see, sleep=sleep), scan, see).all)
    return scan


def look_on(
    portal: PartnerPortal, see: Watcher, page_no: int, *, sleep: Callable[[float], None] = time.sleep
) -> tuple[Scan, bool]:
    """Go on from the page before `page_no`, where another scan was cut short; whether the last page was reached.

    The scan is never complete, for it holds only its own part of the orders.
    """
    scan = Scan(began_at=timezone.now())
    walk = _Walk(Pages(portal, scan, see, sleep=sleep), scan, see)
    return scan, _until_cut(scan, lambda: walk.rest(page_no - 1))


def _until_cut(scan: Scan, walk: Callable[[], None]) -> bool:
    """Whether nothing cut it short."""
    try:
        walk()
    except ApiError as error:
        scan.problem = breaking.reason(error)
        scan.errors += isinstance(error, Refused)
    except Interrupted as why:
        scan.problem = str(why)
    else:
        return True
    return False


class Pages:
    """Pages of the history, the newest first where the vendor can; each is asked for with patience."""

    def __init__(
        self, portal: PartnerPortal, scan: Scan, see: Watcher, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """`see` is called without rows before each question; what it raises ends the reading."""
        self._portal = portal
        self._scan = scan
        self._see = see
        self._sleep = sleep
        self._sort = NEWEST_FIRST
        self._answered = False

    def read(self, page_no: int) -> Page[OrderRow]:
        """One page; the first is 1. A total that cannot be one is told as None. Raises ApiError."""
        try:
            page = self._try(page_no, sort=self._sort)
        except Refused:
            if not self._sort or (page_no > 1 and self._answered):
                raise
            self._sort = ""
            page = self._try(page_no, sort="")
        self._answered = True
        return page if page.total is None or 0 <= page.total <= MOST else replace(page, total=None)

    def _try(self, page_no: int, *, sort: str) -> Page[OrderRow]:
        trying = Retrying(
            retry=retry_if_exception_type((NotDelivered, Unanswered)),
            stop=stop_after_attempt(TRIES),
            wait=wait_random_exponential(multiplier=0.5, max=5),
            before=lambda _: self._see((), self._scan),
            after=lambda _: self._failed(),
            sleep=self._sleep,
            reraise=True,
        )
        return trying(self._portal.order_page, page_no, PAGE_SIZE, sort)

    def _failed(self) -> None:
        self._scan.errors += 1


class _Walk:
    def __init__(self, pages: Pages, scan: Scan, see: Watcher) -> None:
        self._pages = pages
        self._scan = scan
        self._see = see
        self._shrank = False

    def all(self) -> None:
        scan = self._scan
        for look in range(LOOKS):
            if self._shrank:
                # Rows have gone: what moved up to a page that was read before was missed. All must be counted anew.
                scan.keys.clear()
                self._shrank = False
            self._once(again=look > 0)
            self._read(1)  # the total as it is now, and what arrived meanwhile
            if scan.total is None:
                scan.problem = "Yeastar does not tell how many orders there are."
                return
            if not self._shrank and len(scan.keys) >= scan.total:
                scan.complete = True
                return
        scan.problem = f"Yeastar counts {scan.total:,}, and rows kept moving while they were read."

    def rest(self, first: int) -> None:
        """From `first` to the last page, between two looks at the first one: for the total, and what is new."""
        self._read(1)
        self._once(again=False, first=max(2, first))
        self._read(1)
        if self._shrank:
            self._scan.problem = "Orders vanished while the rest was read."

    def _once(self, *, again: bool, first: int = 1) -> None:
        """One walk from the first page to the last; a second one ends as soon as nothing is missing."""
        here: set[str] = set()
        for page_no in range(first, MAX_PAGES + 1):
            self._scan.next_page = page_no
            try:
                keys, size = self._read(page_no)
            except Refused:
                if page_no == first:
                    raise
                break  # some servers refuse a page beyond the last one
            total = self._scan.total
            # A claim never ends the reading while there is news; but some servers repeat their last page for ever.
            past_the_end = total is None or page_no * size >= total
            if not keys or (keys <= here and past_the_end):
                break
            here |= keys
            if again and not self._shrank and total is not None and len(self._scan.keys) >= total:
                break
        self._scan.next_page = 1

    def _read(self, page_no: int) -> tuple[set[str], int]:
        """The different orders of a page, and how many rows it has."""
        page = self._pages.read(page_no)
        scan = self._scan
        scan.pages += 1
        if page.total is not None:
            self._shrank |= scan.total is not None and page.total < scan.total
            scan.total = page.total
        keys = scan.hold(page.results)
        self._see(page.results, scan)
        return keys, len(page.results)
