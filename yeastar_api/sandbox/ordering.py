"""`POST /order/openapi/order/v1/save`: read a body against the table of rules, then buy at once."""

from __future__ import annotations

from typing import Any

from .answers import invalid
from .catalogue import MOST, PRODUCTS, Item, Plan, offered
from .checking import Fields, parse_json
from .numbers import OWNER_ACCOUNT, is_serial
from .records import Order
from .rules import OPERATIONS, RULES, Billing, Lines, Rule, Target
from .world import World

_LINE_ORDER = (
    "connectionPlanId",
    "serviceType",
    "serviceId",
    "quantity",
    "purchaseType",
    "billingModel",
    "billingCycle",
    "multiCycle",
)


def buy(world: World, raw: bytes, text: str, *, request_id: str, status: str) -> Order:
    """Check the body and buy what it says. Raises Refusal; otherwise the money is spent.

    `text` is the body as the ledger keeps it.

    Not idempotent, like the vendor's: the same body twice buys twice.
    """
    body = Fields(parse_json(raw))
    with world.lock:
        rule = _rule(body)
        partner, serial = _target(world, body, rule)
        billing = _billing_contact(world, body, rule)
        reference = body.text("poNumber", required=False)
        if body.has("assignId") and body.text("assignId") not in world.partners:
            raise body.refuse("assignId", "exists", "is not a subordinate user")
        if rule.cloud:
            _cloud_request(body.object("orderPceSpecialRequest"))
        lines, cents = _lines(world, body, rule)
        body.nothing_else()
        if rule.product == 12 and rule.operation == "renew_plan":
            _same_size(world, serial, lines[0])

        new = not serial and rule.product in (12, 13)
        if new:
            serial = world.numbers.serial() if rule.product == 12 else world.numbers.cloud_serial()
        now = world.now_ms()
        order = Order(
            id=world.numbers.order_id(),
            order_no=world.numbers.numbered(now),
            transaction_no=world.numbers.numbered(now),
            instance_id=world.numbers.instance_id(),
            product_id=rule.product,
            product_no=serial or OWNER_ACCOUNT,
            operation=rule.operation,
            status=status,
            created_ms=now,
            cents=cents,
            reference=reference,
            partner_id=partner,
            billing_id=billing,
            body=text,
            request_id=request_id,
            new_device=new,
        )
        world.happen({"event": "order", "order": order.as_dict()})
        return order


def _rule(body: Fields) -> Rule:
    operation = body.one_of("operationType", OPERATIONS)
    product = body.number("productId")
    if product not in PRODUCTS:
        raise body.refuse("productId", "exists", "is not a product that this account may buy")
    rule = RULES.get((product, operation))
    if rule is None:
        known = ", ".join(name for number, name in RULES if number == product)
        raise body.refuse("operationType", "oneof", f"of product {product} must be one of {known}")
    return rule


def _target(world: World, body: Fields, rule: Rule) -> tuple[str, str]:
    """The partner's id and the PBX's serial number, each perhaps empty."""
    if body.has("partnerId") and body.has("productNo"):
        # Tutorial software-edition-license: partnerId only for a NEW licence, productNo for an EXISTING PBX.
        raise body.refuse("partnerId", "excluded_with", "and productNo exclude each other")
    if rule.target is Target.ACCOUNT:
        body.absent("productNo", "is not a parameter of an order for the account")
    elif rule.target is not Target.EITHER:
        body.absent("partnerId", "is not a parameter of an order for a PBX")

    partner = body.number("partnerId", required=False)
    if partner is not None and str(partner) not in world.partners:
        raise body.refuse("partnerId", "exists", "is not a subordinate user")
    serial = body.text("productNo", required=rule.target in (Target.SERIAL, Target.DEVICE))
    if body.has("productNo") and not is_serial(serial):
        raise body.refuse("productNo", "serial", "is not a serial number")
    if serial and rule.target is not Target.SERIAL and (rule.product, serial) not in world.devices:
        raise body.refuse("productNo", "exists", "is not a PBX of this account")
    return str(partner or ""), serial


def _billing_contact(world: World, body: Fields, rule: Rule) -> str:
    billing = body.number("billingId", required=rule.paid)
    if billing is not None and str(billing) not in world.contacts:
        raise body.refuse("billingId", "exists", "is not a billing contact")
    return str(billing or "")


def _cloud_request(special: Fields) -> None:
    """Only the names of these three were readable in the reference, so their values are taken as they come."""
    special.text("pbxName")
    for name in ("regionId", "pbxSubDomainId"):
        if not special.has(name):
            raise special.refuse(name, "required", "is required")


def _lines(world: World, body: Fields, rule: Rule) -> tuple[list[dict[str, Any]], int]:
    """The lines as they came, and their price together in cents."""
    offers = list(offered(PRODUCTS[rule.product], world.withdrawn))
    read: list[dict[str, Any]] = []
    cents = 0
    rows = body.objects("serviceList")
    for row in rows:
        kind = row.one_of("serviceType", ("plan", "service") if rule.lines is Lines.PLAN else ("service",))
        # Only a first line can be the plan: services hang on a plan already named.
        plan = read[0]["serviceId"] if read and read[0]["serviceType"] == "plan" else None
        if rule.lines is Lines.PLAN and (kind == "plan") != (not read):
            raise row.refuse("serviceType", "plan_first", "must be plan on the first line and nowhere else")
        line, item = _line(row, rule, offers, plan)
        if any(other["serviceId"] == line["serviceId"] for other in read):
            raise row.refuse("serviceId", "unique", "occurs twice")
        if read and line.get("multiCycle") != read[0].get("multiCycle"):
            raise row.refuse("multiCycle", "eqfield", "must be exactly the same for plan and service")
        row.nothing_else()
        read.append(line)
        cents += item.cents * line.get("quantity", 1) * max(1, line.get("multiCycle", 0)) * rule.paid
    return read, cents


def _line(
    row: Fields, rule: Rule, offers: list[tuple[Plan | None, Item]], plan: int | None
) -> tuple[dict[str, Any], Item]:
    line: dict[str, Any] = {"serviceType": row.text("serviceType"), "serviceId": row.number("serviceId")}
    is_plan = line["serviceType"] == "plan"
    found = [(above, item) for above, item in offers if item.id == line["serviceId"]]
    if not found or isinstance(found[0][1], Plan) != is_plan:
        raise row.refuse("serviceId", "exists", f"is not a {line['serviceType']} of product {rule.product}")

    above, item = found[0]
    if is_plan or above is None:
        row.absent("connectionPlanId", "is not a parameter of this line")
    else:
        line["connectionPlanId"] = connection = row.number("connectionPlanId")
        if plan is not None and connection != plan:
            raise row.refuse("connectionPlanId", "eqfield", "must be the plan of this order")
        if not any(isinstance(other, Plan) and other.id == connection for _, other in offers):
            raise row.refuse("connectionPlanId", "exists", f"is not a plan of product {rule.product}")
        if not any(above is not None and above.id == connection for above, _ in found):
            raise row.refuse("serviceId", "supported", f"{item.name} is not supported on this plan")

    line |= _quantity(row, rule, item)
    line["purchaseType"] = row.one_of("purchaseType", (rule.purchase_type,))
    line |= _billing(row, rule.billing)
    return {name: line[name] for name in _LINE_ORDER if name in line}, item


def _quantity(row: Fields, rule: Rule, item: Item) -> dict[str, int]:
    if item.unit is None:
        row.absent("quantity", f"is not a parameter of {item.name}")
        return {}
    quantity = row.number("quantity", required=rule.paid)
    if quantity is None:
        return {}
    least, most = (5, 500) if rule.cloud and isinstance(item, Plan) else (1, MOST)
    if not least <= quantity <= most:
        raise row.refuse("quantity", "min" if quantity < least else "max", f"must be {least} to {most}")
    return {"quantity": quantity}


def _billing(row: Fields, accepted: tuple[Billing, ...]) -> dict[str, Any]:
    """Narrow the accepted combinations field by field, so that the refusal names the first wrong one."""
    read: dict[str, Any] = {}
    models = {combination.model for combination in accepted}
    if models == {None}:
        row.absent("billingModel", "is not a parameter of this order")
    else:
        read["billingModel"] = row.one_of("billingModel", sorted(model for model in models if model))
    rest = [one for one in accepted if one.model == read.get("billingModel")]

    cycles = {combination.cycle for combination in rest}
    if cycles == {None}:
        row.absent("billingCycle", "is not a parameter of this order")
    else:
        read["billingCycle"] = row.one_of("billingCycle", sorted(cycle for cycle in cycles if cycle))
    rest = [one for one in rest if one.cycle == read.get("billingCycle")]

    if all(one.years is None for one in rest):
        row.absent("multiCycle", "is not a parameter of this order")
        return read
    years = sorted({year for one in rest for year in one.years or ()})
    read["multiCycle"] = row.number("multiCycle")
    if read["multiCycle"] not in years:
        raise row.refuse("multiCycle", "oneof", f"must be one of {', '.join(map(str, years))}")
    return read


def _same_size(world: World, serial: str, plan_line: dict[str, Any]) -> None:
    """A renewal keeps its size (reference, renewal of the Software Edition)."""
    current = world.devices[12, serial].extensions
    if plan_line["quantity"] != current:
        raise invalid("serviceList[0].quantity", "eq", f"must equal the current {current} extensions")
