"""Orders per second of one worker of 32 threads, the API taking 200 ms: the limit is 160."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from bench.figure import Row, hand_over, note
from bench.stage import Stage, wait_until

ORDERS = 500
THREADS = 32
LATENCY = 0.2
LIMIT = THREADS / LATENCY
ROUNDS = 3
"""Ours and the peer take turns, and the medians are told."""


def measure() -> Iterator[Row]:
    """Orders wait in the queue; a worker comes; the clock runs from its first claim to the last receipt."""
    with Stage() as stage:
        stage.prepare()
        stage.become_django()
        rounds = [(one_round(stage, plain=False), one_round(stage, plain=True)) for _ in range(ROUNDS)]
    ours, peer = (statistics.median(speeds) for speeds in zip(*rounds, strict=True))
    what = f"{ORDERS} orders, API {LATENCY * 1000:.0f} ms, {THREADS} threads"
    yield Row(figure=what, measured=ours, unit="/s", limit=LIMIT, at_least=0.9)
    yield Row(figure="  the same with a plain Celery task", measured=peer, unit="/s", limit=LIMIT)
    yield Row(figure="  ours beside the plain task", measured=ours, unit="/s", limit=peer, limit_is="peer")


def one_round(stage: Stage, *, plain: bool) -> float:
    """Orders per second."""
    from bench import buying
    from bench.plain import NAME

    stage.latency(0)
    watch, before = buying.Watch(), buying.Watch().count("PLACED")
    pks = buying.queued(ORDERS)
    if plain:
        buying.silence()
        for pk in pks:
            buying.app.send_task(NAME, args=[str(pk)], ignore_result=True)
    buying.warm_token()
    stage.latency(LATENCY)
    stage.start_worker("bench.plain" if plain else "portal.run.queue")
    try:
        wait_until(lambda: watch.count("PLACED") == before + ORDERS, 60, "all orders are placed")
        ended = time.time()
    finally:
        stage.stop("worker")
    speed = ORDERS / (ended - watch.first_claim(pks))
    note(f"{'plain task' if plain else 'ours'}: {speed:.1f}/s")
    return speed


if __name__ == "__main__":
    hand_over(measure)
