"""The order: one row from draft to settled, moved only by compare-and-set."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import connection, models, transaction
from django.urls import reverse
from django.utils import timezone

from orders.composing import Choices, Recipe
from orders.lifecycle import MOVING, SETTLED, TRANSITIONS, Status
from orders.models.evidence import NUMBER_LENGTH, OrderEvent
from orders.recipes import RECIPES, retired
from orders.reference import new_reference
from orders.statements import inserting, updating

SEE_ALL_ORDERS = "orders.see_all_orders"
PLACE_ORDER = "orders.place_order"
SETTLE_ORDER = "orders.settle_order"
MANAGE_CONNECTION = "orders.manage_connection"

QUEUE_DOWN = "The order is accepted and kept. Our own queue is down; the order is sent as soon as that is back."
"""The problem of an order whose bell could not be rung."""


FIRST_WATCH = timedelta(hours=1)
"""After so long an order whose doubt ended in "never placed" is looked for once more."""

_in_line = threading.Lock()


def _one_writer() -> AbstractContextManager[object]:
    """SQLite has one writer. To stand in line for it in this process is quicker than SQLite's own sleep and retry."""
    return _in_line if connection.vendor == "sqlite" else nullcontext()


class OrderQuerySet(models.QuerySet["Order"]):
    """Orders, always started from who may see them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> OrderQuerySet:
        """One's own drafts and orders; with permission everybody's orders, but nobody else's drafts."""
        mine = models.Q(owner_id=user.pk)
        if cast("Any", user).has_perm(SEE_ALL_ORDERS):
            return self.filter(mine | ~models.Q(status=Status.DRAFT))
        return self.filter(mine)

    def drafts(self) -> OrderQuerySet:
        """Drafts, the last touched first."""
        return self.filter(status=Status.DRAFT, discarded_at=None).order_by("-updated_at")

    def in_doubt(self) -> OrderQuerySet:
        """What waits for a manager: uncertain orders, and contradictions."""
        return self.filter(models.Q(status=Status.UNCERTAIN) | ~models.Q(conflict=""))

    def placed(self) -> OrderQuerySet:
        """All but drafts, newest first."""
        return self.exclude(status=Status.DRAFT).order_by("-placed_at", "-pk")


class Order(models.Model):
    """Ours: one row, and one URL, from the first click to the recorded order number."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders")
    slug = models.SlugField(max_length=80)
    reference = models.CharField(max_length=16, unique=True, default=new_reference)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    choices = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=0)  # of the choices: two tabs cannot overwrite each other unseen
    target_label = models.CharField(max_length=300, blank=True)  # for lists: whom or which PBX it is for
    again_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    discarded_at = models.DateTimeField(null=True, blank=True)

    # Frozen when placed: the very bytes that are sent, as text, and their hash.
    request_body = models.TextField(blank=True)
    request_sha256 = models.CharField(max_length=64, blank=True)
    destination = models.CharField(max_length=300, blank=True)  # host and account that it was placed for
    summary = models.JSONField(default=list)  # the plain words that were approved with it
    placed_at = models.DateTimeField(null=True, blank=True)

    # The queue. The message is only a doorbell.
    rung_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    held_since = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    sending_since = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True)

    # The receipt: what `save` answered, and the answer itself.
    order_no = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    transaction_no = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    instance_id = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    order_id = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    product_no = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    remote_status = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    request_id = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    answer = models.TextField(blank=True)

    # The tip of the chain of events: also the version that every compare-and-set compares.
    chain_length = models.PositiveIntegerField(default=0)
    chain_hash = models.CharField(max_length=64, blank=True)

    # Reconciliation: when the vendor's history is looked through for it next, and what that has brought so far.
    look_at = models.DateTimeField(null=True, blank=True)
    looks = models.PositiveIntegerField(default=0)
    absences = models.PositiveIntegerField(default=0)  # looks that prove it was not there

    # What is bought for whom, as one word: the same again is asked about before it is placed.
    likeness = models.CharField(max_length=64, blank=True)

    # The truth came late and contradicts what was settled: loud until a manager has seen to it.
    conflict = models.TextField(blank=True)
    # Settled as not bought, and yet Yeastar has it: under this number, for ever.
    found_as = models.CharField(max_length=NUMBER_LENGTH + 3, blank=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        permissions = [
            ("place_order", "Can order, and see the own orders"),
            ("see_all_orders", "Can see everybody's orders"),
            ("settle_order", "Can settle an uncertain order by hand"),
            ("manage_connection", "Can see and test the connection to Yeastar"),
        ]
        indexes = [
            models.Index(fields=["status", "not_before"]),
            models.Index(fields=["owner", "-placed_at"]),
            models.Index(fields=["-placed_at"]),
            models.Index(fields=["look_at"], condition=~models.Q(look_at=None), name="order_looked_for"),
            models.Index(fields=["likeness", "-placed_at"]),
            models.Index(fields=["-placed_at"], condition=~models.Q(conflict=""), name="order_conflict"),
            models.Index(fields=["-placed_at"], condition=~models.Q(found_as=""), name="order_found_as"),
            models.Index(fields=["order_id"], condition=~models.Q(order_id=""), name="order_of_id"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["order_no"], condition=~models.Q(order_no=""), name="one_order_of_ours_for_each_of_theirs"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.slug}"

    def get_absolute_url(self) -> str:
        """The one page of this order."""
        return reverse("orders:order", args=[self.pk])

    @property
    def recipe(self) -> Recipe:
        """The product's recipe; of a product that is no longer sold only the name is left."""
        return RECIPES.get(self.slug) or retired(self.slug)

    @property
    def picked(self) -> Choices:
        """The choices, typed."""
        return Choices.from_json(self.choices)

    @property
    def moving(self) -> bool:
        """Whether a worker will move it on by itself."""
        return self.status in MOVING

    @property
    def settled(self) -> bool:
        """Whether it never moves again."""
        return self.status in SETTLED

    def move(
        self,
        to: Status,
        *,
        title: str,
        words: str = "",
        actor: AbstractBaseUser | None = None,
        data: dict[str, Any] | None = None,
        only_if: models.Q | None = None,
        also: Callable[[], object] | None = None,
        **columns: Any,
    ) -> bool:
        """Change the status by compare-and-set, with its event, and what `also` writes, in the same transaction.

        Returns False, and changes nothing, if the row has moved in the meantime or `only_if` does not hold.
        Raises ValueError for a change that the lifecycle does not know, and whatever `also` raises.
        """
        old = Status(self.status)
        if to not in TRANSITIONS[old]:
            raise ValueError(f"An order does not move from {old} to {to}.")
        now = timezone.now()
        if to in SETTLED:
            columns["settled_at"] = now
        if to == Status.UNCERTAIN:
            columns["look_at"] = now  # reconciliation begins at once
        elif (old, to) == (Status.UNCERTAIN, Status.FAILED):
            columns["look_at"] = now + FIRST_WATCH
        event = self._event(title=title, words=words, actor=actor, data=data, at=now, moved=(old, to))
        if not self._write(event, only_if=only_if, also=also, status=to, **columns):
            return False
        self.status = to
        for name, value in columns.items():
            if not isinstance(value, models.expressions.Combinable):
                setattr(self, name, value)
        return True

    def note(
        self,
        *,
        title: str,
        words: str = "",
        actor: AbstractBaseUser | None = None,
        data: dict[str, Any] | None = None,
        only_if: models.Q | None = None,
        also: Callable[[], object] | None = None,
        **columns: Any,
    ) -> bool:
        """Write an event that does not move the order, and what `also` writes, in one transaction.

        False, and nothing is written, if the row is not as `only_if` says.
        """
        event = self._event(title=title, words=words, actor=actor, data=data, at=timezone.now(), moved=None)
        return self._write(event, only_if=only_if, also=also, **columns)

    def _event(
        self,
        *,
        title: str,
        words: str,
        actor: AbstractBaseUser | None,
        data: dict[str, Any] | None,
        at: datetime,
        moved: tuple[Status, Status] | None,
    ) -> OrderEvent:
        return OrderEvent(
            order=self,
            at=at,
            title=title,
            words=words,
            actor_id=actor.pk if actor else None,
            data=data or {},
            from_status=moved[0] if moved else "",
            to_status=moved[1] if moved else "",
        )

    def _write(
        self,
        event: OrderEvent,
        *,
        only_if: models.Q | None,
        also: Callable[[], object] | None,
        **columns: Any,
    ) -> bool:
        """Append `event` to the chain and set `columns`; if somebody else appended meanwhile, append after theirs."""
        conditions = [models.Q(pk=self.pk), only_if or models.Q()]
        if event.from_status:
            conditions.append(models.Q(status=event.from_status))
        while True:
            event.number, event.previous_hash = self.chain_length + 1, self.chain_hash
            event.hash = event.digest()
            write = updating(
                Order,
                *conditions,
                models.Q(chain_length=self.chain_length),
                chain_length=event.number,
                chain_hash=event.hash,
                updated_at=event.at,
                **columns,
            )
            append = inserting(event)
            with _one_writer(), transaction.atomic(durable=True):
                changed = write()
                if changed:
                    append()
                    if also:
                        also()
            if changed:
                self.chain_length, self.chain_hash, self.updated_at = event.number, event.hash, event.at
                return True
            tip = Order.objects.filter(*conditions).values_list("chain_length", "chain_hash").first()
            if tip is None:
                return False
            self.chain_length, self.chain_hash = tip
