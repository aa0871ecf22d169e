from collections import Counter
from datetime import date

from django.db import migrations, models
from django.utils import timezone


def count_the_priced(apps, schema_editor):
    """Tallies that were kept before did not know of how many records an amount is told."""
    record, tally = apps.get_model("orders.Record"), apps.get_model("orders.Tally")
    columns = ("destination", "at", "status", "currency", "product_id", "partner_id", "owner_id")
    cells = Counter()
    for destination, at, status, currency, *keys in record.objects.exclude(amount=None).values_list(*columns).iterator():
        local = timezone.localtime(at)
        for kind, key in zip(("product", "partner", "owner"), keys):
            key = "" if key is None else str(key)
            cells[destination, date(local.year, local.month, 1), kind, key, status, currency] += 1
    names = ("destination", "month", "kind", "key", "status", "currency")
    for cell, count in cells.items():
        tally.objects.filter(**dict(zip(names, cell))).update(priced=count)


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0005_drift'),
    ]

    operations = [
        migrations.AddField(
            model_name='tally',
            name='priced',
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.RunPython(count_the_priced, migrations.RunPython.noop),
    ]
