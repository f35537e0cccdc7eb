"""From an instance that counts to the page on which its people see it: all of it real but the container itself."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse
from lightkube.models.meta_v1 import ObjectMeta, OwnerReference
from lightkube.resources.batch_v1 import CronJob, Job

from portal.core import clock
from provisioning.clients.kubernetes import connected, name_of
from provisioning.models import Instance, Usage
from provisioning.services import instance_repair
from provisioning.spec import spec_of
from provisioning.steps import cluster_access, names
from provisioning.steps.cluster_access import kubeconfig_for
from tests.billing.mirror import subscribe
from tests.provisioning.workflows.harness import assert_succeeded, run
from tests.provisioning.workflows.wishes import assert_as_its_spec_says, suspend
from tests.waiting import eventually

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.helm,
    pytest.mark.filterwarnings("ignore:No directory at"),  # static files are of no matter here
]
FIGURES = {"seats": 31, "active_1d": 4, "active_7d": 12, "active_30d": 19, "repositories": 240, "batch_changes": 3}


@pytest.fixture
def counting(running: Instance, by_owner, live_server, settings, devcloud) -> Instance:
    """A running instance that tells this portal of its use, of which there is some."""
    settings.PORTAL_URL = live_server.url
    devcloud.control("POST", "use", {"host": running.domain, "figures": FIGURES})
    assert_succeeded(run(instance_repair(instance=running, actor=by_owner)))  # the portal is elsewhere now
    return running


def jobs_of(instance: Instance) -> list[Any]:
    """Those that count; what writes the site configuration is a job as well."""
    with connected(kubeconfig_for(spec_of(instance))) as cluster:
        jobs: Any = cluster.list(Job, namespace=names.namespace(spec_of(instance)))
        return [job for job in jobs if any(owner.name == "usage" for owner in job.metadata.ownerReferences or ())]


def an_hour_goes_by(instance: Instance, devcloud) -> Iterator[list[Any]]:
    """In quarters: what could not begin for half an hour waits for the next hour. Answers the new jobs after each."""
    before = {name_of(job) for job in jobs_of(instance)}
    for _ in range(4):
        devcloud.skip(900)
        cluster_access.forget_all()  # tokens are good for an hour, and our clock stands still beside devcloud's
        yield [job for job in jobs_of(instance) if name_of(job) not in before]


@pytest.mark.parametrize("tenancy", ["dedicated", "byok"], indirect=True)
def test_what_it_counts_is_shown_to_its_people_within_an_hour(counting, devcloud, client):
    assert_as_its_spec_says(counting)
    assert next(filter(None, an_hour_goes_by(counting, devcloud)))
    row = eventually(lambda: Usage.objects.filter(instance=counting).first())
    assert isinstance(row, Usage)
    assert (row.day, row.figures) == (clock.now().date(), FIGURES)
    eventually(lambda: all(job.status.succeeded for job in jobs_of(counting)))
    assert_as_its_spec_says(counting)
    subscribe(counting, {"team-month-usd-1": 25})
    client.force_login(counting.created_by)
    shown = client.get(reverse("instance_subscription", args=[counting.pk])).content.decode()
    assert "31 of 25 seats in use" in shown


@pytest.mark.parametrize("tenancy", ["dedicated"], indirect=True)
class TestByHand:
    def make(self, instance: Instance, name: str) -> None:
        """As kubectl create job --from=cronjob/usage does."""
        spec = spec_of(instance)
        with connected(kubeconfig_for(spec)) as cluster:
            cron_job: Any = cluster.get(CronJob, "usage", namespace=names.namespace(spec))
            owner = OwnerReference("batch/v1", "CronJob", "usage", cron_job.metadata.uid, controller=True)
            metadata = ObjectMeta(name=name, namespace=names.namespace(spec), ownerReferences=[owner])
            cluster.create(Job(metadata=metadata, spec=cron_job.spec.jobTemplate.spec))

    def test_it_is_counted_at_once(self, counting):
        self.make(counting, "by-hand")
        row = eventually(lambda: Usage.objects.filter(instance=counting).first())
        assert isinstance(row, Usage)
        assert row.figures == FIGURES

    def test_who_is_not_let_in_fails_and_says_so(self, counting):
        Instance.objects.filter(pk=counting.pk).update(kind="rehearsal")  # as the portal knows it, which it is not
        Usage.objects.all().delete()  # an hour may have begun just now
        self.make(counting, "by-hand")
        eventually(lambda: any(job.status.failed for job in jobs_of(counting) if name_of(job) == "by-hand"))
        assert not Usage.objects.exists()


@pytest.mark.parametrize("tenancy", ["dedicated"], indirect=True)
def test_a_suspended_one_tells_nothing_and_is_as_it_should_be(counting, by_owner, devcloud):
    suspend(counting, by_owner)
    Usage.objects.all().delete()  # an hour may have begun just now
    *_, jobs = an_hour_goes_by(counting, devcloud)
    assert jobs
    assert not [job for job in jobs if job.status.succeeded]
    assert not Usage.objects.exists()
    assert_as_its_spec_says(counting)
