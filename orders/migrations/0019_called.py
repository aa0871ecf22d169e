"""Orders are found by the order id that their receipt tells, customers whichever apostrophe their name has."""

from functools import reduce

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F, Q, Value
from django.db.models.functions import Replace

APOSTROPHES = "\u2018\u2019\u02bc\u2032`"
"""Those that stand in what was folded before."""


def fold_apostrophes(apps: Apps, schema_editor: BaseDatabaseSchemaEditor | None) -> None:
    """As `orders.text.fold` does by now."""
    straight = reduce(lambda found, each: Replace(found, Value(each), Value("'")), APOSTROPHES, F("search"))
    with_one = reduce(Q.__or__, [Q(search__contains=each) for each in APOSTROPHES])
    for name in ("Partner", "Contact"):
        apps.get_model("orders", name)._base_manager.filter(with_one).update(search=straight)


class Migration(migrations.Migration):
    dependencies = [("orders", "0018_accounts_stepped")]

    operations = [
        migrations.AddIndex(
            model_name="order",
            index=models.Index(condition=~Q(order_id=""), fields=["order_id"], name="order_of_id"),
        ),
        migrations.RunPython(fold_apostrophes, migrations.RunPython.noop),
    ]
