from django.db import migrations
from django.db.models import F, Q

BATCH = 500


def tidy(apps, _):
    """Whoever has gone has changed; and no search text begins with the blanks of what is not told."""
    for name in ("Partner", "Contact"):
        rows = apps.get_model("orders", name)._base_manager.order_by()
        rows.filter(gone_at__gt=F("mirrored_at")).update(mirrored_at=F("gone_at"))
        some = []
        for row in rows.filter(Q(search__startswith=" ") | Q(search__contains="  ")).only("search").iterator(BATCH):
            row.search = " ".join(row.search.split())
            some.append(row)
        rows.bulk_update(some, ["search"], BATCH)


class Migration(migrations.Migration):

    dependencies = [("orders", "0016_accounts_by_email")]

    operations = [migrations.RunPython(tidy, migrations.RunPython.noop)]
