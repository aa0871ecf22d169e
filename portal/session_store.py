"""Django's sessions in the database, read by a question whose SQL is written once: every page begins with it."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from orders.prepared import Prepared

_SESSION = Prepared(lambda key: Session.objects.filter(pk=key).values_list("session_data", "expire_date"), str)


class SessionStore(DatabaseStore):
    """What stands in a session; nothing if there is none, or it has expired."""

    def load(self) -> dict[str, Any]:
        for data, expires in _SESSION.rows(self.session_key):
            if expires > timezone.now():
                found: dict[str, Any] = self.decode(data)
                return found
        self._session_key = None
        return {}
