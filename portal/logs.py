"""What must not stand in a log."""

import re
from typing import Any

KEY_IN_PATH = re.compile(r"(/reset/key/|/confirm-email/|/invitation/)[^\s?\"'/]+")


def mask_keys(_: object, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """A structlog processor: whoever reads a log must not be able to reset a password with it."""
    return {
        name: KEY_IN_PATH.sub(r"\1***", value) if isinstance(value, str) else value for name, value in event.items()
    }
