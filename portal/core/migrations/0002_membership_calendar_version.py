from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="calendar_version",
            field=models.PositiveIntegerField(
                db_default=1,
                default=1,
                help_text="One more makes a new address of the calendar, and the former one useless.",
            ),
        ),
    ]
