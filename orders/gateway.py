"""Where settings meet the client: one PartnerPortal for each process, and live offers and devices for pages."""

from collections.abc import Hashable
from functools import lru_cache, partial

from django.conf import settings

from orders import credentials, watching
from orders.credentials import InForce
from orders.destination import destination
from orders.lookups import Lookup, Lookups
from orders.tokens import NoToken, RedisTokenStore
from yeastar_api.auth import MemoryTokenStore
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import Unanswered
from yeastar_api.messages import Country, Device, Offers

PATIENCE = 1.0
"""Seconds that a page waits for the API before it says that it is still asking."""

FRESH = 60.0
"""Seconds for which a live answer serves further pages."""

REMEMBERED = 1800.0
"""Seconds for which a form that was filled in may be judged by the offers that it showed."""

lookups = Lookups()


def portal() -> PartnerPortal:
    """The client of this process, as the settings and the credentials in force have it."""
    return _portal(settings.YEASTAR_BASE_URL, credentials.in_force(), settings.REDIS_URL)


@lru_cache(maxsize=4)
def _portal(base_url: str, mine: InForce, redis_url: str) -> PartnerPortal:
    here = destination(base_url, mine.mark)
    shared = RedisTokenStore(redis_url, base_url, mine.client_id, mine.client_secret)
    return PartnerPortal(
        base_url=base_url,
        client_id=mine.client_id,
        client_secret=mine.client_secret,
        token_store=NoToken(mine.problem) if mine.problem else shared,
        get_budget_seconds=settings.YEASTAR_GET_BUDGET,
        save_budget_seconds=settings.YEASTAR_SAVE_BUDGET,
        # Told where this client goes: whoever watches must not look that up in the midst of a call, or another day.
        observe=partial(watching.noted, here=here),
        clock=partial(watching.clock_noted, here=here),
        name=here,
    )


def on_trial(client_id: str, client_secret: str) -> PartnerPortal:
    """A client for credentials that are not in force, with a token of its own; close it."""
    return PartnerPortal(
        base_url=settings.YEASTAR_BASE_URL,
        client_id=client_id,
        client_secret=client_secret,
        token_store=MemoryTokenStore(),
        get_budget_seconds=settings.YEASTAR_GET_BUDGET,
    )


def end_token(mine: InForce) -> None:
    """The shared token of credentials that are no longer in force is kept no longer. Raises TokenStoreUnavailable."""
    RedisTokenStore(settings.REDIS_URL, settings.YEASTAR_BASE_URL, mine.client_id, mine.client_secret).drop()


def offers(product_id: str, product_no: str = "", *, asker: Hashable, max_age: float = FRESH) -> Lookup[Offers]:
    """The plans and services on offer for a product, or for one PBX; `asker` is the person who wants to know."""
    client = portal()
    return lookups.ask(
        (client, "offers", product_id, product_no),
        lambda: _something(client.offers(product_id, product_no)),
        patience=PATIENCE,
        max_age=max_age,
        asker=asker,
    )


def _something(offers: Offers) -> Offers:
    """An answer without a single offer tells nothing: as a rule it is a fault of theirs, and it is not remembered."""
    if not offers.plans and not offers.services:
        raise Unanswered(call="purchase_product_info", detail="Yeastar offers nothing for this at the moment.")
    return offers


def devices(product_id: str, *, asker: Hashable, max_age: float = FRESH) -> Lookup[list[Device]]:
    """The PBXs of our account that run a product; `asker` is the person who wants to know."""
    client = portal()
    return lookups.ask(
        (client, "devices", product_id),
        lambda: client.devices(product_id),
        patience=PATIENCE,
        max_age=max_age,
        asker=asker,
    )


def countries(*, asker: Hashable) -> Lookup[list[Country]]:
    """The countries that Yeastar knows; they change seldom."""
    client = portal()
    return lookups.ask((client, "countries"), client.countries, patience=3 * PATIENCE, max_age=86_400.0, asker=asker)
