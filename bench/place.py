"""From pressing Place to the recorded receipt, over real HTTP, one order at a time, the API taking 50 ms."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterator

import httpx

from bench.figure import Row, hand_over, note, p95
from bench.stage import DEMO_PASSWORD, Stage

LATENCY = 0.05
SAMPLES = 80
WARM_UP = 10
GOAL = 0.030


def measure() -> Iterator[Row]:
    """What is above the API's own time: ours from the form's POST, the peer from sending its message."""
    with Stage() as stage:
        stage.prepare()
        stage.become_django()
        stage.latency(LATENCY)
        stage.start_web()
        stage.start_worker()
        ours = overheads(by_the_form(stage))
        stage.stop("worker")
        stage.start_worker("bench.plain")
        peer = overheads(by_a_message())
    for name, samples in (("ours", ours), ("plain task", peer)):
        note(f"{name}: median {statistics.median(samples):.1f} ms, p95 {p95(samples):.1f} ms")
    what = f"Place to receipt, above the API's {LATENCY * 1000:.0f} ms, p95"
    yield Row(figure=what, measured=p95(ours), unit="ms", limit=GOAL * 1000, at_most=1.0)
    yield Row(
        figure="  ours beside a plain Celery task, p95", measured=p95(ours), unit="ms", limit=p95(peer), limit_is="peer"
    )


def overheads(sample: Callable[[], float]) -> list[float]:
    """Milliseconds above the API's own time."""
    seconds = []
    for _ in range(WARM_UP + SAMPLES):
        seconds.append(sample())
        time.sleep(0.05)
    return [(each - LATENCY) * 1000 for each in seconds[WARM_UP:]]


def by_the_form(stage: Stage) -> Callable[[], float]:
    """A person reads the review and presses Place."""
    from bench import buying

    watch, browser = buying.Watch(), signed_in(stage)

    def sample() -> float:
        order = buying.draft()
        review = browser.get(f"/orders/{order.pk}/review/").raise_for_status().text
        form = {name: hidden(review, name) for name in ("csrfmiddlewaretoken", "approved_sha256", "approved_for")}
        began = time.perf_counter()
        answer = browser.post(f"/orders/{order.pk}/place/", data=form)
        assert answer.status_code == 302, answer.status_code
        return watch.wait_settled(order.pk) - began

    return sample


def by_a_message() -> Callable[[], float]:
    """A program sends the message of the plain task."""
    from bench import buying
    from bench.plain import NAME

    watch = buying.Watch()

    def sample() -> float:
        order = buying.draft()
        _, body, _ = buying.placing.preview(order)
        buying.Order.objects.filter(pk=order.pk).update(request_body=body)
        began = time.perf_counter()
        buying.app.send_task(NAME, args=[str(order.pk)], ignore_result=True)
        return watch.wait_settled(order.pk) - began

    return sample


def signed_in(stage: Stage) -> httpx.Client:
    """A browser of one who has signed in."""
    base = f"http://127.0.0.1:{stage.web_port}"
    browser = httpx.Client(base_url=base, headers={"Accept-Encoding": "gzip"}, timeout=30, trust_env=False)
    door = browser.get("/accounts/login/").raise_for_status().text
    form = {"login": "staff", "password": DEMO_PASSWORD}
    form["csrfmiddlewaretoken"] = hidden(door, "csrfmiddlewaretoken")
    answer = browser.post("/accounts/login/", data=form)
    assert answer.status_code == 302, answer.status_code
    return browser


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, f"the page has no {name}"
    return found[1]


if __name__ == "__main__":
    hand_over(measure)
