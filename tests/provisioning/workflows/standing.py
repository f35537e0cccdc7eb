"""An instance that has been provisioned once: what devcloud and the database knew then is put back for each test."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Model

from portal.core.history import is_version
from provisioning.models import AlertRule, Instance
from tests.stack.devcloud import RunningDevcloud

APPS = ("core", "account", "provisioning", "billing")


@dataclass(frozen=True)
class Standing:
    """Everything as it was at one moment, but for what is there from the start, the rules of alerts, and for what the
    database writes down itself, the versions of rows.
    """

    instance_id: str
    cloud: Any
    rows: tuple[Model, ...]

    @classmethod
    def of(cls, instance: Instance, devcloud: RunningDevcloud) -> "Standing":
        known = (model for label in APPS for model in apps.get_app_config(label).get_models())
        models = [model for model in known if not (model._meta.proxy or model is AlertRule or is_version(model))]
        rows = tuple(row for model in models for row in model._default_manager.all())
        return cls(instance.pk, devcloud.control("GET", "snapshot"), rows)

    def put_back(self, devcloud: RunningDevcloud) -> None:
        """Into an empty database. References are checked when all rows are there."""
        devcloud.control("PUT", "snapshot", self.cloud)
        with transaction.atomic():
            for row in self.rows:
                type(row)._default_manager.bulk_create([row])
