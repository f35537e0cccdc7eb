"""Lines of a usage cost export, as Cloud Billing writes them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.stack.devcloud import RunningDevcloud

TABLE = "portal-host.costs.gcp_billing_export_v1_000000_DEVCLD_000000"
CORE = ("Compute Engine", "CF4E-A0C7-E3BF", "E2 Instance Core running in Americas")


def line(project: str | None, day: str, cost: Any, **fields: Any) -> dict[str, Any]:
    """What an hour of a SKU has cost in a project. `label` and `project_label` name an instance."""
    service, sku, description = fields.pop("thing", CORE)
    on_it, on_project = (_labels(fields.pop(name, None)) for name in ("label", "project_label"))
    usual = {
        "billing_account_id": "000000-DEVCLD-000000",
        "service": {"id": "6F81-5844-456A", "description": service},
        "sku": {"id": sku, "description": description},
        "usage_start_time": f"{day} 07:00:00 UTC",
        "usage_end_time": f"{day} 08:00:00 UTC",
        "project": {"id": project, "number": "1", "name": project, "labels": on_project} if project else None,
        "labels": on_it,
        "cost": cost,
        "currency": "USD",
        "credits": [],
        "cost_type": "regular",
        "export_time": f"{day} 12:00:00 UTC",
    }
    return {**usual, **fields}


def _labels(instance: str | None) -> list[dict[str, str]]:
    labels = {"team": "x", "instance": instance}
    return [{"key": key, "value": value} for key, value in labels.items() if value]


def credit(amount: Any) -> dict[str, Any]:
    return {"name": "Sustained use", "amount": amount, "type": "SUSTAINED_USAGE_DISCOUNT"}


def written(folder: Path, lines: Iterable[dict[str, Any]], name: str = "costs.json") -> Path:
    """A file of JSON lines."""
    path = folder / name
    path.write_text("".join(f"{json.dumps(each)}\n" for each in lines))
    return path


def export(devcloud: RunningDevcloud, lines: Iterable[dict[str, Any]], **table: Any) -> None:
    """BigQuery has a table of exactly these lines."""
    devcloud.control("PATCH", "snapshot", {"bigquery.tables": {TABLE: {"rows": list(lines), **table}}})
