"""What customers tell of a part: how it is written down, and what is refused with a sentence at its field."""

import pytest

from portal.core.errors import Invalid
from provisioning.fleet.details import check_details, details_asked, is_told, lets_in

REGION = "europe-west3"
ATTACHMENT = "projects/acme-network/regions/europe-west3/serviceAttachments/git"


def addresses(*told: str) -> list[str]:
    checked: list[str] = check_details(["allow-list"], {"addresses": list(told)}, region=REGION)["addresses"]
    return checked


def connection(**told: str) -> dict[str, str]:
    usual = {"service_attachment": ATTACHMENT, "host": "git.acme.internal"}
    return check_details(["private-connectivity"], {**usual, **told}, region=REGION)


def test_each_part_asks_for_its_own():
    assert details_asked(["static-address"]) == ()
    assert details_asked(["allow-list", "private-connectivity"]) == ("addresses", "service_attachment", "host")
    assert is_told(["static-address"], {})
    assert not is_told(["allow-list"], {})
    assert not is_told(["private-connectivity"], {"host": "git.acme.internal"})


def test_what_nothing_asks_for_is_refused():
    with pytest.raises(Invalid, match="Nothing asks for host"):
        check_details(["allow-list"], {"addresses": ["203.0.113.7"], "host": "git.acme.internal"}, region=REGION)


def test_addresses_are_written_as_ranges_in_order_and_once():
    told = ["2001:DB8:1::/48", " 203.0.113.7 ", "198.51.100.9/24", "203.0.113.7/32", "198.51.100.0/25", ""]
    assert addresses(*told) == ["198.51.100.0/24", "203.0.113.7/32", "2001:db8:1::/48"]


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ([], "at least one address"),
        (["   "], "at least one address"),
        (["acme.example"], "is not an address or a range"),
        (["203.0.113.0/33"], "is not an address or a range"),
        (["0.0.0.0/0"], "is too wide"),
        (["128.0.0.0/1"], "is too wide"),
        (["::/0"], "is too wide"),
        (["192.168.1.0/24"], "private or reserved"),
        (["10.1.2.3"], "private or reserved"),
        (["127.0.0.1"], "private or reserved"),
        (["224.0.0.1"], "private or reserved"),
        (["fd00:1::/48"], "private or reserved"),
        (["::ffff:203.0.113.7"], "private or reserved"),
        ([f"203.0.113.{last}" for last in range(51)], "These are 51 ranges; 50 is the most"),
    ],
)
def test_what_is_no_list_says_why_at_its_field(told, says):
    with pytest.raises(Invalid, match=says) as refused:
        addresses(*told)
    assert refused.value.field == "addresses"


def test_fifty_ranges_are_fine():
    assert len(addresses(*(f"203.0.113.{last}" for last in range(50)))) == 50


def test_who_is_on_a_list_is_told_by_the_address():
    assert lets_in(["203.0.113.0/24", "2001:db8:1::/48"], "203.0.113.200")
    assert lets_in(["203.0.113.0/24", "2001:db8:1::/48"], "2001:db8:1::7")
    assert not lets_in(["203.0.113.0/24"], "198.51.100.7")
    assert not lets_in(["203.0.113.0/24"], "unknown")


def test_a_connection_is_written_as_names():
    url = f"https://www.googleapis.com/compute/v1/{ATTACHMENT}"
    assert connection(service_attachment=f" {url} ", host="Git.Acme.Internal.") == {
        "service_attachment": ATTACHMENT,
        "host": "git.acme.internal",
    }


@pytest.mark.parametrize(
    ("told", "field", "says"),
    [
        ({"service_attachment": "git"}, "service_attachment", "It looks like projects/PROJECT"),
        ({"service_attachment": ATTACHMENT + "/more"}, "service_attachment", "It looks like"),
        (
            {"service_attachment": ATTACHMENT.replace("europe-west3", "us-central1")},
            "service_attachment",
            "The instance is in europe-west3, and the service attachment in us-central1",
        ),
        ({"host": "git"}, "host", "a host name with a dot"),
        ({"host": "10.0.0.7"}, "host", "a host name with a dot"),
        ({"host": "git_.acme.internal"}, "host", "a host name with a dot"),
        ({"host": "storage.googleapis.com"}, "host", "the instance itself depends on"),
        ({"host": "acme.sourcegraph.localhost"}, "host", "the instance itself depends on"),
    ],
)
def test_what_is_no_connection_says_why_at_its_field(told, field, says):
    with pytest.raises(Invalid, match=says) as refused:
        connection(**told)
    assert refused.value.field == field


def custom_name(told: str) -> str:
    checked: str = check_details(["custom-domain"], {"name": told}, region=REGION)["name"]
    return checked


def test_a_name_of_their_own_is_written_in_small_letters():
    assert custom_name(" Code.Acme.COM. ") == "code.acme.com"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("", "a host name with a dot"),
        ("code", "a host name with a dot"),
        ("*.acme.com", "a host name with a dot"),
        ("203.0.113.7", "a host name with a dot"),
        ("globex.sourcegraph.localhost", "one of our own names"),
        ("sourcegraph.localhost", "one of our own names"),
        ("code.googleapis.com", "one of Google's names"),
        ("code.acme.internal", "not a name of the public internet"),
        ("code.acme.example", "not a name of the public internet"),
        (f"{'a' * 60}.acme.com", "certificates take up to 63"),
    ],
)
def test_what_can_be_no_name_of_theirs_says_why(told, says):
    with pytest.raises(Invalid, match=says) as refused:
        custom_name(told)
    assert refused.value.field == "name"


def test_the_portals_own_name_is_not_to_be_had(settings):
    settings.PORTAL_URL = "https://cloud.acme.com"
    with pytest.raises(Invalid, match="one of our own names"):
        custom_name("cloud.acme.com")


def test_where_our_own_names_are_none_of_the_internet_theirs_may_be_too(settings):
    assert custom_name("code.acme.localhost") == "code.acme.localhost"
    settings.INSTANCE_DOMAIN = "sourcegraph.example.org"
    with pytest.raises(Invalid, match="not a name of the public internet"):
        custom_name("code.acme.localhost")
