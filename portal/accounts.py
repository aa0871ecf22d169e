"""How people get in: nobody signs up by themselves."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's adapter, with the front door closed to strangers."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are added by an operator."""
        return False

    def is_safe_url(self, url: str) -> bool:
        """Whether a `next` stays with us; what is no URL at all does not."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False
