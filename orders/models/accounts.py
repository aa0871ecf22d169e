"""Mirrored partners and billing contacts, with what we know of them ourselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from orders.destination import current_destination
from orders.text import fold

DESTINATION_LENGTH = 300

SEARCH_LENGTH = 400
"""So short that an index of PostgreSQL takes it, whatever its letters are."""

TAGS, TAG_LENGTH, NOTE_LENGTH = 20, 40, 4_000

CHANGE_PARTNER = "orders.change_partner"
CHANGE_CONTACT = "orders.change_contact"


CALLED_BY = ("company", "first_name", "last_name", "email")


def called(remote_id: str, company: str, first_name: str, last_name: str, email: str) -> str:
    """What somebody is called, of the columns that say it: for lists, which need no rows made of them."""
    return company or _person(first_name, last_name) or email or remote_id


def _person(first_name: str, last_name: str) -> str:
    return f"{first_name} {last_name}".strip()


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


class HereManager(models.Manager[Any]):
    """Rows of the host and account that are set now.

    Those of another, say of a sandbox, are kept but not seen: nothing may be ordered for them here.
    """

    def get_queryset(self) -> MirroredQuerySet:
        """All of them."""
        return MirroredQuerySet(self.model, using=self._db).filter(destination=current_destination())


class Mirrored(models.Model):
    """Somebody as the vendor's list tells it, and what we add.

    `orders/accounts/writing.py` is the only writer of what they tell, `orders/accounts/keeping.py` of what we keep: no
    column belongs to both.
    """

    # Theirs.
    destination = models.CharField(max_length=DESTINATION_LENGTH, default=current_destination)
    remote_id = models.CharField(max_length=40)
    email = models.CharField(max_length=254, blank=True)
    company = models.CharField(max_length=255, blank=True)
    first_name = models.CharField(max_length=255, blank=True)
    last_name = models.CharField(max_length=255, blank=True)
    country = models.CharField(max_length=100, blank=True)
    user_type = models.CharField(max_length=60, blank=True)
    raw = models.JSONField(default=dict)
    digest = models.CharField(max_length=40, blank=True)  # of `raw`: an unchanged row is not written again
    search = models.TextField(blank=True)  # folded; lists are sorted by it, so the company stands first
    first_seen_at = models.DateTimeField(default=timezone.now)
    mirrored_at = models.DateTimeField()  # when a list last told something else than the one before, or them no more
    gone_at = models.DateTimeField(null=True, blank=True)

    # Ours.
    hidden = models.BooleanField(default=False)
    note = models.TextField(blank=True)
    tags = models.TextField(blank=True)  # sorted, a comma around each: ",vip,west,"
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = HereManager.from_queryset(MirroredQuerySet)()
    everywhere = MirroredQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("search", "id")
        base_manager_name = "everywhere"
        # The destination last in the one, for nearly all rows have the same.
        constraints = [models.UniqueConstraint(fields=["remote_id", "destination"], name="one_%(class)s_of_each_id")]
        indexes = [
            # Lists, pickers, the search and the filters are answered from it alone.
            models.Index(
                fields=["destination", "search", "gone_at", "hidden", "country", "user_type"], name="%(class)s_list"
            ),
            models.Index(fields=["destination", "email"], name="%(class)s_email"),
            models.Index(fields=["destination", "mirrored_at"], name="%(class)s_changed"),
            # Where the few countries and types are stepped through; the last is small, so all are counted in it.
            models.Index(fields=["destination", "country", "id"], name="%(class)s_country"),
            models.Index(fields=["destination", "user_type"], name="%(class)s_type"),
            models.Index(fields=["tags"], condition=~models.Q(tags=""), name="%(class)s_tags"),
        ]

    def __str__(self) -> str:
        return called(self.remote_id, *(getattr(self, column) for column in CALLED_BY))

    @property
    def person(self) -> str:
        """First and last name."""
        return _person(self.first_name, self.last_name)

    @property
    def detail(self) -> str:
        """What tells two of the same company apart, in one line."""
        return " · ".join(part for part in (self.person, self.email, self.country) if part)

    @property
    def address(self) -> str:
        """The postal address in one line, of what the vendor sent."""
        parts = (self.raw.get(key) for key in ("street", "zipCode", "city", "stateProvince", "country"))
        return ", ".join(str(part) for part in parts if part)

    @property
    def tag_list(self) -> list[str]:
        """The tags, sorted."""
        return [tag for tag in self.tags.split(",") if tag]


def joined(tags: Iterable[str]) -> str:
    """Tags as the column holds them: lower case, each once."""
    found = sorted({" ".join(tag.lower().split()) for tag in tags} - {""})
    return f",{','.join(found)}," if found else ""


class Partner(Mirrored):
    """A subordinate user: a customer that we may order for. `remote_id` is the API's partnerId."""

    preferred_contact = models.ForeignKey(  # who gets the invoice as a rule; ours
        "orders.Contact", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )


class Contact(Mirrored):
    """A billing contact: who gets the invoice. `remote_id` is the API's billingContactId."""


class Listed(models.TextChoices):
    """The two lists of the vendor that we mirror. The value is the first part of their pages' addresses."""

    PARTNERS = "partners", "Customers"
    CONTACTS = "contacts", "Billing contacts"


class AccountRun(models.Model):
    """One run of mirroring a list: when, why, and what came of it. One is open at a time for each list and account."""

    class State(models.TextChoices):
        """How it stands. Only a run that is `held` waits for anybody."""

        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Not done"
        HELD = "held", "Waits for an admin"
        SAME = "same", "The same again"  # as what waits, or was refused
        REFUSED = "refused", "Refused"
        SUPERSEDED = "superseded", "Overtaken by a newer list"

    destination = models.CharField(max_length=DESTINATION_LENGTH)
    what = models.CharField(max_length=10, choices=Listed)
    why = models.CharField(max_length=200)
    who = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()  # an open run that has not been heard of for long has died
    finished_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    stage = models.CharField(max_length=100, blank=True)  # what an open run is doing, in words
    listed = models.PositiveIntegerField(default=0)
    to_write = models.PositiveIntegerField(default=0)
    written = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)
    revived = models.PositiveIntegerField(default=0)
    unusable = models.PositiveIntegerField(default=0)
    question = models.CharField(max_length=40, blank=True)  # a mark of what is doubted: who would go, and why
    words = models.TextField(blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["destination", "what"], condition=models.Q(finished_at=None), name="one_open_run_of_each_list"
            ),
        ]
        indexes = [models.Index(fields=["destination", "what", "-id"])]

    def __str__(self) -> str:
        return f"{self.get_what_display()}, {self.started_at:%Y-%m-%d %H:%M:%S}"


class HeldList(models.Model):
    """The list of a run that waits for an admin, as it came: JSON, packed with zlib."""

    run = models.OneToOneField(AccountRun, on_delete=models.CASCADE, related_name="held")
    packed = models.BinaryField()

    def __str__(self) -> str:
        return str(self.run)


class AccountChange(models.Model):
    """One change of one account, theirs by a run, or ours by a person. Never changed, and deleted never."""

    class Kind(models.TextChoices):
        """What happened."""

        ADDED = "added", "Added"
        CHANGED = "changed", "Changed"
        GONE = "gone", "Gone from the list"
        REVIVED = "revived", "Back in the list"
        KEPT = "kept", "Edited here"  # our own columns

    destination = models.CharField(max_length=DESTINATION_LENGTH)
    what = models.CharField(max_length=10, choices=Listed)
    remote_id = models.CharField(max_length=40)
    label = models.CharField(max_length=255, blank=True)  # whose it was, as they were called then
    kind = models.CharField(max_length=10, choices=Kind)
    at = models.DateTimeField()
    run = models.ForeignKey(AccountRun, null=True, blank=True, on_delete=models.PROTECT, related_name="changes")
    who = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    fields = models.JSONField(default=dict)  # name: [before, after]

    class Meta:
        indexes = [models.Index(fields=["remote_id", "-id"]), models.Index(fields=["run", "kind", "id"])]

    def __str__(self) -> str:
        return f"{self.label} {self.get_kind_display()}"


class AccountImport(models.Model):
    """A file of our own columns: read, shown row by row, and written once somebody says so."""

    class State(models.TextChoices):
        """How far it is."""

        SHOWN = "shown", "To be confirmed"
        DONE = "done", "Imported"
        DROPPED = "dropped", "Not imported"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    destination = models.CharField(max_length=DESTINATION_LENGTH, default=current_destination)
    what = models.CharField(max_length=10, choices=Listed)
    name = models.CharField(max_length=200)  # the file's, as the browser told it
    sha256 = models.CharField(max_length=64)  # of the file
    notes = models.JSONField(default=list)  # on the file as a whole
    rows = models.JSONField(default=list)  # of the file, as they were read
    state = models.CharField(max_length=10, choices=State, default=State.SHOWN)
    at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True, blank=True)
    written = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["what", "-at"])]

    def __str__(self) -> str:
        return self.name
