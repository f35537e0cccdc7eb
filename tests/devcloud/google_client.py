"""Google's own client, pointed at a devcloud, with what tests keep asking for."""

import json
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

import httplib2
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from tests.stack.devcloud import RunningDevcloud

BILLING_ACCOUNT = "billingAccounts/000000-DEVCLD-000000"
ALL_SERVICES = (
    "compute",
    "container",
    "gkebackup",
    "iam",
    "logging",
    "monitoring",
    "secretmanager",
    "servicenetworking",
    "sqladmin",
)
REGION = "us-central1"
ZONE = "us-central1-a"
PROPAGATION_SECONDS = 31  # until an enabled service answers, and more than a new service account needs

_VERSIONS = {"cloudresourcemanager": "v3", "logging": "v2", "monitoring": "v3"}
_SERVICE_PATHS = {"bigquery": "bigquery/v2/", "compute": "compute/v1/", "storage": "storage/v1/"}
_numbers = count(1)


@dataclass(frozen=True)
class Refusal:
    """An error answer, whichever form it has: `reason` is the older form's word or the newer form's ErrorInfo."""

    code: int
    reason: str
    status: str
    message: str


@dataclass(frozen=True)
class Place:
    """A project with its number, and the client to work in it."""

    google: "GoogleClient"
    id: str
    number: str

    @property
    def name(self) -> str:
        return f"projects/{self.id}"

    @cached_property
    def location(self) -> str:
        return f"{self.name}/locations/{ZONE}"

    def run(self, service: str, request: Any) -> Any:
        """The operation that the request starts, once it is done; what it ended with is in it."""
        return self.finish(service, request.execute())

    def finish(self, service: str, operation: dict[str, Any]) -> Any:
        """Time skips to its end."""
        while not is_done(ended := self.poll(service, operation)):
            self.google.devcloud.skip("next")
        return ended

    def poll(self, service: str, operation: dict[str, Any]) -> Any:
        api, name = self.google.api(service), operation["name"]
        if service == "compute":
            return self._poll_compute(api, operation)
        if service == "sqladmin":
            return api.operations().get(project=self.id, operation=name).execute()
        if service in {"container", "gkebackup"}:
            full = name if "/" in name else f"{self.name}/locations/{operation['location']}/operations/{name}"
            return api.projects().locations().operations().get(name=full).execute()
        return api.operations().get(name=name).execute()

    def _poll_compute(self, api: Any, operation: dict[str, Any]) -> Any:
        common = {"project": self.id, "operation": operation["name"]}
        if "region" in operation:
            return api.regionOperations().get(**common, region=_last(operation["region"])).execute()
        if "zone" in operation:
            return api.zoneOperations().get(**common, zone=_last(operation["zone"])).execute()
        return api.globalOperations().get(**common).execute()

    # What most tests stand on.

    def make_network(self, name: str = "net") -> str:
        """A network with a subnetwork of the same name and the ranges pods and services; returns its full name."""
        compute = self.google.api("compute")
        body = {"name": name, "autoCreateSubnetworks": False}
        ended = self.run("compute", compute.networks().insert(project=self.id, body=body))
        assert "error" not in ended
        network = f"{self.name}/global/networks/{name}"
        ranges = [("pods", "10.4.0.0/14"), ("services", "10.8.0.0/20")]
        subnetwork = {
            "name": name,
            "network": network,
            "ipCidrRange": "10.0.0.0/20",
            "secondaryIpRanges": [{"rangeName": label, "ipCidrRange": cidr} for label, cidr in ranges],
        }
        request = compute.subnetworks().insert(project=self.id, region=REGION, body=subnetwork)
        assert "error" not in self.run("compute", request)
        return network

    def connect_privately(self, network: str) -> None:
        """The network has a range and a connection for private services."""
        body = {
            "name": "psa",
            "purpose": "VPC_PEERING",
            "addressType": "INTERNAL",
            "prefixLength": 20,
            "network": network,
        }
        self.run("compute", self.google.api("compute").globalAddresses().insert(project=self.id, body=body))
        connection = {"network": self.numbered(network), "reservedPeeringRanges": ["psa"]}
        connections = self.google.api("servicenetworking").services().connections()
        request = connections.create(parent="services/servicenetworking.googleapis.com", body=connection)
        assert "error" not in self.run("servicenetworking", request)

    def numbered(self, name: str) -> str:
        return name.replace(self.name, f"projects/{self.number}")

    def database_body(self, network: str, name: str = "db", **settings: Any) -> dict[str, Any]:
        return {
            "name": name,
            "region": REGION,
            "databaseVersion": "POSTGRES_16",
            "settings": {
                "edition": "ENTERPRISE",
                "tier": "db-custom-2-7680",
                "ipConfiguration": {"ipv4Enabled": False, "privateNetwork": network},
                **settings,
            },
        }

    def cluster_body(self, name: str = "cluster", **fields: Any) -> dict[str, Any]:
        pool = {"name": "main", "initialNodeCount": 1, "config": {"machineType": "e2-standard-4"}}
        return {"cluster": {"name": name, "network": "net", "subnetwork": "net", "nodePools": [pool], **fields}}

    def clusters(self) -> Any:
        return self.google.api("container").projects().locations().clusters()

    def make_cluster(self, name: str = "cluster", **fields: Any) -> str:
        """A running cluster in the network net, after GKE's own first operation; returns its full name."""
        request = self.clusters().create(parent=self.location, body=self.cluster_body(name, **fields))
        assert "error" not in self.run("container", request)
        full = f"{self.location}/clusters/{name}"
        while self.clusters().get(name=full).execute()["status"] != "RUNNING":
            self.google.devcloud.skip("next")
        return full


class GoogleClient:
    """Of a devcloud with realistic durations, whose time the tests skip."""

    def __init__(self, devcloud: RunningDevcloud) -> None:
        self.devcloud = devcloud
        self._apis: dict[tuple[str, str], Any] = {}

    def api(self, name: str, version: str = "") -> Any:
        version = version or _VERSIONS.get(name, "v1")
        if (name, version) not in self._apis:
            http = httplib2.Http(timeout=10, proxy_info=None)
            endpoint = f"{self.devcloud.google_endpoint}/{name}/{_SERVICE_PATHS.get(name, '')}"
            options = {"api_endpoint": endpoint}
            self._apis[name, version] = build(name, version, http=http, static_discovery=True, client_options=options)
        return self._apis[name, version]

    def close(self) -> None:
        for api in self._apis.values():
            api.close()

    def new_id(self) -> str:
        return f"src-{next(_numbers):08}"

    def bare_project(self, project_id: str = "", **fields: Any) -> Place:
        """Made, and nothing more."""
        project_id = project_id or self.new_id()
        request = self.api("cloudresourcemanager").projects().create(body={"projectId": project_id, **fields})
        made = Place(self, project_id, "").run("cloudresourcemanager", request)
        return Place(self, project_id, made["response"]["name"].removeprefix("projects/"))

    def link_billing(self, place: Place) -> None:
        body = {"billingAccountName": BILLING_ACCOUNT}
        self.api("cloudbilling").projects().updateBillingInfo(name=place.name, body=body).execute()

    def project(self, *services: str) -> Place:
        """Paid for, its services enabled and usable everywhere."""
        place = self.bare_project()
        self.link_billing(place)
        names = [f"{name}.googleapis.com" for name in services or ALL_SERVICES]
        request = self.api("serviceusage").services().batchEnable(parent=place.name, body={"serviceIds": names})
        place.run("serviceusage", request)
        self.devcloud.skip(PROPAGATION_SECONDS)
        return place


def outcome(request: Any) -> Any:
    """The answer, or the Refusal."""
    try:
        return request.execute()
    except HttpError as error:
        found = json.loads(error.content)["error"]
        older = found.get("errors", [{}])[0].get("reason", "")
        newer = next((detail["reason"] for detail in found.get("details", []) if "reason" in detail), "")
        return Refusal(found["code"], older or newer, found.get("status", ""), found["message"])


def refusal(request: Any) -> Refusal:
    answer = outcome(request)
    assert isinstance(answer, Refusal), f"It was not refused: {answer}"
    return answer


def is_done(operation: dict[str, Any]) -> bool:
    return bool(operation.get("done")) or operation.get("status") == "DONE"


def _last(url: str) -> str:
    return url.rpartition("/")[2]
