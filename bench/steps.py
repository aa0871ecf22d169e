"""Server time of the wizard's pages with 5,000 customers and as many billing contacts.

In one process, through Django's handler with the middleware and settings of production: no debugging, hashed and
compressed static files, cached templates, the log written to a file.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

from bench.figure import Row, hand_over, note, p95
from bench.stage import Stage

PEOPLE = 5_000
SAMPLES = 200
WARM_UP = 20
LIMIT = 30.0
STEPS = ("target", "plan", "billing", "review")


def measure() -> Iterator[Row]:
    """p95 of each page and of the picker's search; then of the pages that carry the longest lists whole."""
    with Stage() as stage:
        stage.prepare()
        stage.become_django()
        from bench import buying
        from orders.pickers import WHOLE_LIST

        buying.add_people(stage, PEOPLE)
        yield from (row(name, ask) for name, ask in visits(f"{PEOPLE:,} customers").items())
        buying.forget_people(but=WHOLE_LIST)
        buying.add_pbxs(stage, WHOLE_LIST)
        whole = visits(f"{WHOLE_LIST} customers and PBXs, all listed")
        yield from (row(name, whole[name]) for name in list(whole)[:2])


def row(name: str, ask: Callable[[], int]) -> Row:
    """Ask often, and tell p95."""
    samples = timed(ask)
    note(f"{name}: median {statistics.median(samples):.1f} ms, p95 {p95(samples):.1f} ms")
    return Row(figure=f"{name}, p95", measured=p95(samples), unit="ms", limit=LIMIT, at_most=1.0)


def visits(world: str) -> dict[str, Callable[[], int]]:
    """What a person does, by name; each returns the status of the answer."""
    from django.test import Client

    from bench import buying

    order = buying.for_a_customer()
    browser = Client(headers={"host": "localhost", "accept-encoding": "gzip"})
    browser.force_login(buying.staff())
    options = f"/orders/{order.pk}/target/options/"

    def page(step: str) -> Callable[[], int]:
        return lambda: browser.get(f"/orders/{order.pk}/{step}/").status_code

    def search(words: str) -> Callable[[], int]:
        query = {"name": "partner_id", "q_partner_id": words}
        return lambda: browser.get(options, query, headers={"hx-request": "true"}).status_code

    return {
        f"step target, {world}": page("target"),
        f"step billing, {world}": page("billing"),
        "step plan, offers at hand": page("plan"),
        "step review": page("review"),
        "search, a rare word": search("user4711"),
        "search, a common word": search("generated"),
        "search, no match": search("nobody at all"),
    }


def timed(ask: Callable[[], int]) -> list[float]:
    """Milliseconds of each answer."""
    samples = []
    for _ in range(WARM_UP + SAMPLES):
        began = time.perf_counter()
        status = ask()
        samples.append((time.perf_counter() - began) * 1000)
        assert status == 200, status
    return samples[WARM_UP:]


if __name__ == "__main__":
    hand_over(measure)
