"""What the doctor looks at in the building: settings, disk, mail, and who may come in."""

from __future__ import annotations

import shutil
import smtplib
import sys

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import User
from django.core import checks
from django.core.checks import ERROR

from portal.doctor.report import Line, bad, good, warn
from portal.roles import ADMIN_ROLE
from portal.second_factor import FACTORS
from portal.vendor import host_of, is_sandbox

LITTLE, TOO_LITTLE = 2 * 1024**3, 200 * 1024**2
"""Bytes of disk below which somebody should look, and below which soon nothing can be written."""


def environment() -> list[Line]:
    """Where orders go, and what `manage.py check --deploy` says; in the sandbox what `check` says."""
    where = f"Python {sys.version.split()[0]}; orders go to {host_of(settings.YEASTAR_BASE_URL)}, "
    where += "a sandbox" if is_sandbox() else "where each one buys"
    found = [good("Environment", where)]
    if settings.DEBUG:
        found.append(bad("DEBUG", "It is on: errors show settings and source to anybody.", "Take DEBUG out."))
    said = checks.run_checks(include_deployment_checks=not is_sandbox())
    for each in said:
        line = bad if each.level >= ERROR else warn
        found.append(line(f"Check {each.id}", each.msg, each.hint or ""))
    if not said:
        found.append(good("Checks", "manage.py check has nothing to say"))
    return found


def disk() -> Line:
    """Room where data, logs and exports lie."""
    free = shutil.disk_usage(settings.DATA_DIR).free
    words = f"{free / 1024**3:.1f} GB free in {settings.DATA_DIR}"
    if free < TOO_LITTLE:
        return bad("Disk", words, "Make room: soon nothing can be written.")
    return warn("Disk", words, "Make room, or move DATA_DIR.") if free < LITTLE else good("Disk", words)


def static_files() -> Line:
    """Whether pages have their style sheet."""
    if settings.DEBUG or (settings.STATIC_ROOT / "staticfiles.json").is_file():
        return good("Static files", "collected")
    return bad("Static files", "They are not collected.", "python manage.py collectstatic --no-input")


def mail(*, offline: bool) -> Line:
    """Whether a mail could be sent; a server is greeted, and given nothing."""
    if not settings.CAN_MAIL:
        words = "No mail server is set: invitations and resets cannot be sent"
        return good("Mail", f"{words}; enough for a sandbox") if is_sandbox() else warn("Mail", words, "Set EMAIL_URL.")
    name = settings.EMAIL_BACKEND.rsplit(".", 2)[-2]
    if name != "smtp" or offline:
        return good("Mail", f"by {name}, not tried")
    greet = smtplib.SMTP_SSL if settings.EMAIL_USE_SSL else smtplib.SMTP
    try:
        with greet(settings.EMAIL_HOST, settings.EMAIL_PORT, timeout=5) as server:
            server.noop()
    except (OSError, smtplib.SMTPException) as error:
        where = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
        return bad("Mail", f"{where} does not answer as a mail server ({type(error).__name__})", "Look at EMAIL_URL.")
    return good("Mail", f"{settings.EMAIL_HOST} answers")


def people() -> list[Line]:
    """Whether somebody can administer, and whether who can buy has a second factor."""
    admins = User.objects.filter(is_active=True, groups__name=ADMIN_ROLE).distinct()
    count = admins.count()
    if not count:
        todo = "python manage.py add_person NAME EMAIL --role admin"
        return [bad("Admins", "Nobody can administer: there is no active admin.", todo)]
    found = [good("Admins", f"{count} active")]
    if settings.OIDC_SERVER_URL:
        found.append(good("Single sign-on", f"by {host_of(settings.OIDC_SERVER_URL)}"))
    if not settings.REQUIRE_MFA:
        say = good if is_sandbox() else warn
        found.append(say("Second factor", "not required"))
        return found
    with_factor = Authenticator.objects.filter(type__in=FACTORS, user__in=admins).values("user").distinct().count()
    words = f"required; {with_factor} of {count} admins {'has' if with_factor == 1 else 'have'} one"
    found.append(good("Second factor", words) if with_factor else warn("Second factor", words, "Set one up."))
    return found
