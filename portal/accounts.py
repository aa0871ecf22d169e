"""How people get in: nobody signs up by themselves; whoever just signed in is not asked again at once."""

import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.exceptions import ImmediateHttpResponse
from django.contrib.auth.models import AbstractBaseUser
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse

from portal import mailing
from portal.second_factor import has_proven


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's adapter, with the front door closed to strangers."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are added by an operator, or invited."""
        return False

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """Write the password alone: somebody deactivated meanwhile must not be let in again by the rest of the row."""
        user.set_password(password)
        user.save(update_fields=["password"])

    def is_safe_url(self, url: str) -> bool:
        """Whether a `next` stays with us; what is no URL at all does not."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Back to one's own account."""
        return reverse("mfa_index")

    def is_reauthentication_required(self, *, app: str, **more: Any) -> bool:
        """A login of the last minutes counts as well as being asked again would."""
        records = get_authentication_records(self.request, self.request.user)
        fresh = any(time.time() - record["at"] < app_settings.REAUTHENTICATION_TIMEOUT for record in records)
        return not fresh and bool(super().is_reauthentication_required(app=app, **more))

    def get_reauthentication_methods(self, user: AbstractBaseUser) -> list[dict[str, Any]]:
        """The password is no way to go on for a session that has a second factor to show."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        factors = [method for method in methods if method["id"] != "reauthenticate"]
        return factors if factors and not has_proven(self.request) else methods

    def render_mail(
        self, template_prefix: str, email: str, context: dict[str, Any], headers: dict[str, str] | None = None
    ) -> EmailMultiAlternatives:
        """Our words, as text and as HTML made of it."""
        subject = " ".join(render_to_string(f"{template_prefix}_subject.txt", context).split())
        text = render_to_string(f"{template_prefix}_message.txt", context, self.request).strip()
        return mailing.compose(email, subject, text)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A link that was asked for and does not go out is told; for a known address and a stranger's alike."""
        message = self.render_mail(template_prefix, email, {"email": email, "request": self.request, **context})
        try:
            mailing.deliver(message)
        except mailing.NotSent as error:
            # Not rendered yet: for mere news nobody will see it, and it would take the messages along.
            page = TemplateResponse(self.request, "account/mail_not_sent.html", {"words": str(error)}, status=503)
            raise ImmediateHttpResponse(page) from None

    def send_notification_mail(self, *given: Any, **more: Any) -> None:
        """News of a change that has been made: it stays made, whether the news gets through or not."""
        try:
            super().send_notification_mail(*given, **more)
        except ImmediateHttpResponse:
            return  # the log has it
