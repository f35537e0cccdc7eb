"""The public DNS as devcloud has it: others' zones, Cloud DNS's public ones, and a resolver in front of both."""

import httpx
import pytest

ZONE = {"project": "portal-host", "managedZone": "instances"}
OWN, ADDRESS = "acme.sourcegraph.localhost", "198.18.0.9"


@pytest.fixture
def ask(devcloud):
    """Google's JSON form of an answer."""

    def resolve(name: str, kind: str = "A", status: int = 200):
        query = {"name": name, "type": kind}
        answer = httpx.get(f"{devcloud.http_url}/resolve", params=query, trust_env=False)
        assert answer.status_code == status
        return answer.json() if status == 200 else answer.text

    return resolve


@pytest.fixture
def tell(devcloud):
    def record(name: str, kind: str, *data: str) -> None:
        devcloud.control("PUT", "dns", {"name": name, "type": kind, "data": list(data)})

    return record


@pytest.fixture(autouse=True)
def nobody_has_told_anything(devcloud):
    yield
    for record in devcloud.control("GET", "dns")["records"]:
        devcloud.control("DELETE", "dns", {"name": record["name"]})


@pytest.fixture
def own(google):
    """An instance's record in the shared zone."""
    record = {"name": f"{OWN}.", "type": "A", "ttl": 300, "rrdatas": [ADDRESS]}
    changes = google.api("dns").changes()
    changes.create(**ZONE, body={"additions": [record]}).execute()
    yield
    changes.create(**ZONE, body={"deletions": [record]}).execute()


def data(answer, kind: int) -> list[str]:
    return [record["data"] for record in answer.get("Answer", ()) if record["type"] == kind]


def test_records_of_cloud_dns_are_answered(own, ask):
    assert data(ask(OWN), 1) == [ADDRESS]


def test_an_alias_is_followed_and_shown(own, ask, tell):
    tell("code.acme.com", "CNAME", OWN)
    answer = ask("Code.ACME.com")
    assert (answer["Status"], data(answer, 5), data(answer, 1)) == (0, [f"{OWN}."], [ADDRESS])
    assert answer["Question"] == [{"name": "code.acme.com.", "type": 1}]


def test_no_name_and_no_record_of_a_type_are_two_things(ask, tell):
    tell("code.acme.com", "A", "203.0.113.7")
    assert ask("www.acme.com")["Status"] == 3
    empty = ask("code.acme.com", "AAAA")
    assert (empty["Status"], "Answer" in empty, empty["Authority"][0]["type"]) == (0, False, 6)
    assert ask("acme.com")["Status"] == 0  # there is something below it


def test_servers_that_fail_and_aliases_in_a_circle_are_servfail(devcloud, ask, tell):
    devcloud.control("PUT", "dns", {"name": "broken.com", "status": "SERVFAIL"})
    tell("a.acme.com", "CNAME", "b.acme.com")
    tell("b.acme.com", "CNAME", "a.acme.com")
    assert [ask("broken.com")["Status"], ask("a.acme.com")["Status"]] == [2, 2]


def test_types_go_by_name_or_number_and_what_is_none_is_refused(ask, tell):
    tell("acme.com", "CAA", '0 issue "pki.goog"')
    assert data(ask("acme.com", "257"), 257) == ['0 issue "pki.goog"']
    ask("acme.com", "NONSENSE", status=400)
    ask("acme..com", status=400)


def test_what_was_told_is_listed_and_taken_back(devcloud, ask, tell):
    tell("code.acme.com", "A", "203.0.113.7")
    assert devcloud.control("GET", "dns")["records"] == [
        {"name": "code.acme.com", "type": "A", "data": ["203.0.113.7"]}
    ]
    devcloud.control("DELETE", "dns", {"name": "code.acme.com"})
    assert ask("code.acme.com")["Status"] == 3


@pytest.mark.parametrize(
    "form", [{"type": "A", "data": ["x"]}, {"name": "a.com", "type": "A"}, {"name": "a.com", "type": "Z"}]
)
def test_half_a_record_is_refused(devcloud, form):
    with pytest.raises(httpx.HTTPStatusError):
        devcloud.control("PUT", "dns", form)


def test_people_set_a_record_on_a_page(devcloud, own, ask):
    form = {"name": "code.acme.com", "target": OWN}
    shown = httpx.post(f"{devcloud.http_url}/dns/", data=form, trust_env=False, follow_redirects=True)
    assert "code.acme.com" in shown.text
    assert data(ask("code.acme.com"), 1) == [ADDRESS]
