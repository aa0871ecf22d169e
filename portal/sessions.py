"""Signing somebody out."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.models import Session
from django.utils import timezone


def end_sessions(person: AbstractBaseUser, *, but: str | None = None) -> int:
    """End all sessions of a person, perhaps but for the one of a key. How many. All are read: no list lacks one."""
    rows = Session.objects.filter(expire_date__gt=timezone.now()).exclude(pk=but)
    theirs = [row.pk for row in rows.iterator() if row.get_decoded().get("_auth_user_id") == str(person.pk)]
    for start in range(0, len(theirs), 500):
        Session.objects.filter(pk__in=theirs[start : start + 500]).delete()
    return len(theirs)
