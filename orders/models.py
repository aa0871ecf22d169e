"""What we remember: mirrored partners and contacts, orders, and what happened to each order."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from orders.composing import Choices, Recipe
from orders.lifecycle import MOVING, SETTLED, TRANSITIONS, Status
from orders.recipes import RECIPES, retired
from orders.text import fold

SEE_ALL_ORDERS = "orders.see_all_orders"
PLACE_ORDER = "orders.place_order"
SETTLE_ORDER = "orders.settle_order"

QUEUE_DOWN = "The order is accepted and kept. Our own queue is down; the order is sent as soon as that is back."
"""The problem of an order whose bell could not be rung."""

NUMBER_LENGTH = 128
"""Room for any of the vendor's numbers; those seen have 21 characters, request ids 32."""


class MirroredQuerySet(models.QuerySet["Mirrored"]):
    """Rows of a mirrored list."""

    def on_offer(self) -> MirroredQuerySet:
        """Those that a new order may name: still in the vendor's list, and not hidden by us."""
        return self.filter(gone_at=None, hidden=False)

    def matching(self, query: str) -> MirroredQuerySet:
        """Those in which each word of `query` occurs: company, name, email or id; case and accents are ignored."""
        found = self
        for word in fold(query).split():
            found = found.filter(search__contains=word)
        return found


class Mirrored(models.Model):
    """Somebody as the vendor's list tells it. `mirror.py` is the only writer of all columns but `hidden`."""

    remote_id = models.CharField(max_length=40, unique=True)
    email = models.CharField(max_length=254, blank=True)
    company = models.CharField(max_length=255, blank=True)
    first_name = models.CharField(max_length=255, blank=True)
    last_name = models.CharField(max_length=255, blank=True)
    country = models.CharField(max_length=100, blank=True)
    raw = models.JSONField(default=dict)
    search = models.TextField(blank=True)
    mirrored_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)
    hidden = models.BooleanField(default=False)

    objects = MirroredQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("company", "last_name", "remote_id")

    def __str__(self) -> str:
        return self.company or self.person or self.email or self.remote_id

    @property
    def person(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def detail(self) -> str:
        """What tells two of the same company apart, in one line."""
        return " · ".join(part for part in (self.person, self.email, self.country) if part)

    @property
    def address(self) -> str:
        """The postal address in one line, of what the vendor sent."""
        parts = (self.raw.get(key) for key in ("street", "zipCode", "city", "stateProvince", "country"))
        return ", ".join(str(part) for part in parts if part)


class Partner(Mirrored):
    """A subordinate user: a customer that we may order for. `remote_id` is the API's partnerId."""

    class Meta(Mirrored.Meta):
        indexes = [models.Index(fields=["gone_at", "hidden", "company", "last_name", "remote_id"])]


class Contact(Mirrored):
    """A billing contact: who gets the invoice. `remote_id` is the API's billingContactId."""

    class Meta(Mirrored.Meta):
        indexes = [models.Index(fields=["gone_at", "hidden", "company", "last_name", "remote_id"])]


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

    def placed(self) -> OrderQuerySet:
        """All but drafts, newest first."""
        return self.exclude(status=Status.DRAFT).order_by("-placed_at", "-pk")


class Order(models.Model):
    """Ours: one row, and one URL, from the first click to the recorded order number."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders")
    slug = models.SlugField(max_length=80)
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

    objects = OrderQuerySet.as_manager()

    class Meta:
        permissions = [
            ("place_order", "Can order, and see the own orders"),
            ("see_all_orders", "Can see everybody's orders"),
            ("settle_order", "Can settle an uncertain order by hand"),
        ]
        indexes = [
            models.Index(fields=["status", "not_before"]),
            models.Index(fields=["owner", "-placed_at"]),
            models.Index(fields=["-placed_at"]),
            models.Index(fields=["order_no"]),
        ]

    def __str__(self) -> str:
        return f"{self.slug} {self.pk}"

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
        **columns: Any,
    ) -> bool:
        """Change the status by compare-and-set, with its event in the same transaction.

        Returns False, and changes nothing, if the row has moved in the meantime or `only_if` does not hold.
        Raises ValueError for a change that the lifecycle does not know.
        """
        old = Status(self.status)
        if to not in TRANSITIONS[old]:
            raise ValueError(f"An order does not move from {old} to {to}.")
        columns["updated_at"] = now = timezone.now()
        if to in SETTLED:
            columns["settled_at"] = now
        with transaction.atomic(durable=True):
            rows = Order.objects.filter(only_if or models.Q(), pk=self.pk, status=old)
            if rows.update(status=to, **columns) != 1:
                return False
            self.note(title=title, words=words, actor=actor, data=data, at=now, moved=(old, to))
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
        at: datetime | None = None,
        moved: tuple[Status, Status] | None = None,
    ) -> None:
        """Write an event: what happened, in words a person can read, and the evidence."""
        OrderEvent.objects.create(
            order=self,
            at=at or timezone.now(),
            title=title,
            words=words,
            actor_id=actor.pk if actor else None,
            data=data or {},
            from_status=moved[0] if moved else "",
            to_status=moved[1] if moved else "",
        )


class OrderEvent(models.Model):
    """Something that happened to an order. Never changed, never deleted."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    from_status = models.CharField(max_length=10, choices=Status, blank=True)
    to_status = models.CharField(max_length=10, choices=Status, blank=True)
    title = models.CharField(max_length=200)
    words = models.TextField(blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ("at", "pk")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.title}"
