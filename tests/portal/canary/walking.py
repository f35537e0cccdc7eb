"""A run is led through its stages; what workers do meanwhile is done by the test."""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings

from portal.canary.models import CanaryRun, CanaryStage, State
from portal.canary.services import canary_look
from portal.canary.stages import BY_NAME, STAGES, Visit
from portal.core import clock
from portal.core.mail import send_due
from portal.core.models import User
from portal.core.turns import claim
from provisioning.clients.browser import Browser
from provisioning.fleet import certificates
from provisioning.models import Instance, Operation, OperationStatus, StepStatus

NAMES = [stage.name for stage in STAGES]


def comes_up(run: CanaryRun) -> None:
    """Its instance runs."""
    operation = Operation.objects.get(instance__slug=run.slug, kind="provision")
    now = clock.now()
    operation.steps.update(status=StepStatus.DONE, started_at=now, finished_at=now, due_at=None)
    Operation.objects.filter(pk=operation.pk).update(status=OperationStatus.SUCCEEDED, finished_at=now)
    Instance.objects.filter(slug=run.slug).update(status="running", ready_at=now)


def goes(run: CanaryRun) -> None:
    """What is being torn down is gone, and certified to be."""
    teardown = Operation.objects.get(instance__slug=run.slug, kind="teardown")
    now = clock.now()
    gone = {"resource": "", "confirmed": "the cloud answered 404"}
    teardown.steps.update(status=StepStatus.DONE, started_at=now, finished_at=now, due_at=None, outputs=gone)
    certificates.issue(teardown)
    Operation.objects.filter(pk=teardown.pk).update(status=OperationStatus.SUCCEEDED, finished_at=now)
    Instance.objects.filter(slug=run.slug).update(status="deleted", deleted_at=now)


def mails(_run: CanaryRun) -> None:
    send_due()


# What happens elsewhere before a stage can be done.
MEANWHILE: dict[str, Callable[[CanaryRun], None]] = {"verify": mails, "ready": comes_up, "gone": goes}


@dataclass
class Walk:
    """`meanwhile` is what the world does before each stage; a test takes something out of it, or puts something in."""

    run: CanaryRun
    meanwhile: dict[str, Callable[[CanaryRun], None]] = field(default_factory=lambda: dict(MEANWHILE))

    def stage(self) -> CanaryStage | None:
        """The one that goes on."""
        self.run.refresh_from_db()
        return self.run.stages.filter(state=State.RUNNING).first()

    def look(self) -> None:
        """One look at the run, whenever it wanted that."""
        CanaryRun.objects.filter(pk=self.run.pk).update(due_at=clock.now())
        canary_look()
        self.run.refresh_from_db()

    def to(self, name: str) -> None:
        """All stages before that one are done."""
        while (stage := self.stage()) and stage.name != name:
            before = NAMES.index(stage.name)
            self.meanwhile.get(stage.name, lambda _run: None)(self.run)
            self.look()
            after = self.stage()
            assert after is None or NAMES.index(after.name) > before, f"{stage.name}: {self.run.sentence}"
        assert self.run.state != State.FAILED, self.run.sentence

    def through(self) -> CanaryRun:
        self.to("the end")
        self.look()
        return self.run

    def loses_a_look(self) -> None:
        """A worker does the stage that goes on, and dies before it has written that down."""
        turn = claim(CanaryRun.objects.all())
        assert turn is not None
        stage = BY_NAME[turn.row.stages.get(state=State.RUNNING).name]
        with Browser(settings.PORTAL_URL, turn.row.cookies) as browser:
            assert stage.look(Visit(turn.row, browser, dict(turn.row.known))) == ""

    def is_too_late(self) -> None:
        """The stage that goes on began a day ago."""
        began = clock.now().replace(year=2020)
        CanaryStage.objects.filter(run=self.run, state=State.RUNNING).update(began_at=began)

    @property
    def is_cleaned_up(self) -> bool:
        return self.run.cleaned_at is not None

    @property
    def user(self) -> User:
        return User.objects.get(email=self.run.email)
