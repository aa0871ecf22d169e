"""`PartnerPortal`: one method per endpoint of the Partner Portal Open API.

Any failure is one of the three errors of `yeastar_api.errors`. Reading calls are repeated within their time
budget; `save` buys, and is sent once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import quote, urlencode

import httpx

from yeastar_api.auth import PortalAuth, TokenStore
from yeastar_api.client import calls
from yeastar_api.client.transport import BoundedTransport, Sender, socket_transport
from yeastar_api.errors import ApiError, Refused, Unanswered
from yeastar_api.messages import (
    BillingContact,
    Country,
    Device,
    Listing,
    Offers,
    OrderDetail,
    OrderRow,
    Page,
    Partner,
    Product,
    Receipt,
    UserRequest,
    as_list,
)

T = TypeVar("T")

Observe = Callable[[str, ApiError | None, float, float], None]
"""Told after every exchange: the call, its error or None, how many seconds it took, and the epoch time it ended."""

Clock = Callable[[float], None]
"""Told by how many seconds the vendor's clock is ahead of ours, about as exactly as a second."""

logger = logging.getLogger(__name__)

TOKEN_PATH = "/auth/openapi/v1/oauth/token"  # noqa: S105 - a path
PARTNERS_PATH = "/user/openapi/user/v1/client/partner_list"
CONTACTS_PATH = "/user/openapi/user/v1/client/billing_contact_list"
PRODUCTS_PATH = "/pricing/openapi/purchase/v1/product_list"
OFFERS_PATH = "/pricing/openapi/purchase/v1/purchase_product_info"
DEVICES_PATH = "/product/openapi/instance_product/v1/client/instance_product_list"
HISTORY_PATH = "/order/openapi/order/v1/page"
COUNTRIES_PATH = "/user/openapi/area/v1/page"
USER_PATH = "/user/openapi/user/v1/subordinate_user/"
SAVE_USER_PATH = "/user/openapi/user/v1/client/save_user"
EDIT_USER_PATH = "/user/openapi/user/v1/client/edit_user"
DETAIL_PATH = "/order/openapi/order/v1/get/"
SAVE_PATH = "/order/openapi/order/v1/save"

SAVE_MAX_BYTES = 1024 * 1024
LIST_MAX_BYTES = 64 * 1024 * 1024
LEAST_SECONDS_FOR_A_SAVE = 10.0
PAGE_SIZE = 100
MAX_PAGES = 1000
MAX_PAGING_SECONDS = 60.0


class TokenTimes(NamedTuple):
    """When the shared token was obtained, if that is known, and when it ends; both as epoch seconds."""

    obtained_at: float | None
    expires_at: float


class PartnerPortal:
    """The API of one account. Thread-safe; close it, or use it in a `with`, to give back its connections.

    `transport` replaces the network in tests. `get_budget_seconds` bounds a reading call with all its
    repetitions, `save_budget_seconds` a save with all that belongs to it, the token included. `observe` is told
    of every exchange, `clock` of every answer that tells the time; whatever they raise is not passed on. `name` is what
    the caller knows this host and account by, for whoever is handed the client.
    """

    def __init__(
        self,
        *,
        base_url: str,
        client_id: str,
        client_secret: str,
        token_store: TokenStore,
        transport: httpx.BaseTransport | None = None,
        user_agent: str = "OpenAPI",
        get_budget_seconds: float = 8.0,
        save_budget_seconds: float = 45.0,
        sleep: Callable[[float], None] = time.sleep,
        observe: Observe | None = None,
        clock: Clock | None = None,
        name: str = "",
    ) -> None:
        base_url = base_url.rstrip("/")
        if not base_url.startswith(("https://", "http://")) or "?" in base_url or "#" in base_url:
            raise ValueError("base_url must be an http(s) address without query or fragment")
        self._get_budget = get_budget_seconds
        self._save_budget = save_budget_seconds
        self._sleep = sleep
        self._observe = observe
        self._clock = clock
        self.name = name
        reading = transport or socket_transport(base_url=base_url, keepalive=20)
        # A pooled connection may have gone stale, and then a harmless disconnect would look like a lost
        # answer. So a save, and the token it may need, always get a fresh connection.
        buying = transport or socket_transport(base_url=base_url, keepalive=0)
        fresh = BoundedTransport(buying, max_bytes=SAVE_MAX_BYTES, dated=self._dated)
        self._auth = PortalAuth(
            token_url=base_url + TOKEN_PATH,
            client_id=client_id,
            client_secret=client_secret,
            store=token_store,
            send=fresh.handle_request,
            user_agent=user_agent,
            observed=self._observed,
        )
        headers = {"User-Agent": user_agent, "Accept": "application/json", "Accept-Encoding": "identity"}
        reader = BoundedTransport(reading, max_bytes=LIST_MAX_BYTES, dated=self._dated)
        self._base_url = base_url
        self._reader = Sender(self._auth, reader, headers | {"Connection": "keep-alive"})
        self._buyer = Sender(self._auth, fresh, headers | {"Connection": "close", "Content-Type": "application/json"})
        self._save_url = httpx.URL(base_url + SAVE_PATH)

    def __enter__(self) -> Self:
        """Usable in a `with`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Close all connections; harmless when done twice."""
        self._reader.close()
        self._buyer.close()

    # Who buys, and what there is to buy. Every method raises NotDelivered, Refused or Unanswered.

    def partners(self) -> list[Partner]:
        """All subordinate users that have an id (source: tutorials, "Query Subordinate User List")."""
        rows = self._get("partner_list", PARTNERS_PATH, {}, as_list)
        return [found for row in rows if (found := Partner.model_validate(row)).partner_id]

    def billing_contacts(self) -> list[BillingContact]:
        """All billing contacts that have an id (source: tutorials, "Query Billing Contact List")."""
        rows = self._get("billing_contact_list", CONTACTS_PATH, {}, as_list)
        return [found for row in rows if (found := BillingContact.model_validate(row)).billing_contact_id]

    def partner_listing(self) -> Listing:
        """The subordinate users as they came, for whoever must judge the list as a whole."""
        return self._get("partner_list", PARTNERS_PATH, {}, Listing.read)

    def contact_listing(self) -> Listing:
        """The billing contacts, likewise."""
        return self._get("billing_contact_list", CONTACTS_PATH, {}, Listing.read)

    def products(self) -> list[Product]:
        """The products that this account may buy (source: reference)."""
        rows = self._get("product_list", PRODUCTS_PATH, {}, as_list)
        return [found for row in rows if (found := Product.model_validate(row)).product_id]

    def reach(self) -> None:
        """Ask for the products, and look at nothing but whether that was answered with success."""
        self._get("product_list", PRODUCTS_PATH, {}, lambda _: None)

    def offers(self, product_id: str, product_no: str = "") -> Offers:
        """Plans and services on offer; `product_no` asks for an existing PBX (source: tutorials, step 2)."""
        params = {"productId": product_id} | ({"productNo": product_no} if product_no else {})
        return self._get("purchase_product_info", OFFERS_PATH, params, Offers.read)

    def device_page(self, product_id: str, page_no: int, page_size: int = PAGE_SIZE) -> Page[Device]:
        """One page of our devices of a product, the first is 1 (source: reference, tutorial for 12)."""
        params = {"productId": product_id, "pageNo": str(page_no), "pageSize": str(page_size)}
        return self._get(
            "instance_product_list",
            DEVICES_PATH,
            params,
            lambda result: Page.read(result, Device.model_validate),
        )

    def devices(self, product_id: str) -> list[Device]:
        """All our devices of a product that have a serial number, each once.

        The vendor's totals are only claims, so they never end the reading; but when they claim more than was
        found, rows may have slipped from page to page while we read, and a second look is taken. Raises
        Unanswered rather than answer with a part.
        """
        found: dict[str, Device] = {}
        until = time.monotonic() + MAX_PAGING_SECONDS
        for _ in range(2):
            claimed = self._look_through(product_id, found, until)
            if len(found) >= claimed:
                break
        return list(found.values())

    def _look_through(self, product_id: str, found: dict[str, Device], until: float) -> int:
        """Add every page's devices to `found`; the largest number of devices that any page claimed.

        The end is an empty page, or one of rows that were all there before: a server may cut our page size,
        so a short page proves nothing, and some repeat their last page for ever.
        """
        seen: set[str] = set()
        claimed = 0
        for page_no in range(1, MAX_PAGES + 1):
            try:
                page = self.device_page(product_id, page_no)
            except Refused:
                # Some servers refuse a page beyond the last one.
                if page_no == 1:
                    raise
                return claimed
            here = {device.product_no: device for device in page.results if device.product_no}
            claimed = max(claimed, page.total or 0)
            if here.keys() <= seen:
                return claimed
            seen |= here.keys()
            found |= here
            if time.monotonic() > until:
                break
        raise Unanswered(call="instance_product_list", detail="the list of devices does not end")

    # Subordinate users

    def countries(self) -> list[Country]:
        """The countries that the vendor knows, by name, all pages (source: reference). Raises Unanswered for a part."""
        found: dict[str, Country] = {}
        for page_no in range(1, MAX_PAGES + 1):
            params = {"pageNo": str(page_no), "pageSize": str(PAGE_SIZE), "sort": "name"}
            page = self._get(
                "area_page", COUNTRIES_PATH, params, lambda result: Page.read(result, Country.model_validate)
            )
            here = {country.name: country for country in page.results if country.name}
            if here.keys() <= found.keys():
                if len(found) < (page.total or 0):
                    break
                return list(found.values())
            found |= here
        raise Unanswered(call="area_page", detail="the list of countries is not complete")

    def subordinate_user(self, email: str) -> Partner | None:
        """The subordinate user with this address; None if the vendor says that there is none (source: reference)."""
        path = USER_PATH + quote(email, safe="")
        try:
            return self._get("subordinate_user", path, {}, Partner.model_validate)
        except Refused as error:
            if error.http_status == httpx.codes.NOT_FOUND:
                return None
            raise

    def save_user(self, user: UserRequest) -> None:
        """Create a subordinate user, sent once (source: reference).

        Raises NotDelivered or Refused when certainly nobody was created, Unanswered when that is open, and ValueError,
        before anything is sent, for what is no user.
        """
        self._post("save_user", SAVE_USER_PATH, user.to_bytes())

    def edit_user(self, user: UserRequest) -> None:
        """Change the subordinate user with this address, sent once; raises as `save_user` (source: reference)."""
        self._post("edit_user", EDIT_USER_PATH, user.to_bytes())

    def _post(self, call: str, path: str, body: bytes) -> None:
        """Ask once for something to be done, on a fresh connection, as an order is sent."""
        request = self._buyer.request(
            "POST",
            self._base_url + path,
            content=body,
            extensions={"deadline": time.monotonic() + self._save_budget},
        )
        self._observed(call, lambda: calls.exchange(call, self._buyer, request, lambda *_: None))

    # History

    def order_page(self, page_no: int, page_size: int = PAGE_SIZE, sort: str = "") -> Page[OrderRow]:
        """One page of the history; `sort` e.g. "id" or, by analogy, "-id" (source: reference).

        The default order is unknown, and rows shift between pages while new orders arrive.
        """
        params = {"pageNo": str(page_no), "pageSize": str(page_size)} | ({"sort": sort} if sort else {})
        return self._get("order_page", HISTORY_PATH, params, lambda result: Page.read(result, OrderRow))

    def order_detail(self, order_no_or_id: str) -> OrderDetail:
        """One order in full, by its number or its id (source: reference). Raises ValueError for no number."""
        if not order_no_or_id.strip(" ."):
            raise ValueError("an order number or id is needed")
        path = DETAIL_PATH + quote(order_no_or_id, safe="")
        return self._get("order_detail", path, {}, OrderDetail.model_validate)

    # Buying

    def save(self, body: bytes, *, deadline: float | None = None, still: Callable[[], bool] | None = None) -> Receipt:
        """Send precisely these bytes, once: this buys (source: tutorials, "Create an Order").

        `deadline`, a `time.monotonic()` value, replaces the budget counted from now: who claimed an order and was
        then held up must not begin to send it when others have given up on it. That clock stands still while a
        machine is suspended, so `still` is asked last before the bytes go out whether they are still to be sent.

        Raises NotDelivered or Refused when certainly nothing was bought, Unanswered when that is open, and
        TypeError or ValueError, before anything is sent, for a body that is none.
        """
        if not isinstance(body, bytes):
            raise TypeError("save sends bytes, the ones that were reviewed")
        if not body:
            raise ValueError("an empty body is no order")
        request = self._buyer.request(
            "POST",
            self._save_url,
            content=body,
            extensions={
                "deadline": time.monotonic() + self._save_budget if deadline is None else deadline,
                "least": min(LEAST_SECONDS_FOR_A_SAVE, self._save_budget / 2),
                "still": still,
            },
        )

        def receipt(result: Any, request_id: str, answer: str, headers: calls.Headers) -> Receipt:
            return Receipt.read(result, request_id=request_id, answer=answer, headers=headers)

        return self._observed("save", lambda: calls.exchange("save", self._buyer, request, receipt))

    # Token

    def check_token(self) -> float:
        """Make sure of a token, asking for one if need be; the epoch second at which it ends.

        Raises NotDelivered, e.g. when client id or secret are wrong.
        """
        return self._auth.token(deadline=time.monotonic() + self._get_budget).expires_at

    def token_times(self) -> TokenTimes | None:
        """From when until when the shared token is good, also one that has ended; None if there is none.

        Asks nobody but the store. Raises NotDelivered when that cannot be reached.
        """
        token = self._auth.held()
        return TokenTimes(token.obtained_at, token.expires_at) if token else None

    def renew_token(self) -> float:
        """Replace the shared token by a new one; the epoch second at which that ends. Raises NotDelivered."""
        return self._auth.replace(deadline=time.monotonic() + self._get_budget).expires_at

    def _get(self, call: str, path: str, params: dict[str, str], read: Callable[[Any], T]) -> T:
        """Ask, and ask again while it may help and there is time, with jitter so that workers spread out."""
        deadline = time.monotonic() + self._get_budget
        # httpx takes longer to join the parts.
        address = self._base_url + (f"{path}?{urlencode(params, quote_via=quote)}" if params else path)

        def once() -> T:
            request = self._reader.request("GET", address, extensions={"deadline": deadline})
            return calls.exchange(call, self._reader, request, lambda result, *_: read(result))

        return calls.repeating(lambda: self._observed(call, once), seconds=self._get_budget, sleep=self._sleep)

    def _observed(self, call: str, once: Callable[[], T]) -> T:
        """Make one exchange, and tell how it went."""
        began = time.monotonic()
        try:
            found = once()
        except ApiError as error:
            self._tell(call, error, began)
            raise
        self._tell(call, None, began)
        return found

    def _tell(self, call: str, error: ApiError | None, began: float) -> None:
        if self._observe is None:
            return
        try:
            self._observe(call, error, time.monotonic() - began, time.time())
        except Exception as trouble:
            # A save may have bought: that nobody could watch it must not look like a failure of it.
            logger.warning("An observer failed: %s", type(trouble).__name__)

    def _dated(self, date: str, at: float) -> None:
        """An answer whose `Date` is `date` was made at about the epoch second `at`, by our clock."""
        if self._clock is None:
            return
        try:
            told = parsedate_to_datetime(date).timestamp()
            self._clock(told + 0.5 - at)  # the second that is told began half a second ago, on the average
        except Exception as trouble:
            logger.debug("No use in a Date: %s", type(trouble).__name__)
