"""Following the history: what is new in it is read every few minutes, orders made elsewhere included."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from orders import breaking
from orders.destination import CHANGED, current_destination, destination_of
from orders.history import details, drift, linking, records, runs
from orders.history.reading import Interrupted, Pages, Scan, key_of, look_on, look_through
from orders.history.reconciling import hear
from orders.lifecycle import Status
from orders.models import Order, Reading, Record
from orders.text import counted
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError, Refused
from yeastar_api.messages import OrderRow, Page

WHOLE = timedelta(days=1)
"""The newest pages tell what is new; so often all are read, for the vendor promises no order of its pages."""

RESUMED = timedelta(hours=1)
"""A whole run that was cut within this time is gone on with; an older one is begun anew."""

UNPROVEN = timedelta(hours=1)
"""So long no other whole run tries to settle what a finished one could not: a vendor may count what it never shows."""

MANY = 2_000
"""So many rows are gathered, and written in one go: a commit for each page would cost more than all the rest."""

PATIENCE = 0.5
"""Seconds for which a whole run gathers rows at most. So much is read again if it is killed."""

HEAD = 50
"""Pages read from one end, at most, before the run gives way to a whole one."""


def follow(
    portal: PartnerPortal,
    *,
    whole: bool = False,
    why: str = "Following the history",
    reading: Reading | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Reading | None:
    """Read what is new; or all of it once a day, whenever something is missing, and if `whole`.

    `reading` is a run that was opened for this one. None while another run reads.
    """
    reading = reading or runs.begin(destination_of(portal), why)
    if reading is None:
        return None
    if reading.destination != destination_of(portal):
        runs.end(reading, Scan(began_at=timezone.now()), CHANGED)
        return reading
    run = _Run(portal, reading, stopping)
    run.closing(lambda: run.all() if whole or not run.newest() else None)
    return reading


def roll(portal: PartnerPortal, *, stopping: Callable[[], bool] = lambda: False) -> Reading | None:
    """Read a few older pages again, from where the last such run ended, round and round: statuses change late.

    None while another run reads, or nothing has been read yet.
    """
    destination = destination_of(portal)
    if not settings.HISTORY_ROLLING_PAGES or not _here(destination).exists():
        return None
    last = Reading.objects.filter(destination=destination, kind=Reading.Kind.ROLLING).order_by("-started_at").first()
    reading = runs.begin(destination, "Following the history", kind=Reading.Kind.ROLLING)
    if reading is None:
        return None
    run = _Run(portal, reading, stopping)
    run.closing(lambda: run.again(max(2, last.next_page if last else 2)))
    return reading


def open_run(who: User, *, whole: bool) -> Reading | None:
    """Open a run that a person asked for, to be seen before a worker begins it. None while another one reads."""
    why = "Everything once more, by hand" if whole else "By hand"
    return runs.begin(current_destination(), why, who=who, kind=Reading.Kind.WHOLE if whole else Reading.Kind.NEWEST)


class _Run:
    """One run of any kind, with the row that tells of it."""

    def __init__(self, portal: PartnerPortal, reading: Reading, stopping: Callable[[], bool]) -> None:
        self._portal = portal
        self._reading = reading
        self._destination = reading.destination
        self._stopping = stopping
        self._scan = Scan(began_at=timezone.now(), problem="It did not begin.")
        self._complete: bool | None = None
        self._words = ""
        self._why_all = ""  # a run that was to read only what is new reads all
        self._touched = set[UUID]()  # orders of ours whose records this run has written
        self._gathered = records.Gathered()
        self._patience = 0.0  # only a whole run gathers
        self._since, self._first_page = 0.0, 1
        ours = Order.objects.filter(status=Status.PLACED, destination=self._destination, echo=None, conflict="")
        # Orders of ours whose row has still something to tell: whether it holds the reference that was sent.
        self._untold = set(ours.exclude(answer="").values_list("order_no", flat=True))

    def closing(self, work: Callable[[], object]) -> None:
        """Do it; then link, read details, and close the run, whatever happens; then note what does not agree."""
        try:
            work()
            self._touched |= linking.link(self._destination)
            if self._reading.kind != Reading.Kind.ROLLING:
                details.read_some(self._portal, self._reading, self._alive, self._touched)
        except Interrupted as why:
            self._scan.problem, self._words = str(why), ""
        except Exception:
            self._scan.problem = self._scan.problem or "Something went wrong that nobody had thought of."
            raise
        finally:
            runs.end(self._reading, self._scan, self._words, complete=self._complete)
        drift.note(self._destination, None if self._reading.kind == Reading.Kind.WHOLE else self._touched)

    def newest(self) -> bool:
        """Read what is new, from whichever end it is at. False if all must be read instead."""
        wholes = Reading.objects.filter(destination=self._destination, kind=Reading.Kind.WHOLE).exclude(
            pk=self._reading.pk
        )
        if not wholes.filter(complete=True, started_at__gte=timezone.now() - WHOLE).exists():
            self._why_all = "All was not read to the end within a day, so all pages are read."
            return False
        self._reading.kind = Reading.Kind.NEWEST
        pages = Pages(self._portal, self._scan, self._see)
        try:
            missing = self._missing_after(pages)
        except ApiError as error:
            self._scan.problem = breaking.reason(error)
            self._reading.errors += isinstance(error, Refused)
            return True  # not now: the next run asks again
        self._complete = not missing
        news = counted(self._reading.new, "new order")
        self._words = f"What is new was read: {news}, {self._reading.changed:,} changed."
        if not missing:
            return True
        lately = wholes.filter(started_at__gte=timezone.now() - UNPROVEN).order_by("-started_at").first()
        if lately is None or lately.complete or lately.next_page > 1:
            self._why_all = "The newest pages do not tell of all that Yeastar counts, so all pages are read."
            return False
        self._words += f" But Yeastar counts {counted(self._scan.total or 0, 'order')}, and we know {self._known():,}."
        return True

    def _missing_after(self, pages: Pages) -> bool:
        first = self._inwards(pages, range(1, HEAD + 1))
        if first is None or self._scan.total is None or not first.results:
            return True
        # Perhaps the newest stand on the last pages; and if one has gone, the numbers do not tell.
        if self._scan.total > self._known() or not _newest_first(first):
            last = -(-self._scan.total // len(first.results))
            self._inwards(pages, range(last, max(1, last - HEAD), -1))
        return self._scan.total != self._known()

    def _inwards(self, pages: Pages, numbers: Iterable[int]) -> Page[OrderRow] | None:
        """Read pages one after another, down to one that holds nothing new; the first of them."""
        first = None
        for number in numbers:
            before = self._reading.new
            page = self._page(pages, number)
            first = first or page
            if self._reading.new == before:
                break
        return first

    def _page(self, pages: Pages, number: int) -> Page[OrderRow]:
        page, scan = pages.read(number), self._scan
        scan.pages, scan.total = scan.pages + 1, page.total
        scan.hold(page.results)
        self._see(page.results, scan)
        return page

    def all(self) -> None:
        """Read everything, or what a run that was cut lately has left; say what is gone."""
        self._reading.kind, self._words, self._complete = Reading.Kind.WHOLE, "", None
        self._reading.words = self._why_all  # until it ends
        self._patience = PATIENCE
        if (page_no := self._cut_at()) > 1:
            self._rest(page_no)
            return
        self._scan = look_through(self._portal, self._see)
        self._keep()
        if self._scan.complete:
            self._reading.gone = records.mark_gone(self._destination, self._scan.keys, self._scan.began_at)

    def _cut_at(self) -> int:
        """Where the last whole run was cut, if that was lately and all that it read is known."""
        wholes = Reading.objects.filter(destination=self._destination, kind=Reading.Kind.WHOLE)
        last = wholes.exclude(pk=self._reading.pk).order_by("-started_at", "-pk").first()
        if last is None or last.complete or last.beat_at < timezone.now() - RESUMED:
            return 1
        return last.next_page

    def _rest(self, page_no: int) -> None:
        """Go on with a run that was cut. Together they are complete if as many orders are known as Yeastar counts.

        If not, what is missing or gone cannot be told from here: nothing is marked, and the next run begins anew.
        """
        self._scan, reached = look_on(self._portal, self._see, page_no)
        self._keep()
        if not reached:
            return
        scan, known = self._scan, self._known()
        self._complete = not scan.problem and scan.total == known
        self._words = f"Gone on with from page {page_no - 1:,}, where a run was cut: read {scan.words_read}. "
        counts = f"{scan.total:,}" if scan.total is not None else "nothing"
        self._words += (
            f"With what that one had read, all {known:,} are known."
            if self._complete
            else f"Yeastar counts {counts}, and we know {known:,}: the next run begins at the first page."
        )

    def again(self, first: int) -> None:
        """A few pages from `first`; from the end of the list it goes back to its beginning."""
        scan, pages = self._scan, Pages(self._portal, self._scan, self._see)
        scan.problem, scan.next_page, before = "", first, set[str]()
        try:
            for number in range(first, first + settings.HISTORY_ROLLING_PAGES):
                page = self._page(pages, number)
                keys = {key_of(row) for row in page.results}
                if not keys or keys == before or (page.total or 0) <= number * len(page.results):
                    scan.next_page = 2
                    break
                before, scan.next_page = keys, number + 1
        except Refused:
            scan.next_page = 2  # some servers refuse a page beyond the last one
        except ApiError as error:
            scan.problem = breaking.reason(error)
            return
        self._complete = True
        self._words = (
            f"Read again from page {first:,} on: {scan.words_read}, {self._reading.changed:,} changed."
            if scan.keys
            else f"There was no page {first:,}: no older orders are left to be read again."
        )

    def _see(self, rows: Sequence[OrderRow], scan: Scan) -> None:
        self._scan = scan
        if rows:
            self._gather(records.gather(rows))
        self._alive()

    def _gather(self, page: records.Gathered) -> None:
        """Put a page's rows to those that wait, and keep them when they are many, or have waited long."""
        if not self._gathered.agrees(page):
            self._keep()  # else what was told first would be forgotten
        if not self._gathered.rows:
            self._since, self._first_page = time.monotonic(), self._scan.next_page
        self._gathered.add(page)
        if len(self._gathered.rows) >= MANY or time.monotonic() - self._since >= self._patience:
            self._keep()

    def _keep(self) -> None:
        """Keep what was gathered, and let it tell what it knows of our orders."""
        if not (found := self._gathered).rows:
            return
        self._gathered = records.Gathered()
        runs.check(self._reading)  # else what is old by now could replace what another worker has read
        # Whatever cuts this short, not all was read, and it is gone on with where these rows begin.
        self._scan.next_page, reached = self._first_page, self._scan.next_page
        self._scan.complete, complete = False, self._scan.complete
        kept = records.keep_gathered(self._destination, found, timezone.now())
        self._reading.new += kept.new
        self._reading.changed += kept.changed
        self._touched |= kept.ours
        if kept.references or not self._untold.isdisjoint(row.order_no for row in found.rows):
            hear(self._portal, self._destination, found.rows, kept, self._alive)
        self._scan.next_page, self._scan.complete = reached, complete

    def _alive(self) -> None:
        if self._stopping():
            raise Interrupted("This worker was told to stop.")
        if runs.is_due(self._reading):
            self._keep()  # the run's row must not tell of more than is kept
            runs.beat(self._reading, self._scan)

    def _known(self) -> int:
        return records.how_many(self._destination)


def _newest_first(page: Page[OrderRow]) -> bool:
    """Whether its rows stand in that order, as far as they tell their times."""
    times = [row.create_time for row in page.results if row.create_time]
    return bool(times) and times == sorted(times, reverse=True)


def _here(destination: str) -> QuerySet[Record]:
    return Record.objects.filter(destination=destination)
