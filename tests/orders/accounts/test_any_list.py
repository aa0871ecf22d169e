"""Whatever the vendor lists, in whatever order, and whatever people keep meanwhile: three promises hold.

What people keep is touched by no run. The history of each account tells how it came to be what it is. And no list that
can hardly be true changes anything until somebody says so.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from orders.accounts import deciding, keeping, lists, runs
from orders.accounts.lists import LISTS
from orders.models import AccountChange, AccountRun, Listed, Partner
from tests.conftest import person, portal_for
from tests.orders.accounts.kit import sync

State = AccountRun.State

IDS = [str(3106913644890832897 + number) for number in range(14)]
NAMES = st.sampled_from(["Lumière", "O'Brien", "Kiwi <b>", "京都", "\U0001f95d", "", "a\x00b"])
ROWS = st.dictionaries(
    st.sampled_from(IDS),
    st.fixed_dictionaries({"company": NAMES, "city": NAMES, "email": st.sampled_from(["a@x.example", "b@x.example"])}),
    max_size=len(IDS),
)
GARBAGE = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=5),
    st.just([]),
    st.fixed_dictionaries({"partnerId": st.sampled_from([None, 0, "", True, [], "9" * 60, "a\nb", *IDS])}),
    st.fixed_dictionaries({"partnerId": st.sampled_from(IDS), "company": st.just("Another story")}),
)
ENVELOPE = {"code": "success", "detailMessage": "", "requestId": "x", "status": 200}


class Accounts(RuleBasedStateMachine):
    """The vendor's list, our copy, and what people keep."""

    adam: User

    def __init__(self) -> None:
        super().__init__()
        AccountChange.objects.all().delete()
        AccountRun.objects.all().delete()
        Partner.everywhere.all().delete()
        self.answer: Any = []
        self.kept: dict[str, dict[str, Any]] = {}
        self.portal = portal_for(httpx.MockTransport(self.respond), sleep=lambda _: None)

    def respond(self, request: httpx.Request) -> httpx.Response:
        if "token" in request.url.path:
            token = {"token": "t", "expires_in": 1800, "token_type": "Bearer", "refresh_token": "r"}
            return httpx.Response(200, json={**ENVELOPE, "result": token})
        if isinstance(self.answer, bytes):
            return httpx.Response(200, content=self.answer)
        return httpx.Response(200, content=json.dumps({**ENVELOPE, "result": self.answer}))

    @rule(rows=ROWS, garbage=st.lists(GARBAGE, max_size=8), twice=st.booleans())
    def a_list(self, rows: dict[str, Any], garbage: list[Any], twice: bool) -> None:
        told = [{"partnerId": remote_id, **row} for remote_id, row in rows.items()]
        self.answer = [*told, *(told if twice else []), *garbage]
        self.run()

    @rule(keep=st.integers(0, 14), name=NAMES)
    def a_list_like_the_one_before(self, keep: int, name: str) -> None:
        """Somebody renamed, some perhaps missing: what happens every day."""
        raws = [row.raw for row in Partner.objects.filter(gone_at=None).order_by("remote_id")]
        self.answer = [{**raw, "company": name} if number == 0 else raw for number, raw in enumerate(raws)][:keep]
        self.run()

    @rule(shift=st.integers(1, 50))
    def the_same_people_by_other_ids(self, shift: int) -> None:
        raws = [row.raw for row in Partner.objects.filter(gone_at=None)]
        self.answer = [{**raw, "partnerId": f"{shift}{raw['partnerId'][2:]}"} for raw in raws]
        self.run()

    @rule(content=st.sampled_from([b"", b"{", b"[]", b"null", b'{"code": "success", "result": 7}', b"<html>"]))
    def no_list_at_all(self, content: bytes) -> None:
        self.answer = content
        before = self.told()
        run = sync(self.portal, Listed.PARTNERS)
        assert (run.state, self.told()) == (State.FAILED, before)

    def run(self) -> None:
        before, present = self.told(), set(Partner.objects.filter(gone_at=None).values_list("remote_id", flat=True))
        run = sync(self.portal, Listed.PARTNERS)
        if run.state != State.DONE:
            assert self.told() == before, "a list that is not taken changes nothing"
            assert not AccountChange.objects.filter(run=run).exists()
            return
        now = set(Partner.objects.filter(gone_at=None).values_list("remote_id", flat=True))
        vanished = present - now
        few = len(vanished) < 5 or len(vanished) * 100 <= len(present) * 20
        assert few, "the guard holds"
        assert now or not present, "nobody is left only where nobody was"

    @rule(which=st.integers(0, 13), hidden=st.booleans(), note=NAMES, tags=st.sampled_from(["", ",vip,", ",a,b,"]))
    def somebody_keeps_something(self, which: int, hidden: bool, note: str, tags: str) -> None:
        row = Partner.objects.filter(remote_id=IDS[which]).first()
        if row is None:
            return
        kind = LISTS[Listed.PARTNERS]
        before = keeping.values(kind, row)
        after = before | {"hidden": hidden, "note": note.replace("\x00", ""), "tags": tags, "owner_id": self.adam.pk}
        assert keeping.keep(kind, row, after, actor=self.adam, seen=keeping.mark(before))
        self.kept[row.remote_id] = after

    @rule(take=st.booleans())
    def adam_decides(self, take: bool) -> None:
        run = runs.freshness(Listed.PARTNERS).held
        if run is None:
            return
        held = deciding.held(run)
        assert held is not None
        if not take:
            before = self.told()
            deciding.refuse(run, self.adam)
            assert self.told() == before
            return
        leaving = set(held.plan.gone)
        deciding.confirm(run, self.adam, seen=held.plan.mark)
        gone = set(Partner.objects.exclude(gone_at=None).values_list("remote_id", flat=True))
        assert leaving <= gone, "who was shown to go has gone"
        assert not set(held.told.rows) & gone, "and nobody who is in the list"

    def told(self) -> list[Any]:
        """All that is theirs."""
        return list(Partner.everywhere.order_by("pk").values("remote_id", *lists.COLUMNS))

    @invariant()
    def what_people_keep_is_as_they_left_it(self) -> None:
        for row in Partner.objects.all():
            wanted = self.kept.get(row.remote_id)
            found = keeping.values(LISTS[Listed.PARTNERS], row)
            assert found == (wanted or {**dict.fromkeys(found), "hidden": False, "note": "", "tags": ""})

    @invariant()
    def the_history_tells_how_each_came_to_be_what_it_is(self) -> None:
        for row in Partner.objects.all():
            changes = list(AccountChange.objects.filter(remote_id=row.remote_id).exclude(kind="kept").order_by("pk"))
            assert changes[0].kind == "added"
            there, last = False, dict(row.raw)
            for change in changes:
                assert (change.kind in ("added", "revived")) == (not there), "each change follows from the one before"
                there = change.kind != "gone"
            assert there == (row.gone_at is None)
            for change in reversed(changes):  # back to the beginning: each `after` is what stood there
                for name, (before, after) in change.fields.items():
                    assert last.get(name) == after
                    last[name] = before

    @invariant()
    def one_run_at_most_is_open_and_one_list_at_most_waits(self) -> None:
        assert not AccountRun.objects.filter(finished_at=None).exists()
        assert AccountRun.objects.filter(state=State.HELD).count() <= 1


@pytest.mark.django_db(transaction=True)
def test_local_columns_survive_the_history_is_complete_and_the_guard_holds() -> None:
    Accounts.adam = person("adam", "admin")
    run_state_machine_as_test(
        Accounts,
        settings=settings(
            max_examples=60,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
