"""Private Service Connect from the consumer's side, and the private zones that give it a name."""

from typing import Any

import pytest

from tests.devcloud.google_client import REGION, GoogleClient, Place, refusal

OTHERS = f"projects/acme-network/regions/{REGION}/serviceAttachments"


@pytest.fixture
def rules(place: Place):
    return place.google.api("compute").forwardingRules()


@pytest.fixture
def network(place: Place) -> str:
    return place.make_network()


@pytest.fixture
def address(place: Place, network: str) -> str:
    """Reserved in the subnetwork."""
    subnetwork = f"{place.name}/regions/{REGION}/subnetworks/net"
    body = {"name": "inside", "addressType": "INTERNAL", "subnetwork": subnetwork}
    place.run("compute", addresses(place).insert(project=place.id, region=REGION, body=body))
    return f"{place.name}/regions/{REGION}/addresses/inside"


@pytest.fixture
def body(place: Place, network: str, address: str) -> dict[str, Any]:
    """An endpoint as Google would take it, to a service that is published."""
    publish(place, accept=[])
    return {"name": "way", "network": network, "IPAddress": address, "target": attachment(place)}


def addresses(place: Place) -> Any:
    return place.google.api("compute").addresses()


def attachment(place: Place) -> str:
    """One for each test, since all of them share a devcloud."""
    return f"{OTHERS}/{place.id}"


def publish(place: Place, **told: Any) -> None:
    place.google.devcloud.control("PUT", "attachments", {"name": attachment(place), **told})


def insert(place: Place, rules: Any, body: dict[str, Any]) -> Any:
    return rules.insert(project=place.id, region=REGION, body=body)


def status(place: Place, rules: Any) -> str:
    found = rules.get(project=place.id, region=REGION, forwardingRule="way").execute()
    return str(found["pscConnectionStatus"])


class TestAnEndpoint:
    def test_has_the_address_itself_and_waits_to_be_accepted(self, place, rules, body):
        place.run("compute", insert(place, rules, body))
        found = rules.get(project=place.id, region=REGION, forwardingRule="way").execute()
        assert (found["IPAddress"], found["pscConnectionStatus"]) == ("10.0.0.2", "PENDING")
        assert found["target"].startswith("http")

    def test_stands_as_the_other_side_says(self, place, rules, body):
        place.run("compute", insert(place, rules, body))
        for told, expected in (
            ({"accept": [place.id]}, "ACCEPTED"),
            ({"reject": [place.id]}, "REJECTED"),
            ({"accept": "*"}, "ACCEPTED"),
        ):
            publish(place, **told)
            assert status(place, rules) == expected
        place.google.devcloud.control("DELETE", "attachments", {"name": attachment(place)})
        assert status(place, rules) == "CLOSED"
        publish(place, accept="*")
        assert status(place, rules) == "CLOSED"

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"target": f"{OTHERS}/nobody-published-it"}, "was not found"),
            ({"target": OTHERS.replace(REGION, "europe-west3") + "/git"}, "forwarding rule's region"),
            ({"target": "projects/p/regions/r/targetPools/t"}, "It is no service attachment"),
            ({"loadBalancingScheme": "INTERNAL"}, "must be empty for PSC"),
            ({"IPAddress": "projects/p/regions/r/addresses/none"}, "was not found"),
            ({"network": ""}, "was not found"),
            ({"labels": 7}, "resource.labels"),
        ],
    )
    def test_that_cannot_be_is_refused(self, place, rules, body, changes, says):
        refused = refusal(insert(place, rules, {**body, **changes}))
        assert says in refused.message or refused.code == 400

    def test_takes_no_address_of_another(self, place, rules, body):
        place.run("compute", insert(place, rules, body))
        assert refusal(insert(place, rules, {**body, "name": "second"})).reason == "resourceInUseByAnotherResource"

    def test_keeps_its_address_and_its_network(self, place, rules, body, network):
        place.run("compute", insert(place, rules, body))
        held = refusal(addresses(place).delete(project=place.id, region=REGION, address="inside"))
        assert held.reason == "resourceInUseByAnotherResource"
        networks = place.google.api("compute").networks()
        ended = place.run("compute", networks.delete(project=place.id, network="net"))
        assert ended["error"]["errors"][0]["code"] == "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"
        place.run("compute", rules.delete(project=place.id, region=REGION, forwardingRule="way"))
        place.run("compute", addresses(place).delete(project=place.id, region=REGION, address="inside"))

    def test_an_inner_address_keeps_its_subnetwork(self, place, address):
        subnetworks = place.google.api("compute").subnetworks()
        refused = refusal(subnetworks.delete(project=place.id, region=REGION, subnetwork="net"))
        assert refused.reason == "resourceInUseByAnotherResource"


class TestAPrivateZone:
    @pytest.fixture
    def zones(self, google):
        return google.api("dns").managedZones()

    @pytest.fixture
    def dns(self, google: GoogleClient) -> Place:
        """A project where names may be had."""
        return google.project("compute", "dns")

    @pytest.fixture
    def zone(self, dns) -> dict[str, Any]:
        network = f"https://www.googleapis.com/compute/v1/{dns.make_network()}"
        return {
            "name": "inside",
            "dnsName": "git.acme.internal.",
            "description": "",
            "visibility": "private",
            "privateVisibilityConfig": {"networks": [{"networkUrl": network}]},
        }

    def records(self, dns):
        return dns.google.api("dns").resourceRecordSets()

    def test_goes_once_it_is_empty(self, dns, zones, zone):
        place = {"project": dns.id, "managedZone": "inside"}
        zones.create(project=dns.id, body=zone).execute()
        kinds = {found["type"] for found in self.records(dns).list(**place).execute()["rrsets"]}
        assert kinds == {"NS", "SOA"}
        record = {"name": "git.acme.internal.", "type": "A", "ttl": 300, "rrdatas": ["10.0.0.2"]}
        self.records(dns).create(**place, body=record).execute()
        assert refusal(zones.delete(**place)).reason == "containerNotEmpty"
        self.records(dns).delete(**place, name="git.acme.internal.", type="A").execute()
        zones.delete(**place).execute()
        assert refusal(zones.get(**place)).code == 404

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"dnsName": "git.acme.internal"}, "entity.managedZone.dnsName"),
            ({"name": "Inside"}, "entity.managedZone.name"),
            ({"description": None}, "entity.managedZone.description"),
            ({"privateVisibilityConfig": {"networks": [{"networkUrl": "https://x/projects/p/global/n"}]}}, "not found"),
        ],
    )
    def test_that_cannot_be_is_refused(self, dns, zones, zone, changes, says):
        assert says in refusal(zones.create(project=dns.id, body={**zone, **changes})).message

    def test_of_a_name_is_seen_by_a_network_once(self, dns, zones, zone):
        zones.create(project=dns.id, body=zone).execute()
        assert refusal(zones.create(project=dns.id, body=zone)).code == 409
        assert "two zones" in refusal(zones.create(project=dns.id, body={**zone, "name": "second"})).message
