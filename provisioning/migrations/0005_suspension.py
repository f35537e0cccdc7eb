from django.db import migrations, models

KINDS = [
    ("provision", "Provision"),
    ("upgrade", "Upgrade"),
    ("resize", "Resize"),
    ("suspend", "Suspend"),
    ("resume", "Resume"),
    ("repair", "Repair"),
    ("rollback", "Rollback"),
    ("restore", "Restore"),
    ("rehearse", "Rehearse"),
    ("migrate-architecture", "Migrate Architecture"),
    ("teardown", "Teardown"),
]
NOTICES = [
    ("trial-ended", "its trial has ended"),
    ("payment", "its subscription is not settled"),
    ("ended", "its subscription has ended"),
    ("by-us", "we have switched it off"),
]


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0004_fleet_upgrades")]

    operations = [
        migrations.RemoveConstraint(model_name="operation", name="operation_kind_is_known"),
        migrations.AddField(
            model_name="instance",
            name="suspended_at",
            field=models.DateTimeField(blank=True, help_text="Since when it is suspended.", null=True),
        ),
        migrations.AddField(
            model_name="instance",
            name="suspended_because",
            field=models.CharField(blank=True, choices=NOTICES, db_default="", max_length=12),
        ),
        migrations.AlterField(
            model_name="operation", name="kind", field=models.CharField(choices=KINDS, max_length=24)
        ),
        migrations.AlterField(model_name="survey", name="kind", field=models.CharField(choices=KINDS, max_length=24)),
        migrations.AddConstraint(
            model_name="operation",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", [kind for kind, _ in KINDS])), name="operation_kind_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="instance",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "suspended"), _negated=True),
                    models.Q(("suspended_at__isnull", False), models.Q(("suspended_because", ""), _negated=True)),
                    _connector="OR",
                ),
                name="who_is_suspended_knows_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="instance",
            constraint=models.CheckConstraint(
                condition=models.Q(("suspended_because__in", ["", *(notice for notice, _ in NOTICES)])),
                name="suspension_notice_is_known",
            ),
        ),
    ]
