"""The project itself: Cloud Resource Manager and Cloud Billing."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from portal.core import clock
from provisioning.clients.google import AlreadyExists, api, execute, pages
from provisioning.clients.google.projects import ACTIVE, is_gone, project_of
from provisioning.engine.action import (
    Action,
    AsWanted,
    Context,
    Differs,
    Missing,
    NotYet,
    Refused,
    Seen,
    UnderWay,
    minutes,
    seconds,
)
from provisioning.steps import names
from provisioning.steps.differences import differences, labelled, touched
from provisioning.steps.google import GoogleAction, absence_of_project, begun

COMES_WITHIN = minutes(5)  # it takes about twenty seconds as a rule


class Project(Action):
    """Google Cloud project"""

    def look(self, context: Context) -> Seen:
        project = project_of(context.spec.id)
        if project is None and _may_still_come(context):
            return UnderWay("the project, which Google was asked for, to come or not", seconds(20))
        if project is None or project["state"] != ACTIVE:
            return Missing(absence_of_project(project))
        if not names.is_ours(project.get("labels"), context.spec):
            raise Refused(
                f"There is a project {context.spec.id} that does not bear our labels.",
                "Find out whose it is; if it is ours, give it the labels of the instance.",
            )
        if changes := differences(_settings(context), project):
            return Differs.in_settings(changes)
        return AsWanted({"number": str(project["name"]).removeprefix("projects/")})

    def make(self, context: Context) -> str:
        """Makes it, or gives it back its name and labels; where it lies in the hierarchy is its owners' business."""
        project = project_of(context.spec.id)
        if project is not None and project["state"] == ACTIVE:
            return self._change(context, project)
        body = {**_settings(context), "projectId": context.spec.id, "parent": settings.GOOGLE_PARENT}
        try:
            request = api("cloudresourcemanager", "v3").projects().create(body=body)
            return begun(context, "cloudresourcemanager", request, "make the project")
        except AlreadyExists:
            return _adopt(context)

    def drop(self, context: Context) -> str:
        if is_gone(context.spec.id):
            return "found it gone already"
        request = api("cloudresourcemanager", "v3").projects().delete(name=f"projects/{context.spec.id}")
        return begun(context, "cloudresourcemanager", request, "delete the project")

    def resource(self, context: Context) -> str:
        return names.project_resource(context.spec, "cloudresourcemanager")

    def _change(self, context: Context, project: Mapping[str, Any]) -> str:
        changes = differences(_settings(context), project)
        if not changes:
            return "found it made already"
        body = {**_settings(context), "labels": labelled(project.get("labels"), context.spec.labels)}
        mask = ",".join(touched(changes))
        request = api("cloudresourcemanager", "v3").projects().patch(name=project["name"], updateMask=mask, body=body)
        return begun(context, "cloudresourcemanager", request, "change the project")


class Billing(GoogleAction):
    """Billing account"""

    def see(self, context: Context) -> Seen:
        info = execute(api("cloudbilling", "v1").projects().getBillingInfo(name=f"projects/{context.spec.id}"))
        linked = info.get("billingAccountName", "")
        wanted = {"billingAccountName": settings.GOOGLE_BILLING_ACCOUNT, "billingEnabled": True}
        if not linked:
            return Missing("cloudbilling.googleapis.com names no account that pays")
        changes = differences(wanted, info)
        return Differs.in_settings(changes) if changes else AsWanted()

    def create(self, context: Context) -> str:
        body = {"billingAccountName": settings.GOOGLE_BILLING_ACCOUNT}
        projects = api("cloudbilling", "v1").projects()
        info = execute(projects.updateBillingInfo(name=f"projects/{context.spec.id}", body=body))
        if not info.get("billingEnabled"):
            raise Refused(
                f"{settings.GOOGLE_BILLING_ACCOUNT} is closed or pays for no more projects.",
                "Put the billing account in order, then retry the step.",
            )
        return "linked the project to the billing account"

    def resource(self, context: Context) -> str:
        return names.project_resource(context.spec, "cloudbilling", "billingInfo")


class DeletionLock(GoogleAction):
    """Lock against accidental deletion"""

    def see(self, context: Context) -> Seen:
        if self._liens(context):
            return AsWanted()
        return Missing("cloudresourcemanager.googleapis.com lists no lien of the portal's on the project")

    def create(self, context: Context) -> str:
        """Google names liens, so that a second create would make a second one."""
        if self._liens(context):
            return "found it in place"
        body = {
            "parent": f"projects/{context.spec.id}",
            "restrictions": ["resourcemanager.projects.delete"],
            "origin": names.LIEN_ORIGIN,
            "reason": f"Runs the Sourcegraph instance {context.spec.id}; the portal deletes it.",
        }
        execute(api("cloudresourcemanager", "v3").liens().create(body=body))
        return "placed the lien"

    def remove(self, context: Context) -> str:
        for lien in self._liens(context):
            execute(api("cloudresourcemanager", "v3").liens().delete(name=lien))
        return "lifted the lien"

    def resource(self, context: Context) -> str:
        return names.project_resource(context.spec, "cloudresourcemanager", "liens")

    def _liens(self, context: Context) -> list[str]:
        """The names of the portal's own liens; one that a person placed stays, and stops a teardown."""
        collection = api("cloudresourcemanager", "v3").liens()
        listing = pages(collection, collection.list(parent=f"projects/{context.spec.id}"))
        liens = [lien for page in listing for lien in page.get("liens", ())]
        return [lien["name"] for lien in liens if lien.get("origin") == names.LIEN_ORIGIN]


def _may_still_come(context: Context) -> bool:
    """Nobody can see a project in the making; it would outlive a teardown that takes it for one that never was."""
    patience = COMES_WITHIN * float(settings.ENGINE_PACE)
    return context.asked_at is not None and clock.now() < context.asked_at + patience


def _settings(context: Context) -> dict[str, Any]:
    return {"displayName": f"Sourcegraph {context.spec.slug}"[:30], "labels": context.spec.labels}


def _adopt(context: Context) -> str:
    """Google knows the id already: from our own call, whose project is still in the making, or from a deleted one."""
    project = project_of(context.spec.id)
    if project is not None and project["state"] != ACTIVE:
        raise Refused(
            f"The project {context.spec.id} has been deleted; Google never gives out a project id twice.",
            "Tear the instance down and create another.",
        )
    if project is None:
        raise NotYet("Google to finish making the project", seconds(20))
    return "found it made already"
