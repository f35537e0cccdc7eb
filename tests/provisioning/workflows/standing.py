"""An instance that has been provisioned once: what devcloud and the database knew then is put back for each test."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Model

from provisioning.models import Instance
from tests.stack.devcloud import RunningDevcloud

APPS = ("core", "account", "provisioning")


@dataclass(frozen=True)
class Standing:
    """Everything as it was at one moment."""

    instance_id: str
    cloud: Any
    rows: tuple[Model, ...]

    @classmethod
    def of(cls, instance: Instance, devcloud: RunningDevcloud) -> "Standing":
        models = [model for label in APPS for model in apps.get_app_config(label).get_models()]
        rows = tuple(row for model in models for row in model._default_manager.all())
        return cls(instance.pk, devcloud.control("GET", "snapshot"), rows)

    def put_back(self, devcloud: RunningDevcloud) -> None:
        """Into a database that is empty but for what a migration leaves there, such as the rules of alerts.

        References are checked when all rows are there.
        """
        devcloud.control("PUT", "snapshot", self.cloud)
        with transaction.atomic():
            for row in self.rows:
                rows = type(row)._default_manager
                if not rows.filter(pk=row.pk).exists():
                    rows.bulk_create([row])
