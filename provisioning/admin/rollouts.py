"""Rollouts: the list, the making of one, and its page, live."""

from dataclasses import replace
from hashlib import blake2s
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.enums import ActionVariant

from portal.core.admin.deeds import Button, Deed, PageWithDeeds
from portal.core.admin.pages import NobodyEdits, acting
from portal.core.admin.words import pill, when
from portal.core.errors import ServiceError
from provisioning.admin.links import address_of
from provisioning.admin.rollout_deeds import DEEDS, RolloutDeed
from provisioning.admin.rollout_making import SUPERSEDABLE, NewRolloutForm, field_of, rollout_draft
from provisioning.admin.rollout_pages import cell_address, is_live, page_of
from provisioning.admin.rollout_words import rollout_pill, stage_in_words
from provisioning.models import Rollout, RolloutMember

Member = RolloutMember.Status


class SortFilter(admin.SimpleListFilter):
    title = "what it brings"
    parameter_name = "brings"

    def lookups(self, _request: HttpRequest, _page: Any) -> list[tuple[str, str]]:
        return [("release", "A release"), ("architecture", "An architecture")]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Rollout]) -> QuerySet[Rollout]:
        return rows.filter(release__isnull=self.value() == "architecture") if self.value() else rows


@admin.register(Rollout)
class RolloutPage(NobodyEdits, PageWithDeeds):
    list_display = ("brings", "state", "stage", "turns", "policy", "started", "by")
    list_display_links = ("brings",)
    list_filter = (("status", ChoicesCheckboxFilter), SortFilter, "is_emergency", "policy")
    list_filter_submit = True
    search_fields = ("release__app_version", "architecture", "id", "reason", "created_by__email")
    search_help_text = "Version, architecture, id, reason or who made it"
    deeds: ClassVar = DEEDS

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("new/", view(self.new_view), name="provisioning_rollout_new"),
            path("<path:object_id>/live/", view(self.live_view), name="provisioning_rollout_live"),
            path("<path:object_id>/cell/<int:member_id>/", view(self.cell_view), name="provisioning_rollout_cell"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rollout]:
        rows: QuerySet[Rollout] = super().get_queryset(request)
        related = ("release", "policy", "created_by", "supersedes__release", "superseded_by__release")
        counts = {
            "done_count": Count("members", Q(members__status=Member.DONE)),
            "failed_count": Count("members", Q(members__status=Member.FAILED)),
            "total_count": Count("members"),
        }
        return rows.select_related(*related).prefetch_related("stages__approved_by", "rehearsals").annotate(**counts)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        new = Button(title="New rollout", link=_new_address(), icon="rocket_launch", variant=ActionVariant.PRIMARY)
        return super().changelist_view(request, {"buttons": [new], "title": "Rollouts", **(extra_context or {})})

    def new_view(self, request: HttpRequest) -> HttpResponse:
        """A draft is made, and its page is next."""
        form = NewRolloutForm(request.POST if request.method == "POST" else None, initial=request.GET.dict())
        if request.method == "POST" and form.is_valid():
            try:
                draft = rollout_draft(form.cleaned_data, acting(request))
            except ServiceError as error:
                field = field_of(error)
                form.add_error(field if field in form.fields else None, str(error))
            else:
                messages.success(request, "This is the draft. Nothing happens before you start it.")
                return redirect(address_of(draft))
        back = reverse("admin:provisioning_rollout_changelist")
        context = {**self.admin_site.each_context(request), "title": "New rollout", "form": form, "back": back}
        return TemplateResponse(request, "admin/rollout_new.html", context)

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponseBase:
        """The page, as far as it is known now; it asks for the rest itself."""
        if request.method != "GET":
            raise PermissionDenied
        rollout = self._found(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Rollout of {rollout}",
            "opts": self.opts,
            "is_fullwidth": "1",
            **self._live(request, rollout),
        }
        return TemplateResponse(request, "admin/rollout.html", context)

    def live_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The live part anew; nothing (204) while it is as it was seen."""
        context = self._live(request, self._found(request, object_id))
        if context["seen"] == request.GET.get("seen"):
            return HttpResponse(status=204)
        return TemplateResponse(request, "admin/rollout_live.html", context)

    def cell_view(self, _request: HttpRequest, object_id: str, member_id: int) -> HttpResponse:
        """From a cell to what explains it."""
        members = RolloutMember.objects.select_related("operation", "instance")
        return redirect(cell_address(get_object_or_404(members, pk=member_id, rollout=unquote(object_id))))

    def ask(self, request: HttpRequest, deed: Deed, target: Any, back: str) -> HttpResponse:
        if isinstance(deed, RolloutDeed) and target.is_emergency and deed.is_usual:
            deed = replace(deed, destroys=True)
        if isinstance(deed, RolloutDeed):
            deed = replace(deed, explanation=f"{deed.explanation} {deed.tells(target)}".strip())
        return super().ask(request, deed, target, back)

    def chosen(self, request: HttpRequest, _deed: Deed) -> dict[str, str]:
        return request.GET.dict()

    def buttons(self, target: Any, only: Any = None) -> list[Button]:
        buttons = super().buttons(target, only)
        if only is None and target.status in SUPERSEDABLE and not hasattr(target, "superseded_by"):
            address = f"{_new_address()}?{urlencode({'supersedes': target.pk})}"
            new = Button(title="Supersede", link=address, icon="move_up", variant=ActionVariant.DEFAULT)
            buttons.insert(-2, new)
        return buttons

    def _found(self, request: HttpRequest, object_id: str) -> Rollout:
        rollout: Rollout | None = self.get_object(request, unquote(object_id))
        if rollout is None:
            raise Http404
        return rollout

    def _live(self, request: HttpRequest, rollout: Rollout) -> dict[str, Any]:
        shown = render_to_string("admin/rollout_shown.html", page_of(rollout, self.buttons(rollout)), request)
        seen = blake2s(shown.encode()).hexdigest()
        live = reverse("admin:provisioning_rollout_live", args=[rollout.pk])
        return {
            "shown": mark_safe(shown),  # noqa: S308 - it was escaped by its template
            "seen": seen,
            "live_address": f"{live}?{urlencode({'seen': seen})}" if is_live(rollout) else "",
        }

    @admin.display(description="Rollout", ordering="release__app_version")
    def brings(self, rollout: Rollout) -> SafeString:
        urgent = format_html(" {}", pill("emergency", look="late")) if rollout.is_emergency else ""
        name = format_html('<span class="whole">{}{}</span>', rollout, urgent)
        return format_html('{}<br><span class="id whole">{}</span>', name, rollout.pk)

    @admin.display(description="Status", ordering="status")
    def state(self, rollout: Rollout) -> SafeString:
        return rollout_pill(rollout)

    @admin.display(description="Stage", ordering="stage_position")
    def stage(self, rollout: Rollout) -> SafeString:
        stages = list(rollout.stages.all())
        name = next((stage.name for stage in stages if stage.position == rollout.stage_position), "")
        words = stage_in_words(rollout, len(stages))
        return format_html('<span class="tabular">{}</span><br><span class="id">{}</span>', words, name)

    @admin.display(description="Instances", ordering="total_count")
    def turns(self, rollout: Any) -> SafeString:
        failed = f"{rollout.failed_count} failed"
        bad = format_html(', <strong class="turned-bad">{}</strong>', failed) if rollout.failed_count else f", {failed}"
        return format_html(
            '<span class="tabular">{} done{}</span><br><span class="id tabular">of {}</span>',
            rollout.done_count,
            bad,
            rollout.total_count,
        )

    @admin.display(description="Started", ordering="started_at")
    def started(self, rollout: Rollout) -> SafeString | str:
        return when(rollout.started_at)

    @admin.display(description="By", ordering="created_by__email")
    def by(self, rollout: Rollout) -> str:
        return rollout.created_by.email if rollout.created_by else "the portal"


def _new_address() -> str:
    return reverse("admin:provisioning_rollout_new")
