from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0003_audit_seals"),
    ]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="is_synthetic",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="No customer: the portal tries itself out.",
            ),
        ),
    ]
