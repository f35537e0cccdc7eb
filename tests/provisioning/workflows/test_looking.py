"""A look into a real instance: what is seen, for how long, and that there is no other way in."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Event, Pod

from portal.core import clock
from portal.core.audit import Actor
from portal.core.errors import Conflict, Forbidden
from portal.core.models import AuditEvent
from provisioning.clients.diagnostics import Place, Unseen, pods_seen
from provisioning.clients.kubernetes import connected
from provisioning.fleet.access import CALL_SECONDS
from provisioning.models import Access, Instance
from provisioning.services.access import access_end, access_grant
from provisioning.services.looking import Sight, What, Wish, access_look, token_for
from provisioning.spec import spec_of
from provisioning.steps import gke, names
from tests.conftest import person
from tests.provisioning.admin.pages import page
from tests.provisioning.services.asking import asked
from tests.waiting import eventually

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.helm,
    pytest.mark.parametrize("tenancy", ["dedicated"], indirect=True),
]
TOKEN = "iamcredentials.projects.serviceAccounts.generateAccessToken"


@pytest.fixture
def by_grace(running) -> Actor:
    """One of our staff."""
    grace = person("grace@portal.example", name="Grace Glass", is_staff=True)
    return Actor(grace, grace.email)


@pytest.fixture
def access(running, by_grace, by_owner) -> Access:
    """Grace may look for an hour."""
    return access_grant(access=asked(running, by_grace), actor=by_owner)


def look(access: Access, actor: Actor, what: What = What.PODS, **at: str) -> Sight:
    return access_look(access=access, wish=Wish(what, **at), actor=actor)


def tokens_made(devcloud) -> int:
    return sum(call["method"] == TOKEN for call in devcloud.calls())


def left(access: Access, seconds: float) -> None:
    """The access is over in so many seconds."""
    Access.objects.filter(pk=access.pk).update(ends_at=clock.now() + timedelta(seconds=seconds))


def frontend(sight: Sight) -> Any:
    return next(pod for pod in sight.pods if "frontend" in pod.name)


def test_what_is_seen_is_what_the_cluster_says(access, by_grace, running, devcloud):
    pod = frontend(look(access, by_grace))
    assert (pod.phase, pod.why) == ("Running", "")
    container = pod.containers[0]
    assert (container.state, container.restarts, container.is_ready) == ("running", 0, True)
    sight = look(access, by_grace, What.LOG, pod=pod.name, container=container.name)
    assert any("starting" in line for line in sight.lines)
    [revision] = look(access, by_grace, What.REVISIONS).revisions
    assert (revision.number, revision.status) == (1, "deployed")


def test_events_are_told_newest_first(access, by_grace, running):
    spec = spec_of(running)
    reported(spec, "old", "2026-11-30T10:00:00Z", type="Normal", reason="Pulled")
    reported(spec, "new", "2026-11-30T11:00:00Z", type="Warning", reason="BackOff", message="it crashes", count=7)
    events = look(access, by_grace, What.EVENTS).events
    newest, oldest = [event for event in events if event.about == "Pod/web-0"]
    assert (newest.reason, newest.about, newest.message, newest.count) == ("BackOff", "Pod/web-0", "it crashes", 7)
    assert (newest.is_warning, oldest.is_warning, oldest.reason) == (True, False, "Pulled")


def reported(spec: Any, name: str, at: str, **fields: Any) -> None:
    about = {"kind": "Pod", "name": "web-0", "namespace": names.namespace(spec)}
    body = {"metadata": {"name": name}, "involvedObject": about, "lastTimestamp": at, **fields}
    event: Any = Event.from_dict(body)
    with connected(gke.kubeconfig_of(spec)) as cluster:
        cluster.create(event, namespace=names.namespace(spec))


def test_each_look_is_in_the_customers_audit_and_never_what_was_seen(access, by_grace, running):
    pod = frontend(look(access, by_grace))
    look(access, by_grace, What.LOG, pod=pod.name, container=pod.containers[0].name)
    first, second = AuditEvent.objects.filter(action="access.look").order_by("pk")
    assert (first.actor, first.organization_id, first.reason) == (by_grace.user, running.organization_id, access.reason)
    assert first.details == {"instance": running.pk, "ticket": "SUP-7", "what": "pods"}
    assert second.details == {**first.details, "what": "log", "pod": pod.name, "container": pod.containers[0].name}


def test_a_token_lives_for_minutes_and_is_made_for_each_look(access, by_grace, running, devcloud):
    before = tokens_made(devcloud)
    look(access, by_grace)
    look(access, by_grace)
    assert tokens_made(devcloud) == before + 2
    document = gke.kubeconfig_of(spec_of(running), token=token_for(access))
    assert pods_by(document, running)
    devcloud.skip(299)
    assert pods_by(document, running)
    devcloud.skip(2)
    assert_not_let_in(document, running)


def test_no_token_outlives_the_access(access, by_grace, running, devcloud):
    left(access, 60)
    access.refresh_from_db()
    document = gke.kubeconfig_of(spec_of(running), token=token_for(access))
    assert pods_by(document, running)
    left(access, 0)
    devcloud.skip(60)
    with pytest.raises(Conflict, match="not open"):
        look(access, by_grace)
    assert_not_let_in(document, running)


def pods_by(document: Any, instance: Instance) -> list[Any]:
    with connected(document) as cluster:
        return list(cluster.list(Pod, namespace=names.namespace(spec_of(instance))))


def assert_not_let_in(document: Any, instance: Instance) -> None:
    with pytest.raises(ApiError) as refused:
        pods_by(document, instance)
    assert refused.value.status.code == 401


def test_in_the_last_seconds_there_is_no_token_at_all(access, by_grace, devcloud):
    left(access, CALL_SECONDS)
    before = tokens_made(devcloud)
    with pytest.raises(Conflict, match="ends in a moment"):
        look(access, by_grace)
    assert tokens_made(devcloud) == before


def test_who_has_not_asked_looks_at_nothing(access, by_owner, devcloud):
    other = person("other@portal.example", is_staff=True, is_superuser=True)
    before = tokens_made(devcloud)
    for actor in (Actor(other, other.email), by_owner, Actor(None, "engine")):
        with pytest.raises(Forbidden):
            look(access, actor)
    assert tokens_made(devcloud) == before
    assert not AuditEvent.objects.filter(action="access.look").exists()


def test_when_it_is_ended_the_next_look_is_refused_at_once(access, by_grace, by_owner, devcloud):
    look(access, by_grace)
    access_end(access=access, actor=by_owner)
    before = tokens_made(devcloud)
    with pytest.raises(Conflict, match="not open"):
        look(access, by_grace)
    assert tokens_made(devcloud) == before


def test_what_cannot_be_seen_is_a_sentence_and_in_the_audit_all_the_same(access, by_grace, devcloud):
    for pod, container, words in (("nobody", "app", "not there any more"), (None, "nobody", "is not valid for pod")):
        name = pod or frontend(look(access, by_grace)).name
        with pytest.raises(Conflict, match=words):
            look(access, by_grace, What.LOG, pod=name, container=container)
    assert AuditEvent.objects.filter(action="access.look", details__container="nobody").exists()
    devcloud.add_fault("GET pods", "reset", service="kubernetes")
    with pytest.raises(Conflict, match="cannot be reached, or breaks off"):
        look(access, by_grace)
    devcloud.add_fault("container.projects.locations.clusters.get", "reset", service="container")
    with pytest.raises(Conflict, match="Google cannot be reached"):
        look(access, by_grace)


@pytest.mark.parametrize("name", ["../secrets/pgsql-database", "a/b", "a?b=c", "A", "..", "a%2e"])
def test_a_name_leads_nowhere_else(access, by_grace, devcloud, name):
    before = len(devcloud.calls())
    for at in ({"pod": name, "container": "a"}, {"pod": "a", "container": name}):
        with pytest.raises(Conflict, match="No pod or container is called like that"):
            look(access, by_grace, What.LOG, **at)
    assert not [call for call in devcloud.calls()[before:] if call["service"] == "kubernetes"]


def test_a_cluster_that_does_not_answer_is_not_waited_for(access, running, devcloud):
    devcloud.add_fault("GET pods", "timeout", service="kubernetes", seconds=30.0)
    place = Place(gke.kubeconfig_of(spec_of(running)), names.namespace(spec_of(running)), timeout_seconds=0.3)
    with pytest.raises(Unseen, match=r"did not answer within 0\.3 seconds"):
        pods_seen(place)


def test_what_crashes_says_how_often_and_how(access, by_grace, running, devcloud):
    told = {"kind": "Deployment", "name": "sourcegraph-frontend", "behaviour": "crash_loop"}
    devcloud.control("POST", "kubernetes/behaviour", told)
    restart(running)
    try:
        container = eventually(lambda: crashing(look(access, by_grace)))
        assert (container.state, container.restarts, container.is_ready) == ("waiting", 5, False)
        assert container.why == "CrashLoopBackOff: back-off 5m0s restarting failed container"
        assert "BackOff" in {event.reason for event in look(access, by_grace, What.EVENTS).events}
    finally:
        devcloud.control("POST", "kubernetes/behaviour", {**told, "behaviour": "normal"})


def restart(instance: Instance) -> None:
    """As kubectl rollout restart does."""
    template = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}
    with connected(gke.kubeconfig_of(spec_of(instance))) as cluster:
        namespace = names.namespace(spec_of(instance))
        cluster.patch(Deployment, "sourcegraph-frontend", {"spec": {"template": template}}, namespace=namespace)


def crashing(sight: Sight) -> Any:
    containers = (container for pod in sight.pods if "frontend" in pod.name for container in pod.containers)
    return next((container for container in containers if container.restarts), None)


def test_the_page_shows_it_and_the_pages_address_is_of_no_use_to_others(access, by_grace, running, devcloud):
    browser, name = Client(), "provisioning_access"
    browser.force_login(by_grace.user)
    assert f"/{name.partition('_')[2]}/{access.pk}/look/" in browser.get(page(access)).content.decode()
    shown = browser.get(page(access, "look"))
    pod = frontend(shown.context["sight"])
    assert "no-store" in shown["Cache-Control"]
    for words in (pod.name, "running", "0 restarts", "what=log"):
        assert words in shown.content.decode()
    query = {"what": "log", "pod": pod.name, "container": pod.containers[0].name}
    assert "starting" in browser.get(page(access, "look"), query).content.decode()
    for what in ("events", "revisions"):
        assert browser.get(page(access, "look"), {"what": what}).status_code == 200
    assert "the log of" not in browser.get(page(access)).content.decode()
    assert pod.name in browser.get(page(access)).content.decode()
