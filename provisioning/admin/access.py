"""Access to instances: who asks, what is open, and the look itself, which nobody has without the customer's consent."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from portal.core import clock
from portal.core.admin.deeds import Answers, Button, Deed, PageWithDeeds, ReasonForm
from portal.core.admin.pages import NarrowedFilter, NobodyEdits, acting
from portal.core.admin.words import pill, when
from portal.core.audit import Actor
from portal.core.errors import ServiceError
from provisioning.admin.links import instance_link
from provisioning.fleet.access import is_asked, is_open, open_at, state_at, waiting_at
from provisioning.models import Access, Instance, InstanceStatus
from provisioning.models.access import FEWEST_MINUTES, MOST_MINUTES
from provisioning.selectors.access import looks_by
from provisioning.services.access import access_ask, access_break_glass, access_end, access_withdraw
from provisioning.services.looking import Sight, What, Wish, access_look

USUAL_MINUTES = 60
OPEN, ASKED, OVER = 0, 1, 2
LOOKS = {"asked": "waiting", "granted": "running", "refused": "cancelled", "lapsed": "late", "ended": "done"}
WORDS = {"asked": "waits for the customer", "granted": "open", "lapsed": "not answered"}
CUSTOMER_READS = "The customer reads it, and the audit keeps it for good."
TABS = {What.PODS: "Pods", What.EVENTS: "Events", What.REVISIONS: "Revisions"}


class AskForm(ReasonForm):
    ticket = forms.CharField(max_length=80, widget=UnfoldAdminTextInputWidget, help_text="The customer reads it.")
    minutes = forms.IntegerField(
        label="For so many minutes",
        min_value=FEWEST_MINUTES,
        max_value=MOST_MINUTES,
        initial=USUAL_MINUTES,
        widget=UnfoldAdminTextInputWidget({"type": "number"}),
        help_text="From the moment when it is agreed to. It ends by itself.",
    )
    field_order = ("ticket", "minutes", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = CUSTOMER_READS


def _ask(instance: Instance, answers: Answers, actor: Actor) -> str:
    access_ask(instance=instance, actor=actor, **{name: answers[name] for name in ("reason", "ticket", "minutes")})
    return "Its owners and admins have been asked, by mail. You get one when they have decided."


def _withdraw(access: Access, answers: Answers, actor: Actor) -> str:
    access_withdraw(access=access, actor=actor, reason=answers["reason"])
    return "It is asked for no longer."


def _break_glass(access: Access, answers: Answers, actor: Actor) -> str:
    access_break_glass(access=access, actor=actor, reason=answers["reason"])
    return f"{access.asked_by.email} may look now. The customer is being told."


def _end(access: Access, answers: Answers, actor: Actor) -> str:
    access_end(access=access, actor=actor, reason=answers["reason"])
    return "It is over. Nobody looks by it any more."


ASK = Deed(
    name="access",
    title="Ask for access",
    explanation="Nobody may look into an instance unless its owners or admins agree. They are asked now, by mail. You "
    "would see pods, events, revisions and the end of logs: no shell, no data.",
    do=_ask,
    is_possible=lambda instance: instance.status != InstanceStatus.DELETED,
    form=AskForm,
    icon="visibility",
)
WITHDRAW = Deed(
    name="withdraw",
    title="Withdraw",
    explanation="It is asked for no longer.",
    do=_withdraw,
    is_possible=lambda access: is_asked(access, clock.now()),
    icon="undo",
)
BREAK_GLASS = Deed(
    name="breakglass",
    title="Break glass",
    explanation="You agree in the customer's place, because it cannot wait. All of their owners and admins are told at "
    "once: who looks, who agreed, and why. They can end it at any moment.",
    do=_break_glass,
    is_possible=lambda access: is_asked(access, clock.now()),
    icon="report",
    destroys=True,
)
END = Deed(
    name="end",
    title="End it now",
    explanation="Nobody looks by it any more.",
    do=_end,
    is_possible=lambda access: is_open(access, clock.now()),
    icon="block",
)


class StateFilter(NarrowedFilter):
    usual = "Waiting or open"
    title = "state"
    parameter_name = "state"

    def lookups(self, _request: HttpRequest, _page: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("glass", "Glass was broken"), ("all", "All")]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Access]) -> QuerySet[Access]:
        now = clock.now()
        chosen = {"all": Q(), "open": open_at(now), "glass": Q(is_break_glass=True)}
        return rows.filter(chosen.get(self.value() or "", open_at(now) | waiting_at(now)))


def state_of(access: Access) -> SafeString:
    """In a word, as time has made it."""
    state = state_at(access, clock.now())
    word = "open, glass broken" if state == "granted" and access.is_break_glass else WORDS.get(state, state)
    return pill(word, look=LOOKS.get(state, "cancelled"))


@admin.register(Access)
class AccessPage(NobodyEdits, PageWithDeeds):
    change_form_template = "admin/access.html"
    list_display = ("whose", "standing", "who", "why", "ends", "asked")
    list_display_links = ("whose",)
    list_filter = (StateFilter,)
    search_fields = ("instance__slug", "instance__id", "asked_by__email", "ticket", "reason")
    search_help_text = "Instance, who asked, ticket or reason"
    fields = (
        ("of", "standing"),
        ("who", "ticket"),
        ("reason", "minutes"),
        ("asked", "ends"),
        ("decided", "decided_reason"),
        "ended",
    )
    readonly_fields = ("of", "standing", "who", "asked", "ends", "decided", "ended")
    deeds: ClassVar = (WITHDRAW, BREAK_GLASS, END)

    def get_queryset(self, _request: HttpRequest) -> QuerySet[Access]:
        now = clock.now()
        rank = Case(
            When(open_at(now), then=Value(OPEN)),
            When(waiting_at(now), then=Value(ASKED)),
            default=Value(OVER),
            output_field=IntegerField(),
        )
        related = ("instance__organization", "asked_by", "decided_by", "ended_by")
        return Access.objects.annotate(rank=rank).select_related(*related)

    def get_ordering(self, _request: HttpRequest) -> tuple[str, ...]:
        return ("rank", "-asked_at")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.look_view))
        return [path("<path:object_id>/look/", view, name="provisioning_access_look"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        return super().changelist_view(request, {"title": "Access", **(extra_context or {})})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponseBase:
        access = self.get_object(request, unquote(object_id)) if object_id else None
        shown = {"buttons": self._buttons(request, access), "looks": _looks(access)} if access else {}
        return super().changeform_view(request, object_id, form_url, {**shown, **(extra_context or {})})

    def look_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What was asked to be seen, by an open access alone; each time is in the customer's audit."""
        access, wish = self.get_object(request, unquote(object_id)), _wish_of(request)
        if access is None or wish is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": f"A look into {access.instance}",
            "opts": self.opts,
            "access": access,
            "back": self._address("change", access),
            "wish": wish,
            "tabs": [(what.value, title) for what, title in TABS.items()],
            **_sight_of(access, wish, acting(request)),
        }
        return TemplateResponse(request, "admin/look.html", context)

    def _buttons(self, request: HttpRequest, access: Access) -> list[Button]:
        """Who has asked cannot break the glass, and nobody else can look."""
        is_own = access.asked_by_id == request.user.pk
        names = {deed.name for deed in self.deeds} - ({BREAK_GLASS.name} if is_own else set())
        looking = [self._look_button(access)] if is_own and is_open(access, clock.now()) else []
        return [*looking, *self.buttons(access, names)]

    def _look_button(self, access: Access) -> Button:
        link = self._address("look", access)
        return Button(title="Look", link=link, icon="visibility", variant=ActionVariant.PRIMARY)

    @admin.display(description="Instance", ordering="instance__slug")
    def whose(self, access: Access) -> SafeString:
        return format_html('{}<br><span class="id whole">{}</span>', access.instance, access.instance.organization.name)

    @admin.display(description="Instance")
    def of(self, access: Access) -> SafeString:
        return instance_link(access.instance)

    @admin.display(description="State", ordering="rank")
    def standing(self, access: Access) -> SafeString:
        return state_of(access)

    @admin.display(description="Who", ordering="asked_by__email")
    def who(self, access: Access) -> str:
        return access.asked_by.email

    @admin.display(description="Why")
    def why(self, access: Access) -> SafeString:
        return format_html('<span class="clipped" title="{0}">{0}</span>', access.reason)

    @admin.display(description="Ends", ordering="ends_at")
    def ends(self, access: Access) -> SafeString | str:
        return when(access.ends_at)

    @admin.display(description="Asked", ordering="asked_at")
    def asked(self, access: Access) -> SafeString | str:
        return when(access.asked_at)

    @admin.display(description="Decided")
    def decided(self, access: Access) -> SafeString | str:
        return (
            format_html("{}, {}", access.decided_by.email, when(access.decided_at)) if access.decided_by else "not yet"
        )

    @admin.display(description="Ended")
    def ended(self, access: Access) -> SafeString | str:
        by = access.ended_by.email if access.ended_by else "by itself"
        return format_html("{}, {}", when(access.ended_at), by) if access.ended_at else when(None)


def _wish_of(request: HttpRequest) -> Wish | None:
    """What the address asks for: the pods unless it says otherwise."""
    pod, container = request.GET.get("pod", ""), request.GET.get("container", "")
    what = request.GET.get("what", What.PODS)
    if what not in set(What) or (what == What.LOG and not (pod and container)):
        return None
    return Wish(What(what), pod, container)


def _sight_of(access: Access, wish: Wish, actor: Actor) -> dict[str, Sight | str | None]:
    try:
        return {"sight": access_look(access=access, wish=wish, actor=actor), "why_not": ""}
    except ServiceError as error:
        return {"sight": None, "why_not": str(error)}


def _looks(access: Access) -> list[dict[str, Any]]:
    return [{"at": look.at, **look.details} for look in looks_by([access])[access.pk]]
