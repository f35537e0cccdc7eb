from dataclasses import replace

import pytest

from provisioning.clients.google import api, execute
from provisioning.engine.action import AsWanted, Differs, Missing, Refused
from provisioning.steps.dns import DnsRecord

ZONE = {"project": "portal-host", "managedZone": "instances"}
NAME = "acme.sourcegraph.localhost."


@pytest.fixture
def addressed(world):
    world.outputs["address"] = {"ip": "198.18.0.7"}
    return world


def records():
    listing = api("dns", "v1").resourceRecordSets().list(**ZONE, name=NAME)
    return {record["type"]: record["rrdatas"] for record in execute(listing).get("rrsets", ())}


def test_the_name_leads_to_the_address_and_says_whose_it_is(addressed):
    addressed.reach(DnsRecord())
    assert records() == {
        "A": ["198.18.0.7"],
        "TXT": [f'"sourcegraph-cloud-portal instance={addressed.spec.id}"'],
    }


def test_a_record_without_an_answer_is_adopted(addressed, devcloud, made):
    devcloud.add_fault("dns.changes.create", "act_then_drop", nth=1)
    with pytest.raises(ConnectionError):
        DnsRecord().make(addressed.context())
    addressed.reach(DnsRecord())
    assert made("dns.changes.create") == 1


def test_a_record_of_somebody_else_stays(addressed):
    theirs = {"name": NAME, "type": "A", "ttl": 60, "rrdatas": ["203.0.113.9"]}
    execute(api("dns", "v1").changes().create(**ZONE, body={"additions": [theirs]}))
    with pytest.raises(Refused, match="in the zone already"):
        addressed.reach(DnsRecord())
    assert isinstance(DnsRecord().look(addressed.context()), Missing)
    assert records() == {"A": ["203.0.113.9"]}


def test_a_changed_address_is_put_right(addressed):
    addressed.reach(DnsRecord())
    addressed.outputs["address"] = {"ip": "198.18.0.8"}
    seen = DnsRecord().look(addressed.context())
    assert isinstance(seen, Differs)
    assert "198.18.0.7" in seen.difference
    addressed.reach(DnsRecord())
    assert records()["A"] == ["198.18.0.8"]


def test_it_goes_without_a_trace_and_twice(addressed):
    addressed.reach(DnsRecord())
    DnsRecord().drop(addressed.context())
    DnsRecord().drop(addressed.context())
    assert records() == {}


def test_a_teardown_finds_it_without_knowing_the_address(addressed):
    addressed.reach(DnsRecord())
    addressed.outputs.clear()
    assert isinstance(DnsRecord().look(addressed.context()), Differs)
    addressed.drop(DnsRecord())


def test_without_a_zone_it_says_what_to_set(addressed, settings):
    settings.GOOGLE_DNS_ZONE = ""
    with pytest.raises(Refused, match="GOOGLE_DNS_ZONE"):
        DnsRecord().look(addressed.context())


def test_an_address_that_was_skipped_is_named(world):
    with pytest.raises(Refused, match="put out no ip"):
        DnsRecord().make(world.context())


def test_a_record_as_wanted_is_left_alone(addressed):
    addressed.reach(DnsRecord())
    assert isinstance(DnsRecord().look(addressed.context()), AsWanted)


class TestOfASuspendedInstance:
    PAGE = "203.0.113.80"

    @pytest.fixture
    def asleep(self, addressed, settings):
        settings.SUSPENDED_PAGE_ADDRESS = self.PAGE
        addressed.reach(DnsRecord())
        addressed.spec = replace(addressed.spec, is_suspended=True)
        return addressed

    def test_it_leads_to_the_portal_and_is_still_the_instances(self, asleep):
        seen = DnsRecord().look(asleep.context())
        assert isinstance(seen, Differs)
        assert [(change.path, change.wanted) for change in seen.changes] == [("A.rrdatas", [self.PAGE]), ("A.ttl", 60)]
        asleep.reach(DnsRecord())
        assert records()["A"] == [self.PAGE]
        assert asleep.spec.id in records()["TXT"][0]

    def test_it_stays_where_no_page_is_known(self, asleep, settings):
        settings.SUSPENDED_PAGE_ADDRESS = ""
        assert isinstance(DnsRecord().look(asleep.context()), AsWanted)

    def test_a_teardown_removes_it(self, asleep):
        asleep.reach(DnsRecord())
        asleep.outputs.clear()
        asleep.drop(DnsRecord())
        assert records() == {}

    def test_going_back_it_finds_the_instances_address_by_itself(self, asleep):
        """Then no step has put it out; where there is none, a person has to see to it."""
        asleep.reach(DnsRecord())
        back = replace(asleep.context(), spec=replace(asleep.spec, is_suspended=False), outputs={}, is_going_back=True)
        assert isinstance(DnsRecord().look(back), Differs)
        with pytest.raises(Refused, match="put out no ip"):
            DnsRecord().make(back)
        asleep.spec = replace(asleep.spec, is_suspended=False)
        asleep.outputs.pop("address")  # it has been a made-up one so far
        asleep.build("address")
        DnsRecord().make(back)
        assert records()["A"] == [asleep.outputs["address"]["ip"]]
