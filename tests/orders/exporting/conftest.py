"""Who exports what, into a folder of the test's own, while no worker runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orders import doorbell
from orders.exporting import making
from orders.models import Order
from tests.orders.browsing.kit import NOW, SignIn, partner, record


@pytest.fixture
def monas(mona: User, sign_in: SignIn) -> Client:
    """Mona's browser."""
    return sign_in(mona)


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Path) -> None:
    settings.EXPORT_DIR = tmp_path / "exports"


@pytest.fixture(autouse=True)
def bells(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The exports that a worker was called for. No worker runs."""
    rung: list[str] = []

    def ring(pks: list[Any], task: str) -> bool:
        assert task == doorbell.EXPORT
        rung.extend(map(str, pks))
        return True

    monkeypatch.setattr(making.doorbell, "ring", ring)
    return rung


@pytest.fixture
def large(settings: Any) -> None:
    """Every export is too large to be sent straight away."""
    settings.EXPORT_STREAM_ROWS = settings.EXPORT_STREAM_ROWS_XLSX = -1


@pytest.fixture
def shelf(db: None, queued: Callable[..., Order], alice: User) -> Order:
    """An order of ours, one of a known customer, one of which little is known."""
    order = queued()
    partner("3000000000000000001", "Société Générale")
    record(
        "LR1", at=NOW, ours=order, owner=alice, status="succeed", order_id="2000000000000000001", product_id="15",
        product_name="Linkus", instance_id="3049041101760282624", created_at=NOW, detail_at=NOW,
        raw={"orderNo": "LR1", "id": 2000000000000000001}, detail={"orderInformation": {"remark": "=1+1"}},
    )  # fmt: skip
    record(
        "LR2", at=NOW - timedelta(days=1), partner_id="3000000000000000001", status="pending", currency="USD",
        amount=Decimal("-1234.5"), product_no="369471667338", custom_reference_no="2026-11",
    )  # fmt: skip
    record("LR3", at=NOW - timedelta(days=400), status="succeed", gone_at=NOW)
    return order
