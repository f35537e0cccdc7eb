"""What the published schema refuses, devcloud refuses, in Google's own words."""

import httpx
import pytest

from tests.devcloud.google_client import refusal


@pytest.fixture
def post(devcloud):
    """Posts JSON without a client that would check it first."""

    def post(path: str, body: object, verb: str = "POST") -> httpx.Response:
        return httpx.request(verb, f"{devcloud.google_endpoint}/{path}", json=body, trust_env=False)

    return post


def message(answer: httpx.Response) -> str:
    assert answer.status_code == 400, answer.text
    return str(answer.json()["error"]["message"])


def test_an_unknown_field_is_refused_with_its_place(place):
    body = place.cluster_body()
    body["cluster"]["nodePools"][0]["config"]["machineTyp"] = "e2-standard-4"
    refused = refusal(place.clusters().create(parent=place.location, body=body))
    assert refused.code == 400
    place_of_it = "'cluster.nodePools[0].config'"
    assert refused.message.endswith(f'Unknown name "machineTyp" at {place_of_it}: Cannot find field.')


def test_a_field_of_the_wrong_type_is_refused(place):
    body = place.cluster_body(nodePools=[{"name": "main", "initialNodeCount": "three"}])
    assert (
        "cluster.nodePools[0].initialNodeCount"
        in refusal(place.clusters().create(parent=place.location, body=body)).message
    )


def test_a_value_that_the_enum_lacks_is_refused(place):
    body = place.database_body("net")
    body["settings"]["availabilityType"] = "EVERYWHERE"
    refused = refusal(place.google.api("sqladmin").instances().insert(project=place.id, body=body))
    assert refused.code == 400
    assert "EVERYWHERE" in refused.message


def test_an_integer_of_64_bits_may_be_text_but_not_words(place):
    body = place.database_body("net", dataDiskSizeGb="lots")
    refused = refusal(place.google.api("sqladmin").instances().insert(project=place.id, body=body))
    assert "settings.dataDiskSizeGb" in refused.message


def test_a_required_field_of_a_body_is_asked_for(place, post):
    path = f"compute/compute/v1/projects/{place.id}/global/networks"
    assert message(post(path, {"autoCreateSubnetworks": False})) == "Required field 'name' is missing."


def test_a_required_parameter_is_asked_for(post):
    assert message(post("storage/storage/v1/b", {"name": "bucket"})) == "Required parameter: project"


def test_an_unknown_query_parameter_is_refused(place, post):
    path = f"compute/compute/v1/projects/{place.id}/global/networks?requestid=1"
    assert "Cannot bind query parameter" in message(post(path, {"name": "net", "autoCreateSubnetworks": False}))


def test_a_parameter_against_its_pattern_is_refused(place, post):
    path = f"compute/compute/v1/projects/{place.id}/global/networks/Not_A_Name"
    assert "must match" in message(post(path, None, verb="GET"))


def test_a_body_that_is_no_json_is_refused(place, devcloud):
    url = f"{devcloud.google_endpoint}/compute/compute/v1/projects/{place.id}/global/networks"
    assert "Invalid JSON payload" in message(httpx.post(url, content=b"{nonsense", trust_env=False))


def test_output_only_fields_are_ignored_so_that_what_was_read_can_be_written(place):
    network = place.make_network()
    compute = place.google.api("compute")
    router = {"name": "router", "network": network, "selfLink": "http://elsewhere/", "region": "elsewhere"}
    place.run("compute", compute.routers().insert(project=place.id, region="us-central1", body=router))
    made = compute.routers().get(project=place.id, region="us-central1", router="router").execute()
    assert made["selfLink"].endswith(f"projects/{place.id}/regions/us-central1/routers/router")
    ended = place.run(
        "compute", compute.routers().patch(project=place.id, region="us-central1", router="router", body=made)
    )
    assert "error" not in ended


def test_a_path_that_no_document_knows_is_not_found(post):
    assert post("compute/compute/v1/projects/p/global/dragons", {}).status_code == 404
    assert post("dragons/v1/p", {}).status_code == 404
    assert post("compute", {}).status_code == 404


def test_a_method_that_is_not_built_says_so(place):
    refused = refusal(place.google.api("compute").targetPools().list(project=place.id, region="us-central1"))
    assert refused.code == 501
    assert "compute.targetPools.list" in refused.message


def test_a_filter_that_cannot_be_read_is_refused(place):
    assert refusal(place.google.api("compute").networks().list(project=place.id, filter="name ~~ x")).code == 400
