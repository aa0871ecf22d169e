"""One export, from the rows to a file or to the browser, with a row that says at any time how far it is."""

from __future__ import annotations

import errno
import time
from array import array
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import structlog
from django.http import QueryDict
from django.utils import timezone
from django.utils.module_loading import import_string

from orders.browsing.asked import parse
from orders.browsing.finding import find
from orders.exporting import files, reading
from orders.exporting.lines import CsvLines, JsonLines
from orders.exporting.reading import batches
from orders.models import Export

log = structlog.get_logger(__name__)

CHUNK = 64 * 1024
"""Bytes that go to the browser at once."""

BEAT = 1.0
"""Seconds. So often a row says how far it is."""

SILENCE = timedelta(seconds=60)
"""A writer that was not heard of for so long has died."""

SILENT_DOWNLOAD = timedelta(minutes=10)
"""A browser may take its time."""

CLOSING = 2_000
"""Rows of an Excel file that are surely packed in a second, while nothing is heard."""

DISK_FULL = "The disk is full. What had been written is removed. Ask for fewer rows, or have somebody make room."
NOT_WRITTEN = "The file could not be written. What had been written is removed."
BROKEN_OFF = "The download was broken off."
UNEXPECTED = "Something went wrong that nobody had thought of. It stands in the log."


class Superseded(Exception):
    """This writer has nothing to say any more."""


class Stopping(Exception):
    """The worker is to stop: somebody else shall begin anew."""


def asked_for(export: Export) -> array[int]:
    """The keys of what it is of, as it is now. "Today" is the day when it was asked for."""
    asked = parse(QueryDict(export.query))
    return reading.keys(find(asked, export.asked_at, whole=True), asked)


def write(export: Export, stopping: Callable[[], bool]) -> None:
    """Write a claimed export to its file. Whatever happens is in its row; never raises."""
    row = _Row(export, SILENCE, stopping)
    try:
        with files.workshop(export) as place:
            keys = asked_for(export)
            row.say(total=len(keys))
            path = _file(export, keys, place, row)
            size = path.stat().st_size
            path.replace(export.path)
        if not row.end(Export.State.READY, size=size, total=row.rows):
            export.path.unlink(missing_ok=True)
    except Superseded:
        log.info("export.superseded", export=str(export.pk))
    except Stopping:
        row.end(Export.State.WAITING, rows=0, size=0, rung_at=None)
    except OSError as error:
        log.warning("export.not_written", export=str(export.pk), error=str(error))
        row.end(Export.State.FAILED, words=_words(error))
    except Exception:
        log.exception("export.unexpected", export=str(export.pk))
        row.end(Export.State.FAILED, words=UNEXPECTED)


def send(export: Export) -> Iterator[bytes]:
    """The export in chunks for the browser. Begin it here: what can fail before the first byte fails now.

    Close it, and the row learns that it was broken off, also before the first chunk. Raises OSError if a file that has
    to be whole before it can be sent cannot be written.
    """
    row = _Row(export, SILENT_DOWNLOAD)
    chunks = _chunks(export, row)
    sent = _watched(chunks, row)
    next(sent)
    return sent


def _chunks(export: Export, row: _Row) -> Generator[bytes]:
    """Nothing, once all is ready to be sent; then the chunks."""
    keys = asked_for(export)
    if export.format != Export.Format.XLSX:
        yield b""
        yield from _lines(export, keys, row)
        return
    with files.workshop(export) as place:  # what is open when its folder is removed goes with its last reader
        file = _file(export, keys, place, row).open("rb")
    with file:
        yield b""
        yield from iter(lambda: file.read(CHUNK), b"")


class _Row:
    """What a writer tells of its export, as long as it is the one who writes it."""

    def __init__(self, export: Export, silence: timedelta, stopping: Callable[[], bool] = lambda: False) -> None:
        self.rows = self.size = 0
        self._mine = Export.objects.filter(pk=export.pk, run=export.run, state=Export.State.RUNNING)
        self._silence, self._stopping = silence, stopping
        self._said_at = time.monotonic()

    def wrote(self, rows: int) -> None:
        """So many rows more. Raises Superseded or Stopping if it is not to go on."""
        self.rows += rows
        if self._stopping():
            raise Stopping
        if time.monotonic() - self._said_at > BEAT:
            self.say()

    def say(self, *, silence: timedelta = timedelta(), **columns: object) -> None:
        """How far it is. With `silence`, nothing will be heard for so long. Raises Superseded."""
        self._said_at = time.monotonic()
        until = timezone.now() + self._silence + silence
        if not self._mine.update(rows=self.rows, size=self.size, alive_until=until, **columns):
            raise Superseded

    def end(self, state: Export.State, **columns: object) -> bool:
        """It will not be gone on with here. False if somebody else has ended it."""
        ended = timezone.now() if state != Export.State.WAITING else None
        told = {"rows": self.rows, "size": self.size, **columns}
        return bool(self._mine.update(state=state, finished_at=ended, alive_until=None, **told))


def _file(export: Export, keys: Sequence[int], place: Path, row: _Row) -> Path:
    path = place / export.file_name
    if export.format == Export.Format.XLSX:
        # By its name: what writes Excel files is loaded where one is written, for it takes 2.5 MB.
        book = import_string("orders.exporting.workbook.Workbook")(path, place)
        try:
            for batch in batches(keys):
                book.add(batch)
                row.wrote(len(batch["key"]))
            row.say(silence=timedelta(seconds=row.rows / CLOSING))
            book.close()
        except BaseException:
            book.give_up()
            raise
        row.size = path.stat().st_size
        return path
    with path.open("wb") as file:
        for chunk in _lines(export, keys, row):
            file.write(chunk)
    return path


def _lines(export: Export, keys: Sequence[int], row: _Row) -> Iterator[bytes]:
    lines = CsvLines() if export.format == Export.Format.CSV else JsonLines()
    written = lines.head()
    for batch in batches(keys, more=lines.more):
        written += lines.lines(batch)
        row.wrote(len(batch["key"]))
        while len(written) >= CHUNK:
            chunk, written = written[:CHUNK], written[CHUNK:]
            row.size += len(chunk)
            yield chunk
    row.size += len(written)
    if written:
        yield written


def _watched(chunks: Generator[bytes], row: _Row) -> Iterator[bytes]:
    """The same chunks; and the row learns how it ended."""
    try:
        with closing(chunks):
            yield from chunks
    except GeneratorExit:
        row.end(Export.State.FAILED, words=BROKEN_OFF)
        raise
    except OSError as error:
        row.end(Export.State.FAILED, words=_words(error))
        raise OSError(_words(error)) from error
    except Exception:  # the browser sees that its download is not whole: no last chunk comes
        row.end(Export.State.FAILED, words=UNEXPECTED)
        raise
    row.end(Export.State.SENT, total=row.rows)


def _words(error: OSError) -> str:
    return DISK_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else NOT_WRITTEN
