"""Live answers: asked once, briefly kept, and never waited for longer than a person would."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orders import gateway, placing
from orders.lookups import KEPT, OPEN, OPEN_FOR_ONE, Lookups
from orders.models import Order
from orders.wizard import step_url
from tests.conftest import portal_for
from tests.orders.gate import Gate
from yeastar_api.errors import NotDelivered
from yeastar_api.sandbox import Sandbox


class Question:
    """A question that is answered when the test says so."""

    def __init__(self, answer: object = "answer") -> None:
        self.answer, self.may_answer = answer, threading.Event()
        self._askings: list[None] = []  # to append is atomic, to count up is not

    @property
    def asked(self) -> int:
        """How often."""
        return len(self._askings)

    def __call__(self) -> object:
        self._askings.append(None)
        self.may_answer.wait(10)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def lookups() -> Iterator[Lookups]:
    """Two threads of their own."""
    made = Lookups(threads=2)
    yield made
    made._pool.shutdown(wait=False)


@pytest.fixture
def question() -> Iterator[Question]:
    """A question; the thread that waits for it is let go at the end."""
    asked = Question()
    yield asked
    asked.may_answer.set()


def test_an_answer_that_takes_too_long_is_waited_for_no_longer(lookups: Lookups, question: Question) -> None:
    began = time.monotonic()
    first = lookups.ask("key", question, patience=0.05, max_age=60, asker="one")
    assert first.state == "waiting"
    assert time.monotonic() - began < 5
    assert first.value is first.error is None
    second = lookups.ask("key", question, patience=0, max_age=60, asker="one")
    assert (second.state, second.seconds >= first.seconds) == ("waiting", True)
    question.may_answer.set()
    found = lookups.ask("key", question, patience=10, max_age=60, asker="one")
    assert (found.state, found.value, question.asked) == ("ready", "answer", 1)


def test_an_answer_is_kept_as_long_as_it_is_fresh(lookups: Lookups, question: Question) -> None:
    question.may_answer.set()
    for _ in range(3):
        assert lookups.ask("key", question, patience=10, max_age=60, asker="one").value == "answer"
    assert question.asked == 1
    assert lookups.ask("key", question, patience=10, max_age=0, asker="one").value == "answer"
    assert question.asked == 2


def test_an_empty_answer_is_an_answer(lookups: Lookups) -> None:
    found = lookups.ask("key", list, patience=10, max_age=60, asker="one")
    assert (found.state, found.value) == ("ready", [])


def test_a_question_in_flight_is_not_asked_again_however_old(lookups: Lookups, question: Question) -> None:
    for _ in range(3):
        assert lookups.ask("key", question, patience=0.01, max_age=0, asker="one").state == "waiting"
    question.may_answer.set()
    assert lookups.ask("key", question, patience=10, max_age=60, asker="one").state == "ready"
    assert question.asked == 1


def test_a_failure_is_told_once_and_then_asked_anew(lookups: Lookups, question: Question) -> None:
    error = NotDelivered(call="purchase_product_info", detail="no connection")
    question.answer = error
    question.may_answer.set()
    failed = lookups.ask("key", question, patience=10, max_age=60, asker="one")
    assert (failed.state, failed.error, failed.value) == ("failed", error, None)
    question.answer = "answer"
    assert lookups.ask("key", question, patience=10, max_age=60, asker="one").value == "answer"
    assert question.asked == 2


def test_a_bug_of_ours_is_not_hidden(lookups: Lookups, question: Question) -> None:
    question.answer = ZeroDivisionError("ours")
    question.may_answer.set()
    with pytest.raises(ZeroDivisionError):
        lookups.ask("key", question, patience=10, max_age=60, asker="one")
    question.answer = "answer"
    assert lookups.ask("key", question, patience=10, max_age=60, asker="one").value == "answer"


def test_different_questions_do_not_wait_for_each_other(lookups: Lookups, question: Question) -> None:
    assert lookups.ask("slow", question, patience=0, max_age=60, asker="one").state == "waiting"
    assert lookups.ask("quick", lambda: 1, patience=10, max_age=60, asker="one").value == 1


def test_many_who_ask_at_once_make_one_call(lookups: Lookups, question: Question) -> None:
    found: list[object] = []
    people = [
        threading.Thread(
            target=lambda: found.append(lookups.ask("key", question, patience=10, max_age=60, asker="one").value)
        )
        for _ in range(16)
    ]
    for person in people:
        person.start()
    question.may_answer.set()
    for person in people:
        person.join(10)
    assert (found, question.asked) == (["answer"] * 16, 1)


def test_the_memory_is_bounded(lookups: Lookups) -> None:
    for number in range(KEPT + 50):
        assert lookups.ask(number, lambda: "x", patience=10, max_age=60, asker="one").value == "x"
    assert len(lookups._asked) <= KEPT


def test_forgetting_everything_asks_anew(lookups: Lookups, question: Question) -> None:
    question.may_answer.set()
    lookups.ask("key", question, patience=10, max_age=60, asker="one")
    lookups.clear()
    lookups.ask("key", question, patience=10, max_age=60, asker="one")
    assert question.asked == 2


def test_one_person_has_few_questions_open_and_is_told_so_at_once(lookups: Lookups, question: Question) -> None:
    def ask(key: str, asker: str) -> str:
        return lookups.ask(key, question, patience=0, max_age=60, asker=asker).state

    assert {ask(f"alice {number}", "alice") for number in range(OPEN_FOR_ONE)} == {"waiting"}
    refused = lookups.ask("one more", question, patience=10, max_age=60, asker="alice")
    assert (refused.state, refused.value) == ("failed", None), "had she waited, it would be waiting still"
    assert refused.error is not None
    assert "Too many questions at once" in refused.error.detail
    assert ask("alice 0", "alice") == "waiting", "what she asked already goes on"
    assert ask("bob", "bob") == "waiting", "and others are heard"
    assert ask("bob", "alice") == "waiting", "his question is not hers"
    question.may_answer.set()
    for number in range(OPEN_FOR_ONE):
        assert lookups.ask(f"alice {number}", question, patience=10, max_age=60, asker="alice").state == "ready"
    assert lookups.ask("bob", question, patience=10, max_age=60, asker="alice").state == "ready"
    assert lookups.ask("one more", question, patience=10, max_age=60, asker="alice").state == "ready"
    assert question.asked == OPEN_FOR_ONE + 2, "what was refused was never asked"


def test_so_many_questions_are_open_in_all_whoever_asks_from_however_many_threads(
    lookups: Lookups, question: Question
) -> None:
    def ask(number: int) -> str:
        return lookups.ask(number, question, patience=0, max_age=60, asker=f"person {number}").state

    with ThreadPoolExecutor(16) as crowd:
        states = list(crowd.map(ask, range(OPEN * 3)))
    assert (states.count("waiting"), states.count("failed")) == (OPEN, OPEN * 2)
    question.may_answer.set()


def test_a_person_whose_questions_were_answered_may_ask_more(lookups: Lookups) -> None:
    for number in range(OPEN_FOR_ONE * 3):
        assert lookups.ask(number, lambda: "x", patience=10, max_age=60, asker="one").state == "ready"


def test_a_full_memory_forgets_the_oldest_answer_and_never_an_open_question(
    lookups: Lookups, question: Question
) -> None:
    lookups.ask("open", question, patience=0, max_age=60, asker="slow")
    for number in range(KEPT + 50):
        lookups.ask(number, lambda: "x", patience=10, max_age=60, asker="one")
    assert len(lookups._asked) == KEPT
    assert "open" in lookups._asked
    assert 50 not in lookups._asked
    assert KEPT + 49 in lookups._asked
    lookups.ask("open", question, patience=0, max_age=60, asker="slow")
    question.may_answer.set()
    assert lookups.ask("open", question, patience=10, max_age=60, asker="slow").state == "ready"
    assert question.asked == 1


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is left open is closed at the end."""
    with ExitStack() as opened:
        yield opened


def test_one_person_with_many_drafts_does_not_take_the_plan_page_from_others(
    draft: Callable[[str], Order],
    alices: Client,
    bob: User,
    sign_in: Callable[[User], Client],
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    stack: ExitStack,
) -> None:
    monkeypatch.setattr(gateway, "PATIENCE", 0.01)
    mine = [draft("linkus-cloud-service") for _ in range(12)]
    for number, order in enumerate(mine):
        placing.answer(order, {"product_no": f"FLOOD{number:05d}", "plan_id": ""})
    gate = Gate(sandbox, "FLOOD")
    client = stack.enter_context(portal_for(gate))
    monkeypatch.setattr(gateway, "portal", lambda: client)
    stack.callback(gate.opened.set)
    pages = [alices.get(step_url(order, "plan")).content.decode() for order in mine]
    assert sum("Asking Yeastar for" in page for page in pages) == OPEN_FOR_ONE
    assert sum("Too many questions at once" in page for page in pages) == 12 - OPEN_FOR_ONE
    assert "Your draft is saved" in pages[-1]
    his = draft("linkus-cloud-service")
    Order.objects.filter(pk=his.pk).update(owner=bob)
    monkeypatch.setattr(gateway, "PATIENCE", 10)
    page = sign_in(bob).get(step_url(his, "plan")).content.decode()
    assert 'name="plan_id"' in page, "he is answered while her questions are open"
    assert sandbox.calls["purchase_product_info"] == 1, "hers did not arrive yet"
