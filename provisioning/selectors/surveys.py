"""Surveys, leaks and certificates, for those who may see them."""

from django.db.models import QuerySet

from portal.core.errors import NotFound
from portal.core.models import Organization
from provisioning.engine.survey import Finding
from provisioning.models import BUILT, Certificate, Instance, Leak, Survey


def survey_for(organization: Organization, survey_id: str) -> Survey:
    """A survey of one of the organization's instances; NotFound for anything else."""
    mine = Survey.objects.select_related("instance__organization").filter(instance__organization=organization)
    survey = mine.filter(pk=survey_id).first()
    if survey is None:
        raise NotFound("There is no such plan.")
    return survey


def drift_of(instance: Instance) -> Survey | None:
    """The instance's drift survey: its findings are of the present round, its counts of the last complete one."""
    return Survey.objects.filter(instance=instance, purpose=Survey.Purpose.DRIFT).first()


def findings_of(survey: Survey) -> tuple[Finding, ...]:
    """What it has found so far, in the order of the looks."""
    return tuple(Finding.from_json(document) for document in survey.findings)


def is_under_way(survey: Survey) -> bool:
    """Whether it is being looked at. A drift survey that has `due_at` and is not, waits for its time of day."""
    return survey.status == Survey.Status.RUNNING and survey.finished_at is None and bool(survey.wanted)


def certificate_of(instance: Instance) -> Certificate | None:
    """The newest certificate that nothing is left of the instance."""
    return instance.certificates.order_by("-issued_at").first()


def drifted() -> QuerySet[Survey]:
    """The instances that stand with something that is not as their spec says, the latest first."""
    surveys = Survey.objects.filter(purpose=Survey.Purpose.DRIFT, differing__gt=0, instance__status__in=BUILT)
    return surveys.select_related("instance__organization").order_by("-started_at")


def open_leaks() -> QuerySet[Leak]:
    """What cloud and database disagree about, the latest first."""
    return Leak.objects.filter(resolved_at__isnull=True).order_by("-first_seen_at")
