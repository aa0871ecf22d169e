"""Numbers the vendor gives out: order and transaction numbers, ids, serial numbers. None comes twice."""

from __future__ import annotations

import re
import secrets
import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .records import Order

OWNER_ACCOUNT = "3076913644890832896"
"""`productNo` in the receipt of every account-level order of the tutorials."""

_SERIAL = re.compile(r"[0-9A-Z]{10,20}")

# The largest order number among the tutorials' samples; everything new is larger.
_FIRST_SNOWFLAKE = 3402614624696700928
_SNOWFLAKE_EPOCH_MS = 900_000_000_000


def is_serial(text: str) -> bool:
    """Whether it is shaped like a serial number (`369471667338`, `3651E1292455`)."""
    return _SERIAL.fullmatch(text) is not None


def request_id() -> str:
    """32 hexadecimal digits, as in every sample."""
    return secrets.token_hex(16)


class Numbers:
    """Gives out numbers; call it under the world's lock. `seen` lets it continue after a restart."""

    def __init__(self) -> None:
        self._snowflake = _FIRST_SNOWFLAKE
        self._order = 1_790_000
        self._instance = 1_960_000
        self._serial = 1_400_000
        self._cloud = 0

    def numbered(self, now_ms: int) -> str:
        """Two upper-case letters and 19 digits that grow with time (`QG3402614624696700928`)."""
        by_time = ((now_ms - _SNOWFLAKE_EPOCH_MS) << 22) + secrets.randbelow(1 << 22)
        self._snowflake = max(self._snowflake + 1 + secrets.randbelow(4096), by_time)
        return "".join(secrets.choice(string.ascii_uppercase) for _ in "ab") + str(self._snowflake)

    def order_id(self) -> str:
        """An order id (`1785468`)."""
        self._order += 1
        return str(self._order)

    def instance_id(self) -> str:
        """An instance id (`1952276`)."""
        self._instance += 1
        return str(self._instance)

    def serial(self) -> str:
        """The serial number of a new software PBX, shaped like `3651E1292455`."""
        self._serial += 7
        return f"3651E{self._serial:07}"

    def cloud_serial(self) -> str:
        """The serial number of a new cloud PBX."""
        self._cloud += 3
        return f"3641P{2_200_000 + self._cloud:07}"

    def seen(self, order: Order) -> None:
        """Never give out again what this order holds."""
        for number in (order.order_no, order.transaction_no):
            if number[2:].isdigit():
                self._snowflake = max(self._snowflake, int(number[2:]))
        if order.id.isdigit():
            self._order = max(self._order, int(order.id))
        if order.instance_id.isdigit():
            self._instance = max(self._instance, int(order.instance_id))
        if order.product_no.startswith("3651E") and order.product_no[5:].isdigit():
            self._serial = max(self._serial, int(order.product_no[5:]))
        if order.product_no.startswith("3641P") and order.product_no[5:].isdigit():
            self._cloud = max(self._cloud, int(order.product_no[5:]) - 2_200_000)
