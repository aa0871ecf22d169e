"""The three roles. Each may do what the one before may, and more; a person may also hold several."""

from django.apps import apps
from django.db.models import Q

STAFF = frozenset({"orders.place_order"})
MANAGER = STAFF | {"orders.see_all_orders", "orders.settle_order"}
ADMIN = MANAGER | {
    "orders.change_partner",
    "orders.change_contact",
    "orders.manage_connection",
    "orders.see_all_exports",
    "orders.see_audit",
    "auth.add_user",
    "auth.change_user",
}

ROLES: dict[str, frozenset[str]] = {"staff": STAFF, "manager": MANAGER, "admin": ADMIN}

ADMIN_ROLE = "admin"

ROLE_WORDS: dict[str, tuple[str, str]] = {
    "staff": ("Staff", "Orders, and sees their own orders."),
    "manager": ("Manager", "And sees everybody's orders, the history and the sums; settles what is uncertain."),
    "admin": ("Admin", "And keeps customers, people and the connection in order, and decides who may do what."),
}
"""What each role is called, and what it may do beyond the one before."""


def make_roles() -> None:
    """Make the groups and give them their permissions; a permission taken from a role here is taken there too."""
    group_model, permission_model = apps.get_model("auth.Group"), apps.get_model("auth.Permission")
    for name, permissions in ROLES.items():
        wanted = Q()
        for permission in permissions:
            app_label, codename = permission.split(".")
            wanted |= Q(content_type__app_label=app_label, codename=codename)
        group, _ = group_model.objects.get_or_create(name=name)
        group.permissions.set(permission_model.objects.filter(wanted))
