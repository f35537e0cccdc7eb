"""The examples in the API's documentation."""

from drf_spectacular.utils import OpenApiExample

BASE = "https://portal.example/api/v1"
INSTANCE_ID, OPERATION_ID = "src-3f2a9c1b7d5e40f1a2b3", "op-91c4d2e8f7a6b5c40312"
LINK = {
    "id": OPERATION_ID,
    "kind": "provision",
    "status": "running",
    "url": f"{BASE}/operations/{OPERATION_ID}",
}

TRIAL = OpenApiExample("A trial in Frankfurt", {"slug": "acme", "region": "europe-west3"}, request_only=True)
INSTANCE = OpenApiExample(
    "An instance that comes up",
    {
        "id": INSTANCE_ID,
        "organization": "org-5d1f3c1e8d0b4c7e9a43",
        "slug": "acme",
        "domain": "acme.sourcegraph.example",
        "url": "https://acme.sourcegraph.example",
        "kind": "trial",
        "tenancy": "dedicated",
        "status": "pending",
        "region": "europe-west3",
        "size": "xs",
        "version": "7.2.0",
        "created_at": "2026-11-24T12:00:00Z",
        "ready_at": None,
        "trial_ends_at": "2026-12-24T12:00:00Z",
        "deleted_at": None,
        "operation": LINK,
    },
    response_only=True,
    status_codes=["200", "201"],
)
OPERATION = OpenApiExample(
    "Half-way",
    {
        **LINK,
        "instance": INSTANCE_ID,
        "created_at": "2026-11-24T12:00:00Z",
        "started_at": "2026-11-24T12:00:00Z",
        "finished_at": None,
        "error": "",
        "progress": {
            "elapsed_seconds": 412.0,
            "remaining_seconds": 655.0,
            "share": 0.39,
            "steps": [
                {
                    "name": "project",
                    "title": "A project of its own",
                    "status": "done",
                    "needs": [],
                    "waiting_for": "",
                    "elapsed_seconds": 21.5,
                    "expected_seconds": 20.0,
                    "error": "",
                },
                {
                    "name": "cluster",
                    "title": "The cluster",
                    "status": "waiting",
                    "needs": ["project"],
                    "waiting_for": "the cluster to come up",
                    "elapsed_seconds": 390.5,
                    "expected_seconds": 420.0,
                    "error": "",
                },
            ],
        },
    },
    response_only=True,
    status_codes=["200", "202"],
)
