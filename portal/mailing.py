"""Mail: our words as plain text and as simple HTML, and a clear answer when it could not be handed over."""

import logging

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

logger = logging.getLogger(__name__)


class NotSent(Exception):
    """The mail server or service did not take it, or none is set up."""


def compose(to: str, subject: str, text: str) -> EmailMultiAlternatives:
    """A mail of these words. The HTML says the same, with links that can be pressed."""
    message = EmailMultiAlternatives(subject, text, settings.DEFAULT_FROM_EMAIL, [to])
    message.attach_alternative(render_to_string("mail.html", {"subject": subject, "text": text}), "text/html")
    return message


def deliver(message: EmailMultiAlternatives) -> None:
    """Hand it over now, within EMAIL_TIMEOUT. Raises NotSent; the log then says why, but not what or to whom."""
    if not settings.CAN_MAIL:
        raise NotSent("This portal sends no e-mail.")
    try:
        message.send()
    except Exception as error:  # each backend has errors of its own; their texts hold addresses, links and keys
        status = getattr(error, "status_code", None) or getattr(error, "smtp_code", None)
        logger.error("Mail was not sent by %s: %s (status %s)", settings.EMAIL_BACKEND, type(error).__name__, status)
        raise NotSent("The e-mail could not be sent. Try again later, or ask your administrator.") from None
