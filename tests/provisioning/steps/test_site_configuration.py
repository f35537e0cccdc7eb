"""The Job that sets our keys of the application's site configuration, on a cluster that somebody brings."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Secret

from provisioning.engine.action import AsWanted, Differs, Missing, Refused, UnderWay
from provisioning.models import Kind
from provisioning.spec import FeatureSpec
from provisioning.steps.rollout import Rollout
from provisioning.steps.site_configuration import SiteConfiguration, settings_of
from tests.waiting import eventually

STEP = "site-configuration"


@pytest.fixture
def site(brought):
    """A place whose databases can be found."""
    brought.build("connections")
    return brought


@pytest.fixture
def jobs(site, cluster):
    """The names of all Jobs."""
    return lambda: sorted(job.metadata.name for job in cluster.list(Job, namespace=site.spec.id))


@pytest.fixture
def wish(site, cluster):
    """What the SQL is told."""

    def read() -> dict[str, Any]:
        data = cluster.get(Secret, STEP, namespace=site.spec.id).data["options"]
        options = base64.b64decode(data).decode()
        return dict(json.loads(base64.b64decode(options.rpartition("portal.wish=")[2])))

    return read


@pytest.fixture
def behave(devcloud):
    def tell(name: str, behaviour: str) -> None:
        devcloud.control("POST", "kubernetes/behaviour", {"kind": "Job", "name": name, "behaviour": behaviour})

    return tell


def move(world, domain: str) -> None:
    world.spec, world.operation = replace(world.spec, domain=domain), f"{world.operation[:-1]}{len(domain) % 10}"


def test_the_application_is_told_its_address(site, wish, jobs):
    site.reach(SiteConfiguration(), STEP)
    assert wish() == {"set": {"externalURL": f"http://{site.spec.domain}:{_port()}"}, "unset": [], "flags": {}}
    assert jobs() == ["site-configuration-1"]


def test_nothing_of_it_is_in_what_people_may_read(site, cluster):
    """The wish is in the Secret alone, which the Job's environment refers to."""
    site.reach(SiteConfiguration(), STEP)
    [job] = cluster.list(Job, namespace=site.spec.id)
    [container] = job.spec.template.spec.containers
    assert all(variable.value is None for variable in container.env)
    assert site.spec.domain not in json.dumps(container.to_dict())
    assert (container.securityContext.readOnlyRootFilesystem, job.spec.ttlSecondsAfterFinished) == (True, None)


def test_another_address_is_another_job_and_the_former_goes(site, wish, jobs):
    site.reach(SiteConfiguration(), STEP)
    move(site, "code.acme.example")
    assert SiteConfiguration().look(site.context(STEP)) == Differs("others were set last")
    site.reach(SiteConfiguration(), STEP)
    assert jobs() == ["site-configuration-2"]
    assert "code.acme.example" in str(wish()["set"])


def test_the_former_address_comes_back_by_a_job_of_its_own(site, jobs):
    """Where the change had succeeded, but its predecessor was still there: the newest counts."""
    first = site.spec
    site.reach(SiteConfiguration(), STEP)
    move(site, "code.acme.example")
    SiteConfiguration().make(site.context(STEP))
    site.spec = first
    seen = eventually(lambda: found if isinstance(found := _look(site), Differs) else None)
    assert seen == Differs("others were set last")
    site.reach(SiteConfiguration(), STEP)
    assert jobs() == ["site-configuration-3"]


def test_two_never_write_at_once(site, behave, jobs):
    behave("site-configuration-1", "never_ready")
    SiteConfiguration().make(site.context(STEP))
    move(site, "code.acme.example")
    SiteConfiguration().make(site.context(STEP))
    assert isinstance(_look(site), UnderWay)
    assert jobs() == ["site-configuration-1"]


def test_a_failure_says_why_and_a_retry_begins_anew(site, behave, jobs):
    behave("site-configuration-1", "job_fails")
    SiteConfiguration().make(site.context(STEP))
    with pytest.raises(Refused, match="itself failed: It was told to fail, and so it did") as refused:
        site.reach(SiteConfiguration(), STEP)
    assert "Job site-configuration-1" in refused.value.what_to_do
    site.generation += 1
    site.reach(SiteConfiguration(), STEP)
    assert jobs() == ["site-configuration-2"]


def test_a_failed_one_is_not_in_the_way_of_the_application(site, behave):
    """It has a step of its own that tells; and what executors run for people is nobody's business but theirs."""
    behave("site-configuration-1", "job_fails")
    site.build("application")
    SiteConfiguration().make(site.context(STEP))
    assert isinstance(eventually(lambda: _up(site)), AsWanted)


def test_in_a_suspended_instance_nothing_runs(site):
    assert isinstance(_look(site), Missing)
    site.spec = replace(site.spec, is_suspended=True)
    assert isinstance(_look(site), AsWanted)


class TestTheAssistant:
    @pytest.fixture
    def sold(self, settings):
        settings.ASSISTANT_PROVIDER, settings.ASSISTANT_ACCESS_TOKEN = "anthropic", "sk-first"
        settings.ASSISTANT_CHAT_MODEL = "claude"

    def test_where_nobody_sells_it_the_key_is_theirs(self, site):
        assert set(settings_of(with_assistant(site.spec))) == {"externalURL"}

    def test_it_is_off_in_so_many_words(self, site, sold):
        assert settings_of(site.spec)["cody.enabled"] is False
        assert settings_of(replace(with_assistant(site.spec), kind=Kind.REHEARSAL))["cody.enabled"] is False

    def test_it_is_told_whom_to_ask_and_forgets_that(self, site, sold, wish):
        plain = site.spec
        change(site, with_assistant(plain))
        models = {"provider": "anthropic", "accessToken": "sk-first", "chatModel": "claude", "fastChatModel": "claude"}
        assert wish()["set"]["completions"] == models
        change(site, plain)
        assert (wish()["set"]["cody.enabled"], wish()["unset"]) == (False, ["completions"])

    def test_another_key_is_brought_to_it(self, site, sold, settings):
        change(site, with_assistant(site.spec))
        settings.ASSISTANT_ACCESS_TOKEN = "sk-second"
        assert SiteConfiguration().look(site.context(STEP)) == Differs("others were set last")


def with_assistant(spec):
    return replace(spec, features=(FeatureSpec("assistant", parts=("assistant",)),))


def change(world, spec) -> None:
    world.spec = spec
    world.reach(SiteConfiguration(), STEP)


def _look(world):
    return SiteConfiguration().look(world.context(STEP))


def _up(world):
    seen = Rollout().look(world.context())
    return seen if isinstance(seen, AsWanted) else None


def _port() -> str:
    return str(settings.INSTANCE_URL_FORMAT).rpartition(":")[2]
