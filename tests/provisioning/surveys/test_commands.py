"""The command line, against an instance that really runs."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from lightkube.resources.apps_v1 import Deployment

from portal.core.models import AuditEvent
from provisioning.clients.kubernetes import connected
from provisioning.models import Leak, Survey
from provisioning.spec import spec_of
from provisioning.steps import names
from provisioning.steps.cluster_access import kubeconfig_for
from tests.conftest import release
from tests.provisioning.workflows.harness import assert_succeeded, run

pytestmark = [pytest.mark.helm]
on_a_brought_cluster = pytest.mark.parametrize("tenancy", ["byok"], indirect=True)


def told(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out, stderr=out)
    return out.getvalue()


def refused(command: str, *arguments: str) -> tuple[int, str, str]:
    """The exit code, the sentence and what was printed before."""
    out = StringIO()
    with pytest.raises(CommandError) as raised:
        call_command(command, *arguments, stdout=out, stderr=out)
    return raised.value.returncode, str(raised.value), out.getvalue()


@pytest.fixture
def typed(monkeypatch):
    """What somebody types when asked."""

    def typed(answer: str) -> None:
        monkeypatch.setattr("builtins.input", lambda _question: answer)

    return typed


@pytest.fixture
def newer(standing) -> str:
    """A release that is newer than the instance's."""
    release("99.0.0", "major")
    return "99.0.0"


@on_a_brought_cluster
def test_it_shows_a_plan_and_then_does_it(standing, newer, ada, typed, settings):
    plan = told("instance_plan", "acme", "upgrade", "--release", newer)
    assert "1 to make, 1 to change, 0 to remove" in plan  # the migration, and the application
    assert "Down: 0 s" in plan  # a minute and a half of life, at the pace of these tests

    document = json.loads(told("instance_plan", standing.pk, "upgrade", "--release", newer, "--json"))
    assert [line["effect"] for line in document["lines"] if line["title"] == "Application"] == ["change"]
    assert (document["is_done"], document["cents_difference"]) == (True, 0)
    assert document["downtime_seconds"] == 90 * settings.ENGINE_PACE
    assert not Survey.objects.exists(), "looked at here and now, and not stored"

    typed("no")
    change = ("instance_change", "acme", "upgrade", "--release", newer, "--reason", "Security.", "--by", ada.email)
    code, sentence, shown = refused(*change)
    assert (code, sentence) == (2, "Nothing was done.")
    assert "1 to change" in shown
    assert not standing.operations.filter(kind="upgrade").exists()

    assert "is running." in told(*change, "--yes")
    operation = standing.operations.get(kind="upgrade")
    assert (operation.requested_by, operation.reason) == (ada, "Security.")
    assert AuditEvent.objects.filter(action="operation.request", object_id=operation.pk, actor=ada).exists()


@on_a_brought_cluster
def test_a_teardown_wants_the_name_typed_whatever_was_said_before(standing, typed):
    change = ("instance_change", "acme", "teardown", "--reason", "They left.", "--yes")
    typed("acne")
    code, sentence, shown = refused(*change)
    assert (code, sentence) == (2, "Type “acme” to confirm.")
    assert "Down: for good" in shown
    typed("acme")
    told(*change)
    teardown = standing.operations.get(kind="teardown")
    assert teardown.requested_by is None
    assert_succeeded(run(teardown))
    assert refused("instance_plan", "acme", "repair")[1].startswith("There is no instance “acme”")
    assert refused("instance_plan", standing.pk, "repair")[1] == "This instance is deleted already."


@pytest.mark.parametrize("tenancy", ["dedicated"], indirect=True)
def test_an_instance_is_switched_off_and_on(standing, ada, typed):
    plan = told("instance_plan", "acme", "suspend")
    assert "0 to make, 4 to change, 0 to remove" in plan
    assert "Down: until it is resumed." in plan
    assert "a month while it runs, less while it is suspended" in plan
    document = json.loads(told("instance_plan", "acme", "suspend", "--json"))
    assert (document["downtime_seconds"], document["is_priced"]) == (None, False)

    typed("y")
    who = ("--by", ada.email, "--reason", "They have not paid.")
    assert "is running." in told("instance_change", "acme", "suspend", "--notice", "payment", *who)
    suspension = standing.operations.get(kind="suspend")
    assert (suspension.inputs, suspension.requested_by) == ({"notice": "payment"}, ada)
    assert_succeeded(run(suspension))
    assert refused("instance_change", "acme", "suspend", *who)[:2] == (2, "This instance is suspended already.")
    assert refused("instance_change", "acme", "repair", "--yes", *who)[1].endswith("Resume it first.")
    assert "4 to change" in told("instance_plan", "acme", "resume")
    told("instance_change", "acme", "resume", "--yes", *who)
    assert_succeeded(run(standing.operations.get(kind="resume")))


@on_a_brought_cluster
def test_drift_is_looked_for_now_and_tells_by_its_exit_code(standing):
    assert told("drift", "acme") == "acme is as its spec says.\n"
    assert told("drift") == "Nothing has drifted.\n"

    spec = spec_of(standing)
    with connected(kubeconfig_for(spec)) as cluster:
        cluster.delete(Deployment, "sourcegraph-frontend", namespace=names.namespace(spec))
    code, sentence, shown = refused("drift", "acme")
    assert (code, sentence.endswith("not as its spec says.")) == (1, True)
    assert "differs: Application" in shown
    assert "sourcegraph-frontend" in shown

    Survey.objects.create(
        instance=standing,
        purpose="drift",
        kind="repair",
        wanted={},
        previous={},
        status="done",
        due_at=None,
        differing=2,
    )
    assert refused("drift")[:2] == (1, "1 instances have drifted.")


@on_a_brought_cluster
def test_leaks_are_listed_and_looked_for(standing, devcloud):
    assert told("leaks", "--check") == "No leaks are open.\n"
    Leak.objects.create(kind="orphan", resource="//x/projects/p", source="elsewhere", instance_id=standing.pk)
    code, sentence, shown = refused("leaks")
    assert (code, sentence) == (1, "1 leaks are open.")
    assert f"orphan  //x/projects/p  {standing.pk}" in shown
    devcloud.add_fault("dns.resourceRecordSets.list", "status", status=503)
    code, sentence, shown = refused("leaks", "--check")
    assert (code, sentence) == (2, "1 listings could not be read; their leaks are of earlier.")
    assert "dns: Google answered 503" in shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("instance_plan", "nobody", "repair"), "There is no instance “nobody”"),
        (("instance_plan", "acme", "upgrade"), "Say which release"),
        (("instance_plan", "acme", "upgrade", "--release", "0.0.1"), "There is no release 0.0.1."),
        (("instance_plan", "acme", "resize", "--size", "giant"), "There is no size giant. There are xs"),
        (("instance_plan", "acme", "rollback"), "Say which release"),
        (("instance_plan", "acme", "migrate-architecture", "--architecture", "9.9"), "Only a running instance can be"),
        (
            ("instance_change", "acme", "rollback", "--release", "0.0.1", "--reason", "r"),
            "There is no release 0.0.1.",
        ),
        (("instance_plan", "acme", "resize", "--size", "s"), "Only a running instance can be resized"),
        (("instance_plan", "acme", "suspend"), "Only a running instance can be suspended"),
        (("instance_plan", "acme", "resume"), "Only a suspended instance can be resumed"),
        (("instance_change", "acme", "repair", "--reason", "r", "--by", "x@y.example"), "There is nobody with"),
        (("drift", "nobody"), "There is no instance “nobody”"),
    ],
)
def test_errors_are_sentences(trial, arguments, sentence):
    code, said, _ = refused(*arguments)
    assert code == 2
    assert said.startswith(sentence)
