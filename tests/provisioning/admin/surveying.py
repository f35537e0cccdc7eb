"""What a survey's looks would have found, written as its tasks write it."""

from dataclasses import replace

from django.utils import timezone

from provisioning.engine import graph
from provisioning.engine.action import Change
from provisioning.engine.survey import Finding, Verdict
from provisioning.models import Survey
from provisioning.spec import spec_of

TIER = Change("settings.tier", "db-custom-4-15360", "db-custom-1-4096")


def finding(step: str, verdict: Verdict, **more) -> Finding:
    """What a look said of a step, in the words of its name."""
    plain = Finding(step, f"The {step}", f"//cloud/{step}", verdict, f"The sentence about {step}.")
    return replace(plain, **more)


def looked(survey: Survey, *findings: Finding, is_done: bool = True) -> Survey:
    """The survey has found this; everything else stands as wanted once it is done."""
    known = {one.step: one for one in findings}
    nodes = graph.workflow_of(survey.kind).for_tenancy(survey.instance.tenancy)
    others = [finding(node.name, Verdict.STANDS) for node in nodes if node.name not in known] if is_done else []
    verdicts = [one.verdict for one in findings]
    survey.findings = [one.as_json() for one in (*findings, *others)]
    survey.differing = sum(verdict in {Verdict.MISSING, Verdict.DIFFERS} for verdict in verdicts)
    survey.unclear = verdicts.count(Verdict.UNCLEAR)
    if is_done:
        survey.status, survey.due_at, survey.finished_at = Survey.Status.DONE, None, timezone.now()
    survey.save()
    return survey


def drift(instance, *findings: Finding) -> Survey:
    """The instance's drift survey, complete."""
    spec = spec_of(instance).as_json()
    survey = Survey.objects.create(
        instance=instance, purpose=Survey.Purpose.DRIFT, kind="repair", wanted=spec, previous=spec
    )
    return looked(survey, *findings)
