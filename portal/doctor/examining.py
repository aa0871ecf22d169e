"""All that the doctor looks at, in order, each with a time of its own: what hangs does not keep the rest from us."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from django.db import DatabaseError, connections

from portal.doctor import building, stores, vendor, work
from portal.doctor.report import BAD, Line, bad, masked

SECONDS = 8.0
"""For one look. The vendor gets more."""

VENDOR_SECONDS = 25.0

Look = Callable[[], Line | list[Line]]


def examine(*, offline: bool = False) -> list[Line]:
    """Every line; without the vendor and the mail server if `offline`."""
    lines = [*_taken("Environment", building.environment), *_taken("Disk", building.disk)]
    lines += _taken("Static files", building.static_files)
    database = _taken("Database", stores.database)
    lines += database
    if any(line.name == "Database" and line.state == BAD for line in database):
        lines.append(bad("The rest", "Migrations, workers, beat, credentials and orders stand in the database."))
    else:
        lines += _of_rows()
    lines += _taken("Broker", stores.broker)
    lines += _taken("Mail", partial(building.mail, offline=offline))
    if not offline:
        lines += _taken("Vendor", vendor.vendor, VENDOR_SECONDS)
    return lines


def _of_rows() -> list[Line]:
    migrations = _taken("Migrations", stores.migrations)
    if any(line.state == BAD for line in migrations):
        return migrations  # columns may be missing that all else asks for
    looks: dict[str, Look] = {
        "Worker": work.hands,
        "Credentials": work.identity,
        "Orders": work.waiting,
        "History": work.mirror,
        "People": building.people,
    }
    return migrations + [line for name, look in looks.items() for line in _taken(name, look)]


def _taken(name: str, look: Look, seconds: float = SECONDS) -> list[Line]:
    """What a look says; that it hangs or breaks is said in its place."""
    found: list[Line] = []

    def take() -> None:
        try:
            said = look()
            found.extend([said] if isinstance(said, Line) else said)
        except DatabaseError as error:
            words = f"The database does not answer: {masked(str(error))}"
            found.append(bad(name, words, "Start it, or mend DATABASE_URL."))
        except Exception as error:
            found.append(bad(name, f"It could not be looked at: {type(error).__name__}: {masked(str(error))}"))
        finally:
            connections.close_all()

    looking = threading.Thread(target=take, name=f"doctor-{name}", daemon=True)
    looking.start()
    looking.join(seconds)
    if looking.is_alive():
        return [bad(name, f"No answer within {seconds:.0f} s.", "It hangs: look at the network and at the service.")]
    return found
