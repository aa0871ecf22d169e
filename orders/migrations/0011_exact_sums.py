from django.db import migrations, models


def divide(apps, schema_editor):
    """The sums that were kept as decimals, in whole units and ten-thousandths."""
    tallies = apps.get_model("orders.Tally").objects
    some = []
    for tally in tallies.exclude(amount=0).iterator(chunk_size=500):
        tally.whole, tally.fraction = divmod(int(tally.amount.scaleb(4)), 10_000)
        some.append(tally)
        if len(some) == 500:
            tallies.bulk_update(some, ["whole", "fraction"])
            some.clear()
    tallies.bulk_update(some, ["whole", "fraction"])


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0010_limits'),
    ]

    operations = [
        migrations.AddField(model_name='tally', name='whole', field=models.BigIntegerField(default=0)),
        migrations.AddField(model_name='tally', name='fraction', field=models.BigIntegerField(default=0)),
        migrations.RunPython(divide, migrations.RunPython.noop),
        migrations.RemoveField(model_name='tally', name='amount'),
    ]
