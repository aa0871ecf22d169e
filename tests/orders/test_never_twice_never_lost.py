"""Whatever happens in whatever order: nothing is bought twice, nothing is lost, nothing bought is called "not bought".

A machine draws long sequences of what people, workers, the sweep, reconciliation, the clock and a lying network do,
also in the very moment in which a worker waits for its answer, and compares with the vendor's own ledger after each.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from orders import breaking, placing, settling, submitting, sweeping
from orders.accounts import syncing
from orders.beside import nearest
from orders.evidence import broken_links
from orders.history.reconciling import reconcile
from orders.lifecycle import MOVING, Status
from orders.models import Attempt, EchoSighting, Order
from orders.settling import CannotSettle
from tests.conftest import person, portal_for
from tests.tutorials import CHOICES
from yeastar_api.sandbox import Sandbox

SAVE = "/order/openapi/order/v1/save"

TROUBLE = st.sampled_from(
    [
        None,
        ("reset", {"processed": True}),
        ("reset", {"processed": False}),
        ("half", {}),
        ("garbage", {"processed": True}),
        ("status", {"status": 502, "processed": True}),
        ("status", {"status": 502, "processed": False}),
        ("status", {"status": 429, "processed": False}),
        ("refuse", {}),
    ]
)
GIVES_UP = "the sweep gives up"
LOST = st.sampled_from([("reset", {"processed": True}), ("reset", {"processed": False})])
MEANWHILE = st.sampled_from(
    [
        [],
        ["another worker"],
        ["cancel"],
        [GIVES_UP],
        [GIVES_UP, "reconcile"],
        [GIVES_UP, "reconcile", "another worker"],
        [GIVES_UP, "never placed"],
        ["reconcile", GIVES_UP, "never placed", "reconcile"],
    ]
)


class Killed(BaseException):
    """The worker's process ends here."""


class Network(httpx.BaseTransport):
    """The way to the vendor, on which things happen just before a save arrives and just after it is answered."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._vendor = httpx.WSGITransport(app=sandbox)
        self.before: list[Callable[[], object]] = []
        self.after: list[Callable[[], object]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != SAVE:
            return self._vendor.handle_request(request)
        before, after, self.before, self.after = self.before, self.after, [], []
        for happening in before:
            happening()
        try:
            answer = self._vendor.handle_request(request)
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.read())
        finally:
            for happening in after:
                happening()


class Portal(RuleBasedStateMachine):
    """Orders, workers, a manager and the clock."""

    mona: User
    alice: User

    @initialize(echo=st.booleans())
    def begin(self, echo: bool) -> None:
        empty_the_tables()
        self.sandbox = Sandbox()
        self.sandbox.configure(echo_po_number=echo)
        self.always_echoed = echo
        self.network = Network(self.sandbox)
        self.client = portal_for(self.network, sleep=lambda _: None)
        self.number = itertools.count(1)
        self.wrongly_settled: set[str] = set()
        breaking.forget()
        for _ in range(3):  # a history, so that the vendor's echo is known where there is one
            self.place(same=False)
            self.work(None, [], [], "")
        self.place(same=False)
        self.work(("reset", {"processed": True}), [], [], "")
        self.look()
        assert Order.objects.filter(status=Status.PLACED).count() == 3 + echo, "the machine itself works"
        assert EchoSighting.objects.filter(echoed=echo).count() == 3

    def teardown(self) -> None:
        if not hasattr(self, "client"):
            return
        try:
            self.come_to_rest()
        finally:
            self.client.close()

    # What people do

    @rule(same=st.booleans())
    def place(self, same: bool) -> None:
        """Alice orders, now and then the same as before, with her reason."""
        last = Order.objects.exclude(status=Status.DRAFT).order_by("placed_at").last() if same else None
        order = placing.start(slug="linkus-cloud-service", owner=self.alice)
        choices = {**CHOICES["linkus-cloud-service"], "product_no": f"3694716{next(self.number):05}"}
        placing.answer(order, last.choices if last else choices)
        sha256 = placing.preview(order)[2]
        assert placing.place(order, approved_sha256=sha256, actor=self.alice, reason="Once more" if last else "")
        assert not placing.place(order, approved_sha256=sha256, actor=self.alice), "a second click places nothing"

    @rule()
    def cancel(self) -> None:
        """Mona cancels what is still waiting."""
        if order := Order.objects.filter(status=Status.QUEUED).order_by("-placed_at").first():
            with suppress(CannotSettle):
                settling.cancel(order, reason="Not wanted", actor=self.mona)

    @rule()
    def settle_by_hand(self) -> None:
        """Mona looks at the vendor's own portal, and settles by what she sees there."""
        for order in Order.objects.filter(status=Status.UNCERTAIN)[:1]:
            theirs = self.bought().get(order.reference)
            with suppress(CannotSettle):
                if theirs:
                    settling.settle_as_record(
                        order, order_no=theirs, transaction_no="", instance_id="", reason="Seen", actor=self.mona
                    )
                elif not order.tries.filter(finished_at=None).exists() and not self.network.before:
                    settling.settle_as_never_placed(order, reason="Not there", actor=self.mona)

    @rule()
    def settle_wrongly(self) -> None:
        """Mona errs: she says "never placed" of what was bought. That must not stay silent."""
        for order in Order.objects.filter(status=Status.UNCERTAIN)[:1]:
            with suppress(CannotSettle):
                settling.settle_as_never_placed(order, reason="I saw nothing", actor=self.mona)
                self.wrongly_settled.add(order.reference)

    # What machines do

    @rule(trouble=LOST)
    def lose(self, trouble: Any) -> None:
        """An answer is lost, and nothing else happens."""
        self.work(trouble, [], [], "")

    @rule(trouble=TROUBLE, before=MEANWHILE, after=MEANWHILE, dies=st.sampled_from(["", "", "", "before", "after"]))
    def work(self, trouble: Any, before: list[str], after: list[str], dies: str) -> None:
        """A worker takes an order; while it waits for the answer, the world goes on."""
        if not Order.objects.filter(status=Status.QUEUED).exists():
            self.place(same=False)
        order = Order.objects.filter(status=Status.QUEUED).earliest("placed_at")
        if trouble:
            kind, options = trouble
            self.sandbox.fault("save", kind, **options)
        self.network.before = [self._happening(what, order) for what in before]
        self.network.after = [self._happening(what, order) for what in after]
        if dies:
            (self.network.before if dies == "before" else self.network.after).append(self._kill)
        Order.objects.filter(pk=order.pk).update(not_before=None)
        with suppress(Killed):
            submitting.submit(order.pk, self.client)
        self.network.before, self.network.after = [], []
        self.sandbox.faults.clear()
        breaking.forget()

    def _happening(self, what: str, order: Order) -> Callable[[], object]:
        def never_placed() -> None:
            row = Order.objects.get(pk=order.pk)
            with suppress(CannotSettle):
                settling.settle_as_never_placed(row, reason="I saw nothing", actor=self.mona)
                self.wrongly_settled.add(row.reference)

        def cancel() -> None:
            with suppress(CannotSettle):
                settling.cancel(Order.objects.get(pk=order.pk), reason="Not wanted", actor=self.mona)

        return {
            "another worker": lambda: submitting.submit(order.pk, self.client),
            GIVES_UP: lambda: sweeping.sweep(timezone.now() + timedelta(minutes=10)),
            "reconcile": self.look,
            "never placed": never_placed,
            "cancel": cancel,
        }[what]

    def _kill(self) -> None:
        raise Killed

    @rule()
    def a_doubled_bell(self) -> None:
        """Messages come twice, and for orders that are settled long since."""
        for order in Order.objects.exclude(status__in=[Status.DRAFT, Status.QUEUED]):
            assert submitting.submit(order.pk, self.client) is None

    @rule()
    def time_passes(self) -> None:
        """An hour, in which the sweep ends the wait for what lost its worker."""
        hour = timedelta(hours=1)
        Attempt.objects.update(started_at=F("started_at") - hour)
        Attempt.objects.exclude(finished_at=None).update(finished_at=F("finished_at") - hour)
        Order.objects.exclude(sending_since=None).update(sending_since=F("sending_since") - hour)
        Order.objects.exclude(settled_at=None).update(settled_at=F("settled_at") - hour)
        sweeping.sweep()

    @rule()
    def look(self) -> None:
        """Reconciliation, with all clocks run out."""
        Order.objects.exclude(look_at=None).update(look_at=timezone.now())
        reconcile(self.client)

    @rule(pages=st.integers(0, 1))
    def look_while_yeastar_fails(self, pages: int) -> None:
        """A reading that is cut short settles what it finds, and proves nothing."""
        before = set(Order.objects.filter(status=Status.FAILED).values_list("pk", flat=True))
        self.sandbox.fault("order_page", "status", status=400, skip=pages, times=None)
        self.look()
        self.sandbox.faults.clear()
        assert set(Order.objects.filter(status=Status.FAILED).values_list("pk", flat=True)) == before

    # What the vendor does

    @precondition(lambda self: self.always_echoed)
    @rule()
    def no_more_echo(self) -> None:
        """From one day to the next the vendor no longer tells references back."""
        self.sandbox.configure(echo_po_number=False)
        self.always_echoed = False

    @rule()
    def bought_elsewhere(self) -> None:
        """Somebody buys the like in the vendor's own portal."""
        last = Order.objects.exclude(status=Status.DRAFT).last()
        serial = last.picked.product_no if last else "369471667338"
        with httpx.Client(transport=httpx.WSGITransport(app=self.sandbox), base_url="http://sandbox.test") as vendor:
            vendor.post("/_sandbox/orders", json={"productId": 9, "productNo": serial})

    # What must hold after each of them

    def bought(self) -> dict[str, str]:
        """The vendor's own ledger: our reference → their order number."""
        return {
            match[0]: each["receipt"]["orderNo"]
            for each in self.sandbox.ledger
            if (match := re.search(r"YP-\w{4}-\w{4}", each["body"] or ""))
        }

    @invariant()
    def nothing_is_bought_twice(self) -> None:
        if hasattr(self, "sandbox"):
            bodies = [re.findall(r"YP-\w{4}-\w{4}", each["body"] or "") for each in self.sandbox.ledger]
            assert max(Counter(itertools.chain(*bodies)).values(), default=0) <= 1

    @invariant()
    def what_we_say_is_so(self) -> None:
        if not hasattr(self, "sandbox"):
            return
        bought = self.bought()
        for order in Order.objects.all():
            theirs = bought.get(order.reference, "")
            if order.status == Status.PLACED:
                assert order.order_no == theirs
            if order.status in (Status.DRAFT, Status.QUEUED):
                assert not theirs
            if order.status == Status.FAILED and theirs:
                assert order.reference in self.wrongly_settled, "only a person may err"

    @invariant()
    def who_sends_has_an_attempt_on_record(self) -> None:
        if hasattr(self, "sandbox"):
            assert not Order.objects.filter(tries=None, status=Status.SENDING).exists()

    def come_to_rest(self) -> None:
        """In the end everything is known, but for what only a person can tell; what was told wrongly is loud."""
        self.sandbox.faults.clear()
        for _ in range(3):
            breaking.forget()
            self.time_passes()
            for order in Order.objects.filter(status=Status.QUEUED):
                Order.objects.filter(pk=order.pk).update(not_before=None)
                submitting.submit(order.pk, self.client)
        for _ in range(4):
            self.time_passes()
            self.look()
        assert not Order.objects.filter(status__in=MOVING).exists(), "nothing is lost"
        bought = self.bought()
        for order in Order.objects.filter(status=Status.UNCERTAIN):
            theirs = bought.get(order.reference)
            assert not (theirs and self.always_echoed), "what was bought is found where references are echoed"
            if theirs:
                assert theirs in [each.record.order_no for each in nearest(order)[0]], "and else laid before a manager"
        for order in Order.objects.filter(status=Status.FAILED, reference__in=bought):
            said = order.events.filter(title__in=["Contradicted by Yeastar's history", "Told late: Bought"]).exists()
            assert said or not self.always_echoed
        self.what_we_say_is_so()
        self.nothing_is_bought_twice()
        assert not list(broken_links(Order.objects.all())), "the evidence is whole"


def empty_the_tables() -> None:
    """Evidence cannot be deleted through the models; between two worlds the tables are emptied beneath them."""
    tables = ("orderevent", "attempt", "echosighting", "order", "record", "reading", "breaker")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_keys=OFF")
        for table in tables:
            cursor.execute(f"DELETE FROM orders_{table}")  # noqa: S608 - our own words
        cursor.execute("PRAGMA foreign_keys=ON")


@pytest.mark.django_db(transaction=True)
def test_no_interleaving_buys_twice_loses_an_order_or_calls_a_bought_one_failed(settings_of: Any) -> None:
    Portal.alice, Portal.mona = person("alice", "staff"), person("mona", "manager")
    with portal_for(httpx.WSGITransport(app=Sandbox())) as client:
        syncing.sync_all(client)
    run_state_machine_as_test(
        Portal,
        settings=settings(
            max_examples=40,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


@pytest.fixture
def settings_of(settings: Any) -> Any:
    """Clocks that the machine turns itself."""
    settings.HISTORY_LAG = timedelta(0)
    settings.RECONCILE_SECONDS = 0.0
    settings.ABSENCE_SCANS = 1  # one is harder than three
    settings.BREAKER_FAILURES = 1_000_000
    return settings
