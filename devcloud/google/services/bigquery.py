"""BigQuery, as far as somebody asks an export of Cloud Billing what was charged: one query, its answer page by page.

A table is what the control API was told of (PATCH /_control/snapshot): {"bigquery.tables": {"project.dataset.table":
{"rows": [rows as the export has them]}}}; with "slow": N the job is not done for the first N answers. There is no SQL
here: the one query that is known means the sums below, and any other is refused.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal

from devcloud.google import errors, resources, tenancy
from devcloud.google.call import Call, Json, implements

TABLES = "bigquery.tables"
JOBS = "bigquery.jobs"
LOCATION = "US"
BILLIONTH = Decimal("0.000000001")
COLUMNS = (
    "usage_day",
    "project_id",
    "label_value",
    "project_label_value",
    "service_name",
    "sku_id",
    "sku_description",
    "currency",
    "net_cost",
)
PARAMETERS = {"since": "DATE", "until": "DATE", "label": "STRING", "left_out": "STRING"}
KNOWN = """
SELECT FORMAT_DATE('%F', DATE(usage_start_time)) AS usage_day, project.id AS project_id, label.value AS label_value,
project_label.value AS project_label_value, service.description AS service_name, sku.id AS sku_id, sku.description AS
sku_description, currency, SUM(CAST(cost AS NUMERIC) + IFNULL((SELECT SUM(CAST(credit.amount AS NUMERIC)) FROM
UNNEST(credits) AS credit), 0)) AS net_cost FROM `TABLE` LEFT JOIN UNNEST(labels) AS label ON label.key = @label LEFT
JOIN UNNEST(project.labels) AS project_label ON project_label.key = @label WHERE usage_start_time >= TIMESTAMP(@since)
AND usage_start_time < TIMESTAMP(@until) AND cost_type != @left_out GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1, 2, 3,
4, 5, 6, 7, 8
"""
_TABLE = re.compile(r"`([^`]+)`")


@implements("bigquery.jobs.query")
def _query(call: Call) -> Json:
    _check_project(call)
    if call.body.get("useLegacySql", True):
        raise errors.GoogleError(400, "invalidQuery", "Legacy SQL has no such quotes: `.")
    table = _table(call)
    job = f"job_{resources.new_id()}"
    document = {"rows": list(_sums(table["rows"], _parameters(call))), "unanswered": table.get("slow", 0)}
    call.cloud.store.put(JOBS, f"{call['projectId']}/{job}", document)
    return _answer(call, job, document, start=0, most=call.body.get("maxResults"), kind="queryResponse")


@implements("bigquery.jobs.getQueryResults")
def _results(call: Call) -> Json:
    _check_project(call)
    name, token = f"{call['projectId']}/{call['jobId']}", call.get("pageToken", "0")
    document = call.cloud.store.get(JOBS, name)
    if document is None or call.get("location", LOCATION) != LOCATION:
        raise errors.GoogleError(404, "notFound", f"Not found: Job {name.replace('/', ':')}")
    if not token.isdigit():
        raise errors.invalid(f"Invalid page token: {token}")
    return _answer(call, call["jobId"], document, start=int(token), most=call.get("maxResults"), kind="getQueryResults")


def _check_project(call: Call) -> None:
    project = tenancy.find_project(call.cloud, call["projectId"])
    if project is None or not tenancy.is_enabled(call.cloud, project["projectId"], "bigquery.googleapis.com"):
        message = (
            f"Access Denied: Project {call['projectId']}: User does not have bigquery.jobs.create permission in "
            f"project {call['projectId']}."
        )
        raise errors.GoogleError(403, "accessDenied", message)


def _table(call: Call) -> Json:
    """That which the query names, if it is the query that is known."""
    asked = " ".join(call.body.get("query", "").split())
    named = _TABLE.search(asked)
    if named is None or asked.replace(named[0], "`TABLE`") != " ".join(KNOWN.split()):
        raise errors.GoogleError(400, "invalidQuery", f"devcloud does not know this query: {asked[:80]}…")
    table = call.cloud.store.get(TABLES, named[1])
    if table is None:
        project, _, rest = named[1].partition(".")
        raise errors.GoogleError(404, "notFound", f"Not found: Table {project}:{rest} was not found in location US")
    return table


def _parameters(call: Call) -> dict[str, str]:
    if call.body.get("parameterMode") != "NAMED":
        raise errors.GoogleError(400, "invalidQuery", "Named parameters are used, but parameterMode is not NAMED.")
    given = {each["name"]: each for each in call.body.get("queryParameters", ())}
    for name, kind in PARAMETERS.items():
        if name not in given:
            raise errors.GoogleError(400, "invalidQuery", f"Query parameter '{name}' not found.")
        if given[name]["parameterType"]["type"] != kind:
            raise errors.GoogleError(400, "invalidQuery", f"No matching signature for parameter {name}: {kind} wanted.")
    return {name: each["parameterValue"]["value"] for name, each in given.items()}


def _sums(rows: list[Json], given: dict[str, str]) -> Iterator[list[str | None]]:
    sums = defaultdict[tuple[str | None, ...], Decimal](Decimal)
    since, until = (date.fromisoformat(given[name]) for name in ("since", "until"))
    for row in rows:
        day = datetime.fromisoformat(row["usage_start_time"].replace(" UTC", "+00:00")).astimezone(UTC).date()
        if since <= day < until and row["cost_type"] != given["left_out"]:
            sums[_key(row, day, given["label"])] += _net(row)
    for key in sorted(sums, key=lambda key: [(part is not None, part or "") for part in key]):
        yield [*key, f"{sums[key].normalize():f}"]


def _key(row: Json, day: date, label: str) -> tuple[str | None, ...]:
    project = row.get("project") or {}
    named = (_label(row.get("labels"), label), _label(project.get("labels"), label))
    sku = (row["sku"]["id"], row["sku"]["description"])
    return str(day), project.get("id"), *named, row["service"]["description"], *sku, row["currency"]


def _label(labels: list[Json] | None, key: str) -> str | None:
    return next((label["value"] for label in labels or () if label["key"] == key), None)


def _net(row: Json) -> Decimal:
    amounts = [row["cost"], *(credit["amount"] for credit in row.get("credits") or ())]
    return sum((Decimal(str(amount)).quantize(BILLIONTH, ROUND_HALF_UP) for amount in amounts), Decimal(0))


def _answer(call: Call, job: str, document: Json, *, start: int, most: int | None, kind: str) -> Json:
    answer: Json = {
        "kind": f"bigquery#{kind}",
        "jobReference": {"projectId": call["projectId"], "jobId": job, "location": LOCATION},
    }
    if document["unanswered"]:
        waiting = {**document, "unanswered": document["unanswered"] - 1}
        call.cloud.store.put(JOBS, f"{call['projectId']}/{job}", waiting)
        return {**answer, "jobComplete": False}
    rows, end = document["rows"], start + (most or 10_000)
    fields = [
        {"name": name, "type": "NUMERIC" if name == "net_cost" else "STRING", "mode": "NULLABLE"} for name in COLUMNS
    ]
    answer |= {"jobComplete": True, "schema": {"fields": fields}, "totalRows": str(len(rows)), "cacheHit": False}
    if shown := rows[start:end]:
        answer["rows"] = [{"f": [{"v": value} for value in row]} for row in shown]
    return answer | ({"pageToken": str(end)} if len(rows) > end else {})
