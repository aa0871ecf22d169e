"""Live answers: asked once, briefly kept, and never waited for longer than a person would."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from orders.lookups import KEPT, Lookups
from yeastar_api.errors import NotDelivered


class Question:
    """A question that is answered when the test says so."""

    def __init__(self, answer: object = "answer") -> None:
        self.answer, self.asked, self.may_answer = answer, 0, threading.Event()

    def __call__(self) -> object:
        self.asked += 1
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
    first = lookups.ask("key", question, patience=0.05, max_age=60)
    assert first.state == "waiting"
    assert time.monotonic() - began < 5
    assert first.value is first.error is None
    second = lookups.ask("key", question, patience=0, max_age=60)
    assert (second.state, second.seconds >= first.seconds) == ("waiting", True)
    question.may_answer.set()
    found = lookups.ask("key", question, patience=10, max_age=60)
    assert (found.state, found.value, question.asked) == ("ready", "answer", 1)


def test_an_answer_is_kept_as_long_as_it_is_fresh(lookups: Lookups, question: Question) -> None:
    question.may_answer.set()
    for _ in range(3):
        assert lookups.ask("key", question, patience=10, max_age=60).value == "answer"
    assert question.asked == 1
    assert lookups.ask("key", question, patience=10, max_age=0).value == "answer"
    assert question.asked == 2


def test_an_empty_answer_is_an_answer(lookups: Lookups) -> None:
    found = lookups.ask("key", list, patience=10, max_age=60)
    assert (found.state, found.value) == ("ready", [])


def test_a_question_in_flight_is_not_asked_again_however_old(lookups: Lookups, question: Question) -> None:
    for _ in range(3):
        assert lookups.ask("key", question, patience=0.01, max_age=0).state == "waiting"
    question.may_answer.set()
    assert lookups.ask("key", question, patience=10, max_age=60).state == "ready"
    assert question.asked == 1


def test_a_failure_is_told_once_and_then_asked_anew(lookups: Lookups, question: Question) -> None:
    error = NotDelivered(call="purchase_product_info", detail="no connection")
    question.answer = error
    question.may_answer.set()
    failed = lookups.ask("key", question, patience=10, max_age=60)
    assert (failed.state, failed.error, failed.value) == ("failed", error, None)
    question.answer = "answer"
    assert lookups.ask("key", question, patience=10, max_age=60).value == "answer"
    assert question.asked == 2


def test_a_bug_of_ours_is_not_hidden(lookups: Lookups, question: Question) -> None:
    question.answer = ZeroDivisionError("ours")
    question.may_answer.set()
    with pytest.raises(ZeroDivisionError):
        lookups.ask("key", question, patience=10, max_age=60)
    question.answer = "answer"
    assert lookups.ask("key", question, patience=10, max_age=60).value == "answer"


def test_different_questions_do_not_wait_for_each_other(lookups: Lookups, question: Question) -> None:
    assert lookups.ask("slow", question, patience=0, max_age=60).state == "waiting"
    assert lookups.ask("quick", lambda: 1, patience=10, max_age=60).value == 1


def test_many_who_ask_at_once_make_one_call(lookups: Lookups, question: Question) -> None:
    found: list[object] = []
    people = [
        threading.Thread(target=lambda: found.append(lookups.ask("key", question, patience=10, max_age=60).value))
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
        assert lookups.ask(number, lambda: "x", patience=10, max_age=60).value == "x"
    assert len(lookups._asked) <= KEPT


def test_forgetting_everything_asks_anew(lookups: Lookups, question: Question) -> None:
    question.may_answer.set()
    lookups.ask("key", question, patience=10, max_age=60)
    lookups.clear()
    lookups.ask("key", question, patience=10, max_age=60)
    assert question.asked == 2
