"""Theirs: the vendor's history of orders as far as we have read it, and what reading it has taught us."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models

from orders.models.characters import Characters
from orders.models.evidence import NUMBER_LENGTH

USUAL_STATUS, USUAL_CURRENCY = "succeed", "USD"
"""What most records have: by that they are found walking through the dates, so no index holds it."""

PENDING = "pending"
"""The status that is settled by hand at Yeastar, perhaps after days: such orders are asked after by name."""

DESTINATION_LENGTH = 300

_UNREAD = models.Q(detail_at=None, detail_tried_at=None, gone_at=None)


class Record(models.Model):
    """Theirs: an order as the API's history tells it. `orders/history` is the only writer.

    Columns hold what is used, `raw` and `detail` all that was told, unknown fields included. Empty means not known,
    perhaps because the detail has not been read yet. Of an order of ours, product and customer are our own until then.
    """

    destination = models.CharField(max_length=DESTINATION_LENGTH)  # host and account whose history it stands in
    key = models.CharField(max_length=NUMBER_LENGTH + 3)  # the order number; of a row without one, its id
    order_no = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    order_id = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    transaction_no = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    instance_id = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    invoice_no = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    status = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    currency = models.CharField(max_length=20, blank=True)
    amount = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)  # where theirs tells one
    custom_reference_no = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    reference = models.CharField(max_length=16, blank=True)  # the one reference of ours that was found in it
    created_at = models.DateTimeField(null=True, blank=True)
    at = models.DateTimeField()  # by which lists are sorted: when it was created, else when it was first seen
    product_id = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    product_name = models.CharField(max_length=255, blank=True)
    product_no = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    partner_id = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    ours = models.OneToOneField(  # our order, if it was made here
        "orders.Order", null=True, blank=True, on_delete=models.PROTECT, related_name="record"
    )
    owner = models.ForeignKey(  # who asked, if it was made here
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    raw = models.JSONField(default=dict)
    detail = models.JSONField(default=dict)
    detail_at = models.DateTimeField(null=True, blank=True)
    detail_tried_at = models.DateTimeField(null=True, blank=True)  # in vain: others come first
    digest = models.CharField(max_length=40)  # of `raw`: an unchanged row is not written again
    first_seen_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)  # a complete reading no longer held it; never deleted

    class Meta:
        # The destination last: nearly all records have the same, and SQLite, asked for some of them, would take an
        # index that begins with it, and walk through all.
        constraints = [models.UniqueConstraint(fields=["key", "destination"], name="one_record_of_each_of_theirs")]
        indexes = [
            models.Index(fields=["order_no"]),
            models.Index(fields=["-created_at"]),
            models.Index(fields=["reference"], condition=~models.Q(reference=""), name="record_reference"),
            models.Index(fields=["destination"], condition=models.Q(gone_at__isnull=False), name="record_gone"),
            # Of the list, which is walked by date. Each index costs the mirror time with each row, so they hold only
            # what is rare or known: of an order made elsewhere that was only listed, three entries or four.
            models.Index(fields=["-at", "-id"], name="record_at"),
            *(
                models.Index(fields=[column, "-at", "-id"], condition=condition, name=f"record_{column}_at")
                for column, condition in {
                    "status": ~models.Q(status=USUAL_STATUS),
                    "currency": ~models.Q(currency=USUAL_CURRENCY),
                    "product_id": ~models.Q(product_id=""),
                }.items()
            ),
            models.Index(fields=["-at", "-id"], condition=models.Q(owner__isnull=False), name="record_here_at"),
            # The same for what stands together. Behind the key what else may be asked of these, so that no row is read.
            *(
                models.Index(
                    fields=["product_id", "status", "currency", "-at", "-id", "partner_id"],
                    condition=models.Q(owner__isnull=not here),
                    name=f"record_{name}_mix_at",
                )
                for name, here in (("here", True), ("elsewhere", False))
            ),
            models.Index(
                fields=["partner_id", "-at", "-id", "product_id", "status", "currency", "owner"],
                condition=~models.Q(partner_id=""),
                name="record_partner_at",
            ),
            models.Index(
                fields=["owner", "-at", "-id", "product_id", "status", "currency", "partner_id"],
                condition=models.Q(owner__isnull=False),
                name="record_asker_at",
            ),
            # Of the details that are still to be read: those of an order are in one, and leave it once they are read.
            models.Index(fields=["-at", "-id"], condition=_UNREAD & models.Q(owner=None), name="record_unread"),
            models.Index(
                fields=["-at", "-id"], condition=_UNREAD & models.Q(owner__isnull=False), name="record_unread_here"
            ),
            models.Index(
                fields=["detail_tried_at"],
                condition=models.Q(detail_at=None, detail_tried_at__isnull=False, gone_at=None),
                name="record_unreadable",
            ),
            models.Index(
                fields=["detail_at", "-at", "-id"],
                condition=models.Q(status=PENDING, gone_at=None),
                name="record_pending",
            ),
            # Of the search by the beginning of a number.
            *(
                models.Index(Characters(column), condition=~models.Q(**{column: ""}), name=f"record_{column}")
                for column in ("transaction_no", "instance_id", "invoice_no", "custom_reference_no", "product_no")
            ),
        ]

    def __str__(self) -> str:
        return self.order_no or self.key


class Tally(models.Model):
    """How many records, and how much money, in one month: kept up to date by the one writer, for the overview.

    Each record counts in one row of every `kind`. Money is never added across currencies.
    """

    class Kind(models.TextChoices):
        """By what is counted."""

        PRODUCT = "product", "Product"
        PARTNER = "partner", "Partner"
        OWNER = "owner", "Who asked"

    destination = models.CharField(max_length=DESTINATION_LENGTH)
    month = models.DateField()  # its first day
    kind = models.CharField(max_length=10, choices=Kind)
    key = models.CharField(max_length=NUMBER_LENGTH, blank=True)  # product id, partner id, or user id; empty: unknown
    status = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    currency = models.CharField(max_length=20, blank=True)
    count = models.IntegerField(default=0)
    whole = models.BigIntegerField(default=0)  # the money; SQLite holds decimals as floats, so they are no sum
    fraction = models.BigIntegerField(default=0)  # behind it, in ten-thousandths; may be many wholes
    priced = models.IntegerField(default=0, db_default=0)  # of how many theirs tells an amount

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["destination", "kind", "month", "key", "status", "currency"], name="one_tally_of_each"
            )
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.kind} {self.key} {self.status}: {self.count}"

    @property
    def amount(self) -> Decimal:
        """The money."""
        return money(self.whole, self.fraction)


def money(whole: int, fraction: int) -> Decimal:
    """A sum of money, exactly, from those of its two columns."""
    return whole + Decimal(fraction).scaleb(-4)


def whole_and_fraction(amount: Decimal) -> tuple[int, int]:
    """A sum of money, of four places at most, as its two columns hold it."""
    return divmod(int(amount.scaleb(4)), 10_000)


class Reading(models.Model):
    """One run of reading the history: when, why, how far it came. One is open at a time."""

    class Kind(models.TextChoices):
        """What is read."""

        WHOLE = "whole", "All pages"
        NEWEST = "newest", "What is new"
        ROLLING = "rolling", "Older orders again"

    destination = models.CharField(max_length=DESTINATION_LENGTH)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.WHOLE)
    why = models.CharField(max_length=200)
    who = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()  # an open run that has not been heard of for long has died
    finished_at = models.DateTimeField(null=True, blank=True)
    complete = models.BooleanField(default=False)
    next_page = models.PositiveIntegerField(default=1)  # where a run that was cut short is resumed
    pages = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True, blank=True)
    seen = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)
    details = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0)
    words = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["destination"], condition=models.Q(finished_at=None), name="one_open_reading_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["-started_at"])]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M:%S} {self.why}"


class EchoSighting(models.Model):
    """Whether the history told our reference back, for an order of ours whose number we know from its receipt.

    Only where it has been seen to do so does a missing reference prove anything.
    """

    order = models.OneToOneField("orders.Order", on_delete=models.PROTECT, related_name="echo")
    order_no = models.CharField(max_length=NUMBER_LENGTH)
    destination = models.CharField(max_length=DESTINATION_LENGTH)
    slug = models.SlugField(max_length=80)
    echoed = models.BooleanField()
    place = models.CharField(max_length=200, blank=True)  # where in their JSON it stood
    length = models.PositiveIntegerField(default=0)  # of the PO number that was sent: a longer one might be cut
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["destination", "-at"])]

    def __str__(self) -> str:
        return f"{self.order_no}: {self.place or 'no reference'}"
