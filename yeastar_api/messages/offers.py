"""What can be bought, read by key and not by path, since the shape of `purchase_product_info` is not documented."""

from __future__ import annotations
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Plan:
    plan_id: str
    label: str
    purchase_type: str = ""
    min_quantity: int | None = None
    max_quantity: int | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Service:
    service_id: str
    label: str
    plan_ids: frozenset[str] = frozenset()
    purchase_type: str = ""
    min_quantity: int | None = None
    max_quantity: int | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Offers:
    plans: tuple[Plan, ...]
    services: tuple[Service, ...]
    raw: Any = field(default=None, repr=False, compare=False)

    @classmethod
    def read(cls, result: Any) -> Offers:
        raise NotImplementedError

    def services_of(self, plan_id: str) -> tuple[Service, ...]:
        return tuple(s for s in self.services if not s.plan_ids or plan_id in s.plan_ids)
