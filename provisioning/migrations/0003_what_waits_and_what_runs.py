from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("provisioning", "0002_under_fire")]

    operations = [
        AddIndexConcurrently(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("status", "queued")), fields=["created_at"], name="operations_that_wait"
            ),
        ),
        AddIndexConcurrently(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("status__in", ["running", "undoing"])), fields=["kind"], name="operations_under_way"
            ),
        ),
    ]
