"""What the tests of accounts share: a vendor that lists what it is told to, and runs that are looked into."""

from __future__ import annotations

from typing import Any

from orders.accounts import syncing
from orders.models import AccountRun, Listed
from yeastar_api.client import PartnerPortal
from yeastar_api.sandbox import Sandbox

COUNTS = ("listed", "added", "changed", "gone", "revived", "unusable")


def answer(sandbox: Sandbox, what: str, *records: dict[str, Any]) -> None:
    """From now on the vendor lists these."""
    sandbox.world.happen({"event": str(what), "records": list(records)})


def sync(portal: PartnerPortal, what: Listed) -> AccountRun:
    """A run of its own."""
    run = syncing.sync(portal, what)
    assert run is not None, "another run is open"
    return run


def counts(run: AccountRun) -> dict[str, int]:
    """What a run counted, but for nothing."""
    return {name: getattr(run, name) for name in COUNTS if getattr(run, name)}
