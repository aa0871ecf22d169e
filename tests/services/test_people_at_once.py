"""Admins who put each other out at the same moment, and many with one link: on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable

import django
import pytest

if __name__ == "__main__":
    django.setup()

from django.contrib.auth.models import User
from django.db import connection, connections

from portal.people import inviting, keeping
from tests.conftest import person
from tests.services.conftest import VENDORS
from tests.services.servers import ROOT

pytestmark = [pytest.mark.services]

ROUNDS, ADMINS, GUESTS = 8, 4, 6

Act = Callable[[User, User], object]


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_admin_always_remains_and_an_invitation_lets_one_in(vendor: str, database: str) -> None:
    env = os.environ | {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-m", "tests.services.test_people_at_once"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["vendor"] == vendor
    # Each puts the next one out, in a ring: whatever the order, one is left, and those put out did nothing more.
    assert len(told["left"]) == 2 * ROUNDS
    assert all(1 <= left < ADMINS for left in told["left"]), told["left"]
    assert set(told["refused"]) <= {"no admin", "last admin"}
    assert told["refused"].count("no admin") >= 2 * ROUNDS
    assert told["entered"] == [1] * ROUNDS
    assert told["gone"] == ROUNDS * (GUESTS - 1)
    assert told["strange"] == []


def main() -> None:
    """Do it again and again; print what became of it."""
    told: dict[str, list[object]] = {"left": [], "refused": [], "entered": [], "strange": []}
    gone: list[str] = []
    acts: list[Act] = [
        lambda actor, other: keeping.give_role(other, "staff", actor=actor),
        lambda actor, other: keeping.deactivate(other, actor=actor),
    ]
    for number in range(ROUNDS):
        for which, act in enumerate(acts):
            User.objects.update(is_active=False)
            ring = [person(f"admin{number}{which}{each}", "admin") for each in range(ADMINS)]
            put_out = [_press(act, actor, ring[(each + 1) % ADMINS], told) for each, actor in enumerate(ring)]
            at_once(put_out)
            told["left"].append(keeping.admins().count())
        host = person(f"host{number}", "admin")
        invitation, _ = inviting.invite(
            email=f"guest{number}@example.com", name="", role="staff", limited=False, actor=host
        )

        def come_in(name: str, invitation: inviting.Invitation = invitation) -> Callable[[], None]:
            def come() -> None:
                try:
                    inviting.accept(invitation, User(username=name))
                except inviting.Gone:
                    gone.append(name)

            return come

        at_once([come_in(f"guest{number}of{each}") for each in range(GUESTS)])
        told["entered"].append(User.objects.filter(email=invitation.email).count())
    sys.stdout.write(json.dumps(told | {"vendor": connection.vendor, "gone": len(gone)}) + "\n")


def _press(act: Act, actor: User, other: User, told: dict[str, list[object]]) -> Callable[[], None]:
    def press() -> None:
        try:
            act(actor, other)
        except keeping.Refused as error:
            told["refused"].append("no admin" if str(error) == keeping.NO_ADMIN else "last admin")
        except Exception as error:
            told["strange"].append(repr(error))

    return press


def at_once(presses: list[Callable[[], None]]) -> None:
    """Each in a thread with a connection of its own, all when all are ready."""
    start = threading.Barrier(len(presses))

    def run(press: Callable[[], None]) -> None:
        try:
            connection.ensure_connection()
            start.wait(30)
            press()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(press,)) for press in presses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
