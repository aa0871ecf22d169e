"""Customers are found whichever letters a sign in their name is made of: ™ was searched as TM, and so found by nobody."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from orders.text import fold


def fold_again(apps: Apps, schema_editor: BaseDatabaseSchemaEditor | None) -> None:
    """As it would be folded by now."""
    for name in ("Partner", "Contact"):
        model = apps.get_model("orders", name)
        changed = []
        for row in model._base_manager.only("search").iterator(2_000):
            if row.search != (folded := fold(row.search)):
                row.search = folded
                changed.append(row)
        model._base_manager.bulk_update(changed, ["search"], batch_size=500)


class Migration(migrations.Migration):
    dependencies = [("orders", "0019_called")]

    operations = [migrations.RunPython(fold_again, migrations.RunPython.noop)]
