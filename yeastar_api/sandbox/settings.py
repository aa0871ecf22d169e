"""What of the fake can be switched while it runs, because the vendor's own behaviour is not known."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from .catalogue import MODIFIERS, SHAPES
from .world import STATUSES


@dataclass(slots=True)
class Settings:
    """The switches, with their pristine values."""

    token_seconds: int = 1800
    """Life of an access token (reference: 30 minutes); answered as `expiresIn`."""
    refresh_seconds: int = 15 * 86_400
    """Life of a refresh token (reference: 15 days)."""
    new_token_ends_old: bool = False
    """Whether asking for a token ends those given before; unknown of the vendor."""
    latency_seconds: float | dict[str, float] = 0.0
    """Artificial latency: of every call, or per call name with `*` for the others."""
    echo_po_number: bool = True
    """Whether the history tells `poNumber` back, as `customReferenceNo`; unknown of the vendor."""
    catalogue_shape: list[str] = field(default_factory=lambda: ["nested"])
    """How `purchase_product_info` is drawn: one of SHAPES and any MODIFIERS."""
    order_status: str = "succeed"
    """`orderStatus` of new orders."""
    history_lag_seconds: float = 0.0
    """How long after a save the history begins to tell of it."""
    page_size_max: int = 100
    """A larger `pageSize` is silently lowered to this, and the answer says so; unknown of the vendor."""
    error_http_status: str = "same"
    """`same`: an envelope's status is the HTTP status too; `200`: errors come as HTTP 200. Unknown."""
    keep_alive_seconds: float = 30.0
    """How long the real server keeps an idle connection."""
    clock_ahead_seconds: float = 0.0
    """How far the `Date` of answers is ahead of the right time."""

    def change(self, changes: dict[str, Any]) -> None:
        """Change some, or raise ValueError and change none."""
        checked = {name: _checked(name, value) for name, value in changes.items()}
        for name, value in checked.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def latency(self, call: str) -> float:
        """Seconds to wait before this call."""
        if isinstance(self.latency_seconds, dict):
            return self.latency_seconds.get(call, self.latency_seconds.get("*", 0.0))
        return self.latency_seconds


def _checked(name: str, value: Any) -> Any:
    if name not in {switch.name for switch in fields(Settings)}:
        raise ValueError(f"no setting is named {name}")
    if name == "catalogue_shape":
        shape = [value] if isinstance(value, str) else list(value)
        if not set(shape) <= {*SHAPES, *MODIFIERS} or len(set(shape) & set(SHAPES)) > 1:
            raise ValueError(f"catalogue_shape: one of {SHAPES} and any of {MODIFIERS}")
        return shape
    if name == "order_status":
        if not isinstance(value, str) or not value:
            raise ValueError(f"order_status: a word such as {', '.join(STATUSES)}")
        return value
    if name == "error_http_status":
        if str(value) not in ("same", "200"):
            raise ValueError("error_http_status: same or 200")
        return str(value)
    if name in ("echo_po_number", "new_token_ends_old"):
        if not isinstance(value, bool):
            raise ValueError(f"{name}: true or false")
        return value
    if name == "latency_seconds" and isinstance(value, dict):
        return {call: _seconds(name, seconds) for call, seconds in value.items()}
    if name in ("token_seconds", "refresh_seconds", "page_size_max"):
        if not isinstance(value, int) or isinstance(value, bool) or value < (name == "page_size_max"):
            raise ValueError(f"{name}: a whole number")
        return value
    return _seconds(name, value)


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ValueError(f"{name}: seconds, 0 or more")
    return float(value)
