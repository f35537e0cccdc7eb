"""BigQuery stands in for one query, and refuses whatever else it is asked."""

import pytest

from billing.clients.cost_export import QUERY
from tests.billing.export import TABLE, export, line
from tests.devcloud.google_client import refusal

PROJECT = "portal-host"


@pytest.fixture
def jobs(google):
    return google.api("bigquery", "v2").jobs()


def body(**fields):
    given = {"since": ("DATE", "2026-11-24"), "until": ("DATE", "2026-11-25"), "label": ("STRING", "instance"),
             "left_out": ("STRING", "tax")}  # fmt: skip
    parameters = [
        {"name": name, "parameterType": {"type": kind}, "parameterValue": {"value": value}}
        for name, (kind, value) in given.items()
    ]
    usual = {"query": QUERY.format(table=TABLE), "useLegacySql": False, "parameterMode": "NAMED"}
    return {**usual, "queryParameters": parameters, **fields}


def ask(jobs, project=PROJECT, **fields):
    return jobs.query(projectId=project, body=body(**fields))


def test_an_answer_has_a_schema_a_job_and_cells_as_text(jobs, devcloud):
    export(devcloud, [line("src-1", "2026-11-24", 0.5)])
    answer = ask(jobs).execute()
    assert answer["jobComplete"]
    assert answer["schema"]["fields"][0] == {"name": "usage_day", "type": "STRING", "mode": "NULLABLE"}
    assert [cell["v"] for cell in answer["rows"][0]["f"]][:4] == ["2026-11-24", "src-1", None, None]
    assert answer["rows"][0]["f"][-1]["v"] == "0.5"
    again = jobs.getQueryResults(projectId=PROJECT, jobId=answer["jobReference"]["jobId"]).execute()
    assert again["rows"] == answer["rows"]


@pytest.mark.parametrize(
    ("fields", "code", "reason"),
    [
        ({"query": QUERY.format(table=TABLE).replace("SUM", "MAX")}, 400, "invalidQuery"),
        ({"query": QUERY.format(table=TABLE) + " LIMIT 5"}, 400, "invalidQuery"),
        ({"query": QUERY.format(table="portal-host.costs.other")}, 404, "notFound"),
        ({"useLegacySql": True}, 400, "invalidQuery"),
        ({"parameterMode": "POSITIONAL"}, 400, "invalidQuery"),
        ({"queryParameters": []}, 400, "invalidQuery"),
        ({"sql": "x"}, 400, "invalid"),
    ],
)
def test_what_it_does_not_know_is_refused(jobs, devcloud, fields, code, reason):
    export(devcloud, [])
    refused = refusal(ask(jobs, **fields))
    assert (refused.code, refused.reason) == (code, reason)


def test_a_job_of_another_place_or_name_is_not_found(jobs, devcloud):
    export(devcloud, [])
    job = ask(jobs).execute()["jobReference"]["jobId"]
    assert refusal(jobs.getQueryResults(projectId=PROJECT, jobId=job, location="EU")).code == 404
    assert refusal(jobs.getQueryResults(projectId=PROJECT, jobId="job_1")).code == 404


def test_a_project_without_the_service_is_refused(jobs, google):
    assert refusal(ask(jobs, google.bare_project().id)).reason == "accessDenied"
