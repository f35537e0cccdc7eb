"""Clusters that somebody brings: added with a kubeconfig that nobody sees again, and given instances."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from portal.core.admin.deeds import Answers, Deed, DeedForm, PageWithDeeds, ReasonForm
from portal.core.admin.pages import NobodyEdits
from portal.core.admin.words import when
from portal.core.audit import Actor
from portal.core.models import Organization
from provisioning.admin.links import list_address
from provisioning.models import Cluster, InstanceStatus, Kind, Size
from provisioning.services import cluster_add, instance_create
from provisioning.services.instances import Wish


class ClusterForm(DeedForm):
    organization = forms.ModelChoiceField(Organization.objects.order_by("name"), widget=UnfoldAdminSelectWidget)
    name = forms.CharField(max_length=60, widget=UnfoldAdminTextInputWidget, help_text="How we call it here.")
    kubeconfig = forms.CharField(
        max_length=100_000,
        widget=UnfoldAdminTextareaWidget({"rows": 12, "spellcheck": "false", "autocomplete": "off", "class": "code"}),
        help_text="The output of <code>kubectl config view --minify --flatten --raw</code>. "
        "It is kept encrypted and never shown again.",
    )
    has_cluster_wide_rights = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Off: the chart's ClusterRoles and StorageClass are left out, and many instances can share it.",
    )
    storage_class = forms.CharField(
        max_length=60, required=False, widget=UnfoldAdminTextInputWidget, help_text="Empty: the cluster's default."
    )
    ingress_class = forms.CharField(max_length=60, initial="nginx", widget=UnfoldAdminTextInputWidget)


KINDS = [(kind.value, kind.label) for kind in Kind if kind != Kind.REHEARSAL]


class InstanceForm(ReasonForm):
    slug = forms.CharField(max_length=32, label="Name", widget=UnfoldAdminTextInputWidget)
    kind = forms.ChoiceField(choices=KINDS, initial=Kind.INTERNAL, widget=UnfoldAdminSelectWidget)
    size = forms.ModelChoiceField(Size.objects.all(), widget=UnfoldAdminSelectWidget)
    field_order = ("slug", "kind", "size", "reason")


def _add(_nothing: None, answers: Answers, actor: Actor) -> str:
    cluster = cluster_add(actor=actor, **answers)
    return f"The cluster “{cluster.name}” is known. Its kubeconfig is not shown again."


def _create_instance(cluster: Cluster, answers: Answers, actor: Actor) -> str:
    wish = Wish(answers["slug"], Kind(answers["kind"]), size=answers["size"].pk, cluster=cluster)
    instance_create(organization=cluster.organization, wish=wish, actor=actor, reason=answers["reason"])
    return f"“{answers['slug']}” is being built. You become its first site admin."


ADD = Deed(
    name="add",
    title="Add a cluster",
    explanation="A Kubernetes cluster that somebody brings. Instances on it are built without Google Cloud.",
    do=_add,
    form=ClusterForm,
    icon="add",
    is_usual=True,
)
CREATE_INSTANCE = Deed(
    name="instance",
    title="Create an instance on it",
    explanation="The instance belongs to the cluster's organization. Its ready mail goes to you.",
    do=_create_instance,
    form=InstanceForm,
    icon="add",
    is_usual=True,
)


@admin.register(Cluster)
class ClusterPage(NobodyEdits, PageWithDeeds):
    list_display = ("name", "organization", "server", "living", "added")
    list_select_related = ("organization",)
    search_fields = ("name", "id", "server", "organization__name")
    search_help_text = "Name, id, server or organization"
    fields = (
        "id", "name", "organization", "server", "has_cluster_wide_rights", "storage_class",
        "ingress_class", "created_by", "created_at",
    )  # fmt: skip
    deeds: ClassVar = (CREATE_INSTANCE,)

    def has_add_permission(self, request: HttpRequest) -> bool:  # type: ignore[override] # there is no row yet
        return self.has_view_permission(request)

    def add_view(self, request: HttpRequest, *_args: Any, **_more: Any) -> HttpResponse:
        return self.ask(request, ADD, None, list_address("provisioning_cluster"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cluster]:
        rows: QuerySet[Cluster] = super().get_queryset(request).defer("kubeconfig_encrypted")
        living = Count("instances", filter=~Q(instances__status=InstanceStatus.DELETED))
        return rows.annotate(living_count=living).select_related("organization")

    @admin.display(description="Instances", ordering="living_count")
    def living(self, cluster: Any) -> int:
        return int(cluster.living_count)

    @admin.display(description="Added", ordering="created_at")
    def added(self, cluster: Cluster) -> SafeString | str:
        return when(cluster.created_at)
