"""What the world remembers: orders and PBXs, and how the vendor's calls tell of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from .catalogue import PRODUCTS

_YEAR_MS = 365 * 86_400_000


@dataclass(slots=True)
class Order:
    """One order of the history. With a `body` it was bought through `save`, else it was placed elsewhere."""

    id: str
    order_no: str
    transaction_no: str
    instance_id: str
    product_id: int
    product_no: str
    operation: str
    status: str
    created_ms: int
    cents: int = 0
    currency: str = "USD"
    reference: str = ""
    partner_id: str = ""
    billing_id: str = ""
    elsewhere_lines: list[dict[str, Any]] = field(default_factory=list)
    body: str | None = None
    request_id: str = ""
    new_device: bool = False

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The `serviceList`. Read out of the body each time, which keeps thousands of orders small."""
        if self.body is None:
            return self.elsewhere_lines
        lines: list[dict[str, Any]] = json.loads(self.body)["serviceList"]
        return lines

    @property
    def product_name(self) -> str:
        product = PRODUCTS.get(self.product_id)
        return product.name if product else f"Product {self.product_id}"

    @property
    def amount(self) -> str:
        return f"{self.cents // 100}.{self.cents % 100:02}"

    def as_dict(self) -> dict[str, Any]:
        """For the journal."""
        return asdict(self)

    def receipt(self) -> dict[str, str]:
        """The `result` of a save. For products 9 and 12 the samples have no `orderId`."""
        parts = {
            "instanceId": self.instance_id,
            "orderId": self.id,
            "orderNo": self.order_no,
            "orderStatus": self.status,
            "productNo": self.product_no,
            "transactionNo": self.transaction_no,
        }
        if self.product_id in (9, 12):
            del parts["orderId"]
        return parts

    def row(self, *, echo: bool) -> dict[str, Any]:
        """A row of the history. The reference's list of fields is cut; the last five are made up."""
        return {
            "createTime": self.created_ms,
            "currencyCode": self.currency,
            "customReferenceNo": self.reference if echo else "",
            "id": self.id,
            "invoiceNo": f"INV{self.order_no[2:]}" if self.status == "succeed" else "",
            "orderNo": self.order_no,
            "orderStatus": self.status,
            "operationType": self.operation,
            "orderAmount": self.amount,
            "productId": str(self.product_id),
            "productName": self.product_name,
            "productNo": self.product_no,
        }

    def detail(self, contact: dict[str, Any], partner: dict[str, Any], *, echo: bool) -> dict[str, Any]:
        """The `result` of `order/v1/get`: four parts by the reference, mostly made up inside."""
        return {
            "basicInformation": {
                "productId": str(self.product_id),
                "productName": self.product_name,
                "productNo": self.product_no,
                "instanceId": self.instance_id,
                "partnerId": self.partner_id,
                "partnerCompany": partner.get("company", ""),
            },
            "billingInformation": {"billingContactId": self.billing_id, **contact},
            "orderInformation": self.row(echo=echo) | {"transactionNo": self.transaction_no},
            "orderSummary": {
                "currencyCode": self.currency,
                "totalAmount": self.amount,
                # Answers tell ids as strings, whatever the request carried.
                "serviceList": [
                    {name: str(value) if name.endswith("Id") else value for name, value in line.items()}
                    for line in self.lines
                ],
            },
        }


@dataclass(slots=True)
class Device:
    """A PBX, or another thing with a serial number."""

    product_id: int
    product_no: str
    comment: str
    status: str
    created_ms: int
    plan: str = ""
    extensions: int = 0
    partner_id: str = ""

    @property
    def activation_code(self) -> str:
        seed = self.product_no[::-1]
        return "-".join((seed[0:4], self.product_no[4:8], seed[4:8], f"{self.product_id:04}"))

    def row(self) -> dict[str, Any]:
        """A row of `instance_product_list`; from `createTime` on it is made up."""
        return {
            "productNo": self.product_no,
            "activationCode": self.activation_code,
            "activationStatus": self.status,
            "comment": self.comment,
            "createTime": self.created_ms,
            "partnerId": self.partner_id,
            "productId": str(self.product_id),
        }

    def detail(self) -> dict[str, Any]:
        """The `result` of `instance_product/v1/detail`."""
        known = self.row() | {"extensions": self.extensions}
        if self.plan:
            known |= {"currentPlan": self.plan, "currentPlanExpireDate": self.created_ms + _YEAR_MS}
        return known


_SITES = (
    "Head office Lyon",
    "Shop Croix-Rousse",
    "O'Brien depot Dublin",
    "Kläranlage Neuburg",
    "Hotel Mirador reception",
    "Modena showroom",
    "Pivovar Hradec",
    "Cold store Måløy",
    "Clinic Warszawa",
    "İzmir atölyesi",
    "Portland front desk",
    "Portland back office",
    "Niterói garagem",
    "Quận 1 store",
    "Stellenbosch cellar",
    "Sakai plant 2",
    "Al Wasl clinic",
    "Piraeus ticket hall",
    "Götgatan 78",
    "Budapest iroda",
    "Mumbai dealing room",
    "Te Puke packhouse",
    "Namur étude",
    "Lab, please do not touch",
    "Training room",
    "Trade fair demo",
    "Spare, in the cupboard",
    "Migration test",
    "Warehouse North",
    "Warehouse South",
    "Call centre A",
    "Call centre B",
    "Disaster site Hamburg",
    "",
    "Old PBX (to be replaced)",
)

_BEGIN_MS = 1_704_880_800_000
_DAY_MS = 86_400_000


def first_devices() -> list[Device]:
    """35 software PBXs (more than one page), a few of the other products; the tutorials' two among them."""
    devices = []
    for i, site in enumerate(_SITES):
        serial = "3651E1292455" if i == 0 else f"3651E{1_292_455 + i * 3_011:07}"
        plan = ("", "Enterprise Plan", "Ultimate Plan")[i % 3]
        status = ("unactivated", "activated", "activated", "unknown")[i % 4]
        size = 20 * (1 + i % 12) if plan else 0
        devices.append(Device(12, serial, site, status, _BEGIN_MS + i * 11 * _DAY_MS, plan, size))
    others = [
        (9, "369471667338", "Linkus for the S50 in Graz", "Linkus Cloud Service", 0),
        (9, "369471667902", "Linkus for the S20", "", 0),
        (11, "3631A2204417", "P550 rack 3", "Enterprise Plan", 50),
        (11, "3631A2204982", "P560 reception", "Ultimate Plan", 100),
        (13, "3641P2100411", "northwind.cloud.example", "Enterprise Plan", 30),
    ]
    for i, (product, serial, comment, plan, size) in enumerate(others):
        devices.append(Device(product, serial, comment, "activated", _BEGIN_MS + i * _DAY_MS, plan, size))
    return devices


def first_orders() -> list[Order]:
    """A dozen orders that somebody placed in the vendor's own portal."""
    orders = []
    sold = (12, 14, 9, 15, 12, 21, 11, 12, 9, 14, 12, 15)
    for i, product in enumerate(sold):
        serial = {12: "3651E1292455", 9: "369471667902", 11: "3631A2204417"}.get(product, "3076913644890832896")
        status = {3: "cancelled", 7: "pending", 10: "refunded"}.get(i, "succeed")
        stamp = 3100000000000000123 + i * 7_340_032_118_771_321
        orders.append(
            Order(
                id=str(1_640_210 + i * 9_713),
                order_no=f"{'AEHKNPRTVXZB'[i]}{'QWLCGSDMFJYU'[i]}{stamp}",
                transaction_no=f"{'LQAKZCPWUDNE'[i]}{'HXORTQSBIGVM'[i]}{stamp + 4_194_307}",
                instance_id=str(1_810_000 + i * 8_117),
                product_id=product,
                product_no=serial,
                operation="purchase_plan" if product in (9, 11, 12) else "purchase_service",
                status=status,
                created_ms=_BEGIN_MS + 200 * _DAY_MS + i * 23 * _DAY_MS,
                cents=9900 * (1 + i * 3),
                currency="RMB" if i == 5 else "USD",
                reference=f"PO-2024-{1000 + i * 37}" if i % 2 else "",
                billing_id="3197218168379846218",
            )
        )
    return orders
