"""Which products, statuses and currencies stand together in records, made here or elsewhere.

There are a hundred or two of such mixes, however many the records. Whatever is asked for of these columns means some
of them, and each is one range of an index in the order of the dates. So a page is the first rows of some ranges:
quick, and without a guess about how often two things meet.
"""

from __future__ import annotations

from typing import NamedTuple

from django.db import connection

from orders.browsing.terms import Terms

MOST = 400
"""Of more mixes, as a strange vendor might tell, none are followed."""


class Mix(NamedTuple):
    """What stands together."""

    here: bool
    product_id: str
    status: str
    currency: str

    def fits(self, terms: Terms) -> bool:
        """Whether all of it is what is asked for."""
        there = terms.here is None or terms.here == self.here
        return there and all(getattr(self, column) == value for column, value in terms.equal.items())


def mixes() -> list[Mix] | None:
    """All that there are now, by one step in an index for each; None if they are too many."""
    sql = " UNION ALL ".join(_steps(here) for here in (True, False))
    with connection.cursor() as cursor:
        cursor.execute(sql)
        found = [Mix(bool(here), *told) for here, *told in cursor.fetchall()]
    return found if len(found) <= MOST else None


def _steps(here: bool) -> str:
    """From a record of one mix to a record of the next, in the order of the index."""
    owner = "r.owner_id IS NOT NULL" if here else "r.owner_id IS NULL"
    rows = f"SELECT r.id FROM orders_record r WHERE {owner}"  # noqa: S608
    return f"""
        SELECT {int(here)}, product_id, status, currency FROM orders_record WHERE id IN (
            WITH RECURSIVE step(key, number) AS (
                SELECT * FROM ({rows} ORDER BY r.product_id, r.status, r.currency LIMIT 1) AS first
                CROSS JOIN (SELECT 1) AS one
                UNION ALL
                SELECT COALESCE(
                    ({rows} AND r.product_id = o.product_id AND r.status = o.status AND r.currency > o.currency
                     ORDER BY r.currency LIMIT 1),
                    ({rows} AND r.product_id = o.product_id AND r.status > o.status
                     ORDER BY r.status, r.currency LIMIT 1),
                    ({rows} AND r.product_id > o.product_id
                     ORDER BY r.product_id, r.status, r.currency LIMIT 1)
                ), number + 1
                FROM step JOIN orders_record o ON o.id = step.key WHERE number <= {MOST}
            )
            SELECT key FROM step
        )
    """  # noqa: S608
