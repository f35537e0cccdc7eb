"""What may be done from the admin: a button, a small form, one service, and its sentence when it will not."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypedDict

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from portal.core.admin.pages import Page, acting
from portal.core.audit import Actor
from portal.core.errors import ServiceError

Answers = dict[str, Any]


class DeedForm(forms.Form):
    """What is asked before the deed. `target` is what it is done to."""

    def __init__(self, *args: Any, target: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.target = target


class ReasonForm(DeedForm):
    reason = forms.CharField(
        max_length=500, help_text="Kept in the audit for good.", widget=UnfoldAdminTextareaWidget({"rows": 3})
    )


class NamedReasonForm(ReasonForm):
    """For what destroys: the name is to be typed."""

    confirmation = forms.CharField(max_length=80, widget=UnfoldAdminTextInputWidget({"autocomplete": "off"}))
    field_order: tuple[str, ...] = ("confirmation", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["confirmation"].label = f"Type “{self.name_to_type()}” to confirm"

    def name_to_type(self) -> str:
        return str(self.target)


@dataclass(frozen=True)
class Deed:
    """Something that can be done to a row. `do` calls one service and answers what is then true, as a sentence."""

    name: str
    title: str
    explanation: str
    do: Callable[[Any, Answers, Actor], str]
    is_possible: Callable[[Any], bool] = lambda _target: True
    form: type[DeedForm] = ReasonForm
    icon: str = "bolt"
    is_usual: bool = False  # the one thing that one comes to the page for
    destroys: bool = False


class Button(TypedDict):
    """A deed that is possible now, as unfold's template for buttons wants it."""

    title: str
    link: str
    icon: str
    variant: ActionVariant


class PageWithDeeds(Page):
    """Its rows have buttons for the deeds that are possible in their state, and only for those.

    `list_deeds` are done to no row in particular; their `do` is given None.
    """

    deeds: ClassVar[Sequence[Deed]] = ()
    list_deeds: ClassVar[Sequence[Deed]] = ()

    def get_urls(self) -> list[URLPattern]:
        name, view = f"{self.opts.app_label}_{self.opts.model_name}", self.admin_site.admin_view
        return [
            path("do/<slug:deed_name>/", view(self.list_deed_view), name=f"{name}_listdeed"),
            path("<path:object_id>/do/<slug:deed_name>/", view(self.deed_view), name=f"{name}_deed"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        buttons = [_button(deed, self._list_address("listdeed", deed.name)) for deed in self.list_deeds]
        context = {"buttons": buttons, **(extra_context or {})}
        answer: HttpResponseBase = super().changelist_view(request, context)
        return answer

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponseBase:
        target = self.get_object(request, unquote(object_id)) if object_id else None
        context = {"buttons": self.buttons(target) if target else (), **(extra_context or {})}
        answer: HttpResponseBase = super().changeform_view(request, object_id, form_url, context)
        return answer

    def buttons(self, target: Model, only: Collection[str] | None = None) -> list[Button]:
        """What can be done to the row now, or those of it that are named in `only`."""
        offered = [deed for deed in self.deeds if only is None or deed.name in only]
        return [_button(deed, self._address("deed", target, deed.name)) for deed in offered if deed.is_possible(target)]

    def deed_view(self, request: HttpRequest, object_id: str, deed_name: str) -> HttpResponse:
        """Asks, does, and goes back to the row; a refusal of the service stays on the form as its sentence."""
        target, deed = self.target_and_deed(request, object_id, deed_name)
        back = self._address("change", target)
        if not deed.is_possible(target):
            messages.warning(request, f"“{deed.title}” is not possible any more: things have moved on.")
            return redirect(back)
        return self.ask(request, deed, target, back)

    def target_and_deed(self, request: HttpRequest, object_id: str, deed_name: str) -> tuple[Any, Deed]:
        """Raises Http404 when there is no such row, or it knows no such deed."""
        target = self.get_object(request, unquote(object_id))
        deed = next((deed for deed in self.deeds if deed.name == deed_name), None)
        if target is None or deed is None:
            raise Http404
        return target, deed

    def list_deed_view(self, request: HttpRequest, deed_name: str) -> HttpResponse:
        deed = next((deed for deed in self.list_deeds if deed.name == deed_name), None)
        if deed is None:
            raise Http404
        return self.ask(request, deed, None, self._list_address("changelist"))

    def ask(self, request: HttpRequest, deed: Deed, target: Any, back: str) -> HttpResponse:
        form = deed.form(
            request.POST if request.method == "POST" else None, target=target, initial=self.chosen(request, deed)
        )
        if request.method == "POST" and form.is_valid():
            try:
                messages.success(request, deed.do(target, form.cleaned_data, acting(request)))
                return redirect(back)
            except ServiceError as error:
                form.add_error(error.field if error.field in form.fields else None, str(error))
        context = {
            **self.admin_site.each_context(request),
            "title": deed.title,
            "deed": deed,
            "form": form,
            "target": target,
            "opts": self.opts,
            "back": back,
            **self.beside(request, deed, target, form),
        }
        return TemplateResponse(request, "admin/deed.html", context)

    def beside(self, _request: HttpRequest, _deed: Deed, _target: Any, _form: DeedForm) -> dict[str, Any]:
        """What else the confirmation page shows, as its template's context."""
        return {}

    def chosen(self, _request: HttpRequest, _deed: Deed) -> dict[str, str]:
        """What the form begins with, by field."""
        return {}

    def _list_address(self, view: str, *more: str) -> str:
        return reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_{view}", args=more)

    def _address(self, view: str, target: Model, *more: str) -> str:
        name = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_{view}"
        return reverse(name, args=(target.pk, *more))


def _button(deed: Deed, link: str) -> Button:
    variant = ActionVariant.PRIMARY if deed.is_usual else ActionVariant.DEFAULT
    return Button(title=deed.title, link=link, icon=deed.icon, variant=variant)
