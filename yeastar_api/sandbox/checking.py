"""Strict reading of request bodies: JSON types, required and unknown fields, each refusal naming its field."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from .answers import Refusal, invalid


def parse_json(raw: bytes) -> dict[str, Any]:
    """The body as an object. Refuses what a careless server would let pass: twin keys, NaN, no object."""

    def no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise invalid(name, "duplicate", "occurs twice")
            found[name] = value
        return found

    def no_constant(name: str) -> Any:
        raise invalid("body", "json", f"holds {name}, which is not JSON")

    try:
        body = json.loads(raw.decode(), object_pairs_hook=no_twins, parse_constant=no_constant)
    except (ValueError, RecursionError):
        raise invalid("body", "json", "is not JSON in UTF-8") from None
    if not isinstance(body, dict):
        raise invalid("body", "object", "must be a JSON object")
    return body


class Fields:
    """The fields of one JSON object, taken one by one; whatever nobody took is unknown."""

    def __init__(self, values: dict[str, Any], prefix: str = ""):
        self._values = values
        self._prefix = prefix
        self._taken: set[str] = set()

    def name(self, field: str) -> str:
        """The field's full name, such as `serviceList[0].quantity`."""
        return f"{self._prefix}{field}"

    def refuse(self, field: str, tag: str, why: str) -> Refusal:
        return invalid(self.name(field), tag, why)

    def has(self, field: str) -> bool:
        return field in self._values

    def number(self, field: str, *, required: bool = True) -> int | None:
        """A JSON integer. A string of digits is refused: every tutorial's request shows a bare number."""
        value = self._take(field, required)
        if value is None and not self.has(field):
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refuse(field, "number", "must be a JSON integer")
        if abs(value) >= 1 << 63:
            raise self.refuse(field, "int64", "does not fit in 64 bits")
        return value

    def text(self, field: str, *, required: bool = True, most: int = 255) -> str:
        """A JSON string; an absent one reads as empty."""
        value = self._take(field, required)
        if value is None and not self.has(field):
            return ""
        if not isinstance(value, str):
            raise self.refuse(field, "string", "must be a JSON string")
        if required and not value.strip():
            raise self.refuse(field, "required", "is empty")
        if len(value) > most:
            raise self.refuse(field, "max", f"is longer than {most} characters")
        return value

    def one_of(self, field: str, allowed: Iterable[str], *, required: bool = True) -> str:
        """A string out of a closed list."""
        value = self.text(field, required=required)
        if (value or required) and value not in (known := list(allowed)):
            raise self.refuse(field, "oneof", f"must be one of {', '.join(known)}")
        return value

    def objects(self, field: str) -> list[Fields]:
        """A list of at least one object."""
        value = self._take(field, True)
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise self.refuse(field, "array", "must be a list of objects")
        if not value:
            raise self.refuse(field, "min", "is empty")
        return [Fields(entry, f"{self.name(field)}[{i}].") for i, entry in enumerate(value)]

    def object(self, field: str) -> Fields:
        """One inner object."""
        value = self._take(field, True)
        if not isinstance(value, dict):
            raise self.refuse(field, "object", "must be an object")
        return Fields(value, f"{self.name(field)}.")

    def flag(self, field: str) -> bool:
        """An optional true or false."""
        value = self._take(field, False)
        if self.has(field) and not isinstance(value, bool):
            raise self.refuse(field, "boolean", "must be true or false")
        return bool(value)

    def absent(self, field: str, why: str) -> None:
        """The field has no place here."""
        if self.has(field):
            raise self.refuse(field, "excluded", why)

    def nothing_else(self) -> None:
        """Refuse what no one took."""
        for field in self._values:
            if field not in self._taken:
                raise self.refuse(field, "unknown", "is not a parameter of this call")

    def _take(self, field: str, required: bool) -> Any:
        self._taken.add(field)
        if required and not self.has(field):
            raise self.refuse(field, "required", "is required")
        return self._values.get(field)
