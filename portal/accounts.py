"""How people get in: nobody signs up by themselves."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's adapter, with the front door closed to strangers."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are added by an operator."""
        return False
