"""A history of any size, written straight into the table. Import it after `Stage.become_django`.

The numbers are drawn with a seed, so that every run sees the same shelf: 5,000 customers of whom some buy a hundred
times as often as others, six products, seven statuses of which nearly all are the first, three currencies, and one
order in five made here.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate, islice
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from orders.destination import current_destination
from orders.lifecycle import Status
from orders.models import Order, Partner, Record
from orders.reference import ALPHABET
from orders.text import fold

CUSTOMERS = 5_000
BATCH = 5_000
OURS_EACH = 5  # one order in so many was made here
OURS_AT_MOST = 50_000

STATUSES = {"succeed": 8600, "pending": 500, "cancelled": 400, "failed": 250, "refunded": 150, "invalid": 98, "con": 2}
CURRENCIES = {"USD": 900, "RMB": 95, "EUR": 5}
PRODUCTS = {"15": 30, "14": 25, "9": 20, "12": 15, "21": 9, "40": 1}
WORDS = ("Hotel", "Clinic", "Logistics", "School", "Networks", "Group", "Trading", "Services", "Partners", "Systems")
COMMON, RARE = "group", "zzyzx"
RARE_CUSTOMERS = 3

COLUMNS = (
    *("destination", "key", "order_no", "order_id", "transaction_no", "instance_id", "invoice_no", "status"),
    *("currency", "amount", "custom_reference_no", "reference", "created_at", "at", "product_id", "product_name"),
    *("product_no", "partner_id", "ours_id", "owner_id", "raw", "detail", "detail_at", "digest"),
    *("first_seen_at", "changed_at"),
)


def fill(count: int) -> None:
    """Empty the tables, and write so many records with all that belongs to them."""
    drawn = random.Random(4711)
    Record.objects.all().delete()
    Order.objects.all().delete()
    Partner.objects.all().delete()
    now = timezone.now()
    partners = Partner.objects.bulk_create(_partners(drawn, now), batch_size=500)
    people = list(User.objects.order_by("pk"))
    ours = Order.objects.bulk_create(_orders(drawn, min(count // OURS_EACH, OURS_AT_MOST), people, now), batch_size=500)
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    marks = ", ".join(["%s"] * len(COLUMNS))
    rows = _records(drawn, count, [each.remote_id for each in partners], ours, now)
    with connection.cursor() as cursor:
        while batch := list(islice(rows, BATCH)):
            with transaction.atomic():
                cursor.executemany(f"INSERT INTO orders_record ({names}) VALUES ({marks})", batch)  # noqa: S608
        cursor.execute("ANALYZE")


def _partners(drawn: random.Random, now: datetime) -> Iterator[Partner]:
    for number in range(CUSTOMERS):
        company = f"{drawn.choice(WORDS)} {drawn.choice(('Élan', 'Nova', 'Delta', 'Prime'))} {number:04} GmbH"
        if number % (CUSTOMERS // RARE_CUSTOMERS) == 7:
            company = f"{RARE.title()} {company}"
        email = f"office{number}@example.com"
        yield Partner(
            remote_id=str(3_000_000_000_000_000_000 + number),
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


def _records(
    drawn: random.Random, count: int, partners: list[str], ours: list[Order], now: datetime
) -> Iterator[tuple[Any, ...]]:
    """In the order of their times, as they come: three years of them."""
    here, since = current_destination(), now - timedelta(days=3 * 365)
    step = timedelta(days=3 * 365) / count
    often = list(accumulate(1 + 99 * (number % 100 == 0) for number in range(len(partners))))
    draws = {
        "status": drawn.choices(list(STATUSES), STATUSES.values(), k=count),  # type: ignore[arg-type]
        "currency": drawn.choices(list(CURRENCIES), CURRENCIES.values(), k=count),  # type: ignore[arg-type]
        "product": drawn.choices(list(PRODUCTS), PRODUCTS.values(), k=count),  # type: ignore[arg-type]
        "partner": drawn.choices(partners, cum_weights=often, k=count),
    }
    sqlite = connection.vendor == "sqlite"
    for number in range(count):
        at = (since + step * number).replace(microsecond=number % 1000 * 1000)
        mine = ours[number // OURS_EACH] if number % OURS_EACH == 0 and number // OURS_EACH < len(ours) else None
        known = mine is not None or number % 3 == 0
        order_no = f"LR{at:%Y%m%d}{number:08}"
        product = draws["product"][number]
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
            draws["status"][number],
            draws["currency"][number],
            (str(Decimal(cents) / 100) if sqlite else Decimal(cents) / 100) if known else None,
            mine.reference if mine else f"PO-{drawn.randrange(10**6):06}" if number % 4 == 0 else "",
            mine.reference if mine else "",
            written,
            written,
            product,
            f"Product {product}",
            f"36{drawn.randrange(10**10):010}" if known else "",
            draws["partner"][number],
            (mine.pk.hex if sqlite else mine.pk) if mine else None,
            mine.owner_id if mine else None,
            "{}",
            "{}",
            written if known else None,
            f"{number:040x}",
            written,
            written,
        )
