"""What can be bought, read by key and not by path: the shape of `purchase_product_info` is not documented.

Known (tutorials, reference): somewhere in the answer stand plans with a `planId`, services with a
`serviceId`, and a `purchaseType`. Not known: the names of the lists, of the labels and of the bounds, and
whether a service lies inside its plan or beside it. So every object is looked at, wherever it lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from yeastar_api.messages.wire import id_text, whole

_PLAN_LABELS = ("planName", "name", "title")
# A service beside its plan may carry the plan's name too, so `planName` never labels a service.
_SERVICE_LABELS = ("serviceName", "name", "title")
_TRIAL = "trial"


@dataclass(frozen=True)
class Plan:
    """A plan one can choose. `purchase_type` is "" and the bounds (e.g. extensions) None when not told."""

    plan_id: str
    label: str
    purchase_type: str = ""
    min_quantity: int | None = None
    max_quantity: int | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Service:
    """A service one can choose; it belongs to the plans in `plan_ids`, or stands alone if none."""

    service_id: str
    label: str
    plan_ids: frozenset[str] = frozenset()
    purchase_type: str = ""
    min_quantity: int | None = None
    max_quantity: int | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Offers:
    """All plans and services of one answer, each id once, in the order in which they were first seen."""

    plans: tuple[Plan, ...]
    services: tuple[Service, ...]
    raw: Any = field(default=None, repr=False, compare=False)

    @classmethod
    def read(cls, result: Any) -> Offers:
        """Read an envelope's `result`, whatever its shape.

        An object with a `planId` and no `serviceId` is a plan, an object with a `serviceId` is a service. A
        service belongs to the plan that encloses it, that it encloses, or that it names in `planId` or
        `connectionPlanId`. Sightings of one id are merged; a trial's word counts only if there is no other.
        """
        plans: dict[str, _Seen] = {}
        services: dict[str, _Seen] = {}
        _walk(result, plans, services, plan="", service=None)
        return cls(
            plans=tuple(Plan(key, seen.label(f"Plan {key}"), *seen.facts()) for key, seen in plans.items()),
            services=tuple(
                Service(key, seen.label(f"Service {key}"), frozenset(seen.plan_ids), *seen.facts())
                for key, seen in services.items()
            ),
            raw=result,
        )

    def services_of(self, plan_id: str) -> tuple[Service, ...]:
        """The services that can be bought with this plan: its own, and those that stand alone."""
        return tuple(each for each in self.services if not each.plan_ids or plan_id in each.plan_ids)


@dataclass
class _Seen:
    """Every sighting of one id, merged when asked."""

    label_keys: tuple[str, ...]
    plan_ids: set[str] = field(default_factory=set)
    sightings: list[dict[str, Any]] = field(default_factory=list)

    def _preferred(self) -> list[dict[str, Any]]:
        """The sightings, those that are no trial first."""
        return sorted(self.sightings, key=lambda sighting: _purchase_type(sighting) == _TRIAL)

    def label(self, otherwise: str) -> str:
        """The first name found; the whole id otherwise, since shortened ids could look alike."""
        for sighting in self._preferred():
            for key in self.label_keys:
                name = sighting.get(key)
                if isinstance(name, str) and name.strip():
                    return name.strip()
        return otherwise

    def facts(self) -> tuple[str, int | None, int | None, dict[str, Any]]:
        """Purchase type, smallest and largest quantity, and the payload of the preferred sighting."""
        order = self._preferred()
        kind = next((found for found in map(_purchase_type, order) if found), "")
        priced = [part for sighting in order for part in _own_parts(sighting)]
        return kind, *_bounds(priced, trial=kind == _TRIAL), order[0]


def _walk(node: Any, plans: dict[str, _Seen], services: dict[str, _Seen], plan: str, service: _Seen | None) -> None:
    """Collect every sighting below `node`, which lies inside `plan` ("" for none) and `service`."""
    if isinstance(node, list):
        for item in node:
            _walk(item, plans, services, plan, service)
        return
    if not isinstance(node, dict):
        return
    service_id, plan_id = id_text(node.get("serviceId")), id_text(node.get("planId"))
    if service_id:
        service = services.setdefault(service_id, _Seen(_SERVICE_LABELS))
        service.sightings.append(node)
        service.plan_ids |= {plan, plan_id, id_text(node.get("connectionPlanId"))} - {""}
    elif plan_id:
        plan = plan_id
        plans.setdefault(plan_id, _Seen(_PLAN_LABELS)).sightings.append(node)
        if service is not None:
            service.plan_ids.add(plan_id)
    for value in node.values():
        _walk(value, plans, services, plan, service)


def _own_parts(node: Any) -> Iterator[dict[str, Any]]:
    """An item's own object and what lies in it (such as its prices), without the items that lie in it."""
    below = list(node.values()) if isinstance(node, dict) else list(node)
    if isinstance(node, dict):
        yield node
    for value in below:
        is_item = isinstance(value, dict) and (id_text(value.get("serviceId")) or id_text(value.get("planId")))
        if isinstance(value, dict | list) and not is_item:
            yield from _own_parts(value)


def _purchase_type(sighting: dict[str, Any]) -> str:
    """The sighting's own purchase type, else that of its prices, of which any but a trial is preferred."""
    found = [kind for part in _own_parts(sighting) if isinstance(kind := part.get("purchaseType"), str) and kind]
    return next((kind for kind in found if kind != _TRIAL), found[0] if found else "")


def _bounds(parts: list[dict[str, Any]], *, trial: bool) -> tuple[int | None, int | None]:
    """The widest bounds told, so that a list of price steps is read as a whole; never invented.

    A largest quantity of null, 0 or less means "no limit" wherever it stands beside a smallest one.
    """
    counted = [part for part in parts if trial or part.get("purchaseType") != _TRIAL]
    least = [low for part in counted if (low := whole(part.get("minQuantity"))) is not None and low >= 0]
    told = [whole(part["maxQuantity"]) for part in counted if "maxQuantity" in part]
    most = [high for high in told if high is not None and high > 0]
    smallest = min(least, default=None)
    largest = max(most) if most and len(most) == len(told) else None
    if smallest is not None and largest is not None and smallest > largest:
        return None, None
    return smallest, largest
