"""Theirs: the vendor's history of orders as far as we have read it, and what reading it has taught us."""

from __future__ import annotations

from django.db import models

from orders.models.evidence import NUMBER_LENGTH

DESTINATION_LENGTH = 300


class Record(models.Model):
    """Theirs: an order as the API's history tells it. `orders/history` is the only writer.

    Columns hold what is used, `raw` and `detail` all that was told, unknown fields included. Empty means not known,
    perhaps because the detail has not been read yet.
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
    custom_reference_no = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    reference = models.CharField(max_length=16, blank=True)  # the one reference of ours that was found in it
    created_at = models.DateTimeField(null=True, blank=True)
    product_id = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    product_name = models.CharField(max_length=255, blank=True)
    product_no = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    partner_id = models.CharField(max_length=NUMBER_LENGTH, blank=True)
    raw = models.JSONField(default=dict)
    detail = models.JSONField(default=dict)
    detail_at = models.DateTimeField(null=True, blank=True)
    digest = models.CharField(max_length=40)  # of `raw`: an unchanged row is not written again
    first_seen_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["destination", "key"], name="one_record_of_each_of_theirs")]
        indexes = [
            models.Index(fields=["order_no"]),
            models.Index(fields=["-created_at"]),
            models.Index(fields=["reference"], condition=~models.Q(reference=""), name="record_reference"),
        ]

    def __str__(self) -> str:
        return self.order_no or self.key


class Reading(models.Model):
    """One run of reading the history: when, why, how far it came. One is open at a time."""

    destination = models.CharField(max_length=DESTINATION_LENGTH)
    why = models.CharField(max_length=200)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()  # an open run that has not been heard of for long has died
    finished_at = models.DateTimeField(null=True, blank=True)
    complete = models.BooleanField(default=False)
    pages = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True, blank=True)
    seen = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
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
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["destination", "-at"])]

    def __str__(self) -> str:
        return f"{self.order_no}: {self.place or 'no reference'}"
