"""The addresses of the API, version 1."""

from django.urls import path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from portal.api.views import (
    choices,
    exports,
    features,
    instances,
    operations,
    organizations,
    plans,
    problems,
    releases,
    trials,
    updates,
    usage,
)

app_name = "api"
urlpatterns = [
    path("organizations", organizations.Organizations.as_view(), name="organizations"),
    path("organizations/<slug:organization_id>", organizations.OrganizationById.as_view(), name="organization"),
    path("instances", instances.Instances.as_view(), name="instances"),
    path("instances/<slug:instance_id>", instances.InstanceById.as_view(), name="instance"),
    path("instances/<slug:instance_id>/teardown", instances.Teardown.as_view(), name="teardown"),
    path("instances/<slug:instance_id>/operations", instances.InstanceOperations.as_view(), name="instance-operations"),
    path("instances/<slug:instance_id>/maintenance", updates.Maintenance.as_view(), name="maintenance"),
    path("instances/<slug:instance_id>/updates", updates.Updates.as_view(), name="updates"),
    path("instances/<slug:instance_id>/updates/postpone", updates.Postponement.as_view(), name="postponement"),
    path("instances/<slug:instance_id>/plans", plans.InstancePlans.as_view(), name="instance-plans"),
    path("instances/<slug:instance_id>/certificate", instances.CertificateOfInstance.as_view(), name="certificate"),
    path("instances/<slug:instance_id>/usage", usage.UsageOfInstance.as_view(), name="usage"),
    path("instances/<slug:instance_id>/features", features.Features.as_view(), name="features"),
    path("instances/<slug:instance_id>/features/<slug:name>", features.FeatureByName.as_view(), name="feature"),
    path("instances/<slug:instance_id>/exports", exports.Exports.as_view(), name="exports"),
    path(
        "instances/<slug:instance_id>/exports/<slug:key>/files/<slug:database>",
        exports.ExportFile.as_view(),
        name="export-file",
    ),
    path("trials/waiting", trials.WaitingPlace.as_view(), name="waiting"),
    path("plans/trial", plans.TrialPlan.as_view(), name="trial-plan"),
    path("plans/<slug:plan_id>", plans.PlanById.as_view(), name="plan"),
    path("operations/<slug:operation_id>", operations.OperationById.as_view(), name="operation"),
    path("releases", releases.Releases.as_view(), name="releases"),
    path("releases/<str:version>", releases.ReleaseByVersion.as_view(), name="release"),
    path("regions", choices.Regions.as_view(), name="regions"),
    path("names/<str:slug>", choices.Name.as_view(), name="name"),
    path("problems/<slug:code>", problems.ProblemKindByCode.as_view(), name="problem"),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="schema"),
    path(
        "docs/",
        SpectacularSwaggerSplitView.as_view(url_name="api:schema", template_name="api/docs.html"),
        name="docs",
    ),
    path("<path:unknown>", problems.NothingHere.as_view()),
]
