"""What may be bought: products, plans, services, and the shapes in which `purchase_product_info` tells it.

The ids that stand in a tutorial are the tutorial's; the rest is made up alike. The vendor's real shape is not
known, so the shape can be switched, and a client that reads by key instead of by path survives all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Any

MOST = 10_000
"""The largest quantity the sandbox sells at once; the vendor's bound is not known."""


@dataclass(frozen=True, slots=True)
class Item:
    """A plan or a service. Without a unit it is flat: sold without a quantity."""

    id: int
    name: str
    unit: str | None
    cents: int


@dataclass(frozen=True, slots=True)
class Plan(Item):
    """A plan with the services that can hang on it."""

    services: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """A product: its plans, and the services that hang on none."""

    id: int
    name: str
    offering: int
    plans: tuple[Plan, ...]
    services: tuple[Item, ...] = ()


_LINKUS_FOR_DEVICES = (
    Item(3129374410227826688, "Hotel PMS Integration", None, 19900),
    Item(3129374410227826913, "Hotel Module", None, 29900),
)
_ENTERPRISE_SERVICES = (
    Item(3129371502947016704, "Hot Standby", None, 49900),
    Item(3129371980284022785, "Hotel PMS Integration", None, 19900),
    Item(3129371688921145344, "Additional Extensions", "extensions", 900),
    Item(3129371733561114625, "Additional Concurrent Calls", "concurrent calls", 1500),
    Item(3129372015545548800, "Call Center", "agents", 5900),
)
_ULTIMATE_SERVICES = (
    *_ENTERPRISE_SERVICES,
    Item(3129372068699893760, "Disaster Recovery", None, 99900),
    Item(3374418823369719809, "AI Receptionist Minutes", "minutes", 9),
)
_CLOUD_SERVICES = (Item(3049040712834056193, "Additional Concurrent Calls", "concurrent calls", 1800),)
_TURNKEY_SERVICES = (
    Item(3049032137219817472, "Ultimate Plan Extensions", "extensions", 1200),
    Item(3049031640303869952, "Extensions", "extensions", 800),
    Item(3049032518874112001, "Call Recording Minutes", "minutes", 2),
    Item(3049032773023834113, "Transcription Minutes", "minutes", 4),
)

PRODUCTS: dict[int, Product] = {
    product.id: product
    for product in (
        Product(
            9,
            "Linkus Cloud Service",
            3048917606195888128,
            (
                Plan(3048918321840570368, "Linkus Cloud Service", None, 9900),
                Plan(3048918690155954177, "Linkus Cloud Service Pro", None, 19900),
            ),
        ),
        Product(
            11,
            "P-Series Appliance Edition",
            3048929003798528001,
            (
                Plan(3048929411652976641, "Enterprise Plan", None, 39900, _LINKUS_FOR_DEVICES),
                Plan(3048929877304672257, "Ultimate Plan", None, 69900, _LINKUS_FOR_DEVICES),
            ),
        ),
        Product(
            12,
            "P-Series Software Edition",
            3049040010265497601,
            (
                Plan(3049040587724718080, "Enterprise Plan", "extensions", 1400, _ENTERPRISE_SERVICES),
                Plan(3049041101760282624, "Ultimate Plan", "extensions", 2200, _ULTIMATE_SERVICES),
            ),
        ),
        Product(
            13,
            "P-Series Cloud Edition",
            3049039880460029953,
            (
                Plan(3049040155694428161, "Enterprise Plan", "extensions", 1900, _CLOUD_SERVICES),
                Plan(3049040333390327809, "Ultimate Plan", "extensions", 2900, _CLOUD_SERVICES),
            ),
        ),
        Product(
            14,
            "P-Series Turnkey Package",
            3048941501116170241,
            (Plan(3048941892189077504, "Turnkey Package", None, 499900, _TURNKEY_SERVICES),),
        ),
        Product(
            15,
            "Remote Management",
            3049035804377120769,
            (
                Plan(
                    3049036224189325312,
                    "Remote Management Plan",
                    None,
                    9900,
                    (Item(3049037245301022720, "Additional Connections", "connections", 600),),
                ),
            ),
        ),
        Product(
            19,
            "YCM White Label",
            3290114409928069121,
            (),
            (Item(3290115010552430593, "YCM White Label", None, 120000),),
        ),
        Product(
            21,
            "RM Premium",
            3375818811356377089,
            (),
            (Item(3375819276601303040, "RM Premium", "connections", 1800),),
        ),
    )
}

SHAPES = ("nested", "beside", "renamed")
MODIFIERS = ("numbers", "bare", "strange")


def offered(product: Product, withdrawn: Set[int]) -> Iterator[tuple[Plan | None, Item]]:
    """Every pair (plan, item) on offer: (None, plan) for a plan itself, (plan or None, service) for a service."""
    for plan in product.plans:
        if plan.id in withdrawn:
            continue
        yield None, plan
        yield from ((plan, service) for service in plan.services if service.id not in withdrawn)
    yield from ((None, service) for service in product.services if service.id not in withdrawn)


def product_info(product: Product, withdrawn: Set[int], shape: Set[str]) -> Any:
    """The `result` of `purchase_product_info`, drawn in the shape asked for."""
    plans: list[dict[str, Any]] = []
    beside: list[dict[str, Any]] = []
    for plan in product.plans:
        if plan.id in withdrawn:
            continue
        services = [_service(plan, item) for item in plan.services if item.id not in withdrawn]
        drawn = _entry("plan", plan, plan.id + 11)
        if "beside" in shape:
            # Both names were seen to point at a plan in the tutorials, so both must be understood.
            pointer = "planId" if plan.id % 2 else "connectionPlanId"
            beside += [service | {pointer: str(plan.id)} for service in services]
        elif "renamed" in shape:
            drawn = {"planInfo": drawn, "addOn": {"available": {"items": services}}}
        else:
            drawn["serviceList"] = services
        plans.append(drawn)
    alone = [_service(None, item) for item in product.services if item.id not in withdrawn]

    result: dict[str, Any] = {"offeringId": str(product.offering), "productId": str(product.id)}
    if "renamed" in shape:
        result["subscription"] = {"editions": plans, "extras": [{"service": entry} for entry in alone]}
    else:
        result |= {"planList": plans, "serviceList": beside + alone}
    if "strange" in shape:
        result = {"info": _doubled_by_trials(result), "flags": {"promo": None, "v": 3}, "notice": ["beta"]}
    if "bare" in shape:
        result = _without_labels(result)
    return _with_numbers(result) if "numbers" in shape else result


def _service(plan: Plan | None, item: Item) -> dict[str, Any]:
    # One service under two plans is priced twice, hence a pricing id for each pair.
    return _entry("service", item, item.id + 17 + ((plan.id if plan else 0) % 1_000_003))


def _entry(kind: str, item: Item, pricing: int) -> dict[str, Any]:
    entry: dict[str, Any] = {
        f"{kind}Id": str(item.id),
        f"{kind}Name": item.name,
        f"pricing{kind.capitalize()}Id": str(pricing),
        "purchaseType": "purchase",
    }
    if item.unit:
        entry |= {"minQuantity": 1, "maxQuantity": MOST, "unit": item.unit}
    return entry


def _doubled_by_trials(value: Any) -> Any:
    """Each plan and service a second time, as a free trial with a pricing id of its own."""
    if isinstance(value, dict):
        return {key: _doubled_by_trials(inner) for key, inner in value.items()}
    if not isinstance(value, list):
        return value
    doubled = []
    for entry in map(_doubled_by_trials, value):
        doubled.append(entry)
        if isinstance(entry, dict) and "purchaseType" in entry:
            pricing = next(name for name in entry if name.startswith("pricing"))
            doubled.append(entry | {"purchaseType": "trial", pricing: str(int(entry[pricing]) + 1), "days": 30})
    return doubled


def _without_labels(value: Any) -> Any:
    if isinstance(value, dict):
        labels = ("planName", "serviceName")
        return {key: _without_labels(inner) for key, inner in value.items() if key not in labels}
    return [_without_labels(inner) for inner in value] if isinstance(value, list) else value


def _with_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: int(inner) if key.endswith("Id") and isinstance(inner, str) else _with_numbers(inner)
            for key, inner in value.items()
        }
    return [_with_numbers(inner) for inner in value] if isinstance(value, list) else value
