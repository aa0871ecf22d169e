"""Who somebody is and what they may do: allauth's backend, in two short questions for each page instead of three."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q

from orders.prepared import Prepared

COLUMNS = [field.attname for field in User._meta.concrete_fields]

_PERSON = Prepared(lambda user: User.objects.filter(pk=user).values_list(*COLUMNS), int)


def _permissions(user: int) -> Any:
    own = User.user_permissions.through.objects.filter(user_id=user).values("permission_id")
    by_role = Group.permissions.through.objects.filter(
        group_id__in=User.groups.through.objects.filter(user_id=user).values("group_id")
    ).values("permission_id")
    found = Permission.objects.filter(Q(pk__in=own) | Q(pk__in=by_role)).order_by()
    return found.values_list("content_type__app_label", "codename")


_PERMISSIONS = Prepared(_permissions, int)


class Backend(AuthenticationBackend):  # type: ignore[misc]
    """What Django's own would answer: nobody who is deactivated, all permissions for a superuser."""

    def get_user(self, user_id: Any) -> User | None:
        """Whose session it is; None if there is no such person any more, or they are deactivated."""
        for row in _PERSON.rows(user_id):
            user = User.from_db("default", COLUMNS, row)
            return user if self.user_can_authenticate(user) else None
        return None

    def get_all_permissions(self, user_obj: Any, obj: object = None) -> set[str]:
        """By role and of their own, asked once for each request."""
        plain = user_obj.is_active and not (user_obj.is_anonymous or user_obj.is_superuser) and obj is None
        if plain and not hasattr(user_obj, "_perm_cache"):
            user_obj._perm_cache = {f"{app}.{name}" for app, name in _PERMISSIONS.rows(user_obj.pk)}
        found: set[str] = super().get_all_permissions(user_obj, obj)
        return found
