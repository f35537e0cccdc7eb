"""A run goes through all stages, whoever dies; where it cannot, it says why, and nothing is left of it."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Q

from billing.models import TrialPolicy
from portal.canary.models import CanaryRun, CanaryStage, State
from portal.canary.services import canary_begin
from portal.canary.stages import STAGES
from portal.core import clock
from portal.core.errors import Conflict
from portal.core.models import AuditEvent, Organization, User
from portal.core.turns import claim
from provisioning.health.measures import measured
from provisioning.models import Instance, Operation, OperationStatus, Release, Size
from tests.portal.canary.walking import NAMES, goes

pytestmark = pytest.mark.django_db(transaction=True)


def is_nothing_left() -> bool:
    living = Instance.objects.exclude(status="deleted")
    opens = CanaryRun.objects.exclude(Q(cookies=[]) & Q(known={}) & Q(letter=""))
    return not (living.exists() or User.objects.filter(is_active=True).exists() or opens.exists())


def test_it_goes_through_all_stages_and_leaves_nothing_behind(walk):
    run = walk.through()
    assert run.state == State.SUCCEEDED
    assert [stage.name for stage in run.stages.all()] == NAMES
    assert set(run.stages.values_list("state", flat=True)) == {State.SUCCEEDED}
    assert run.cleaned_at
    assert is_nothing_left()
    assert AuditEvent.objects.filter(action="account.close").exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_stage_that_was_done_and_not_written_down_is_done_again(walk, name):
    walk.to(name)
    walk.meanwhile.pop(name, lambda _run: None)(walk.run)
    CanaryRun.objects.update(due_at=clock.now())
    walk.run.refresh_from_db()
    walk.loses_a_look()
    assert walk.through().state == State.SUCCEEDED
    assert is_nothing_left()


def test_who_is_late_writes_nothing(walk):
    first = claim(CanaryRun.objects.all())
    CanaryRun.objects.update(due_at=clock.now())
    second = claim(CanaryRun.objects.all())
    assert first
    assert second
    assert not first.ours().update(sentence="late")
    assert second.ours().exists()


def its_address_is_nobodys_company(walk, _settings) -> None:
    CanaryRun.objects.filter(pk=walk.run.pk).update(email="canary@mailinator.com")


def no_mail_goes_out(walk, _settings) -> None:
    walk.is_too_late()


def the_account_is_shut(walk, _settings) -> None:
    User.objects.filter(email=walk.run.email).update(is_active=False)
    walk.is_too_late()


def nothing_can_be_installed(_walk, _settings) -> None:
    Release.objects.update(status=Release.Status.WITHDRAWN)


def the_setup_fails(_walk, _settings) -> None:
    Operation.objects.filter(kind="provision").update(status=OperationStatus.FAILED, finished_at=clock.now())


def nobody_answers(walk, settings) -> None:
    settings.INSTANCE_GATEWAY = "http://127.0.0.1:9"
    walk.is_too_late()


def others_are_at_it(walk, _settings) -> None:
    instance = Instance.objects.get(slug=walk.run.slug)
    for status in ("running", "queued"):
        Operation.objects.create(instance=instance, kind="suspend", status=status, wanted={})


def the_teardown_fails(_walk, _settings) -> None:
    Operation.objects.filter(kind="teardown").update(status=OperationStatus.FAILED, finished_at=clock.now())


def something_is_left(walk, _settings) -> None:
    Instance.objects.create(
        organization=walk.user.memberships.get().organization, slug="other", domain="other.sourcegraph.localhost",
        kind="production", size=Size.objects.get(pk="xs"), release=Release.objects.latest("released_at"),
        admin_email=walk.run.email, created_by=walk.user,
    )  # fmt: skip


FAILURES = [
    ("sign-up", its_address_is_nobodys_company, "Use your work address"),
    ("verify", no_mail_goes_out, "No mail with a link has gone out"),
    ("organization", the_account_is_shut, "Names an organization: "),
    ("trial", nothing_can_be_installed, "There is no release to install yet"),
    ("ready", the_setup_fails, "It did not come up"),
    ("open", nobody_answers, "was not answered: ConnectError"),
    ("delete", others_are_at_it, "Deletes it: "),
    ("gone", the_teardown_fails, "The deletion stopped before its end"),
    ("close", something_is_left, "You are the only one who looks after “other”"),
]


@pytest.mark.parametrize(("name", "goes_wrong", "says"), FAILURES, ids=[name for name, *_ in FAILURES])
def test_what_goes_wrong_at_a_stage_is_told_and_alerts(walk, settings, name, goes_wrong, says):
    walk.to(name)
    goes_wrong(walk, settings)
    walk.look()
    assert walk.run.state == State.FAILED, walk.stage()
    assert says in walk.run.sentence
    assert walk.run.stages.get(state=State.FAILED).name == name
    [found] = measured("canary-failed", 1, clock.now()).values()
    assert says in found.sentence


def test_what_a_failed_run_made_is_taken_away(walk, settings):
    walk.to("open")
    nobody_answers(walk, settings)
    walk.look()
    assert walk.run.state == State.FAILED
    walk.look()
    assert walk.run.left == f"{walk.run.slug} is being deleted."
    assert not walk.is_cleaned_up
    goes(walk.run)
    walk.look()
    assert walk.is_cleaned_up
    assert is_nothing_left()


def test_what_cannot_be_taken_away_alerts_with_the_reason(walk, settings):
    walk.to("gone")
    the_teardown_fails(walk, settings)
    walk.look()
    walk.look()
    CanaryRun.objects.update(ended_at=clock.now().replace(year=2020))
    [found] = measured("canary-left-behind", 7_200, clock.now()).values()
    assert f"The deletion of {walk.run.slug} is failed" in found.sentence
    with pytest.raises(Conflict, match="not gone yet"):
        canary_begin()


def test_it_neither_takes_a_place_nor_is_refused_one(walk):
    TrialPolicy.objects.update_or_create(pk=1, defaults={"most_running": 0, "is_open": False})
    walk.to("ready")
    assert Organization.objects.get().is_synthetic
    assert Instance.objects.filter(slug=walk.run.slug).exists()


def test_one_runs_at_a_time(walk):
    with pytest.raises(Conflict, match="at work"):
        canary_begin()
    assert CanaryRun.objects.count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "lost"},
        {"state": "succeeded"},
        {"ended_at": "2026-12-01T12:00:00Z"},
        {"state": "failed", "ended_at": "2026-12-01T12:00:00Z"},
        {"cleaned_at": "2026-12-01T12:00:00Z"},
    ],
)
def test_the_database_keeps_no_run_that_cannot_be(canary, fields):
    run = canary_begin()
    with pytest.raises(IntegrityError), transaction.atomic():
        CanaryRun.objects.filter(pk=run.pk).update(**fields)


@pytest.mark.parametrize(
    "fields", [{"state": "lost"}, {"state": "succeeded"}, {"state": "failed", "ended_at": "2026-12-01T12:00:00Z"}]
)
def test_the_database_keeps_no_stage_that_cannot_be(canary, fields):
    run = canary_begin()
    with pytest.raises(IntegrityError), transaction.atomic():
        CanaryStage.objects.filter(run=run).update(**fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        run.stages.create(name=STAGES[1].name)
