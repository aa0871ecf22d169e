"""Which products, statuses and currencies stand together in records.

There are a hundred of such mixes, however many the records. Whatever is asked for of these columns means some of them,
and each is two ranges of an index in the order of the dates: of what was made here, and elsewhere. So a page is the
first rows of some ranges: quick, and without a guess about how often two things meet.
"""

from __future__ import annotations

from typing import NamedTuple

from django.core.cache import cache

from orders.browsing import sql
from orders.browsing.terms import Terms
from orders.prepared import rows

MOST = 400
"""Of more mixes, as a strange vendor might tell, none are followed."""

SECONDS = 600


class Mix(NamedTuple):
    """What stands together."""

    product_id: str
    status: str
    currency: str

    def fits(self, terms: Terms) -> bool:
        """Whether all of it is what is asked for."""
        return all(getattr(self, column) == value for column, value in terms.equal.items())


def mixes() -> list[Mix] | None:
    """All that there are now; None if they are too many.

    They are remembered until there is a new tally. Those are written with the records, and what had not met before is
    none of the old ones. Whether it was made here may change without a new one, so nothing is said of that.
    """
    [latest] = sql.keys(("SELECT MAX(id) FROM orders_tally", ()))
    name = f"history:mixes:{MOST}"
    known: tuple[int | None, list[Mix] | None] | None = cache.get(name)
    if known is None or known[0] != latest:
        known = latest, _stepped_through()
        cache.set(name, known, SECONDS)
    return known[1]


def _stepped_through() -> list[Mix] | None:
    """By one step in an index for each."""
    found = rows((" UNION ".join(_steps(here) for here in (True, False)), ()))
    return [Mix(*told) for told in found] if len(found) <= MOST else None


def _steps(here: bool) -> str:
    """From a record of one mix to a record of the next, in the order of the index."""
    owner = "r.owner_id IS NOT NULL" if here else "r.owner_id IS NULL"
    rows = f"SELECT r.id FROM orders_record r WHERE {owner}"  # noqa: S608
    return f"""
        SELECT product_id, status, currency FROM orders_record WHERE id IN (
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
