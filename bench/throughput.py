"""Orders per second of one worker of 32 threads, the API taking 200 ms: the limit is 160.

The times are those that the rows keep: a receipt's is taken a moment before its commit, which is less than one part
in a hundred of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from bench.figure import Row, hand_over, note
from bench.stage import Stage, wait_until

ORDERS = 500
THREADS = 32
LATENCY = 0.2
LIMIT = THREADS / LATENCY
WARM_UP = 2 * THREADS
"""So many orders more, before the clock starts: a new worker opens its files and connections with the first ones."""

ROUNDS = 3


def measure() -> Iterator[Row]:
    """Ours and the peer take turns, and the medians are told."""
    with Stage() as stage:
        stage.prepare()
        stage.become_django()
        rounds = [(one_round(stage, plain=False), one_round(stage, plain=True)) for _ in range(ROUNDS)]
    ours, peer = zip(*rounds, strict=True)
    warm, peer_warm = median(each.warm for each in ours), median(each.warm for each in peer)
    what = f"{ORDERS} orders, API {LATENCY * 1000:.0f} ms, {THREADS} threads"
    yield Row(figure=what, measured=warm, unit="/s", limit=LIMIT, at_least=0.9)
    yield Row(figure="  a plain Celery task", measured=peer_warm, unit="/s", limit=LIMIT)
    yield Row(figure="  ours beside the plain task", measured=warm, unit="/s", limit=peer_warm, limit_is="peer")
    yield Row(
        figure="  ours, the first orders of a new worker too",
        measured=median(each.cold for each in ours),
        unit="/s",
        limit=LIMIT,
    )


@dataclass(frozen=True)
class Speed:
    """Orders per second: once each thread has its connections, and from the first claim on."""

    warm: float
    cold: float


def one_round(stage: Stage, *, plain: bool) -> Speed:
    """Orders wait in the queue, a worker comes and sends them all."""
    from bench import buying
    from bench.plain import NAME

    stage.latency(0)
    pks = buying.queued(WARM_UP + ORDERS)
    if plain:
        buying.silence()
        for pk in pks:
            buying.app.send_task(NAME, args=[str(pk)], ignore_result=True)
    buying.warm_token()
    stage.latency(LATENCY)
    watch = buying.Watch()
    stage.start_worker("bench.plain" if plain else "portal.run.queue")
    try:
        wait_until(lambda: not watch.count("QUEUED") + watch.count("SENDING"), 120, "all orders are settled")
    finally:
        stage.stop("worker")
    claimed, settled = buying.claimed_and_settled(pks)
    speed = Speed(
        warm=ORDERS / (settled[-1] - settled[WARM_UP - 1]),
        cold=len(pks) / (settled[-1] - claimed[0]),
    )
    note(f"{'plain task' if plain else 'ours'}: {speed.warm:.1f}/s, from the first claim on {speed.cold:.1f}/s")
    return speed


if __name__ == "__main__":
    hand_over(measure)
