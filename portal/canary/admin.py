"""Runs of the canary, their stages, how long an instance took to run; one more at the press of a button."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.safestring import SafeString

from portal.canary.models import CanaryRun, CanaryStage, State
from portal.canary.selectors import Ready, times_to_ready
from portal.canary.services import OFF, canary_begin
from portal.canary.stages import BY_NAME
from portal.core.admin.deeds import Answers, Deed, PageWithDeeds
from portal.core.admin.pages import NobodyEdits, ReadOnlyRows
from portal.core.admin.words import NOTHING, duration, pill, when
from portal.core.audit import Actor
from provisioning.admin.links import instance_link
from provisioning.admin.plots import BAR, GAP, HEIGHT, Bar
from provisioning.models import Instance

SHORTEST: Final = 3  # pixels


def _begin(_nothing: None, answers: Answers, actor: Actor) -> str:
    run = canary_begin(actor=actor, reason=answers["reason"])
    return f"{run} is on its way, in {run.region}."


RUN: Final = Deed(
    name="run",
    title="Run now",
    explanation="A customer of our own signs up by the public pages, has an instance for a moment, and goes. It takes "
    "as long as an instance takes to come and go, and costs what that costs at Google.",
    do=_begin,
    icon="play_arrow",
    is_usual=True,
)


class Stages(ReadOnlyRows):
    model = CanaryStage
    verbose_name_plural = "stages"
    fields = ("does", "how", "took", "began_at", "sentence")
    readonly_fields = fields

    def get_readonly_fields(self, _request: HttpRequest, _row: Any = None) -> Any:
        return self.fields

    @admin.display(description="Stage")
    def does(self, stage: CanaryStage) -> str:
        return BY_NAME[stage.name].title if stage.name in BY_NAME else stage.name

    @admin.display(description="State")
    def how(self, stage: CanaryStage) -> SafeString:
        return pill(stage.state, look=_look(stage.state))

    @admin.display(description="Took")
    def took(self, stage: CanaryStage) -> str:
        return duration(stage.seconds)


@admin.register(CanaryRun)
class CanaryRunPage(NobodyEdits, PageWithDeeds):
    list_display = ("slug", "how", "region", "total", "what", "remains", "began")
    list_filter = ("state", "region")
    search_fields = ("slug", "email")
    search_help_text = "Its name or address"
    fields = (
        ("slug", "region"),
        ("how", "total"),
        ("began_at", "asked"),
        "what",
        "remains",
        ("instance", "email"),
    )
    readonly_fields = ("how", "total", "asked", "what", "remains", "instance")
    inlines: ClassVar = (Stages,)
    list_deeds: ClassVar = (RUN,)
    list_before_template = "admin/canary.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        return super().changelist_view(request, {"title": "Canary", **_shown(), **(extra_context or {})})

    @admin.display(description="State", ordering="state")
    def how(self, run: CanaryRun) -> SafeString:
        return pill(run.state, look=_look(run.state))

    @admin.display(description="Took")
    def total(self, run: CanaryRun) -> str:
        return duration(run.took.total_seconds() if run.took else None)

    @admin.display(description="What was wrong")
    def what(self, run: CanaryRun) -> str:
        return run.sentence or NOTHING

    @admin.display(description="Left behind")
    def remains(self, run: CanaryRun) -> str:
        if run.cleaned_at:
            return "nothing"
        return run.left or ("is being looked for" if run.ended_at else NOTHING)

    @admin.display(description="Instance")
    def instance(self, run: CanaryRun) -> SafeString | str:
        found = Instance.objects.filter(slug=run.slug).first()
        return instance_link(found) if found else NOTHING

    @admin.display(description="Asked for by")
    def asked(self, run: CanaryRun) -> str:
        return str(run.asked_by or "its time had come")

    @admin.display(description="Began", ordering="began_at")
    def began(self, run: CanaryRun) -> SafeString | str:
        return when(run.began_at)


def _shown() -> dict[str, Any]:
    """The context of the plot above the list. Two queries."""
    runs = times_to_ready()
    longest = max((each.seconds or 0.0 for each in runs), default=0.0)
    return {
        "says": _in_words(),
        "bars": [_bar(number, each, longest) for number, each in enumerate(runs)],
        "width": max(1, len(runs)) * (BAR + GAP) - GAP,
        "height": HEIGHT,
        "spread": _spread(runs),
    }


def _in_words() -> str:
    if not settings.CANARY_EMAIL_DOMAIN:
        return OFF
    if not settings.CANARY_EVERY_HOURS:
        return "It runs when somebody asks for it: CANARY_EVERY_HOURS is 0."
    return f"It runs every {settings.CANARY_EVERY_HOURS:g} hours, in one region after the other."


def _bar(number: int, ready: Ready, longest: float) -> Bar:
    """A run: the higher, the longer its instance took; a failed one is as high as the plot."""
    run, x = ready.run, number * (BAR + GAP)
    says = f"{run.began_at:%-d %B, %H:%M} UTC, {run.region}"
    if run.state == State.FAILED or ready.seconds is None:
        return Bar(x, 0, HEIGHT, "bad", f"{says}: failed. {run.sentence}")
    height = max(SHORTEST, round(HEIGHT * ready.seconds / longest)) if longest else SHORTEST
    return Bar(x, HEIGHT - height, height, "good", f"{says}: ran after {duration(ready.seconds)}")


def _spread(runs: Sequence[Ready]) -> str:
    """For example “4 min 12 s to 6 min, 5 min in the middle”; "" where nobody knows."""
    took = sorted(each.seconds for each in runs if each.seconds is not None)
    if not took:
        return ""
    return f"{duration(took[0])} to {duration(took[-1])}, {duration(took[len(took) // 2])} in the middle"


def _look(state: str) -> str:
    return "under way" if state == State.RUNNING else state
