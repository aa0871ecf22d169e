"""Many people place the same at the same moment on a real PostgreSQL, which has as many writers: one of them does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import django
import pytest

if __name__ == "__main__":
    django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

from orders import doorbell, placing
from orders.lifecycle import Status
from orders.models import Contact, Order
from orders.placing import CannotPlace
from tests.services.servers import ROOT, postgres, postgres_program
from tests.tutorials import CHOICES, CONTACT

pytestmark = [pytest.mark.services]

SLUG, ROUNDS, PEOPLE = "linkus-cloud-service", 5, 6


@pytest.mark.skipif(not postgres_program("initdb"), reason="PostgreSQL is not installed here")
def test_on_postgresql_one_of_many_places_the_same(tmp_path: Path) -> None:
    with postgres(tmp_path) as url:
        env = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        command = [sys.executable, "-m", "tests.services.test_placing_at_once"]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["vendor"] == "postgresql"
    assert [told["words"].count("placed"), told["queued"]] == [ROUNDS, ROUNDS]
    others = [words for words in told["words"] if words != "placed"]
    assert len(others) == ROUNDS * (PEOPLE - 1)
    assert all("The same was ordered already" in words for words in others)


def main() -> None:
    """Place at once, again and again, each time for another PBX; print what became of it."""
    call_command("migrate", interactive=False, verbosity=0)
    doorbell.ring = lambda _: True
    Contact.objects.create(remote_id=CONTACT, mirrored_at=timezone.now())
    people = [User.objects.create_user(f"person{number}") for number in range(PEOPLE)]
    words: list[str] = []
    for number in range(ROUNDS):
        start = threading.Barrier(PEOPLE)
        threads = [threading.Thread(target=press, args=(each, number, start, words)) for each in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    queued = Order.objects.filter(status=Status.QUEUED).count()
    sys.stdout.write(json.dumps({"vendor": connection.vendor, "words": words, "queued": queued}) + "\n")


def press(person: User, number: int, start: threading.Barrier, words: list[str]) -> None:
    """One person's draft, placed when all are ready."""
    try:
        order = placing.start(slug=SLUG, owner=person)
        placing.answer(order, CHOICES[SLUG] | {"product_no": f"36947166733{number}"})
        sha256 = placing.preview(order)[2]
        start.wait(30)
        placing.place(order, approved_sha256=sha256, actor=person)
        words.append("placed")
    except CannotPlace as error:
        words.append(str(error))
    finally:
        connections.close_all()


if __name__ == "__main__":
    main()
