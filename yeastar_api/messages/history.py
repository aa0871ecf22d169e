"""Orders as the vendor's history tells them, a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BeforeValidator

from yeastar_api.messages.wire import Message, as_list, text, whole

_MILLISECONDS_FROM = 10**11
_SENSELESS_FROM = 7_258_118_400  # the year 2200, in seconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T")


def moment(value: Any) -> datetime | None:
    """A vendor's `Long` time as an aware UTC datetime; None when it is missing or makes no sense.

    The unit is not documented: from 10^11 on it is read as milliseconds, below as seconds (assumption A).
    """
    if isinstance(value, datetime):
        return value if value.tzinfo else None
    number = whole(value)
    if number is None or number <= 0:
        return None
    seconds = number / 1000 if number >= _MILLISECONDS_FROM else number
    if seconds > _SENSELESS_FROM:
        return None
    return _EPOCH + (timedelta(milliseconds=number) if number >= _MILLISECONDS_FROM else timedelta(seconds=number))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a paged answer. The counts are the vendor's claims, None when missing: not to rely on."""

    results: tuple[T, ...]
    count: int | None = None
    page_no: int | None = None
    page_size: int | None = None
    total: int | None = None
    total_page: int | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, result: Any, row: Callable[[Any], T]) -> Page[T]:
        """Read `{count, pageNo, pageSize, results[], total, totalPage}` (reference); a bare array will do.

        Raises ValueError when there is no array at all.
        """
        outer = _mapping(result)
        return cls(
            results=tuple(row(payload) for payload in as_list(result)),
            count=whole(outer.get("count")),
            page_no=whole(outer.get("pageNo")),
            page_size=whole(outer.get("pageSize")),
            total=whole(outer.get("total")),
            total_page=whole(outer.get("totalPage")),
            raw=outer,
        )


class OrderRow:
    """One line of the history (source: reference, whose table is cut: more fields stand in `raw`).

    Tens of thousands are read in a run, most of them unchanged. So unlike other messages a row reads only by what it is
    told apart, and the rest when it is asked for.
    """

    __slots__ = ("id", "order_no", "raw")

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw
        order_no, number = raw.get("orderNo"), raw.get("id")
        self.order_no = order_no if type(order_no) is str else text(order_no)
        self.id = number if type(number) is str else text(number)

    @classmethod
    def model_validate(cls, payload: Any) -> OrderRow:
        """Read a row, by the same name as every message is read. Raises ValueError when it is no object."""
        if not isinstance(payload, dict):
            raise ValueError("a row of the history is an object")
        return cls(payload)

    @property
    def create_time(self) -> datetime | None:
        """When it was ordered."""
        return moment(self.raw.get("createTime"))

    @property
    def order_status(self) -> str:
        """The vendor's word."""
        return text(self.raw.get("orderStatus"))

    @property
    def currency_code(self) -> str:
        """Such as USD."""
        return text(self.raw.get("currencyCode"))

    @property
    def custom_reference_no(self) -> str:
        """Perhaps the PO number that was sent."""
        return text(self.raw.get("customReferenceNo"))

    @property
    def invoice_no(self) -> str:
        """Empty while there is none."""
        return text(self.raw.get("invoiceNo"))


class OrderDetail(Message):
    """One order in full; its inner fields are mostly unseen, so they stay plain mappings (reference)."""

    basic_information: Annotated[dict[str, Any], BeforeValidator(_mapping)] = {}
    billing_information: Annotated[dict[str, Any], BeforeValidator(_mapping)] = {}
    order_information: Annotated[dict[str, Any], BeforeValidator(_mapping)] = {}
    order_summary: Annotated[dict[str, Any], BeforeValidator(_mapping)] = {}
