
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('orders', '0009_connection'),
    ]

    operations = [
        migrations.CreateModel(
            name='Limits',
            fields=[
                ('limited', models.BooleanField(default=False)),
                ('own_account', models.BooleanField(default=False)),
                ('any_pbx', models.BooleanField(default=False)),
                ('person', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='limits', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('partners', models.ManyToManyField(blank=True, related_name='+', to='orders.partner')),
            ],
            options={
                'abstract': False,
            },
        ),
    ]
