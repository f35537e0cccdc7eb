"""What people meet at the address of a suspended instance, and on its page in the portal."""

import pytest
from django.test import Client
from django.urls import reverse

from provisioning.models import CustomDomain, Instance, Operation
from tests.conftest import SUSPENDED

pytestmark = pytest.mark.django_db
HOST = "acme.sourcegraph.localhost"


@pytest.fixture
def asleep(running: Instance) -> Instance:
    Instance.objects.update(**SUSPENDED)
    running.refresh_from_db()
    return running


def stranger(host: str = HOST) -> Client:
    """A browser that was led to the portal by that name."""
    return Client(headers={"Host": host})


def test_under_a_name_of_their_own_it_says_the_same(asleep):
    CustomDomain.objects.create(name="code.acme.com", instance=asleep)
    assert "acme is suspended" in stranger("code.acme.com").get("/").content.decode()
    assert stranger("search.acme.com").get("/").status_code == 400


class TestAtItsAddress:
    def test_it_says_why_what_is_kept_and_how_to_go_on(self, asleep, settings):
        answer = stranger().get("/")
        page = answer.content.decode()
        assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "3600", "no-store")
        assert "acme is suspended" in page
        assert "because its trial has ended" in page
        assert "Everything on it is kept" in page
        assert f'href="{settings.PORTAL_URL}{reverse("instance_detail", args=[asleep.pk])}"' in page

    @pytest.mark.parametrize(
        ("notice", "says"),
        [("payment", "its subscription is not settled"), ("by-us", "we have switched it off")],
    )
    def test_it_says_each_reason_in_calm_words(self, asleep, notice, says):
        Instance.objects.update(suspended_because=notice)
        assert f"because {says}" in stranger().get("/").content.decode()

    def test_it_tells_nothing_of_the_instance_but_its_name(self, asleep):
        page = stranger().get("/").content.decode()
        for secret in ("Acme", asleep.admin_email, asleep.region, asleep.release.app_version, asleep.domain):
            assert secret not in page

    @pytest.mark.parametrize(
        ("verb", "path"),
        [
            ("get", "/healthz"),
            ("get", "/accounts/login/"),
            ("get", "/admin/"),
            ("get", "/api/v1/instances"),
            ("post", "/api/v1/instances"),
            ("post", "/.api/graphql"),
            ("get", "/static/css/portal.css"),
            ("get", "/metrics"),
        ],
    )
    def test_nothing_else_is_served_there(self, asleep, verb, path):
        answer = getattr(stranger(), verb)(path)
        assert (answer.status_code, "acme is suspended" in answer.content.decode()) == (503, True)
        assert not answer.cookies

    def test_its_look_comes_from_the_portal_and_nothing_runs(self, asleep, settings):
        answer = stranger().get("/")
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert f"style-src {settings.PORTAL_URL};" in policy
        page = answer.content.decode()
        assert f'<link rel="stylesheet" href="{settings.PORTAL_URL}/static/css/portal.css">' in page
        assert "<script" not in page
        assert " style=" not in page
        assert "Strict-Transport-Security" not in answer

    @pytest.mark.parametrize("host", ["ACME.sourcegraph.localhost", f"{HOST}:9400", f"{HOST}."])
    def test_the_host_is_known_however_it_is_written(self, asleep, host):
        assert "acme is suspended" in stranger(host).get("/").content.decode()

    def test_who_is_signed_in_at_the_portal_sees_the_same(self, asleep, alices):
        assert alices.get("/", headers={"Host": HOST}).status_code == 503

    @pytest.mark.parametrize("kind", ["suspend", "resume"])
    def test_while_it_goes_or_has_just_come_back_it_says_that(self, running, kind):
        """Names are remembered for a while, and the way back may fail."""
        Operation.objects.create(instance=running, kind=kind, status="succeeded", wanted={})
        answer = stranger().get("/")
        assert (answer.status_code, answer["Retry-After"]) == (503, "120")
        assert "acme is not here just now" in answer.content.decode()


class TestAtOtherHosts:
    @pytest.mark.parametrize("host", ["initech.sourcegraph.localhost", "sourcegraph.localhost", "portal.evil.example"])
    def test_who_is_nobodys_is_refused_as_before(self, asleep, host):
        assert stranger(host).get("/healthz").status_code == 400

    def test_a_running_instance_is_nobodys_business_here(self, running):
        assert stranger().get("/healthz").status_code == 400

    def test_a_deleted_one_leaves_no_page_behind(self, asleep):
        Instance.objects.update(status="deleted", suspended_at=None, suspended_because="")
        assert stranger().get("/healthz").status_code == 400

    def test_the_portal_itself_asks_the_database_nothing(self, asleep, settings, django_assert_num_queries):
        settings.PORTAL_URL, settings.ALLOWED_HOSTS = "http://portal.sourcegraph.localhost", ["*"]
        with django_assert_num_queries(0):
            answers = [stranger(host).get("/no-such-page/") for host in ("portal.sourcegraph.localhost", "testserver")]
        assert [answer.status_code for answer in answers] == [404, 404]


class TestOnItsPage:
    def test_its_people_read_calmly_why_and_what_is_next(self, alices, asleep):
        page = alices.get(reverse("instance_detail", args=[asleep.pk])).content.decode()
        assert "because its trial has ended" in page
        assert "Your data is kept" in page
        assert "Subscribe, or ask us for more time" in page
        assert "Open instance" not in page

    def test_they_do_not_switch_it_themselves(self, alices, asleep, running):
        page = alices.get(reverse("instance_detail", args=[asleep.pk])).content.decode()
        assert "Resume" not in page
        assert "Suspend…" not in page
        assert "Delete…" in page

    def test_it_is_among_the_others_as_suspended(self, alices, asleep):
        assert "Suspended" in alices.get("/instances/").content.decode()

    def test_a_stranger_finds_no_such_page(self, charlies, asleep):
        assert charlies.get(reverse("instance_detail", args=[asleep.pk])).status_code == 404

    def test_its_updates_say_that_it_catches_up(self, alices, asleep):
        page = alices.get(reverse("instance_updates", args=[asleep.pk])).content.decode()
        assert asleep.release.app_version in page
