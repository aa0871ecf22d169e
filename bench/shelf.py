"""A history of any size, written straight into the table. Import it after `Stage.become_django`.

The numbers are drawn with a seed, so that every run sees the same shelf: three years of orders, 5,000 customers, six
products, seven statuses of which nearly all are the first, three currencies, and one order in twenty made here. What
would lead astray who relies on averages is in it on purpose:

- one customer has a fifth of all orders, and none of them waits; fifty have a hundred times as many as the rest;
- the customers whose name holds `PAST`, one in ten, ordered in the first year only, and so did whoever paid in EUR;
- the product that is bought most is never bought here, and another is never refunded.
"""

from __future__ import annotations

import csv
import io
import random
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate, islice
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from orders.destination import current_destination
from orders.lifecycle import Status
from orders.models import Order, Partner, Reading
from orders.reference import ALPHABET
from orders.text import fold

CUSTOMERS, FIRST_CUSTOMER = 5_000, 3_000_000_000_000_000_000
BATCH = 20_000
OURS_EACH = 20  # one order in so many was made here

STATUSES = {"succeed": 8600, "pending": 500, "cancelled": 400, "failed": 250, "refunded": 150, "invalid": 98, "con": 2}
CURRENCIES = {"USD": 900, "RMB": 95, "EUR": 5}
PRODUCTS = {"15": 30, "14": 25, "9": 20, "12": 15, "21": 9, "40": 1}
NEVER_HERE, NEVER_REFUNDED = "15", "14"
WORDS = ("Hotel", "Clinic", "Logistics", "School", "Networks", "Group", "Trading", "Services", "Partners", "Systems")
COMMON, RARE, PAST = "group", "zzyzx", "clinic"
RARE_CUSTOMERS = 3
GREATEST = 4_321  # the customer with a fifth of all orders

COLUMNS = (
    *("destination", "key", "order_no", "order_id", "transaction_no", "instance_id", "invoice_no", "status"),
    *("currency", "amount", "custom_reference_no", "reference", "created_at", "at", "product_id", "product_name"),
    *("product_no", "partner_id", "ours_id", "owner_id", "raw", "detail", "detail_at", "digest"),
    *("first_seen_at", "changed_at"),
)
UNKNOWN_IS_NULL = {"amount", "ours_id", "owner_id", "detail_at"}


def fill(count: int) -> None:
    """Into empty tables write so many records with all that belongs to them."""
    drawn = random.Random(4711)
    now = timezone.now()
    partners = Partner.objects.bulk_create(_partners(drawn, now), batch_size=500)
    people = list(User.objects.order_by("pk"))
    ours = Order.objects.bulk_create(_orders(drawn, count // OURS_EACH, people, now), batch_size=500)
    rows = _records(drawn, count, partners, ours, now)
    Reading.objects.create(
        destination=current_destination(), why="bench", started_at=now, beat_at=now, finished_at=now, complete=True
    )
    indexes = _indexes()
    with connection.cursor() as cursor:
        for name in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
    _write(rows)
    with connection.cursor() as cursor:
        for statement in indexes.values():
            cursor.execute(statement)
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def _indexes() -> dict[str, str]:
    """The indexes of the table that are not constraints, by name: with them writing takes several times as long."""
    sqlite = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'orders_record' AND sql <> ''"
    postgresql = """
        SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'orders_record'
        AND indexname NOT IN (SELECT conname FROM pg_constraint)
    """
    with connection.cursor() as cursor:
        cursor.execute(sqlite if connection.vendor == "sqlite" else postgresql)
        return dict(cursor.fetchall())


def _write(rows: Iterator[tuple[Any, ...]]) -> None:
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    marks = ", ".join("?" * len(COLUMNS))
    connection.ensure_connection()
    bare: Any = connection.connection
    while batch := list(islice(rows, BATCH)):
        with transaction.atomic():
            if isinstance(bare, sqlite3.Connection):
                sqlite3.Connection.executemany(bare, f"INSERT INTO orders_record ({names}) VALUES ({marks})", batch)  # noqa: S608
            else:
                texts = ", ".join(f'"{name}"' for name in COLUMNS if name not in UNKNOWN_IS_NULL)
                how = f"(FORMAT csv, FORCE_NOT_NULL ({texts}))"
                with bare.cursor() as cursor, cursor.copy(f"COPY orders_record ({names}) FROM STDIN {how}") as to:
                    to.write(_csv(batch))


def _csv(rows: Iterable[tuple[Any, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _partners(drawn: random.Random, now: datetime) -> Iterator[Partner]:
    for number in range(CUSTOMERS):
        company = f"{drawn.choice(WORDS)} {drawn.choice(('Élan', 'Nova', 'Delta', 'Prime'))} {number:04} GmbH"
        if number % (CUSTOMERS // RARE_CUSTOMERS) == 7:
            company = f"{RARE.title()} {company}"
        email = f"office{number}@example.com"
        yield Partner(
            remote_id=str(FIRST_CUSTOMER + number),
            company=company,
            email=email,
            country="Germany",
            search=fold(f"{company} {email}"),
            mirrored_at=now,
        )


def _orders(drawn: random.Random, count: int, people: list[User], now: datetime) -> Iterator[Order]:
    for number in range(count):
        letters = "".join(drawn.choices(ALPHABET, k=8))
        yield Order(
            pk=uuid.UUID(int=drawn.getrandbits(128)),
            owner=people[number % len(people)],
            slug="linkus-cloud-service",
            status=Status.UNCERTAIN if number % 500 == 3 else Status.PLACED,
            reference=f"YP-{letters[:4]}-{letters[4:]}",
            placed_at=now,
        )


def _drawn(drawn: random.Random, count: int, partners: list[Partner]) -> Iterator[tuple[str, str, str, str]]:
    """Status, currency, product and customer of each."""
    past = [PAST in each.search for each in partners]
    often = [1 + 99 * (number % 100 == 0) for number in range(CUSTOMERS)]
    often[GREATEST] = sum(often) // 4
    once, since = (
        list(accumulate(often)),
        list(accumulate(0 if gone else each for each, gone in zip(often, past, strict=True))),
    )
    draws = zip(
        drawn.choices(list(STATUSES), STATUSES.values(), k=count),  # type: ignore[arg-type]
        drawn.choices(list(CURRENCIES), CURRENCIES.values(), k=count),  # type: ignore[arg-type]
        drawn.choices(list(PRODUCTS), PRODUCTS.values(), k=count),  # type: ignore[arg-type]
        drawn.choices(range(CUSTOMERS), cum_weights=once, k=count // 3)
        + drawn.choices(range(CUSTOMERS), cum_weights=since, k=count - count // 3),
        strict=True,
    )
    for number, (status, currency, product, customer) in enumerate(draws):
        if customer == GREATEST and status == "pending":
            status = "succeed"
        if product == NEVER_REFUNDED and status == "refunded":
            status = "succeed"
        if currency == "EUR" and number > count // 3:
            currency = "USD"
        yield status, currency, product, partners[customer].remote_id


def _records(
    drawn: random.Random, count: int, partners: list[Partner], ours: list[Order], now: datetime
) -> Iterator[tuple[Any, ...]]:
    """In the order of their times, as they come."""
    here, since = current_destination(), now - timedelta(days=3 * 365)
    step = timedelta(days=3 * 365) / count
    sqlite = connection.vendor == "sqlite"
    waiting = iter(ours)
    for number, (status, currency, product, partner) in enumerate(_drawn(drawn, count, partners)):
        at = (since + step * number).replace(microsecond=number % 1000 * 1000)
        mine = next(waiting, None) if product != NEVER_HERE and drawn.randrange(OURS_EACH * 7 // 10) == 0 else None
        known = mine is not None or number % 3 == 0
        order_no = f"LR{at:%Y%m%d}{number:08}"
        written = at.astimezone(UTC).replace(tzinfo=None).isoformat(" ") if sqlite else at
        cents = drawn.randrange(1_000, 9_000_000)
        yield (
            here,
            order_no,
            order_no,
            str(2_000_000_000_000_000_000 + number),
            f"TR{drawn.randrange(10**15):015}" if known else "",
            str(drawn.randrange(10**18, 10**19)) if known else "",
            f"INV{number:010}",
            status,
            currency,
            (str(Decimal(cents) / 100) if sqlite else Decimal(cents) / 100) if known else None,
            mine.reference if mine else f"PO-{drawn.randrange(10**6):06}" if number % 4 == 0 else "",
            mine.reference if mine else "",
            written,
            written,
            product,
            f"Product {product}",
            f"36{drawn.randrange(10**10):010}" if known else "",
            partner,
            (mine.pk.hex if sqlite else mine.pk) if mine else None,
            mine.owner_id if mine else None,
            "{}",
            "{}",
            written if known else None,
            f"{number:040x}",
            written,
            written,
        )
