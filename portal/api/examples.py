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
        "channel": "stable",
        "maintenance_window": {"weekday": None, "hour": 1, "time_zone": "Europe/Berlin"},
        "release": {"version": "7.2.0", "newest": "7.2.0", "reason": "", "expected_at": None},
        "created_at": "2026-11-24T12:00:00Z",
        "ready_at": None,
        "trial_ends_at": "2026-12-24T12:00:00Z",
        "suspended_at": None,
        "suspended_because": "",
        "deleted_at": None,
        "health": {"state": "unknown", "since": "2026-11-24T12:00:00Z"},
        "operation": LINK,
    },
    response_only=True,
    status_codes=["200", "201"],
)
WAITING = OpenApiExample(
    "A place on the waiting list",
    {"position": 3, "slug": "acme", "region": "europe-west3", "note": "", "requested_at": "2026-11-24T12:00:00Z"},
    response_only=True,
    status_codes=["200", "202"],
)
OPERATION = OpenApiExample(
    "Half-way",
    {
        **LINK,
        "instance": INSTANCE_ID,
        "created_at": "2026-11-24T12:00:00Z",
        "started_at": "2026-11-24T12:00:00Z",
        "finished_at": None,
        "waiting_for": "",
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
PLAN_ID = "srv-7d0b5e1f3c4a92867b1d"
TEARDOWN_PLAN = OpenApiExample("A deletion", {"kind": "teardown"}, request_only=True)
PLAN = OpenApiExample(
    "Half-way",
    {
        "kind": "teardown",
        "is_done": False,
        "looked": 2,
        "total": 18,
        "expected_seconds": 240.0,
        "lines": [
            {
                "title": "Kubernetes cluster",
                "resource": f"projects/{INSTANCE_ID}/locations/europe-west3/clusters/sourcegraph",
                "effect": "remove",
                "sentence": "As wanted.",
            },
            {"title": "Backup plan", "resource": "", "effect": "check", "sentence": "Not there."},
        ],
        "id": PLAN_ID,
        "url": f"{BASE}/plans/{PLAN_ID}",
        "instance": INSTANCE_ID,
        "created_at": "2026-11-24T12:00:00Z",
    },
    response_only=True,
    status_codes=["200", "202"],
)
CERTIFICATE = OpenApiExample(
    "Of a deleted trial",
    {
        "id": "cert-5c1e8d0b4c7e9a43f0a1",
        "instance": INSTANCE_ID,
        "slug": "acme",
        "domain": "acme.sourcegraph.example",
        "organization": "org-5d1f3c1e8d0b4c7e9a43",
        "operation": OPERATION_ID,
        "issued_at": "2026-12-24T12:21:07.512034+00:00",
        "lines": [
            {
                "title": "Database server",
                "resource": f"projects/{INSTANCE_ID}/instances/sourcegraph",
                "asked_at": "2026-12-24T12:01:40.000000+00:00",
                "confirmed_at": "2026-12-24T12:06:12.000000+00:00",
                "confirmed": "The Cloud SQL API answers 404.",
                "deeds": ["asked for the deletion of the database server"],
            }
        ],
        "digest": "9f2c1d7e5b3a4860c8e1f0a2b4d6c8e0f1a3b5c7d9e1f3a5b7c9d1e3f5a7b9c1",
    },
    response_only=True,
    status_codes=["200"],
)
RELEASED = {
    "version": "7.3.0",
    "kind": "minor",
    "channel": "early",
    "notes": "Search is twice as fast.",
    "released_at": "2026-11-24T12:00:00Z",
}
RELEASE = OpenApiExample("A minor release", RELEASED, response_only=True, status_codes=["200"])
RELEASE_WISH = OpenApiExample(
    "From a registry",
    {"version": "7.3.0", "chart": "oci://registry.example/charts/sourcegraph", "channel": "early"},
    request_only=True,
)
IMPORTED_RELEASE = OpenApiExample(
    "A draft",
    {
        **RELEASED,
        "status": "draft",
        "minimum_version": "",
        "schema_is_compatible": True,
        "chart": {
            "name": "sourcegraph",
            "version": "7.3.0",
            "digest": "5a676f8f3472607a3e9b7b2628221239299130481a96bfcbe3b1af227aa772d4",
            "source": "oci://registry.example/charts/sourcegraph",
        },
    },
    response_only=True,
    status_codes=["201"],
)
MAINTENANCE = OpenApiExample(
    "Sunday nights in Berlin",
    {"channel": "stable", "weekday": "sunday", "hour": 2, "time_zone": "Europe/Berlin"},
    request_only=True,
)
POSTPONEMENT = OpenApiExample("A week later", {"until": "2026-12-08T00:00:00Z"}, request_only=True)
UPDATES = OpenApiExample(
    "One to come, one done",
    {
        "planned": [
            {
                "id": "rol-0c9e1b7d5e40f1a2b3c4",
                "title": "Upgrade to 7.3.0",
                "starts_at": "2026-12-01T00:00:00Z",
                "ends_at": "2026-12-01T04:00:00Z",
                "expected_downtime_seconds": 0.0,
                "is_urgent": False,
                "postponed_until": None,
            }
        ],
        "done": [
            {
                **LINK,
                "kind": "upgrade",
                "status": "succeeded",
                "version": "7.2.0",
                "started_at": "2026-11-10T00:02:00Z",
                "finished_at": "2026-11-10T00:09:40Z",
                "seen_from_outside": {"looks": 92, "failed": 0, "downtime_seconds": 0.0},
            }
        ],
    },
    response_only=True,
    status_codes=["200"],
)
COUNTED = {
    "day": "2026-12-01",
    "counted_at": "2026-12-01T12:07:03Z",
    "figures": {
        "seats": 31,
        "active_1d": 4,
        "active_7d": 12,
        "active_30d": 19,
        "repositories": 240,
        "batch_changes": 3,
    },
}
USAGE = OpenApiExample(
    "More people than seats",
    {"seats": {"paid": 25, "used": 31, "over_since": "2026-11-30"}, "newest": COUNTED, "days": [COUNTED]},
    response_only=True,
    status_codes=["200"],
)
FEATURE_DOCUMENT = {
    "name": "allow-list",
    "title": "Address allow list",
    "stands": "changing",
    "source": "plan",
    "until": None,
    "is_wanted": True,
    "asks": ["addresses"],
    "details": {"addresses": ["203.0.113.0/24"]},
    "restarts": False,
    "effect": "Whoever comes from another address is turned away.",
    "refusal": "",
}
FEATURE = OpenApiExample("On its way", FEATURE_DOCUMENT, response_only=True, status_codes=["200"])
FEATURES = OpenApiExample("One of them", {"results": [FEATURE_DOCUMENT]}, response_only=True, status_codes=["200"])
FEATURE_WISH = OpenApiExample(
    "An office alone", {"is_wanted": True, "details": {"addresses": ["203.0.113.0/24"]}}, request_only=True
)
EXPORT_FILE = f"{BASE}/instances/{INSTANCE_ID}/exports/{OPERATION_ID}/files/pgsql"
EXPORTS = OpenApiExample(
    "One export",
    {
        "refusal": "",
        "results": [
            {
                "id": OPERATION_ID,
                "taken_at": "2026-12-01T12:00:00Z",
                "kept_until": "2026-12-31T12:00:00Z",
                "bytes": 734003200,
                "is_final_backup": False,
                "files": [{"database": "pgsql", "url": EXPORT_FILE}],
            }
        ],
    },
    response_only=True,
    status_codes=["200"],
)
EXPORT_PLACE = OpenApiExample(
    "For ten minutes",
    {"url": "https://storage.example/kept/pgsql.sql.gz?X-Goog-Signature=9f2c1d7e", "expires_in_seconds": 600},
    response_only=True,
    status_codes=["200"],
)
