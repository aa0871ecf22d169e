"""The two lists that are mirrored, and what differs between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orders.models import (
    CHANGE_CONTACT,
    CHANGE_PARTNER,
    SEARCH_LENGTH,
    Contact,
    Listed,
    Mirrored,
    MirroredQuerySet,
    Partner,
)
from orders.text import fold, storable
from yeastar_api.client import PartnerPortal
from yeastar_api.messages import BillingContact, Listing
from yeastar_api.messages import Partner as RemotePartner

ID_LENGTH = 40
"""Characters of an id that a column holds; theirs have 19 digits."""

COLUMNS = (
    *("email", "company", "first_name", "last_name", "country", "user_type"),
    *("raw", "digest", "search", "mirrored_at", "gone_at"),
)
"""What the vendor tells of an account, and nothing of ours."""

Raw = dict[str, Any]


@dataclass(frozen=True)
class List:
    """One of them."""

    what: Listed
    model: type[Mirrored]
    message: type[RemotePartner] | type[BillingContact]
    id_name: str  # in their JSON
    ask: Callable[[PartnerPortal], Listing]
    permission: str
    one: str
    many: str
    choice: str  # the answer of a draft that names one

    def at(self, destination: str) -> MirroredQuerySet:
        """Those of one host and account."""
        return self.model.everywhere.filter(destination=destination)

    def row(self, destination: str, remote_id: str, raw: Raw, digest: str) -> Mirrored:
        """An account as the database keeps it, but for the times."""
        told = self.message.model_validate(raw)
        email = told.email if isinstance(told, RemotePartner) else told.email_address
        words = " ".join(fold(" ".join((told.company, told.first_name, told.last_name, email, told.country))).split())
        return self.model(
            destination=destination,
            remote_id=remote_id,
            email=email[:254],
            company=told.company[:255],
            first_name=told.first_name[:255],
            last_name=told.last_name[:255],
            country=told.country[:100],
            user_type=(told.user_type if isinstance(told, RemotePartner) else "")[:60],
            raw=storable(raw),
            digest=digest,
            search=f"{words[: SEARCH_LENGTH - ID_LENGTH - 1]} {fold(remote_id)}"[:SEARCH_LENGTH],
        )


LISTS = {
    each.what: each
    for each in (
        List(
            Listed.PARTNERS,
            Partner,
            RemotePartner,
            "partnerId",
            PartnerPortal.partner_listing,
            CHANGE_PARTNER,
            "customer",
            "customers",
            "partner_id",
        ),
        List(
            Listed.CONTACTS,
            Contact,
            BillingContact,
            "billingContactId",
            PartnerPortal.contact_listing,
            CHANGE_CONTACT,
            "billing contact",
            "billing contacts",
            "billing_contact_id",
        ),
    )
}
