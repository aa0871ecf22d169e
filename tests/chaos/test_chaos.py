"""The judge finds every defect there is; and a short chaos, in which it finds none."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from orders.lifecycle import Status
from tests.chaos.people import wish
from tests.chaos.run import Plan, Report, run, tell
from tests.chaos.verdict import (
    CONTRADICTED,
    FAILED_THOUGH_BOUGHT,
    LEFT_UNCERTAIN,
    LOST,
    NOT_AS_APPROVED,
    TWICE,
    WRONG_NUMBERS,
    Row,
    Told,
    at_rest,
    incomplete,
    judge,
)

REFERENCE = "YP-7F3K-9QX2"
BODY = json.dumps({"productId": 14, "poNumber": f"A person's own {REFERENCE}"})
RECEIPT = {"orderNo": "QG1", "transactionNo": "HT1", "instanceId": "1952276"}
ROW = Row(
    pk=uuid4(),
    reference=REFERENCE,
    status=Status.PLACED,
    order_no="QG1",
    transaction_no="HT1",
    instance_id="1952276",
)


def purchase(body: str = BODY, **receipt: str) -> dict[str, Any]:
    """A purchase as the sandbox's ledger tells it."""
    return {"body": body, "json": json.loads(body), "receipt": RECEIPT | receipt}


def told(pk: UUID = ROW.pk, body: str = BODY) -> Told:
    """Somebody approved this body and was told that the order is accepted."""
    return Told(accepted={pk}, approved={pk: {hashlib.sha256(body.encode()).hexdigest()}})


AS_APPROVED = told()


def found(*rows: Row, ledger: list[dict[str, Any]], told: Told = AS_APPROVED, echo: bool = True) -> set[str]:
    """The kinds of defects that the judge finds."""
    return {name for name, lines in judge(rows, ledger, told, echo=echo).items() if lines}


def test_what_is_as_it_must_be_has_no_defect() -> None:
    assert found(ROW, ledger=[purchase()]) == set()
    assert found(replace(ROW, status=Status.FAILED, order_no=""), ledger=[]) == set()
    draft = Row(pk=uuid4(), reference="YP-2222-2222", status=Status.DRAFT)
    assert found(ROW, draft, ledger=[purchase()]) == set()


@pytest.mark.parametrize("status", Status)
def test_two_purchases_are_one_too_many_whatever_the_row_says(status: Status) -> None:
    assert TWICE in found(replace(ROW, status=status), ledger=[purchase(), purchase(orderNo="QG2")])


@pytest.mark.parametrize("status", [Status.QUEUED, Status.SENDING, Status.DRAFT])
def test_what_was_accepted_and_is_not_told_of_is_lost(status: Status) -> None:
    assert found(replace(ROW, status=status), ledger=[]) == {LOST}


def test_a_row_that_is_gone_is_lost() -> None:
    assert found(ledger=[]) == {LOST}


def test_a_purchase_of_which_we_know_nothing_is_lost() -> None:
    assert found(ROW, ledger=[purchase(), purchase(body='{"poNumber": "YP-3333-3333"}')]) == {LOST}
    assert found(ROW, ledger=[purchase(), purchase(body='{"productId": 14}')]) == {LOST}


def test_what_is_called_bought_and_is_not_is_lost() -> None:
    assert found(ROW, ledger=[]) == {LOST}


def test_what_is_called_failed_and_was_bought_is_found() -> None:
    assert found(replace(ROW, status=Status.FAILED), ledger=[purchase()]) == {FAILED_THOUGH_BOUGHT}


@pytest.mark.parametrize("name", ["order_no", "transaction_no", "instance_id"])
def test_a_number_of_somebody_else_is_found(name: str) -> None:
    other: dict[str, Any] = {name: "QG9"}
    assert found(replace(ROW, **other), ledger=[purchase()]) == {WRONG_NUMBERS}


def test_an_order_number_must_be_there_and_what_nobody_told_may_be_missing() -> None:
    assert found(replace(ROW, order_no=""), ledger=[purchase()]) == {WRONG_NUMBERS}
    told_less = replace(ROW, transaction_no="", instance_id="")
    assert found(told_less, ledger=[purchase()]) == set()
    assert incomplete([ROW, told_less]) == 1


def test_other_bytes_than_those_approved_are_found() -> None:
    assert found(ROW, ledger=[purchase()], told=told(body="{}")) == {NOT_AS_APPROVED}
    assert found(ROW, ledger=[purchase()], told=Told(accepted={ROW.pk})) == {NOT_AS_APPROVED}


@pytest.mark.parametrize("ledger", [[], [purchase()]])
def test_uncertain_may_stay_only_where_no_references_come_back(ledger: list[dict[str, Any]]) -> None:
    uncertain = replace(ROW, status=Status.UNCERTAIN, order_no="")
    assert found(uncertain, ledger=ledger) == {LEFT_UNCERTAIN}
    assert found(uncertain, ledger=ledger, echo=False) == set()


def test_a_contradiction_is_found() -> None:
    assert found(replace(ROW, conflict="A manager must look at this."), ledger=[purchase()]) == {CONTRADICTED}


def test_rest_is_when_nothing_moves_by_itself() -> None:
    assert at_rest({Status.PLACED: 9, Status.FAILED: 1}, echo=True)
    assert at_rest({Status.UNCERTAIN: 1}, echo=False)
    assert not at_rest({Status.UNCERTAIN: 1}, echo=True)
    assert not at_rest({Status.QUEUED: 1}, echo=False)
    assert not at_rest({Status.SENDING: 1}, echo=False)


def test_no_two_people_want_the_same() -> None:
    wishes = [json.dumps(wish(number)) for number in range(1000)]
    assert len(set(wishes)) == len(wishes)


def test_whatever_is_wrong_makes_the_verdict_bad() -> None:
    plan = Plan(database="sqlite", echo=True, orders=1, seconds=1, seed=1)
    empty: dict[str, Any] = {"statuses": {}, "happened": {}, "never": [], "seen": {}}
    report = Report(plan=plan, defects={LOST: []}, other=[], bought=0, incomplete=0, accepted=0, **empty)
    assert report.good
    assert not replace(report, defects={LOST: ["it"]}).good
    assert not replace(report, other=["The evidence is broken."]).good


@pytest.mark.services
@pytest.mark.xdist_group("chaos")
def test_a_short_chaos_buys_everything_once_and_loses_nothing() -> None:
    # Without echo, since to prove that something was never placed takes a minute of looking again.
    report = run(Plan(database="sqlite", echo=False, orders=24, seconds=8, seed=8, people=3, pace=0.6, quiet=90))
    tell(report)
    assert report.good, (report.defects, report.other)
    assert any(what.startswith("killed") for what in report.happened)
    assert any(what.startswith("save") for what in report.happened)
