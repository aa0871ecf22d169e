"""People who order: each a thread with a browser of its own, who looks again whenever an answer is lost."""

from __future__ import annotations

import re
import threading
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

import httpx

from tests.chaos.verdict import Told
from tests.tutorials import CHOICES, SLUGS

REASON = "This is another order for the same place, on purpose."
PATIENCE = 120
"""Seconds after which somebody gives up on a draft; to be known, it must not happen."""

SHA256 = re.compile(r'name="approved_sha256" value="([0-9a-f]{64})"')
APPROVED = re.compile(r'name="(approved_\w+)" value="([^"]+)"')


class Work:
    """What is to be ordered, evenly over `seconds`, and what people saw while they did it."""

    def __init__(self, *, orders: int, seconds: float) -> None:
        self.orders, self._pause = orders, seconds / orders
        self._began, self._given = time.monotonic(), 0
        self._lock = threading.Lock()
        self.over = threading.Event()
        self.accepted: set[UUID] = set()
        self.approved: defaultdict[UUID, set[str]] = defaultdict(set)
        self.seen: Counter[str] = Counter()
        self.broken: list[str] = []

    def next(self) -> int | None:
        """The number of the next order, when it is time for it; None when there are enough."""
        with self._lock:
            if len(self.accepted) >= self.orders:
                return None
            number, self._given = self._given, self._given + 1
        self.over.wait(max(0.0, self._began + number * self._pause - time.monotonic()))
        return None if self.over.is_set() else number

    def saw(self, what: str) -> None:
        """Count something that happened to somebody."""
        with self._lock:
            self.seen[what] += 1

    def approve(self, pk: UUID, sha256: str) -> None:
        """Remember for what somebody pressed the button."""
        with self._lock:
            self.approved[pk].add(sha256)

    def accept(self, pk: UUID) -> None:
        """Remember that somebody was told that the order is on its way."""
        with self._lock:
            self.accepted.add(pk)

    @property
    def told(self) -> Told:
        """What the judge holds us to."""
        with self._lock:
            return Told(accepted=set(self.accepted), approved=dict(self.approved))


def wish(number: int) -> tuple[str, dict[str, Any]]:
    """The product and the answers of an order; no two numbers want the same."""
    slug = SLUGS[number % len(SLUGS)]
    choices = dict(CHOICES[slug])
    if "quantity" in choices:
        choices["quantity"] = number + 1
    else:
        choices["product_no"] = str(369_000_000_000 + number)
    return slug, choices


class Person(threading.Thread):
    """Orders one thing after another until there is nothing more to order."""

    def __init__(self, name: str, password: str, url: str, work: Work, random: Random) -> None:
        super().__init__(name=name, daemon=True)
        self.work, self.random = work, random
        self.browser = httpx.Client(base_url=url, timeout=20)
        self._sign_in(password)

    def _sign_in(self, password: str) -> None:
        self.browser.get("/accounts/login/")
        answer = self._post("/accounts/login/", {"login": self.name, "password": password})
        assert answer is not None
        assert answer.is_redirect, answer.text

    def run(self) -> None:
        """Order; whatever goes wrong with the person itself ends up in the report."""
        try:
            while (number := self.work.next()) is not None:
                self._order(*wish(number))
        except Exception:
            if not self.work.over.is_set():
                self.work.broken.append(traceback.format_exc())
        finally:
            self.browser.close()

    def _order(self, slug: str, choices: dict[str, Any]) -> None:
        path = self._start(slug)
        until = time.monotonic() + PATIENCE
        while path and not self.work.over.is_set():
            # Whatever was lost: the page of the order tells where it stands. A draft's leads to its first open step.
            page = self._look(path)
            step = page.url.path.removeprefix(path).strip("/")
            if not step:
                self.work.accept(_pk(path))
                return
            if step == "review":
                self._place(path, page, choices)
            elif (answer := self._post(page.url.path, choices)) is None or not answer.is_redirect:
                self.work.over.wait(0.3)
            if time.monotonic() > until:
                self.work.saw("gave up on a draft")
                return

    def _start(self, slug: str) -> str:
        """A new draft; the path of its order. If the answer is lost, so is the draft, and another one is made."""
        while not self.work.over.is_set():
            answer = self._post(f"/orders/start/{slug}/", {})
            if answer is not None and answer.is_redirect:
                return answer.headers["Location"].removesuffix("target/")
            self.work.over.wait(0.5)
        return ""

    def _place(self, path: str, review: httpx.Response, choices: dict[str, Any]) -> None:
        """Press the button: mostly once, sometimes twice at once, sometimes while another tab changes the draft."""
        found = SHA256.search(review.text)
        if not found:
            self.work.over.wait(0.3)
            return
        pk = _pk(path)
        self.work.approve(pk, found.group(1))
        form = dict(APPROVED.findall(review.text))
        if 'name="reason"' in review.text:
            self.work.saw("gave a reason")
            form["reason"] = REASON

        def press() -> None:
            answer = self._post(f"{path}place/", form)
            if answer is None:
                self.work.saw("lost the answer to placing")
            elif answer.is_redirect and answer.headers["Location"] == path:
                self.work.accept(pk)

        mood = self.random.random()
        if mood < 0.15:
            self.work.saw("double-clicked")
            self._both(press, press)
        elif mood < 0.25 and "quantity" in choices:
            self.work.saw("changed it in another tab while placing")
            other = choices | {"quantity": choices["quantity"] + 5_000}
            self._both(press, lambda: self._post(f"{path}plan/", other))
        else:
            press()

    @staticmethod
    def _both(first: Callable[[], object], second: Callable[[], object]) -> None:
        beside = threading.Thread(target=second, daemon=True)
        beside.start()
        first()
        beside.join()

    def _look(self, path: str) -> httpx.Response:
        """Load a page, again and again until it comes."""
        while True:
            answer = self._ask("GET", path, follow_redirects=True)
            if answer is not None and answer.status_code < 500:
                return answer.raise_for_status()
            if self.work.over.wait(0.5):
                raise TimeoutError(f"{path} did not come before the end")

    def _post(self, path: str, form: dict[str, Any]) -> httpx.Response | None:
        token = {"csrfmiddlewaretoken": self.browser.cookies["csrftoken"]}
        return self._ask("POST", path, data=form | token, headers={"Referer": str(self.browser.base_url)})

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response | None:
        """One request; None if its answer is lost, and whether it was done is not known."""
        try:
            answer = self.browser.request(method, path, **more)
        except httpx.TransportError:
            self.work.saw("lost an answer")
            return None
        if answer.status_code >= 500:
            self.work.saw(f"HTTP {answer.status_code}")
        return answer


def _pk(path: str) -> UUID:
    return UUID(path.strip("/").split("/")[1])
