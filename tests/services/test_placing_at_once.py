"""Many people place the same at the same moment, on SQLite and on a real PostgreSQL: one of them does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import django
import pytest

if __name__ == "__main__":
    django.setup()

from django.contrib.auth.models import User
from django.db import connection, connections
from django.utils import timezone

from orders import doorbell, placing
from orders.lifecycle import Status
from orders.models import Contact, Order
from orders.placing import CannotPlace
from tests.services.conftest import VENDORS
from tests.services.servers import ROOT
from tests.tutorials import CHOICES, CONTACT

pytestmark = [pytest.mark.services]

SLUG, ROUNDS, PEOPLE = "linkus-cloud-service", 5, 6


@pytest.mark.parametrize("vendor", VENDORS)
def test_of_many_who_place_the_same_at_the_same_moment_one_does(vendor: str, database: str) -> None:
    env = os.environ | {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-m", "tests.services.test_placing_at_once"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["vendor"] == vendor
    assert [told["words"].count("placed"), told["queued"], told["untouched"]] == [ROUNDS, ROUNDS, ROUNDS * (PEOPLE - 1)]
    others = [words for words in told["words"] if words != "placed"]
    assert len(others) == ROUNDS * (PEOPLE - 1)
    assert all("The same was ordered" in words for words in others)


def main() -> None:
    """Place at once, again and again, each time for another PBX; print what became of it."""
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
    told = {
        "vendor": connection.vendor,
        "words": words,
        "queued": Order.objects.filter(status=Status.QUEUED).count(),
        "untouched": Order.objects.filter(status=Status.DRAFT, chain_length=1, likeness="", request_body="").count(),
    }
    sys.stdout.write(json.dumps(told) + "\n")


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
