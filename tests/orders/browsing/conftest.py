"""Who looks."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.orders.browsing.kit import SignIn


@pytest.fixture
def monas(mona: User, sign_in: SignIn) -> Client:
    """Mona's browser."""
    return sign_in(mona)
