"""The table in BigQuery that Cloud Billing exports usage costs to: one aggregated query, read page by page."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from billing.costs.usage import INSTANCE_LABEL, LEFT_OUT, Usage, as_nanos
from portal.core.errors import Conflict, Invalid
from provisioning.clients.google import api, execute

TABLE: Final = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]\.\w{1,1024}\.\w{1,1024}", re.ASCII)
PAGE_ROWS: Final = 5_000
WAIT_MILLISECONDS: Final = 10_000  # one call's time; below GOOGLE_TIMEOUT_SECONDS
MOST_WAITS: Final = 12  # two minutes, within which a worker's task has to end
# Each amount as NUMERIC, which counts in billionths: a sum of the export's floats would differ from run to run.
QUERY: Final = """
SELECT
  FORMAT_DATE('%F', DATE(usage_start_time)) AS usage_day,
  project.id AS project_id,
  label.value AS label_value,
  project_label.value AS project_label_value,
  service.description AS service_name,
  sku.id AS sku_id,
  sku.description AS sku_description,
  currency,
  SUM(CAST(cost AS NUMERIC)
    + IFNULL((SELECT SUM(CAST(credit.amount AS NUMERIC)) FROM UNNEST(credits) AS credit), 0)) AS net_cost
FROM `{table}`
LEFT JOIN UNNEST(labels) AS label ON label.key = @label
LEFT JOIN UNNEST(project.labels) AS project_label ON project_label.key = @label
WHERE usage_start_time >= TIMESTAMP(@since) AND usage_start_time < TIMESTAMP(@until) AND cost_type != @left_out
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
"""


def usages(table: str, since: date, until: date) -> Iterator[Usage]:
    """What the export tells of the days from `since` to the day before `until` (UTC). `table`: project.dataset.table.

    Raises Invalid for another name of a table, Conflict when BigQuery is not done in time, and as `execute` does.
    """
    if not TABLE.fullmatch(table):
        raise Invalid(f"“{table}” is no table: GOOGLE_COST_TABLE is to be project.dataset.table.")
    project = table.partition(".")[0]
    answer = execute(api("bigquery", "v2").jobs().query(projectId=project, body=_asked(table, since, until)))
    for page in _pages(project, answer):
        yield from map(_usage, page.get("rows", ()))


def _asked(table: str, since: date, until: date) -> dict[str, Any]:
    dates = {"since": since.isoformat(), "until": until.isoformat()}
    words = {"label": INSTANCE_LABEL, "left_out": LEFT_OUT}
    parameters = [_parameter(name, "DATE", value) for name, value in dates.items()]
    parameters += [_parameter(name, "STRING", value) for name, value in words.items()]
    return {
        "query": QUERY.format(table=table),
        "useLegacySql": False,
        "parameterMode": "NAMED",
        "queryParameters": parameters,
        "maxResults": PAGE_ROWS,
        "timeoutMs": WAIT_MILLISECONDS,
    }


def _parameter(name: str, kind: str, value: str) -> dict[str, Any]:
    return {"name": name, "parameterType": {"type": kind}, "parameterValue": {"value": value}}


def _pages(project: str, answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An answer that says that the job is not done has no rows and no page after it."""
    job, waits = answer["jobReference"], 0
    while True:
        if answer["jobComplete"]:
            yield answer
            if not answer.get("pageToken"):
                return
        elif (waits := waits + 1) > MOST_WAITS:
            raise Conflict("BigQuery has not answered within two minutes.")
        answer = _results(project, job, answer.get("pageToken"))


def _results(project: str, job: dict[str, Any], page: str | None) -> dict[str, Any]:
    """A table that is in no multi-region is found by its location only, which the first answer names."""
    wanted = {"location": job.get("location"), "pageToken": page}
    given = {name: value for name, value in wanted.items() if value}
    results = api("bigquery", "v2").jobs().getQueryResults
    return execute(
        results(projectId=project, jobId=job["jobId"], maxResults=PAGE_ROWS, timeoutMs=WAIT_MILLISECONDS, **given)
    )


def _usage(row: dict[str, Any]) -> Usage:
    """Cells come in the order of the query's columns, as text, or as null."""
    day, project, label, project_label, service, sku, description, currency, cost = (cell["v"] for cell in row["f"])
    return Usage(
        day=date.fromisoformat(day),
        project=project or "",
        labels=tuple(named for named in (label, project_label) if named),
        service=service,
        sku=sku,
        description=description,
        currency=currency,
        nanos=as_nanos(cost),
    )
